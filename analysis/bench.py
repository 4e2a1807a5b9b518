#!/usr/bin/python3
"""Runs the benchmarks, and prints each figure with its spread, and the bound beside it.

    bench.py PROGRAM ...     each prints lines of JSON: bench, what, unit, bound, ours, bare; one line a round

What else a program prints, is shown as it comes. A figure is the median of the rounds' own ratios of ours to bare, which were
measured right after each other, with the bootstrap interval of that median. A bound is kept, missed, or, where the interval holds
it, open. Speed fails nothing: the exit status is 0 unless a program could not be run.
"""
import json
import math
import subprocess
import sys

import stats

FEWEST_ROUNDS = 15


def run(program):
    """(exit status, records by the name of their benchmark, in order); shows the other lines."""
    found = {}
    with subprocess.Popen(program.split(), stdout=subprocess.PIPE, text=True) as process:
        for text in process.stdout:
            if text.startswith("{"):
                record = json.loads(text)
                found.setdefault(record["bench"], []).append(record)
            else:
                print(text, end="", flush=True)
    return process.returncode, found


def judged(bound, middle):
    """`kept`, `missed` or `open`, of a bound such as "<= 1.10" or "0.97 - 1.03"; an empty string where there is none."""
    if not bound:
        return ""
    words = bound.split()
    if words[0] == "<=":
        least, most = 0, float(words[1])
    elif words[0] == ">=":
        least, most = float(words[1]), math.inf
    else:
        least, most = float(words[0]), float(words[2])
    low, high = (middle.interval.low, middle.interval.high) if middle.interval else (middle.median, middle.median)
    if least <= low and high <= most:
        return "kept"
    return "missed" if high < least or low > most else "open"


def line(name, rows):
    """One figure of the table."""
    ratios = [row["ours"] / row["bare"] for row in rows]
    middle = stats.middle(ratios)
    spread = f"{middle.interval.low:.3f} to {middle.interval.high:.3f}" if middle.interval else "-"
    few = f" ({len(rows)} rounds)" if len(rows) < FEWEST_ROUNDS else ""
    ours, bare = (stats.median([row[key] for row in rows]) for key in ("ours", "bare"))
    return (f"{name:26} {ours:9.4g} {bare:9.4g} {rows[0]['unit']:5} {middle.median:7.3f}  {spread:16} {rows[0]['bound']:11} "
            f"{judged(rows[0]['bound'], middle):7}{few}")


def table(found):
    print(f"{'figure':26} {'ours':>9} {'bare':>9} {'':5} {'ratio':>7}  {'95 % interval':16} {'bound':11}")
    for name, rows in found.items():
        print(line(name, rows))
    for name, rows in found.items():
        if rows[0]["what"]:
            print(f"    {name}: {rows[0]['what']}")


def main(programs):
    status = 0
    for program in programs:
        print(f"== {program}", flush=True)
        code, found = run(program)
        if found:
            table(found)
        if code:
            print(f"bench: {program}: exit status {code}", file=sys.stderr)
            status = 3
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
