"""Checks what each chart draws, what it leaves out, and that it says so."""

import json
import re
import xml.dom.minidom

import pytest

import chart_grid
import chart_latency
import chart_lifecycle
import chart_round_trip
import chart_sighting
import chart_throughput
import charts
import conditions
import letters
import plot
import points
import records
import style

ALL = tuple(style.FIXED_LOOKS)
TWELVE = ALL + ("ticket", "mcs", "futex", "seqlock", "flock")
DEATHS = ("die:before:kill:one", *(f"die:inside:kill:one:{word}" for word in range(4)), "die:inside:_exit:all-but-one:2")
MIXED = (("mutex", ("CLEAN", "CLEAN", "CORRUPT")),)


def build(module, run):
    """The chart, drawn; None if the module sees nothing to draw."""
    chart = module.build(run, style.looks_for(points.syncs(run)))
    if chart:
        plot.draw(chart.panels)
    return chart


def words(panel):
    document = xml.dom.minidom.parseString(plot.standalone(panel))
    return [node.firstChild.data for node in document.getElementsByTagName("text") if node.firstChild]


def test_the_contents_page_names_each_chart_once():
    keys = [row.key for row in charts.CHARTS]
    assert keys == ["grid", "detection", "tears", "crash", "words", "recovery", "throughput", "latency", "distribution", "fairness", "time", "course",
                    "heat", "bandwidth", "round-trip", "scaling", "layout", "handoff", "sighting", "lifecycle"]
    assert all(callable(row.module.build) for row in charts.CHARTS)


@pytest.mark.parametrize("loads, drawn", [(("snapshot",), {"grid", "throughput", "latency", "distribution", "fairness", "time", "course", "heat", "scaling"}),
                                          (("quit",), {"grid", "throughput", "sighting", "fairness", "time", "course", "heat", "scaling"}),
                                          (("lifecycle",), {"grid", "throughput", "lifecycle", "fairness", "time", "scaling"})])
def test_a_chart_without_data_is_not_drawn(run_of, loads, drawn):
    run = run_of(loads=loads, syncs=("mutex",), repeats=2)
    assert {row.key for row in charts.CHARTS if build(row.module, run)} == drawn


@pytest.mark.parametrize("syncs, populations, repeats", [
    (("mutex",), ((2, 2),), 1), (TWELVE, ((1, 0), (2, 2)), 2), (("spin",), ((1, 1),), 500)])
def test_one_and_many(run_of, syncs, populations, repeats):
    run = run_of(syncs=syncs, populations=populations, repeats=repeats, samples=60, workers=False, intervals=0)
    for row in charts.CHARTS:
        chart = build(row.module, run)
        if chart:
            assert all(panel.svg and len(panel.svg) < 200_000 for panel in chart.panels)


def test_every_text_stays_inside_its_picture(run_of):
    run = run_of(loads=("snapshot", "quit", "lifecycle", "verify"), syncs=TWELVE, repeats=2, sizes=(64, 4096),
                 faults=("none", "stop", *DEATHS), samples=60)
    for data in run.points.values():  # as if it had been sent there and back
        data.histograms |= {("round-trip", role): found for (name, role), found in data.histograms.items() if name == "acquire"}
    for point, data in list(run.points.items())[:3]:
        run.points |= {conditions.replaced(point, pages="huge-2m"): data}
    for row in charts.CHARTS:
        chart = build(row.module, run)
        assert chart or row.key == "handoff"
        for panel in chart.panels if chart else ():
            for x, y, size, anchor, text in placed_texts(panel):
                width = plot.text_width(text, size)
                left = x - {"start": 0, "middle": width / 2, "end": width}[anchor]
                assert left >= -1 and left + width <= panel.canvas.width + 1, (panel.name, text)
                assert size / 2 <= y <= panel.canvas.height, (panel.name, text)


def test_every_verdict_fits_its_cell():
    for word, look in style.VERDICTS.items():
        assert letters.BOLD * plot.text_width(f"{look.glyph} {word}", style.FONT_SIZE - 2) <= chart_grid.WIDE[0] - 6


