"""Checks each format that a run can be written in with a reader that is not ours, and the figures against others' arithmetic."""

import csv
import io
import json
import os
import re
from collections import Counter

import numpy
import pytest

import export_hdr
import exports
import metrics
import records
import report
import synthetic
from histogram import Histogram, low
from test_compare import read_by_perl

EVIL = "a|b<i>*x*\"',;\n# `tick`\\"
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "results", "schema.json")
WORDS = ("CLEAN", "CORRUPT", "INCONCLUSIVE", "ERROR", "UNSUPPORTED", "WEDGED")


@pytest.fixture(name="run", scope="module")
def run_fixture(tmp_path_factory):
    """A run with every sort of trial in it, a nasty name, and deaths."""
    recipe = synthetic.Recipe(syncs=("none", "mutex", "spin", "rwlock", EVIL), populations=((1, 0), (2, 2)), faults=("none", "die:inside:kill:one:1"),
                              repeats=6, samples=400, verdicts=(("rwlock", WORDS),))
    return records.read(synthetic.write(str(tmp_path_factory.mktemp("run")), recipe), keep=metrics.LATENCIES)


def text_of(run, name):
    return exports.named(name).text(run)


def test_junit_is_read_by_junitparser(run):
    reader = pytest.importorskip("junitparser")
    suite = next(iter(reader.JUnitXml.fromstring(text_of(run, "junit").encode())))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (120, 12, 4, 4)
    failing = [case for case in suite if any(isinstance(one, reader.Failure) for one in case.result)]
    assert {case.result[0].type for case in failing} == {"CORRUPT", "WEDGED", "INCONCLUSIVE"} and "shmoo run" in failing[0].result[0].text


def test_tap_is_read_by_perl(run):
    assert read_by_perl(text_of(run, "tap")) == (120, 16, 4, 0)


def test_what_was_killed_is_no_pass(tmp_path):
    run = records.read(synthetic.write(str(tmp_path), synthetic.Recipe(syncs=("mutex",), ending="open")))
    assert "Bail out!" in text_of(run, "tap") and "all trials of the plan" in text_of(run, "junit")
    assert "shmoo_run_complete 0" in text_of(run, "openmetrics") and "no end record" in text_of(run, "markdown")


def test_openmetrics_is_read_by_prometheus_client(run):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    families = {family.name: family for family in parser.text_string_to_metric_families(text_of(run, "openmetrics"))}
    trials = families["shmoo_trials"].samples
    assert sum(sample.value for sample in trials) == 120 and EVIL in {sample.labels["sync"] for sample in trials}
    assert sum(sample.value for sample in families["shmoo_operations"].samples) == sum(trial.ops for trial in run.judged)
    counts = [sample for sample in families["shmoo_latency_seconds"].samples if sample.name.endswith("_count")]
    assert sum(sample.value for sample in counts) == sum(found.count for data in run.points.values() for found in data.histograms.values())
    throughput = families["shmoo_throughput_operations_per_second"].samples
    assert "none" not in {sample.labels["sync"] for sample in throughput}


def test_buckets_cumulate_exactly(run):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    families = {family.name: family for family in parser.text_string_to_metric_families(text_of(run, "openmetrics"))}
    point, data = next((point, data) for point, data in run.points.items() if point.sync == "mutex" and point.readers)
    histogram = data.histograms["acquire", "reader"]
    found = [sample for sample in families["shmoo_latency_seconds"].samples if sample.name.endswith("_bucket") and sample.labels["role"] == "reader"
             and (sample.labels["histogram"], sample.labels["sync"], sample.labels["fault"]) == ("acquire", "mutex", point.fault)]
    assert len(found) > 5
    for sample in found[:-1]:
        below = sum(count for index, count in histogram.counts.items() if low(index, histogram.sub_bits) <= float(sample.labels["le"]) * 1e9 + 1e-3)
        assert sample.value == below


def test_csv_is_read_by_the_csv_module(run):
    rows = list(csv.DictReader(io.StringIO(text_of(run, "csv"), newline="")))
    assert len(rows) == 120 and {row["sync"] for row in rows} >= {EVIL, "none"}
    for row, trial in zip(rows, run.judged):
        assert (int(row["trial"]), row["verdict"], int(row["ops"])) == (trial.number, trial.verdict, trial.ops)
        assert (float(row["ops_per_s"]) if row["ops_per_s"] else None) == trial.ops_per_s


ENTRY = {"type": "object", "required": ["name", "unit", "value"], "additionalProperties": False, "properties": {
    "name": {"type": "string"}, "unit": {"type": "string"}, "value": {"type": "number"}, "range": {"type": "string"}, "extra": {"type": "string"}}}


@pytest.mark.parametrize("name", ["benchmark", "benchmark-latency"])
def test_benchmark_has_the_fields_of_a_custom_result(run, name):
    jsonschema = pytest.importorskip("jsonschema")
    entries = json.loads(text_of(run, name))
    jsonschema.validate(entries, {"type": "array", "minItems": 1, "items": ENTRY})
    assert len({entry["name"] for entry in entries}) == len(entries) and not any(" none " in entry["name"] for entry in entries)


def test_benchmark_value_is_the_median(run):
    entry = next(entry for entry in json.loads(text_of(run, "benchmark")) if entry["name"] == "snapshot mutex 2w2r 64 B")
    rates = [trial.ops_per_s for trial in run.judged if (trial.point.sync, trial.point.readers, trial.point.fault) == ("mutex", 2, "none")]
    assert len(rates) == 6 and entry["value"] == numpy.median(rates) and entry["extra"].startswith("6 trials")


