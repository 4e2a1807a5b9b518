"""Gathers what became of the survivors where a fault killed on purpose, by primitive, place and manner of the death."""

from collections import Counter
from dataclasses import dataclass, field

import points
import stats
import style

# In the order of an operation; then what the harness may know besides.
PLACES = ("before", "waiting", "within", "writing", "inside", "releasing", "after", "anywhere")
MANNERS = ("kill", "segv", "abort", "exit", "_exit", "exec", "unmap", "stop")
# Outcome: the verdict whose look it has, and a glyph of its own where the verdict's would say less.
OUTCOMES = {"recovered": ("CLEAN", "✓"), "wedged": ("WEDGED", "‖"), "permit lost": ("WEDGED", "⊖"),
            "corrupt": ("CORRUPT", "✗"), "aborted": ("CRASHED", "‡"), "crashed": ("CRASHED", "†"),
            "inconclusive": ("INCONCLUSIVE", "?")}
SEVERITY = ("corrupt", "crashed", "aborted", "wedged", "permit lost", "inconclusive", "recovered")
# So many numbers of one place and manner make a sweep: the words of a record, or the stores of an operation.
SWEEP = 3


def _rank(words, word):
    return words.index(word) if word in words else len(words)


@dataclass(frozen=True)
class Blow:
    """How somebody was killed."""

    place: str
    manner: str
    others: tuple = ()
    number: float | None = None

    @property
    def order(self):
        return (_rank(PLACES, self.place), self.place, _rank(MANNERS, self.manner), self.manner, self.others,
                self.number is not None, self.number or 0)

    @property
    def kind(self):
        """Without the number: a sweep goes over those that differ in nothing else."""
        return self.place, self.manner, self.others

    @property
    def kills(self):
        """Who is only stopped goes on."""
        return self.manner != "stop"

    @property
    def manner_words(self):
        return " ".join((self.manner, *self.others))


@dataclass
class Cell:
    """The trials of one primitive and one blow."""

    trials: list = field(default_factory=list)

    @property
    def outcomes(self):
        """(outcome, count), the worst first."""
        counts = Counter(trial.death.outcome for trial in self.trials)
        return sorted(counts.items(), key=lambda item: SEVERITY.index(item[0]) if item[0] in SEVERITY else -1)

    @property
    def leading(self):
        """The outcome that names the cell and how many trials had it: the most frequent, of equal ones the worst."""
        outcome, count = max(self.outcomes, key=lambda item: item[1])
        return outcome, count

    @property
    def odd(self):
        return sum(1 for trial in self.trials if not trial.as_expected)

    @property
    def expected(self):
        return points.named_list(sorted({trial.expect or "?" for trial in self.trials}))

    @property
    def times(self):
        """Seconds from the death to the next acquisition by somebody else, where one came."""
        return sorted(trial.death.recovery_s for trial in self.trials if trial.death.recovery_s is not None)

    @property
    def looked_at(self):
        """How many trials could tell whether the data are whole."""
        return sum(1 for trial in self.trials if trial.death.data is not None)

    @property
    def torn(self):
        return sum(1 for trial in self.trials if trial.death.data == "torn")


@dataclass
class Block:
    """All cells of one load, population and size: cells[sync][blow]."""

    load: str
    writers: int
    readers: int
    size: int
    cells: dict = field(default_factory=dict)

    @property
    def title(self):
        return f"load {self.load}, {self.writers}w{self.readers}r, {style.size(self.size)}"

    @property
    def blows(self):
        return sorted({blow for row in self.cells.values() for blow in row}, key=lambda blow: blow.order)

    def sweeps(self):
        """The blows that differ in their number only, three or more of them, by what they share."""
        kinds = {}
        for blow in self.blows:
            if blow.number is not None:
                kinds.setdefault(blow.kind, []).append(blow)
        return {kind: blows for kind, blows in kinds.items() if len(blows) >= SWEEP}

    def matrix(self):
        """The blows of the matrix: of a sweep only the one whose number other manners have, too, or the middle one."""
        left_out = set()
        for kind, blows in self.sweeps().items():
            others = {blow.number for blow in self.blows if blow.place == kind[0] and blow.kind != kind}
            kept = next((blow for blow in blows if blow.number in others), blows[len(blows) // 2])
            left_out.update(set(blows) - {kept})
        return [blow for blow in self.blows if blow not in left_out]

    def pooled(self, sync, blows):
        """One cell of all these blows against one primitive; None if there was none."""
        trials = [trial for blow in blows for trial in self.cells[sync].get(blow, Cell()).trials]
        return Cell(trials) if trials else None


def look_of(outcome):
    """(look of a verdict, glyph) of an outcome; of an unknown one, too."""
    word, glyph = OUTCOMES.get(outcome, (None, "…"))
    return style.verdict_look(word), glyph


def _blow(trial):
    words = trial.fault_words
    place, manner = (*words, "", "")[:2]
    # What is left of the words is named only where it is not the default, which says nothing.
    others = tuple(word for word in words[2:] if word not in ("one", "for-good"))
    counted = place in ("inside", "within", "writing") and trial.fault_parameter is not None
    return Blow(place, manner, others, trial.fault_parameter if counted else None)


def is_death(trial):
    """Was somebody to be killed, or stopped, at a place that is known?"""
    return trial.death is not None and len(trial.fault_words) >= 2


def blocks(run):
    """The blocks of a run in the order of its plan."""
    found = {}
    for trial in filter(is_death, run.judged):
        point = trial.point
        key = point.load, point.writers, point.readers, point.size
        row = found.setdefault(key, Block(*key)).cells.setdefault(point.sync, {})
        row.setdefault(_blow(trial), Cell()).trials.append(trial)
    return list(found.values())


def spread(times):
    """`53 us (41 us to 2.1 ms)` of some times in seconds; `never` of none."""
    if not times:
        return "never"
    middle = style.duration(stats.median(times) * 1e9)
    return middle if len(times) == 1 else f"{middle} ({style.duration(times[0] * 1e9)} to {style.duration(times[-1] * 1e9)})"