def placed_texts(panel):
    pattern = re.compile(r'translate\(([\d.]+),([\d.]+)\)"[^>]*font-size="([\d.]+)"\s+'
                         r'text-anchor="(\w+)">\s*<text>(.*?)</text>')
    for x, y, size, anchor, text in pattern.findall(panel.svg):
        yield float(x), float(y), float(size), anchor, re.sub(r"&\w+;", "x", text)


def test_throughput_draws_no_zero_for_what_was_not_measured(run_of):
    run = run_of(syncs=("mutex", "spin"), unmeasured=("spin",), populations=((2, 2),))
    panel = build(chart_throughput, run).panels[0]
    assert "N/A spin" in words(panel)
    assert "N/A" in panel.caption and "spin at 2w2r" in panel.caption
    rows = [line for block in panel.canvas.blocks for line in block.splitlines()[1:-1] if line]
    assert rows and all(float(row.split()[1]) > 1e5 for row in rows)


def test_throughput_of_zero_is_below_a_log_axis_and_on_a_linear_one(run_of):
    run = run_of(syncs=("mutex", "spin", "none"), populations=((2, 2),), repeats=1)
    linear, log = run, run_of(syncs=("mutex", "spin", "none"), populations=((2, 2),), repeats=1)
    for one in (linear, log):
        one.trials[2].ops_per_s = 0.0
    log.trials[1].ops_per_s = 1000.0
    drawn = build(chart_throughput, linear).panels[0]
    assert not drawn.canvas.ranges["y"][2] and "0 spin" not in words(drawn)
    off = build(chart_throughput, log).panels[0]
    assert off.canvas.ranges["y"][2] and "0 spin" in words(off) and "did no operation" in off.caption


def test_settings_have_panels_and_grid_lines_of_their_own(folder_of):
    folder = folder_of(syncs=("mutex",), populations=((1, 1), (2, 2)), repeats=2)
    path = folder / "run.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for record in lines:
        if record["type"] == "trial" and record["trial"] > 2:
            record |= {"hold_ns": 1000, "rate": 500.0}
    path.write_text("".join(json.dumps(record) + "\n" for record in lines))
    run = records.read(str(folder))
    assert len(build(chart_throughput, run).panels) == 2
    texts = words(build(chart_grid, run).panels[0])
    assert {"no hold", "hold 1 us", "no rate", "rate 500 ops/s"} <= set(texts)


def test_throughput_measured_nowhere_is_said_in_words(run_of):
    chart = build(chart_throughput, run_of(syncs=("mutex",), unmeasured=("mutex",)))
    assert not chart.panels
    assert "Throughput is N/A for snapshot · 64 B" in chart.notes[0]


def test_messages_of_several_sizes_with_one_crew_have_bandwidth_instead(run_of):
    """Where crews differ, or only one size was sent, throughput against population still says something."""
    def streams(**parameters):
        run = run_of(syncs=("mutex",), **parameters)
        for trial in run.judged:
            trial.bytes_per_s = 7.0
        return build(chart_throughput, run)
    assert streams(populations=((1, 1),), sizes=(64, 4096)) is None
    assert streams(populations=((1, 1), (2, 2)), sizes=(64, 4096)).panels
    assert streams(populations=((1, 1),), sizes=(64,)).panels
    assert build(chart_throughput, run_of(syncs=("mutex",), populations=((1, 1),), sizes=(64, 4096))).panels


def test_throughput_without_operations_is_not_drawn(run_of):
    assert build(chart_throughput, run_of(syncs=("mutex",), verdicts=(("mutex", "UNSUPPORTED"),))) is None


def test_broken_data_are_hollow_and_named(run_of):
    chart = build(chart_throughput, run_of(syncs=("none", "mutex"), populations=((2, 2),)))
    panel = chart.panels[0]
    assert "none ✗ CORRUPT" in words(panel) and "mutex" in words(panel)
    look = style.FIXED_LOOKS["none"]
    kinds = {plot_line.split(" pt ")[1].split()[0] for plot_line in panel.canvas.plots
             if " pt " in plot_line and look.colour.light in plot_line}
    assert kinds == {str(look.hollow)}
    assert any("recommends nothing" in note for note in chart.notes)