def test_markdown_is_read_by_markdown_it(run):
    reader = pytest.importorskip("markdown_it")
    written = text_of(run, "markdown")
    made = reader.MarkdownIt("commonmark").enable("table").render(written)
    assert "<h3>What broke</h3>" in made and "<h3>Which primitive</h3>" in made and "<h3>Who outlives a death</h3>" in made
    assert "<i>" not in made and "<em>" not in made and len(written) < 1 << 20
    assert all(row.count("<t") in (4, 6, 7, 8) for row in re.findall(r"<tr>.*?</tr>", made, re.S))


def test_recommendation_records_are_valid(run):
    jsonschema = pytest.importorskip("jsonschema")
    with open(SCHEMA, encoding="utf-8") as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    lines = [json.loads(line) for line in text_of(run, "recommendation").splitlines()]
    assert {line["type"] for line in lines} >= {"recommendation", "summary", "survival"}
    for line in lines:
        validator.validate(line)
        assert not validator.is_valid({**line, "criterion": 3, "sync": 3, "axis": 3})


# A line of HdrHistogram's percentile text, as its plotters take it apart.
HDR_LINE = re.compile(r" *([0-9.]+) +([01]\.[0-9]{12}) +([0-9]+)(?: +([0-9.]+))?$")


def test_hdr_percentiles_are_those_of_the_values():
    values = numpy.sort(numpy.random.Generator(numpy.random.PCG64(3)).lognormal(6, 2, 5000).astype(int) + 1)
    histogram = Histogram(synthetic.SUB_BITS)
    record = synthetic.histogram(1, "acquire", "writer", values)
    histogram.add(record["buckets"], record["count"], record["sum"], record["min"], record["max"])
    lines = export_hdr.text(histogram).splitlines()
    rows = [tuple(float(part) for part in HDR_LINE.match(line).groups(default="inf")) for line in lines[2:-3]]
    assert len(rows) > 40 and (rows[0][1], rows[-1]) == (0.0, (values[-1], 1.0, 5000.0, numpy.inf))
    for value, fraction, total, inverse in rows[:-1]:
        # The last value of a step: everything up to it has been counted.
        assert total == numpy.searchsorted(values, value, side="right") and total >= fraction * 5000
        assert value >= numpy.quantile(values, fraction, method="inverted_cdf") >= value * (1 - 2.0 ** -synthetic.SUB_BITS) - 1
        assert inverse == pytest.approx(1 / (1 - fraction), rel=1e-2)
    mean, deviation = map(float, re.match(r"#\[Mean *= *([0-9.]+), StdDeviation *= *([0-9.]+)\]$", lines[-3]).groups())
    assert mean == pytest.approx(values.mean(), abs=1e-3) and deviation == pytest.approx(values.std(), rel=0.05)
    assert re.match(r"#\[Max *= *([0-9.]+), Total count *= *5000\]$", lines[-2])


def test_hdr_is_what_another_implementation_writes():
    """analysis/reference.hgrm was written by hdr-histogram-js 3.0.1, of these values, with three digits and five ticks."""
    values = [number * number * 7 % 1999 + 1 for number in range(1, 301)]
    histogram = Histogram(10)
    histogram.add(sorted(Counter(values).items()), len(values), sum(values), min(values), max(values))
    with open(os.path.join(os.path.dirname(__file__), "reference.hgrm"), encoding="ascii") as file:
        reference = file.read().splitlines()
    ours = export_hdr.text(histogram).splitlines()
    assert ours[:-1] == reference[:-1]
    # How many buckets there are depends on the largest value that could have been counted.
    assert re.sub("= +[0-9]+, S", "S", ours[-1]) == re.sub("= +[0-9]+, S", "S", reference[-1])


def test_hdr_is_read_by_a_reader_of_columns(tmp_path):
    values = numpy.arange(1, 3001)
    histogram = Histogram(synthetic.SUB_BITS)
    record = synthetic.histogram(1, "acquire", "writer", values)
    histogram.add(record["buckets"], record["count"], record["sum"], record["min"], record["max"])
    path = tmp_path / "x.hgrm"
    path.write_text(export_hdr.text(histogram))
    read = numpy.genfromtxt(path, skip_header=2, comments="#", usecols=(0, 1, 2))
    assert read.shape[0] > 30 and not numpy.isnan(read).any() and (numpy.diff(read, axis=0) >= 0).all()
    assert read[-1].tolist() == [3000, 1, 3000] and numpy.genfromtxt(path, max_rows=1, dtype=str).tolist() == [
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"]


def test_hdr_has_a_file_for_each_distribution(run):
    files = exports.named("hdr").files(run)
    assert len(files) == sum(len({name for name, _ in data.histograms}) for data in run.points.values())
    assert all(re.fullmatch(r"[A-Za-z0-9.+-]+\.hgrm", name) for name in files)


def test_the_command_writes_formats(folder_of, tmp_path, capsys):
    folder, table = str(folder_of(syncs=("mutex",), repeats=1)), tmp_path / "x.csv"
    assert report.main([folder, "--format", "csv", "--out", str(table)]) == 0
    assert capsys.readouterr().out == f"{table}\n" and table.read_text().startswith("trial,job,load")
    assert report.main([folder, "--format", "hdr"]) == 0
    paths = capsys.readouterr().out.splitlines()
    assert len(paths) == 8 and all(map(os.path.exists, paths))
    assert report.main([folder, "--format", "tap", "--out", str(tmp_path / "no" / "x")]) == 3
    with pytest.raises(SystemExit, match="2"):
        report.main([folder, "--format", "csvv"])
