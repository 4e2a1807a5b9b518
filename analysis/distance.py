"""Tells trials apart by how far their CPUs were from each other: a host may move those of a virtual machine while a run lasts."""

import math

# So many times as far is more than where on one chip two CPUs are.
MOVED = 3


def moved(trials):
    """(least, most) of the ways of a cache line in nanoseconds, if they are so unlike that the CPUs must have moved; or None."""
    ways = [trial.line_ns for trial in trials if trial.line_ns]
    return (min(ways), max(ways)) if ways and max(ways) >= MOVED * min(ways) else None


def at_one(pools):
    """({primitive: trials}, how many were left out): those at one distance, where the CPUs moved and every primitive has some there."""
    found = moved([trial for trials in pools.values() for trial in trials])
    if not found:
        return pools, 0
    middle = math.sqrt(found[0] * found[1])
    sides = [{sync: [trial for trial in trials if trial.line_ns and (trial.line_ns < middle) == near] for sync, trials in pools.items()}
             for near in (True, False)]
    kept = max(sides, key=lambda side: (min(map(len, side.values())), sum(map(len, side.values()))))
    if not all(kept.values()):
        return pools, 0
    return kept, sum(map(len, pools.values())) - sum(map(len, kept.values()))
