"""Adds up what trials of equal conditions have counted: verdicts, operations, exposure, and whole histograms.

Nothing is averaged: a percentile is read from what its histograms add up to, by whoever wants one.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

from conditions import point_fields
from course import Course, added
from histogram import Histogram
from lines import of_kind
from records import point_of

COUNTED = ("ops", "writer_ops", "reader_ops", "violations")
NUMBER = (int, float)


@dataclass
class Total:
    """The sums of one host and point."""

    host: str | None
    point: dict
    trials: int = 0
    as_expected: int = 0
    seconds: float = 0.0
    verdicts: Counter = field(default_factory=Counter)
    counts: Counter = field(default_factory=Counter)
    kinds: Counter = field(default_factory=Counter)
    exposure: Counter = field(default_factory=Counter)
    histograms: dict = field(default_factory=dict)
    courses: dict = field(default_factory=dict)
    apart: dict = field(default_factory=dict)


class Totals:
    """Takes the records of trials one after the other; `records()` tells the sums."""

    def __init__(self):
        self.found, self.open = {}, None

    def add(self, record):
        """Takes one record; what a trial without a verdict has left does not count."""
        kind = record["type"]
        if kind == "trial":
            point = point_fields(point_of(record))
            host = point.pop("host", None)
            self.open = (json.dumps([host, point], sort_keys=True), host, point, [])
        elif kind in ("histogram", "course"):
            self.open[3].append(record)
        elif kind == "verdict":
            self._verdict(record)

    def _verdict(self, record):
        key, host, point, latencies = self.open
        total = self.found.setdefault(key, Total(host, point))
        total.trials += 1
        total.as_expected += bool(record.get("as_expected"))
        total.verdicts[str(record.get("verdict"))] += 1
        total.seconds += number(record.get("seconds"))
        total.counts.update({name: number(record.get(name)) for name in COUNTED})
        total.kinds.update(_numbers(record.get("violations_by_kind")))
        total.exposure.update(_numbers(record.get("exposure")))
        for latency in latencies:
            (self._histogram if latency["type"] == "histogram" else self._course)(total, latency)

    def _histogram(self, total, record):
        key = record["name"], record["role"], record.get("unit", "ns"), record["sub_bits"]
        sum_of = total.histograms.setdefault(key, Histogram(record["sub_bits"]))
        sum_of.add(record["buckets"], record["count"], record["sum"], record["min"], record["max"])

    def _course(self, total, record):
        key = record["name"], record["role"]
        course = Course.of(record["name"], record["sub_bits"], record["interval_s"], record["intervals"])
        try:
            if key not in total.apart:
                total.courses[key] = added([total.courses[key], course] if key in total.courses else [course])
        except ValueError as error:
            total.apart[key] = str(error)
            del total.courses[key]

    def records(self):
        """A `total` record for each host and point, in the order in which they were met."""
        for total in self.found.values():
            host = {} if total.host is None else {"host": total.host}
            yield {"type": "total", **host, "point": total.point, "trials": total.trials, "as_expected": total.as_expected,
                   "verdicts": dict(sorted(total.verdicts.items())), "seconds": round(total.seconds, 9),
                   **{name: total.counts[name] for name in COUNTED}, "violations_by_kind": dict(sorted(total.kinds.items())),
                   "exposure": dict(sorted(total.exposure.items())),
                   "histograms": [_histogram_fields(key, total.histograms[key]) for key in sorted(total.histograms)],
                   "courses": [_course_fields(key, total) for key in sorted(total.courses | total.apart)]}


def _histogram_fields(key, histogram):
    name, role, unit, sub_bits = key
    return {"name": name, "role": role, "unit": unit, "count": histogram.count, "sum": histogram.sum, "min": histogram.min,
            "max": histogram.max, "sub_bits": sub_bits, "buckets": sorted([index, count] for index, count in histogram.counts.items())}


def _course_fields(key, total):
    name, role = key
    course = total.courses.get(key)
    return {"name": name, "role": role, "unit": "ns", **(course.record_fields() if course else {"apart": total.apart[key]})}


def number(value):
    """The value, 0 where it is none."""
    return value if of_kind(value, NUMBER) else 0


def _numbers(record):
    return {name: value for name, value in record.items() if of_kind(value, NUMBER)} if isinstance(record, dict) else {}
