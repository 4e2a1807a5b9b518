"""Compares two runs: which conditions they share, whose verdicts got worse, which figures changed, and how sure that is.

    found = comparison.compare(run_a, run_b, Terms(threshold=0.05))
    found.status                    5 a figure got worse, 1 a verdict did, 4 nothing could be compared, 0 else

A judgement is never drawn from a lack of data: what has too few repeats, or spreads too widely, is undecided.
"""

from collections import Counter
from dataclasses import dataclass, field

from scipy import stats as scipy_stats

import change
import metrics
import points
import stats
import style
from conditions import replaced

STATUS_SAME, STATUS_VERDICT, STATUS_USAGE, STATUS_ENVIRONMENT, STATUS_NOTHING, STATUS_WORSE = 0, 1, 2, 3, 4, 5
WORSE, BETTER, SAME, UNDECIDED, FEW = "worse", "better", "no change", "undecided", "too few repeats"
WEAKER = "weaker"
# "No change" rests on an interval, and that of fewer values promises more than it can keep.
FEWEST_FOR_SAME = 6
# So many trials, all of them odd where none was before, are no chance: odd verdicts, and trials that came to none.
FEWEST_ODD, FEWEST_UNPROVEN = 3, 8
# A figure of such a trial is that of something that has done its work; INCONCLUSIVE says that little met, as in a crew of one.
SOUND = frozenset(("CLEAN", "INCONCLUSIVE"))
UNPROVEN = frozenset(("INCONCLUSIVE", "UNSUPPORTED"))


@dataclass(frozen=True)
class Terms:
    """What counts: from which relative change on, and how seldom all judgements together may raise one false alarm."""

    threshold: float = 0.05
    confidence: float = 0.99
    metrics: tuple = ("throughput", "cpu")


@dataclass
class Judgement:
    """What one figure does under one condition (`point`), or under all of one primitive and load taken together."""

    metric: metrics.Metric
    load: str
    sync: str
    point: object
    conditions: int
    change: change.Change | None
    says: str = UNDECIDED
    why: str = ""
    p: float | None = None

    @property
    def loss(self):
        """The relative change in the metric's bad direction: 0.1 is a throughput 10 % lower, or a cost 10 % higher."""
        return (1 - self.change.ratio) if self.metric.higher_is_better else self.change.ratio - 1


@dataclass
class VerdictChange:
    """The verdicts of one condition on both sides; `says` is worse, better, no change, or weaker (it proves less)."""

    point: object
    a: list
    b: list
    says: str
    why: str = ""


@dataclass
class Comparison:
    """All of it, in the order of A's plan; `only_a` and `only_b` are conditions that the other run does not have."""

    a: object
    b: object
    terms: Terms
    paired: bool
    verdicts: list = field(default_factory=list)
    judgements: list = field(default_factory=list)
    only_a: list = field(default_factory=list)
    only_b: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    unsound: int = 0

    @property
    def status(self):
        if not self.verdicts:
            return STATUS_NOTHING
        if any(verdict.says == WORSE for verdict in self.verdicts):
            return STATUS_VERDICT
        return STATUS_WORSE if self.count(WORSE) else STATUS_SAME

    def count(self, *words):
        """How many judgements say one of these words."""
        return sum(judgement.says in words for judgement in self.judgements)


def compare(run_a, run_b, terms):
    """The comparison of two runs."""
    found = Comparison(run_a, run_b, terms, interleaved(run_a, run_b))
    sides_a, sides_b = _pools(run_a), _pools(run_b)
    sides_a, sides_b = _without_lone_fields(found, sides_a, sides_b), _without_lone_fields(found, sides_b, sides_a)
    shared = [point for point in sides_a if point in sides_b]
    found.only_a = [point for point in sides_a if point not in sides_b]
    found.only_b = [point for point in sides_b if point not in sides_a]
    limit = (1 - terms.confidence) / max(1, len(shared))
    found.verdicts = [_verdicts(point, sides_a[point], sides_b[point], limit) for point in shared]
    found.unsound = sum(1 for point in shared if not (_sound(sides_a[point]) and _sound(sides_b[point])))
    _note_lengths(found, shared, sides_a, sides_b)
    for name in terms.metrics:
        found.judgements += _judgements(found, metrics.named(name), shared, sides_a, sides_b)
    _judge(found)
    return found