def test_what_stopped_half_way_has_no_speed(run_of):
    run = run_of(syncs=("mutex", "spin"), populations=((2, 2),), verdicts=(("spin", "WEDGED"),))
    panel = build(chart_throughput, run).panels[0]
    assert "‖ spin" in words(panel) and "N/A" not in panel.caption
    assert not any(style.FIXED_LOOKS["spin"].colour.light in line for line in panel.canvas.plots)


def test_one_corrupt_repeat_breaks_the_point(run_of):
    panel = build(chart_throughput, run_of(syncs=("mutex",), populations=((2, 2),), verdicts=MIXED)).panels[0]
    assert "mutex ✗ CORRUPT" in words(panel)


def test_intervals_need_three_repeats(run_of):
    two = build(chart_throughput, run_of(syncs=("mutex",), repeats=2)).panels[0]
    assert "No intervals" in two.caption and not any("vectors" in line for line in two.canvas.plots)
    three = build(chart_throughput, run_of(syncs=("mutex",), repeats=3)).panels[0]
    assert "No intervals" not in three.caption and any("vectors" in line for line in three.canvas.plots)


def test_panels_of_a_load_share_their_axis(run_of):
    panels = build(chart_throughput, run_of(sizes=(8, 64, 4096))).panels
    assert len(panels) == 3
    assert len({panel.canvas.ranges["y"] for panel in panels}) == 1


def test_too_many_panels_are_counted(run_of):
    run = run_of(syncs=("mutex",), populations=((1, 0),), sizes=tuple(1 << bit for bit in range(20)), repeats=1,
                 samples=30)
    chart = build(chart_throughput, run)
    assert len(chart.panels) == chart_throughput.MOST_PANELS
    assert any("8 more panels left out" in note for note in chart.notes)


def test_latency_curves_stop_where_samples_end(run_of):
    run = run_of(syncs=("mutex",), populations=((2, 0),), repeats=1, samples=1000)
    histogram = next(iter(run.points.values())).histogram("acquire")
    curve = chart_latency.curve(histogram)
    assert curve[0][0] == pytest.approx(2)
    assert curve[-1][0] == pytest.approx(100)
    values = [value for _, value in curve]
    assert values == sorted(values)
    assert "99.9 %" not in words(build(chart_latency, run).panels[0])


def test_latency_of_too_few_samples_is_said_in_words(run_of):
    chart = build(chart_latency, run_of(syncs=("mutex",), populations=((2, 0),), repeats=1, samples=19))
    assert not chart.panels and "no curve" in chart.notes[0]


def test_latency_shows_the_most_contended_population(run_of):
    panels = build(chart_latency, run_of(populations=((1, 0), (8, 0), (2, 0)))).panels
    assert len(panels) == 1
    assert panels[0].alt == "Latency percentiles, time to acquire: snapshot · 64 B · 8w0r · writers"


def test_latency_of_an_open_loop_counts_from_the_intended_start(run_of):
    panels = build(chart_latency, run_of(syncs=("mutex",), rate=1000.0)).panels
    assert all("intended start" in " ".join(words(panel)) for panel in panels)


def grid_words(run):
    chart = build(chart_grid, run)
    return chart, [text for panel in chart.panels for text in words(panel)]


def test_grid_counts_verdicts(run_of):
    _, texts = grid_words(run_of(syncs=("none", "mutex"), populations=((2, 2),), repeats=5))
    assert "✗ CORRUPT" in texts and "✓ CLEAN" in texts and texts.count("5/5") == 2


def test_grid_shows_the_unexpected_verdict_of_a_mixed_cell(run_of):
    chart, texts = grid_words(run_of(syncs=("mutex",), populations=((2, 2),), repeats=3, verdicts=MIXED))
    assert "✗ CORRUPT" in texts and "1/3 mixed" in texts
    assert any(f"border lc rgb '{style.INK.light}'" in line for line in chart.panels[0].canvas.commands)


