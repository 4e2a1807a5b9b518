"""The contents page of the formats that a run can be written in: a new format is one file and one row here."""

from dataclasses import dataclass

import export_benchmark
import export_ci
import export_crash
import export_csv
import export_hdr
import export_markdown
import export_openmetrics
import export_recommendation


@dataclass(frozen=True)
class Format:
    """A format: `text` makes all of it from a run that was read with keep=metrics.LATENCIES, or `files` a dict of names to texts."""

    name: str
    summary: str
    text: object = None
    files: object = None


FORMATS = (
    Format("markdown", "the summary page of a CI job", export_markdown.text),
    Format("junit", "JUnit XML, a case a trial", export_ci.junit),
    Format("tap", "Test Anything Protocol 14, a point a trial", export_ci.tap),
    Format("csv", "one line a trial, with a header", export_csv.text),
    Format("benchmark", "throughput for github-action-benchmark (customBiggerIsBetter)", export_benchmark.bigger),
    Format("benchmark-latency", "latencies for github-action-benchmark (customSmallerIsBetter)", export_benchmark.smaller),
    Format("openmetrics", "OpenMetrics text", export_openmetrics.text),
    Format("recommendation", "which primitive serves what best, as lines of JSON", export_recommendation.text),
    Format("crash", "the crash matrix, as tables in markdown", export_crash.text),
    Format("hdr", "HdrHistogram percentile text, a file a distribution", files=export_hdr.files),
)


def named(name):
    """The format of this name; None if there is none."""
    return next((one for one in FORMATS if one.name == name), None)