def interleaved(run_a, run_b):
    """Were these runs made trial by trial in turns? Most trials of either then have a partner in the other."""
    pairs = [{trial.pair for trial in run.judged} - {None} for run in (run_a, run_b)]
    if run_a.path == run_b.path:
        return False
    return 2 * len(pairs[0] & pairs[1]) > max(len(run_a.judged), len(run_b.judged))


def _pools(run):
    """The trials by their conditions; what an interrupt has cut short is no repeat."""
    pools = {}
    for trial in run.judged:
        if not trial.interrupted:
            pools.setdefault(trial.point, []).append(trial)
    return pools


def _without_lone_fields(found, pools, others):
    """The pools without conditions that only this side records, and always with one value: an older version wrote none."""
    recorded = {name for point in others for name, _ in point.extra}
    values = {}
    for point in pools:
        for name, value in point.extra:
            values.setdefault(name, Counter())[value] += 1
    alone = {name for name, seen in values.items()
             if name not in recorded and len(seen) == 1 and sum(seen.values()) == len(pools)}
    for name in sorted(alone):
        found.notes.append(f"only one of the runs records {name} (always {next(iter(values[name]))}): it is left out, and if "
                           "the other run had another value, this comparison says nothing")
    if not alone:
        return pools
    return {replaced(point, extra=tuple(entry for entry in point.extra if entry[0] not in alone)): trials
            for point, trials in pools.items()}


def _note_lengths(found, shared, sides_a, sides_b):
    """Trials of unlike lengths are compared, but somebody should know."""
    unlike = sum(1 for point in shared if abs(_length(sides_a[point]) - _length(sides_b[point])) > 0.01)
    if unlike:
        found.notes.append(f"at {style.plural(unlike, 'condition')} the trials of A and B were planned to last differently long: "
                           "maxima and far percentiles depend on that")


def _length(trials):
    """The logarithm of the median planned length, 0 where it is not planned."""
    known = [trial.duration_s for trial in trials if trial.duration_s]
    return change.log_ratios([1.0], [stats.median(known)])[0] if known else 0.0


# --- verdicts ---------------------------------------------------------------------------------------------------------

def _rank(trial):
    """How bad a verdict is: 0 as expected, 1 not as expected, and nothing broke; beyond, the higher the worse."""
    if trial.as_expected:
        return 0
    return 1 + (len(style.SEVERITY) - style.severity(trial.verdict) if trial.verdict in style.BROKEN else 0)


def _proves(trial):
    return bool(trial.as_expected) and trial.verdict not in UNPROVEN


def _verdicts(point, a, b, limit):
    """What became of a condition's verdicts. One that broke is enough; what chance may bring about must be more than that."""
    found = VerdictChange(point, a, b, SAME)
    worst_a, worst_b = max(map(_rank, a)), max(map(_rank, b))
    odd_a, odd_b = sum(map(bool, map(_rank, a))), sum(map(bool, map(_rank, b)))
    proven_a, proven_b = sum(map(_proves, a)), sum(map(_proves, b))
    if worst_b > max(worst_a, 1):
        found.says, found.why = WORSE, _unexpected(b, odd_b)
    elif _clearly_more(odd_a, a, odd_b, b, limit):
        found.says, found.why = WORSE, f"{_unexpected(b, odd_b)}; in A {odd_a} of {len(a)}"
    elif all(trial.verdict == "UNSUPPORTED" for trial in b) and proven_a:
        found.says, found.why = WORSE, "UNSUPPORTED now"
    elif _clearly_more(len(a) - proven_a, a, len(b) - proven_b, b, limit, FEWEST_UNPROVEN):
        found.says, found.why = WORSE, f"{proven_b} of {len(b)} trials came to a verdict, in A {proven_a} of {len(a)}"
    elif worst_b < worst_a > 1:
        found.says, found.why = BETTER, f"in A {_unexpected(a, odd_a)}"
    elif odd_b > odd_a:
        found.says, found.why = WEAKER, f"{_unexpected(b, odd_b)}; in A {odd_a} of {len(a)}; chance may explain that"
    elif proven_a and not proven_b:
        found.says, found.why = WEAKER, f"no trial of B came to a verdict, in A {proven_a} of {len(a)}"
    return found


