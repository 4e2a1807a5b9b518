"""Writes latencies as the percentile text of HdrHistogram, which its plotters read: one file for each distribution, in ns."""

import math
import re

import points
from histogram import low, mid
from conditions import NO_FAULT

# So many rows from one half of the remaining way to 100 % to the next.
TICKS = 5
SUFFIX = ".hgrm"
MOST_NAME = 180


def files(run):
    """A text for each point and histogram, all roles added up, by a name for its file."""
    namer, made = points.SettingsNamer(run.points), {}
    for point, data in run.points.items():
        for name in dict.fromkeys(name for name, _ in data.histograms):
            fault = [point.fault] if point.fault not in (NO_FAULT, "") else []
            words = [point.load, point.sync, points.population(point), str(point.size), *fault, *namer.words(point), name]
            stem = re.sub(r"[^A-Za-z0-9.+]+", "-", "-".join(word for word in words if word)).strip("-.")[:MOST_NAME]
            number = 1
            while (file := stem + (f"-{number}" if number > 1 else "") + SUFFIX) in made:
                number += 1
            made[file] = text(data.histogram(name))
    return made


def text(histogram):
    """The percentile text of one histogram."""
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    for value, percentile, count in rows(histogram):
        rest = "" if percentile == 100 else f" {1 / (1 - percentile / 100):14.2f}"
        lines.append(f"{value:12.3f} {percentile / 100:2.12f} {count:10d}{rest}")
    mean, deviation = moments(histogram)
    lines += [f"#[Mean    = {mean:12.3f}, StdDeviation   = {deviation:12.3f}]",
              f"#[Max     = {histogram.max:12.3f}, Total count    = {histogram.count:12d}]",
              f"#[Buckets = {64 - histogram.sub_bits:12d}, SubBuckets     = {2 << histogram.sub_bits:12d}]"]
    return "\n".join(lines) + "\n"


def rows(histogram):
    """(value, percentile, samples up to there): the last value of the step in which each percentile lies, 100 % at the end."""
    level, total = 0.0, 0
    indices = sorted(histogram.counts)
    for index in indices:
        total += histogram.counts[index]
        value = min(low(index + 1, histogram.sub_bits) - 1, histogram.max)
        while level < 100 and 100 * total / histogram.count >= level:
            yield value, level, total
            level += 100 / (TICKS * 2 ** (int(math.log2(100 / (100 - level))) + 1))
            if index == indices[-1]:
                break
    yield histogram.max, 100.0, histogram.count


def moments(histogram):
    """(mean, standard deviation), the latter from the middles of the steps."""
    mean = histogram.sum / histogram.count
    spread = sum(count * (mid(index, histogram.sub_bits) - mean) ** 2 for index, count in histogram.counts.items())
    return mean, math.sqrt(spread / histogram.count)


