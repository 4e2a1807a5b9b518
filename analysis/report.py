#!/usr/bin/python3
"""Makes the report of a run: one self-contained page, and each chart as a file; or the run in a format of another tool.

    report.py results/latest                     writes report.html and charts/*.svg there, prints the path of the page
    report.py results/latest --format markdown   writes to standard output
"""

import argparse
import os
import shlex
import sys

STATUS_USAGE, STATUS_ENVIRONMENT = 2, 3
PAGE_NAME, PLAN_NAME, PAGE_FORMAT = "report.html", "plan.ini", "html"
MOST_PLAN_BYTES = 200_000

try:
    import charts
    import distance
    import exports
    import latency_table
    import metrics
    import output
    import page
    import plot
    import points
    import recommend
    import recommend_words
    import records
    import stats
    import story
    import style
    import tables
except ImportError as error:
    print(f"shmoo report: {error}: apt install python3-numpy python3-scipy python3-jinja2, and start it with /usr/bin/python3",
          file=sys.stderr)
    sys.exit(STATUS_ENVIRONMENT)


def warn(message):
    """One line on standard error."""
    print(f"shmoo report: {message}", file=sys.stderr)


def parse(arguments):
    """The options; argparse itself leaves with status 2 where they make no sense."""
    formats = "\n".join(f"  {one.name:<18} {one.summary}" for one in exports.FORMATS)
    parser = argparse.ArgumentParser(prog="shmoo report", formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description="Makes one page with charts of a run, or writes it for other tools.",
                                     epilog=f"formats:\n  {PAGE_FORMAT:<18} the page, and the charts as files\n{formats}\n\n"
                                     "Exit status: 0 it is written, 2 the run cannot be used, 3 the environment lacks something.")
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its run.jsonl")
    parser.add_argument("--format", metavar="FORMAT", default=PAGE_FORMAT, choices=[PAGE_FORMAT, *(one.name for one in exports.FORMATS)],
                        help=f"what to write (default: {PAGE_FORMAT}); see below")
    parser.add_argument("--out", metavar="FILE",
                        help=f"where to write it. The page: RUN/{PAGE_NAME} by default, its charts in {page.CHARTS_FOLDER}/ beside it; "
                        "a format of several files: a folder, RUN/FORMAT by default; others: standard output by default")
    return parser.parse_args(arguments)


def build_charts(run):
    """The charts that the run's data allow, drawn: (row, chart) in the order of the report."""
    looks = style.looks_for(points.syncs(run))
    built = [(row, row.module.build(run, looks)) for row in charts.CHARTS]
    built = [(row, chart) for row, chart in built if chart]
    plot.draw([panel for _, chart in built for panel in chart.panels])
    return built


def reading(run):
    """How to read the figures of this run: what is measured, and what is an artefact of measuring."""
    three, five = (f"{100 * stats.range_coverage(repeats):.0f} %" for repeats in (3, 5))
    sentences = ["A speed is counted in the window in which all workers were under way, and is N/A where there was "
                 "none.",
                 "The interval is a bootstrap interval of the median over the repeats. It is at most their range, "
                 f"which holds the true median in {three} of cases with 3 repeats, {five} with 5: below 6 repeats it "
                 "promises more than it can keep."]
    if any(points.broken(data.trials) for data in run.points.values()):
        sentences.append("Hollow marks and ✗ stand for a primitive that broke the data, as the one called none does on "
                         "purpose. It is fast because it does not do the work: take its figures as a bound, not as a "
                         "choice. A trial that stopped half-way has no speed at all.")
    rates = {trial.point.rate for trial in run.judged}
    if None in rates:
        sentences.append("Closed loop: a worker asks again only when it has been served, so these latencies hide the "
                         "queue that requests at a given rate would meet. A run with --rate shows it.")
    if rates - {None}:
        sentences.append("With a rate, response times count from the intended start, so that a stall is charged to all "
                         "whom it delays.")
    sampling = sorted({trial.sampling for trial in run.judged if trial.sampling})
    if sampling:
        sentences.append(f"{_sampled(sampling)} was timed" + (
            "." if sampling == [1] else
            "; a rare stall between two samples is not seen, and the maximum is that of the sample."))
    step, empty = (_nanoseconds(run.meter.get(name)) for name in ("step_ns", "empty_ns"))
    if step and empty:
        sentences.append(f"The clock of the latencies moves in steps of {step} here, and two readings with nothing between them say "
                         f"{empty}: of an operation of a few nanoseconds only the mean of many is known more finely.")
    return sentences + _moved(run)


def _moved(run):
    """Did the CPUs move apart, or together, while trials with the same pinning ran?"""
    pinned = {}
    for trial in run.judged:
        pinned.setdefault(trial.point.pin, []).append(trial)
    far = [found for trials in pinned.values() if (found := distance.moved(trials))]
    if not far:
        return []
    low, high = min(low for low, _ in far), max(high for _, high in far)
    return [f"A cache line took {_nanoseconds(low)} in one trial and {_nanoseconds(high)} in another from one worker's CPU to the next "
            "one's and back, with the same pinning: the host of a virtual machine has moved its CPUs meanwhile, or the workers were not "
            "pinned. Contended speeds differ for that alone, and so do repeats."]


