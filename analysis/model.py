"""What is kept of a run while its records are read: trials, their crews, and the points that they are repeats of."""

import os
from collections import Counter
from dataclasses import dataclass, field

from conditions import Point
from course import Course
from histogram import merged


@dataclass(slots=True)
class Crew:
    """The workers of one trial, reduced: their operations by role, CPU time, and how those ended that failed.

    `ops` holds a list of each role's operations in the order of the workers. `cpu_s` and `involuntary` are sums over
    the workers, None if one of them lacks the figure. `casualties` counts (role, phase, exit) of every worker that did
    not exit with status 0.
    """

    workers: int = 0
    ops: dict = field(default_factory=dict)
    cpu_s: float | None = 0.0
    involuntary: int | None = 0
    casualties: Counter = field(default_factory=Counter)
    # Where each was pinned, in the order of the records; None where it was not.
    cpus: list = field(default_factory=list)
    # Nanoseconds that each took to map its memory, of those that tell it.
    map_ns: list = field(default_factory=list)

    def fairness(self):
        """Least over most operations among workers of the same role, the worst role; None without workers."""
        shares = [min(ops) / max(ops) for ops in self.ops.values() if max(ops)]
        return min(shares) if shares else None

    def jain(self):
        """Jain's index of the workers of one role, the worst role: 1 where all did the same, 1/n where one did all."""
        indices = [sum(ops) ** 2 / (len(ops) * sum(value * value for value in ops))
                   for ops in self.ops.values() if max(ops)]
        return min(indices) if indices else None


@dataclass(slots=True)
class Latency:
    """What one trial's merged histogram says; a percentile without enough samples beyond it is None."""

    count: int
    p50: float | None
    p99: float | None
    max: int | None


@dataclass(slots=True)
class Death:
    """What became of the others when a fault had killed somebody on purpose; times are None where there was none."""

    outcome: str
    recovery_s: float | None = None
    data: str | None = None


@dataclass(slots=True)
class Trial:
    """One trial with its verdict; `verdict` is None when the run was killed while it was under way."""

    number: int
    point: Point
    repeat: int
    seed: int | None
    expect: str | None
    job: str | None = None
    sampling: int | None = None
    replay: str | None = None
    duration_s: float | None = None
    # The same in both of two trials that were run next to each other by two builds.
    pair: tuple | None = None
    verdict: str | None = None
    as_expected: bool | None = None
    reason: str = ""
    ops: int = 0
    seconds: float | None = None
    ops_per_s: float | None = None
    window_s: float | None = None
    # System calls an operation by the primitive's own code, and context switches, both kinds; None where not counted.
    calls_per_op: float | None = None
    voluntary_per_op: float | None = None
    involuntary_per_op: float | None = None
    minor_faults: int | None = None
    # A cache line's way from one worker's CPU to another's and back.
    line_ns: float | None = None
    violations: int = 0
    kinds: dict = field(default_factory=dict)
    exposure: dict = field(default_factory=dict)
    interrupted: str | None = None
    family: str | None = None
    found_s: float | None = None
    hunted: bool = False
    slice: str | None = None
    crew: Crew = field(default_factory=Crew)
    evidence: list = field(default_factory=list)
    faults: int = 0
    # (start, end or None) in seconds of the first of them, (end, length, operations) of its intervals, offsets of torn reads.
    windows: list = field(default_factory=list)
    intervals: list = field(default_factory=list)
    tears: list = field(default_factory=list)
    # Latencies over time, merged over the roles; of no further trials of its point, once one of them tells something.
    course: Course | None = None
    bytes_per_s: float | None = None
    # (ns, seconds from the gate) of the longest wait.
    longest: tuple | None = None
    fault_words: tuple = ()
    fault_parameter: float | None = None
    death: Death | None = None
    acquire: Latency | None = None
    # By name, merged over the roles; only where the reader was asked to keep them.
    distributions: dict = field(default_factory=dict)


@dataclass(slots=True)
class PointData:
    """The judged trials of one point, and their histograms added up by (name, role)."""

    trials: list = field(default_factory=list)
    histograms: dict = field(default_factory=dict)

    def histogram(self, name):
        """The histogram of this name, merged over the roles; None if there is none."""
        return of_name(self.histograms, name)


@dataclass
class Run:
    """Everything a report is made of."""

    path: str
    header: dict
    host: dict = field(default_factory=dict)
    hosts: list = field(default_factory=list)
    end: dict | None = None
    trials: dict = field(default_factory=dict)
    points: dict = field(default_factory=dict)
    # What the clock of the latencies is and costs, of the first verdict that tells it: one machine's.
    meter: dict = field(default_factory=dict)
    warnings: list = field(default_factory=list)
    truncated: bool = False
    bytes: int = 0

    @property
    def folder(self):
        return os.path.dirname(os.path.abspath(self.path))

    @property
    def judged(self):
        """The trials that have a verdict, in the order in which they ran."""
        return [trial for trial in self.trials.values() if trial.verdict is not None]


def of_name(histograms, name):
    """The histogram of this name, merged over the roles; None if there is none."""
    return merged(found for (found_name, _), found in histograms.items() if found_name == name)
