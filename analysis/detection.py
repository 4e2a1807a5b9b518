#!/usr/bin/python3
"""Tells how fast hunts have found what is broken: tries, median and worst time for each primitive and what it was found by most
often (the disturbance, the load and the oracle), and all in one line.

    detection.py results/latest          exit status 1 if a try has found nothing, 2 if the run cannot be used
"""

import sys
from collections import Counter
from dataclasses import dataclass

import records
import stats
import style

STATUS_MISSED, STATUS_USAGE = 1, 2
# What counts as fast, in seconds: the limit for a median.
FAST_S = 0.3
FOUND = frozenset(("CORRUPT", "WEDGED", "CRASHED"))


@dataclass(frozen=True)
class Row:
    """One broken primitive: the times of the tries that found it, in seconds, and how many tries there were."""

    sync: str
    family: str
    times: tuple
    tried: int
    ways: tuple = ()

    @property
    def missed(self):
        return self.tried - len(self.times)

    @property
    def median(self):
        """Over all tries: infinite where half of them or more found nothing."""
        return stats.median(list(self.times) + [float("inf")] * self.missed) if self.tried else float("inf")

    @property
    def worst(self):
        return float("inf") if self.missed else max(self.times)

    @property
    def way(self):
        """What has found it most often, and how often; the first of equals."""
        if not self.ways:
            return ""
        way, count = Counter(self.ways).most_common(1)[0]
        return f"{way} {count}/{len(self.ways)}"


def is_try(trial):
    """Was this a hunt for something that is known to be broken?"""
    return trial.hunted and trial.expect in FOUND and trial.interrupted is None


def way_of(trial):
    """The slice that found something, as `FAULT, LOAD: ORACLE`; the oracle is the kind of violation seen most, or the verdict."""
    load, _, fault = (trial.slice or "").partition(" fault ")
    oracle = max(trial.kinds, key=trial.kinds.get) if trial.kinds else trial.verdict
    return f"{fault}, {load.split(' ')[0]}: {oracle}" if fault else oracle


def rows(run):
    """The broken primitives of the run's hunts, those found soonest first."""
    tries = {}
    for trial in filter(is_try, run.judged):
        tries.setdefault(trial.point.sync, []).append(trial)
    found = [_row(sync, trials) for sync, trials in tries.items()]
    return sorted(found, key=lambda row: (row.median, row.worst, row.sync))


def _row(sync, trials):
    hits = [trial for trial in trials if trial.verdict in FOUND and trial.found_s is not None]
    return Row(sync, trials[0].family or "", tuple(trial.found_s for trial in hits), len(trials), tuple(map(way_of, hits)))


def _time(seconds):
    return "-" if seconds == float("inf") else style.duration(seconds * 1e9)


def table(found):
    """The lines of the table."""
    width = max(len(row.sync) for row in found)
    lines = [f"{'primitive':{width}}  {'family':8} {'found':>7}  {'median':>8}  {'worst':>8}  most often by"]
    for row in found:
        share = f"{len(row.times)}/{row.tried}"
        lines.append(f"{row.sync:{width}}  {row.family:8} {share:>7}  {_time(row.median):>8}  {_time(row.worst):>8}  {row.way}")
    return lines


def summary(found):
    """All of it in one line."""
    medians = [row.median for row in found]
    tried, times = sum(row.tried for row in found), sum(len(row.times) for row in found)
    slow = sum(median >= FAST_S for median in medians)
    return (f"{style.plural(len(found), 'broken primitive')}: {times} of {style.plural(tried, 'try', 'tries')} found; "
            f"median of the medians {_time(stats.median(medians))}, slowest median {_time(max(medians))}, "
            f"slowest try {_time(max(row.worst for row in found))}; {slow} with a median of {style.seconds(FAST_S)} or more")


def main(arguments=None):
    """Returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        print("usage: detection.py RUN", file=sys.stderr)
        return STATUS_USAGE
    try:
        found = rows(records.read(arguments[0]))
    except records.DataError as error:
        print(f"detection: {error}", file=sys.stderr)
        return STATUS_USAGE
    if not found:
        print(f"detection: {arguments[0]}: no hunt for anything broken in this run; try: shmoo run detect", file=sys.stderr)
        return STATUS_USAGE
    print("\n".join(table(found) + [summary(found)]))
    return STATUS_MISSED if any(row.missed for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