def _clearly_more(odd_a, a, odd_b, b, limit, all_of=FEWEST_ODD):
    """Are so many more of B odd that chance does not explain it? All of at least `all_of`, and none of A, are."""
    if odd_b == len(b) >= all_of and not odd_a:
        return True
    return odd_b > 0 and _more_often(odd_a, len(a), odd_b, len(b)) < limit


def _unexpected(trials, number):
    odd = [trial for trial in trials if not trial.as_expected]
    words = points.named_list(f"{word}" for word, _ in points.verdict_counts(odd))
    return f"{number} of {len(trials)} unexpected: {words}"


def _more_often(odd_a, n_a, odd_b, n_b):
    """The probability that chance alone would have put so many of the odd ones into B (Fisher's exact test)."""
    return float(scipy_stats.fisher_exact([[odd_b, n_b - odd_b], [odd_a, n_a - odd_a]], alternative="greater")[1])


# --- figures ----------------------------------------------------------------------------------------------------------

def _sound(trials):
    """The trials whose figures mean something, if most are; a condition that broke is no matter of speed."""
    kept = [trial for trial in trials if trial.verdict in SOUND and trial.as_expected]
    return kept if 2 * len(kept) > len(trials) else []


def _judgements(found, metric, shared, sides_a, sides_b):
    """One judgement for each condition that has the figure on both sides, then those of several taken together."""
    alone = []
    for seed, point in enumerate(shared):
        a, b = _sound(sides_a[point]), _sound(sides_b[point])
        measured = _change(metric, a, b, found.paired, seed)
        if measured:
            alone.append(Judgement(metric, point.load, point.sync, point, 1, measured))
    families = {}
    for judgement in alone:
        families.setdefault((judgement.load, judgement.sync), []).append(judgement)
    taken = [Judgement(metric, load, sync, None, len(members), change.together([one.change for one in members]))
             for (load, sync), members in families.items() if len(members) > 1]
    return taken + alone


def _change(metric, a, b, is_paired, seed):
    """The change of a figure under one condition; None where a side has none."""
    if is_paired:
        partners = {trial.pair: trial for trial in b if trial.pair}
        a = [trial for trial in a if trial.pair in partners]
        b = [partners[trial.pair] for trial in a]
        both = [(one, other) for one, other in zip(a, b) if metric.of(one) is not None and metric.of(other) is not None]
        a, b = [one for one, _ in both], [other for _, other in both]
    else:
        a = [trial for trial in a if metric.of(trial) is not None]
        b = [trial for trial in b if metric.of(trial) is not None]
    if not a or not b:
        return None
    return metrics.change_of(metric, a, b, is_paired, seed)


def _judge(found):
    """Fills in what each judgement says. Conditions and those taken together share the allowance for false alarms."""
    taken = [one for one in found.judgements if one.point is None]
    alone = [one for one in found.judgements if one.point is not None]
    families = [family for family in (taken, alone) if family]
    for family in families:
        allowance = (1 - found.terms.confidence) / len(families)
        tested = [one for one in family if one.change.least_p <= allowance]
        adjusted = change.holm([one.change.p for one in tested])
        for one, p in zip(tested, adjusted):
            one.p = min(1.0, p * len(families))
        for one in family:
            _say(one, found.terms, allowance / max(1, len(tested)))


def _say(one, terms, limit):
    measured = one.change
    clear = one.p is not None and one.p < 1 - terms.confidence
    within = measured.interval and abs(measured.interval.low - 1) < terms.threshold > abs(measured.interval.high - 1)
    if clear and abs(one.loss) >= terms.threshold:
        one.says = WORSE if one.loss > 0 else BETTER
    elif within and min(measured.n_a, measured.n_b) >= FEWEST_FOR_SAME:
        one.says = SAME
        one.why = f"less than {style.share(terms.threshold)} of it" if clear else ""
    elif one.p is None:
        one.says, one.why = FEW, f"{_repeats(measured)}: too few to be sure of anything"
    elif clear:
        one.why = f"changed, but perhaps by less than {style.share(terms.threshold)}"
    elif measured.least_p > limit:
        one.why = f"{_repeats(measured)}: too few to be sure of one among so many conditions"
    else:
        one.why = "too much noise for so few repeats"


def _repeats(measured):
    return style.plural(measured.n_a, "repeat") if measured.n_a == measured.n_b else \
        f"{measured.n_a} and {style.plural(measured.n_b, 'repeat')}"
