"""Says of a measured grid which primitive serves which conditions best, by which figures, how sure that is, and where it flips.

    found = recommend.recommend(run)        # a run that was read with keep=metrics.LATENCIES
    found.choices                           # one for each condition and criterion: the best, and those as good
    found.flips                             # neighbouring conditions that ask for another primitive
    found.summaries                         # for each load and criterion: who is best how often, and who is never far behind
    found.survivals                         # what became of those who outlived a death

Only what came out CLEAN is recommended. A difference that the repeats do not show clearly is a tie, and is called one.
"""

from dataclasses import dataclass, field

import numpy
from scipy import stats as scipy_stats

import change
import distance
import metrics
import points
import stats
import style
from conditions import NO_FAULT, replaced

# Of fewer repeats no uncertainty can be told, so that nothing is better than anything.
FEWEST = 3
# Less than this is no reason to prefer one primitive to another.
MARGIN = 0.05
CLEAR, TIE, FEW, NOBODY, ALONE = "clear", "tie", "too few repeats", "nobody", "alone"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Criterion:
    """By what primitives are told apart, and what it is called."""

    name: str
    words: str
    metric: metrics.Metric


def _jain(trial):
    """Jain's index of a crew in which somebody can be passed over."""
    index = trial.crew.jain()
    return index if index is not None and max(map(len, trial.crew.ops.values())) > 1 else None


FAIRNESS = metrics.Metric("jain", "fairness of the workers (Jain)", True, lambda value: f"{value:.3f}", _jain, "")
CRITERIA = (Criterion("throughput", "throughput", metrics.named("throughput")), Criterion("tail", "tail (99 %)", metrics.named("p99")),
            Criterion("fairness", "fairness", FAIRNESS))


@dataclass
class Figure:
    """What one primitive comes to: the median of its trials, or the percentile of all they add up to."""

    sync: str
    value: float
    interval: stats.Interval | None
    n: int
    # The same of resampled trials, drawn independently of everybody else's.
    resampled: object
    # How much worse than the best: 0.1 is a throughput 10 % lower, or a latency 10 % higher. With its interval.
    loss: float = 0.0
    loss_interval: stats.Interval | None = None
    tied: bool = False


@dataclass
class Choice:
    """Who serves one condition best by one criterion; figures are in order, the best first."""

    criterion: Criterion
    condition: object
    figures: list
    excluded: dict
    says: str = NOBODY

    @property
    def best(self):
        """The names of the best and of those that are as good, as far as the repeats tell."""
        return [figure.sync for figure in self.figures if figure.tied]


@dataclass
class Flip:
    """Two conditions that differ in one axis only, and ask for different primitives."""

    criterion: Criterion
    axis: str
    before: Choice
    after: Choice

    @property
    def cost(self):
        """What the best of before loses at after."""
        name = self.before.figures[0].sync
        return next((figure.loss for figure in self.after.figures if figure.sync == name), None)


@dataclass
class Summary:
    """One load and criterion over all its conditions: who is best or as good how often; who loses least where it is worst."""

    criterion: Criterion
    load: str
    conditions: int
    wins: dict
    safest: str | None
    worst_loss: float | None
    worst_at: object | None
    everywhere: list


@dataclass
class Survival:
    """What became of the survivors of deaths of a primitive's users; `interval` is of the share that went on."""

    sync: str
    deaths: int
    recovered: int
    torn: int
    outcomes: dict
    interval: stats.Interval
    holds: bool


@dataclass
class Recommendation:
    """All of it."""

    choices: list = field(default_factory=list)
    flips: list = field(default_factory=list)
    summaries: list = field(default_factory=list)
    survivals: list = field(default_factory=list)
    # Trials that ran while the CPUs were at another distance from each other.
    elsewhere: int = 0


def recommend(run):
    """The recommendation of a run."""
    broken = _broken(run)
    found = Recommendation(survivals=_survivals(run, broken))
    for condition, pools in _conditions(run).items():
        excluded = {sync: why for sync, trials in pools.items() if (why := _objection(sync, trials, broken))}
        sound, left_out = distance.at_one({sync: [trial for trial in trials if trial.verdict == "CLEAN"]
                                           for sync, trials in pools.items() if sync not in excluded})
        found.elsewhere += left_out
        for criterion in CRITERIA:
            choice = _choice(criterion, condition, sound, excluded)
            if choice:
                found.choices.append(choice)
    found.flips = list(_flips(found.choices))
    found.summaries = list(_summaries(found.choices))
    return found


