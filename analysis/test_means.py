"""Checks that every output states the same figure of repeats that are far apart, and that none of them is a mean of means."""

import csv
import io
import json
import statistics

import pytest

import exports
import metrics
import records
import synthetic
import tables
from test_more_charts import rewritten

# Operations a second of one point's repeats: their mean is 262, their harmonic mean 6.5, their median 20.
RATES = (2.0, 1000.0, 20.0, 4.0, 285.0)
# Times of the same repeats: 99 % of all lie below 100 ns, though in four of five repeats 99 % lie at 1 ms.
FEW, MANY, SHORT, LONG = 2000, 1000000, 100, 1000000


@pytest.fixture(name="uneven")
def uneven_fixture(tmp_path):
    """A run of one point with these repeats, each rate times a factor."""
    def make(factor=1.0, name="run"):
        folder = tmp_path / name
        synthetic.write(str(folder), synthetic.Recipe(syncs=("mutex",), populations=((2, 0),), repeats=len(RATES), samples=FEW, workers=False))
        crowded = RATES.index(max(RATES)) + 1

        def change(record):
            number = record.get("trial", 1)
            if record["type"] == "verdict":
                record["ops_per_s"] = factor * RATES[number - 1]
            elif record["type"] == "histogram" and record["name"] == "acquire":
                times = [SHORT] * MANY if number == crowded else [SHORT] * (FEW - 40) + [LONG] * 40
                record.update(synthetic.histogram(number, "acquire", record["role"], times))
        rewritten(folder, change)
        return records.read(str(folder), keep=metrics.LATENCIES)
    return make


def test_every_output_states_the_median_of_the_rates(uneven):
    run = uneven()
    middle = statistics.median(RATES)
    assert len({middle, statistics.fmean(RATES), statistics.harmonic_mean(RATES)}) == 3
    rows = list(csv.DictReader(io.StringIO(exports.named("csv").text(run), newline="")))
    assert [float(row["ops_per_s"]) for row in rows] == list(RATES)
    entry, = json.loads(exports.named("benchmark").text(run))
    assert (entry["value"], entry["unit"]) == (middle, "ops/s")
    line, = (line for line in exports.named("openmetrics").text(run).splitlines() if 'statistic="median"' in line)
    assert float(line.split()[-1]) == middle
    cells, = tables.tradeoffs(run)[0].rows
    heading = [words for words, _ in tables.tradeoffs(run)[0].headings].index("ops/s, median")
    assert cells[heading].words.startswith("20")
    assert "| 20 ops/s |" in exports.named("markdown").text(run).replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ")


def test_a_ratio_is_that_of_the_medians(uneven):
    slow, fast = ([trial for data in run.points.values() for trial in data.trials] for run in (uneven(), uneven(3.0, "fast")))
    for paired in (False, True):
        assert metrics.change_of(metrics.named("throughput"), slow, fast, paired).ratio == pytest.approx(3)
    hasty = [trial for trial in slow if trial.ops_per_s > 4]
    assert metrics.change_of(metrics.named("throughput"), slow, hasty, False).ratio == pytest.approx(285 / 20)


def test_percentiles_are_those_of_all_times_together(uneven):
    run = uneven()
    entries = {entry["name"].rsplit(": ", 1)[1]: entry["value"] for entry in json.loads(exports.named("benchmark-latency").text(run))}
    assert entries["latency, 99 %"] == pytest.approx(SHORT, rel=0.02) and entries["latency, median"] == pytest.approx(SHORT, rel=0.02)
    data, = run.points.values()
    assert data.histogram("acquire").percentile(0.99) == pytest.approx(SHORT, rel=0.02)