def test_grid_outlines_nothing_that_was_expected(run_of):
    chart, _ = grid_words(run_of(syncs=("none", "mutex")))
    assert not any("border lc" in line for line in chart.panels[0].canvas.commands)


def test_grid_of_an_unexpectedly_clean_primitive_stands_out(run_of):
    chart, texts = grid_words(run_of(syncs=("none",), populations=((2, 2),), verdicts=(("none", "CLEAN"),)))
    assert "✓ CLEAN" in texts
    assert any(style.VERDICTS["CLEAN"].loud.light in line for line in chart.panels[0].canvas.commands)


def test_grid_names_faults_only_where_there_are_some(run_of):
    _, plain = grid_words(run_of(syncs=("mutex",)))
    _, faulty = grid_words(run_of(syncs=("mutex",), faults=("none", "kill")))
    assert "no fault" not in plain and {"no fault", "fault kill"} <= set(faulty)


def test_grid_never_leaves_out_what_broke(run_of):
    sizes = tuple(1 << bit for bit in range(4))
    loads = tuple(f"load-{number}" for number in range(14))
    run = run_of(loads=loads, syncs=("mutex",), populations=((1, 0), (2, 0)), sizes=sizes, repeats=1, samples=20,
                 intervals=0)
    for trial in run.judged:
        if trial.point.load == "load-13" and trial.point.size == 8:
            trial.verdict, trial.as_expected = "WEDGED", False
    chart, texts = grid_words(run)
    assert len(chart.panels) == chart_grid.MOST_PANELS and "2 more panels left out" in chart.notes[0]
    assert "load load-13" in texts and "‖ WEDGED" in texts


def test_grid_of_many_columns_is_cut_into_panels(run_of):
    populations = tuple((writers, readers) for writers in range(1, 8) for readers in range(7))
    chart, _ = grid_words(run_of(syncs=("mutex",), populations=populations, repeats=1, samples=20))
    assert len(chart.panels) == 3
    assert all(panel.canvas.width <= 1200 for panel in chart.panels)


def test_sighting_draws_only_supported_percentiles(run_of):
    run = run_of(loads=("quit",), syncs=("mutex",), populations=((1, 4), (1, 30)), repeats=4)
    panel = build(chart_sighting, run).panels[0]
    assert {"50 %", "90 %", "max"} <= set(words(panel)) and "99 %" not in words(panel)
    assert "1w4r 16, 1w30r 120" in panel.caption


def test_sighting_of_few_samples_is_a_band_and_says_so(run_of):
    panel = build(chart_sighting, run_of(loads=("quit",), syncs=("mutex",), populations=((1, 2),), repeats=1)).panels[0]
    assert "Too few for a median" in panel.caption and "50 %" not in words(panel)


def test_lifecycle_names_all_seven_steps(run_of):
    panel = build(chart_lifecycle, run_of(loads=("lifecycle",), syncs=("mutex",), samples=400)).panels[0]
    assert set(chart_lifecycle.STEPS) <= set(words(panel))


def test_lifecycle_of_too_few_samples_is_said_in_words(run_of):
    chart = build(chart_lifecycle, run_of(loads=("lifecycle",), syncs=("mutex",), populations=((1, 0),), samples=5,
                                          repeats=1))
    assert not chart.panels and "too few samples" in chart.notes[0]


def test_round_trips_draw_a_line_for_each_queue_over_the_sizes(run_of):
    run = run_of(syncs=("mutex", "spin"), populations=((1, 1),), sizes=(64, 4096), repeats=1)
    assert build(chart_round_trip, run) is None  # nothing went there and back
    for data in run.points.values():
        data.histograms = {("round-trip", role): histogram for (name, role), histogram in data.histograms.items() if name == "acquire"}
    panel = build(chart_round_trip, run).panels[0]
    assert {"mutex", "spin", "64 B", "4 KiB"} <= set(words(panel))