# --- who may be recommended -------------------------------------------------------------------------------------------

def _usual(trial):
    """Nobody was killed on purpose: what breaks then says something about the primitive itself."""
    return trial.death is None and not trial.interrupted


def _broken(run):
    """For each primitive that broke anywhere, although nobody was killed, the worst verdict: it is recommended nowhere."""
    found = {}
    for trial in run.judged:
        if _usual(trial) and trial.verdict in style.BROKEN:
            found[trial.point.sync] = min(found.get(trial.point.sync, trial.verdict), trial.verdict, key=style.severity)
    return found


def _conditions(run):
    """For each condition (a point without its primitive) the trials of each primitive, where there is a choice of two or more."""
    found = {}
    for trial in run.judged:
        if _usual(trial):
            found.setdefault(replaced(trial.point, sync=""), {}).setdefault(trial.point.sync, []).append(trial)
    return {condition: pools for condition, pools in found.items() if len(pools) > 1}


def _objection(sync, trials, broken):
    """Why a primitive cannot be recommended; empty if it can."""
    here = [word for word, _ in points.verdict_counts(trials) if word in style.BROKEN]
    if here:
        return f"{here[0]} here"
    if sync in broken:
        return f"{broken[sync]} elsewhere in this run"
    if any(not trial.as_expected for trial in trials):
        return "not as expected"
    clean = sum(trial.verdict == "CLEAN" for trial in trials)
    if 2 * clean <= len(trials):
        return f"{clean} of {len(trials)} CLEAN"
    return ""


# --- choices ----------------------------------------------------------------------------------------------------------

def _choice(criterion, condition, sound, excluded):
    """The choice under one condition among the sound trials of those who are not excluded; None where nobody has the figure."""
    figures = []
    for seed, (sync, trials) in enumerate(sound.items()):
        usable = [trial for trial in trials if criterion.metric.of(trial) is not None]
        if usable:
            figures.append(_figure(criterion.metric, sync, usable, seed))
    if not figures and not (excluded and criterion is CRITERIA[0]):
        return None
    higher = criterion.metric.higher_is_better
    figures.sort(key=lambda figure: (-figure.value if higher else figure.value, figure.sync))
    choice = Choice(criterion, condition, figures, excluded)
    _tell_apart(choice)
    return choice


def _figure(metric, sync, trials, seed):
    if metric.fraction is None:
        values = [metric.of(trial) for trial in trials]
        value, resampled = stats.median(values), stats.resampled_medians(values, stats.SEED + seed)
    else:
        value, resampled = metrics.merged_percentile(trials, metric.fraction, stats.SEED + seed)
    return Figure(sync, value, _interval(resampled, len(trials)), len(trials), resampled)


def _interval(resampled, repeats):
    return stats.Interval(*stats.ends(resampled)) if repeats >= stats.FEWEST_FOR_INTERVAL else None


def _tell_apart(choice):
    """Compares everybody with the best, and says whether it is clear who that is."""
    figures = choice.figures
    if not figures:
        return
    best = figures[0]
    best.tied = True
    for figure in figures[1:]:
        figure.loss, figure.loss_interval = _loss(choice.criterion.metric, best, figure)
        surely = figure.loss_interval is not None and figure.loss_interval.low > 0
        figure.tied = not (surely and figure.loss >= MARGIN)
    if min(figure.n for figure in figures) < FEWEST:
        choice.says = FEW
    elif len(figures) == 1:
        choice.says = ALONE
    else:
        choice.says = TIE if sum(figure.tied for figure in figures) > 1 else CLEAR


def _loss(metric, best, figure):
    """(relative loss, its interval) against the best."""
    ratios = numpy.exp(change.log_ratios([best.value, *best.resampled], [figure.value, *figure.resampled]))
    losses = 1 - ratios if metric.higher_is_better else ratios - 1
    return float(losses[0]), _interval(losses[1:], min(best.n, figure.n))