def _sampled(sampling):
    if sampling == [1]:
        return "Every operation"
    written = str(sampling[0]) if len(sampling) == 1 else f"{sampling[0]} to {sampling[-1]}"
    return f"One operation in {written}"


def facts(run):
    """(name, value) of what is to be known about the run."""
    header, end = run.header, run.end or {}
    clock = header.get("clock") if isinstance(header.get("clock"), dict) else {}
    sampling = sorted({trial.sampling for trial in run.judged if trial.sampling})
    merged = header.get("merged")
    stamps = {} if merged else run.meter
    rows = [("run", header.get("id")), ("started", header.get("started")), ("lasted", _seconds(end.get("seconds"))),
            ("shmoo", header.get("version")), ("seed", header.get("seed")),
            ("folder it was given in", header.get("cwd")),
            ("merged of", style.plural(merged, "run") if isinstance(merged, int) else None),
            ("trials", f"{len(run.judged):,} with a verdict, {len(run.points):,} different points"),
            ("clock", clock.get("name")), ("one reading of the clock", _nanoseconds(clock.get("cost_ns"))),
            ("its smallest step", _nanoseconds(clock.get("resolution_ns"))),
            ("clock of the latencies", stamps.get("clock")), ("one reading of that", _nanoseconds(stamps.get("stamp_ns"))),
            ("all its readings are multiples of", _nanoseconds(stamps.get("step_ns"))),
            ("sampling", f"{_sampled(sampling).lower()} timed" if sampling else None),
            ("exit status", story.exit_status_words(end.get("exit_status")))]
    return [(name, value) for name, value in rows if value is not None]


def _seconds(value):
    return style.seconds(value) if isinstance(value, (int, float)) else None


def _nanoseconds(value):
    return style.duration(value) if isinstance(value, (int, float)) else None


def identity(run):
    """What tells this run from others, in a line."""
    parts = [("shmoo", run.header.get("version")), ("run", run.header.get("id")), ("", run.header.get("started")),
             ("", run.host.get("hostname"))]
    return [f"{name} {value}".strip() for name, value in parts if value]


def command_line(run):
    """The command as it can be pasted into a shell."""
    command = run.header.get("command")
    return shlex.join(str(word) for word in command) if isinstance(command, list) else "not recorded"


def plan_text(run):
    """The text of plan.ini, if the folder holds one."""
    try:
        with open(os.path.join(run.folder, PLAN_NAME), encoding="utf-8", errors="replace") as file:
            return file.read(MOST_PLAN_BYTES)
    except OSError:
        return ""


def advice_entry(found):
    """The recommendation for the page; None where the run holds no choice."""
    if not found.choices and not found.survivals:
        return None
    flips, left = recommend_words.flip_sentences(found)
    return {"sentences": recommend_words.sentences(found), "flips": flips, "flips_left": left,
            "survival": recommend_words.survival_sentence(found),
            "tables": [tables.plain(caption, *make(found)) for caption, make, rows in (
                ("Who serves which conditions best", recommend_words.table, found.choices),
                ("Who outlives the death of a user", recommend_words.survival_table, found.survivals)) if rows]}


def page_text(run, built):
    """The whole page as a string."""
    groups, groups_left = story.failures(run)
    advice = recommend.recommend(run)
    unjudged, unjudged_left = story.unjudged(run)
    return page.render(
        "page.html.j2", run=run, identity=identity(run), headline=story.headline(run),
        charts=[page.chart_entry(row, chart) for row, chart in built], legend=list(style.VERDICTS.items()),
        failures=groups, failures_left=groups_left, unjudged=unjudged, unjudged_left=unjudged_left,
        reading=reading(run), advice=advice_entry(advice), deaths=tables.deaths(run), tradeoffs=tables.tradeoffs(run), trials=tables.trials(run), latencies=latency_table.latencies(run),
        hosts=tables.hosts(run), facts=facts(run), command=command_line(run), plan=plan_text(run),
        records=os.path.abspath(run.path), records_size=style.size(run.bytes))


def make(run_argument, out=None):
    """Reads the run, draws and writes; returns the path of the page."""
    run = records.read(run_argument, warn, metrics.LATENCIES)
    out = output.page_path(out or os.path.join(run.folder, PAGE_NAME))
    built = build_charts(run)
    page.write(out, page_text(run, built), built)
    return out


def export(options):
    """Writes the run in the format that is asked for; returns what is to be printed."""
    form = exports.named(options.format)
    run = records.read(options.run, warn, metrics.LATENCIES)
    if form.files:
        return _export_files(form.files(run), os.path.abspath(options.out or os.path.join(run.folder, form.name)))
    text = form.text(run)
    if not options.out:
        return text
    out = output.page_path(options.out)
    output.write_file(out, text)
    return out + "\n"


def _export_files(texts, folder):
    """Writes the texts by their names; returns the paths, a line each."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise output.failed(error, folder) from error
    for name, text in texts.items():
        output.write_file(os.path.join(folder, name), text)
    return "".join(f"{os.path.join(folder, name)}\n" for name in texts)


def main(arguments=None):
    """Returns the exit status."""
    options = parse(arguments)

    def command():
        output.put(make(options.run, options.out) + "\n" if options.format == PAGE_FORMAT else export(options))
        return 0
    return output.guarded(command, warn, (records.DataError, output.UsageProblem), (output.EnvironmentProblem, plot.PlotError))


if __name__ == "__main__":
    sys.exit(main())