# --- where it flips ---------------------------------------------------------------------------------------------------

POPULATION = "population"


def axes_of(condition):
    """The value of each axis of a condition; writers and readers are one, in the order of the crew's size."""
    values = {name: value for name, value in vars(condition).items() if name not in ("sync", "writers", "readers", "extra")}
    values.update(dict(condition.extra))
    values[POPULATION] = (condition.writers + condition.readers, condition.writers)
    return values


def _flips(choices):
    """Flips along each axis between conditions next to each other that agree in all others; of faults, from none to each."""
    for axis, line in _lines(choices):
        line.sort(key=lambda entry: _order(entry[0]))
        pairs = list(zip(line, line[1:]))
        if axis == "fault":
            pairs = [(line[0], entry) for entry in line[1:]] if line[0][0] == NO_FAULT else []
        for (_, before), (_, after) in pairs:
            if before.says in (CLEAR, TIE) and after.says in (CLEAR, TIE) and not set(before.best) & set(after.best):
                yield Flip(before.criterion, axis, before, after)


def _lines(choices):
    """(axis, [(value, choice)]) of the choices that differ in one axis only."""
    lines = {}
    for choice in choices:
        values = axes_of(choice.condition)
        for axis, value in values.items():
            if axis == "fault" or not isinstance(value, str):
                rest = tuple(sorted((name, str(other)) for name, other in values.items() if name != axis))
                lines.setdefault((choice.criterion.name, axis, rest), []).append((value, choice))
    return [(axis, line) for (_, axis, _), line in lines.items() if len(line) > 1]


def _order(value):
    """Sorting key of an axis: what is absent first, no fault before all faults."""
    if isinstance(value, str):
        return value != NO_FAULT, value
    return value is not None, value if isinstance(value, tuple) else (value or 0,)


def _summaries(choices):
    families = {}
    for choice in choices:
        if choice.says in (CLEAR, TIE):
            families.setdefault((choice.condition.load, choice.criterion.name), []).append(choice)
    for (load, _), members in families.items():
        yield _summary(load, members)


def _summary(load, members):
    wins, losses = {}, {}
    for choice in members:
        for figure in choice.figures:
            wins[figure.sync] = wins.get(figure.sync, 0) + figure.tied
            losses.setdefault(figure.sync, []).append((figure.loss, choice.condition))
    whole = {sync: max(found, key=lambda entry: entry[0]) for sync, found in losses.items() if len(found) == len(members)}
    safest = min(whole, key=lambda sync: (whole[sync][0], sync), default=None)
    order = sorted(wins, key=lambda sync: (-wins[sync], sync))
    return Summary(members[0].criterion, load, len(members), {sync: wins[sync] for sync in order if wins[sync]}, safest,
                   whole[safest][0] if safest else None, whole[safest][1] if safest else None,
                   [sync for sync in order if wins[sync] == len(members)])


# --- crashes ----------------------------------------------------------------------------------------------------------

def _survivals(run, broken):
    """What became of the survivors, for each primitive whose users were killed; the most robust first."""
    found = {}
    for trial in run.judged:
        if trial.death is not None and not trial.interrupted:
            found.setdefault(trial.point.sync, []).append(trial)
    rows = [_survival(sync, trials) for sync, trials in found.items() if sync not in broken and not _must_break(trials)]
    return sorted(rows, key=lambda row: (-row.recovered / row.deaths, -row.deaths, row.sync))


def _must_break(trials):
    """Is this a control, which breaks whether somebody dies or not?"""
    return all(trial.expect == "CORRUPT" for trial in trials)


def _survival(sync, trials):
    whole = [trial for trial in trials if trial.death.outcome == "recovered"]
    outcomes = {}
    for trial in trials:
        outcomes[trial.death.outcome] = outcomes.get(trial.death.outcome, 0) + 1
    test = scipy_stats.binomtest(len(whole), len(trials)).proportion_ci(CONFIDENCE)
    return Survival(sync, len(trials), len(whole), sum(trial.death.data == "torn" for trial in trials), outcomes,
                    stats.Interval(float(test.low), float(test.high)), len(whole) == len(trials))
