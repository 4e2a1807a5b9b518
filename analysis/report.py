#!/usr/bin/python3
"""Makes the report of a run: one self-contained page, and each chart as a file.

    report.py results/latest          writes report.html and charts/*.svg there, prints the path of the page
"""

import argparse
import os
import shlex
import sys
import tempfile

STATUS_USAGE, STATUS_ENVIRONMENT = 2, 3
PAGE_NAME, CHARTS_FOLDER, PLAN_NAME = "report.html", "charts", "plan.ini"
MOST_PLAN_BYTES = 200_000
# Panels wider than this, in pixels, take a row of the page; narrower ones stay readable down to the second width.
WIDE_FROM, LEAST_WIDTH = 560, 340

try:
    import jinja2
    import markupsafe

    import charts
    import plot
    import points
    import records
    import stats
    import story
    import style
    import tables
except ImportError as error:
    print(f"shmoo report: {error}: apt install python3-numpy python3-jinja2, and start it with /usr/bin/python3",
          file=sys.stderr)
    sys.exit(STATUS_ENVIRONMENT)


class EnvironmentProblem(Exception):
    """The page cannot be made here; the message says why and what to do."""


def warn(message):
    """One line on standard error."""
    print(f"shmoo report: {message}", file=sys.stderr)


def parse(arguments):
    """The options; argparse itself leaves with status 2 where they make no sense."""
    parser = argparse.ArgumentParser(prog="shmoo report", description="Makes one page with charts of a run.",
                                     epilog="Exit status: 0 the page is written, 2 the run cannot be used, 3 the "
                                     "environment lacks something.")
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its run.jsonl")
    parser.add_argument("--out", metavar="FILE",
                        help=f"where to write the page (default: RUN/{PAGE_NAME}); "
                        f"the charts go to {CHARTS_FOLDER}/ beside it")
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
    return sentences


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
    rows = [("run", header.get("id")), ("started", header.get("started")), ("lasted", _seconds(end.get("seconds"))),
            ("shmoo", header.get("version")), ("seed", header.get("seed")),
            ("folder it was given in", header.get("cwd")),
            ("trials", f"{len(run.judged):,} with a verdict, {len(run.points):,} different points"),
            ("clock", clock.get("name")), ("one reading of the clock", _nanoseconds(clock.get("cost_ns"))),
            ("its smallest step", _nanoseconds(clock.get("resolution_ns"))),
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


def _chart_entry(row, chart):
    return {"row": row, "panels": [_panel_entry(panel) for panel in chart.panels], "notes": chart.notes}


def _panel_entry(panel):
    """A panel for the page: wide ones scroll on a small screen, others shrink."""
    width = panel.canvas.width
    wide = width > WIDE_FROM
    return {"svg": markupsafe.Markup(plot.inline(panel)), "width": width, "caption": panel.caption, "wide": wide,
            "least": round(0.8 * width) if wide else LEAST_WIDTH}


def page(run, built):
    """The whole page as a string."""
    folder = os.path.dirname(os.path.abspath(__file__))
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True)
    templates.filters.update(count=style.count, plural=style.plural, verdict_class=tables.css_class)
    verdicts = [(name.lower(), name) for name in style.VERDICTS] + [("open", "")]
    trusted = markupsafe.Markup
    css = templates.get_template("page.css.j2").render(
        light=trusted(style.css_variables(False)), dark=trusted(style.css_variables(True)), font=trusted(style.FONT),
        verdicts=verdicts)
    script = templates.get_template("page.js.j2").render()
    groups, groups_left = story.failures(run)
    unjudged, unjudged_left = story.unjudged(run)
    return templates.get_template("page.html.j2").render(
        run=run, identity=identity(run), headline=story.headline(run),
        charts=[_chart_entry(row, chart) for row, chart in built], legend=list(style.VERDICTS.items()),
        failures=groups, failures_left=groups_left, unjudged=unjudged, unjudged_left=unjudged_left,
        reading=reading(run), deaths=tables.deaths(run), tradeoffs=tables.tradeoffs(run), trials=tables.trials(run),
        host=tables.host(run), facts=facts(run), command=command_line(run), plan=plan_text(run),
        records=os.path.abspath(run.path), records_size=style.size(run.bytes), css=trusted(css), js=trusted(script))


def write_whole(path, text):
    """Writes a file so that nobody ever sees half of it."""
    folder = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".shmoo-report-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_charts(folder, built):
    """Writes each panel as a file, and removes those that an earlier report has left there."""
    os.makedirs(folder, exist_ok=True)
    names = {f"{panel.name}.svg": panel for _, chart in built for panel in chart.panels}
    for name in os.listdir(folder):
        if name.endswith(".svg") and name not in names and _is_ours(os.path.join(folder, name)):
            os.unlink(os.path.join(folder, name))
    for name, panel in names.items():
        write_whole(os.path.join(folder, name), plot.standalone(panel))


def _is_ours(path):
    with open(path, "rb") as file:
        return plot.MARK.encode() in file.read(200)


def make(run_argument, out=None):
    """Reads the run, draws and writes; returns the path of the page."""
    run = records.read(run_argument, warn)
    out = os.path.abspath(out or os.path.join(run.folder, PAGE_NAME))
    if os.path.isdir(out):
        raise records.DataError(f"{out}: is a folder; --out names the file of the page")
    folder = os.path.dirname(out)
    if not os.path.isdir(folder):
        raise EnvironmentProblem(f"{folder}: no such folder; make it first, or name another with --out")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise EnvironmentProblem(f"{folder}: cannot be written to; name another place with --out FILE")
    built = build_charts(run)
    try:
        write_charts(os.path.join(folder, CHARTS_FOLDER), built)
        write_whole(out, page(run, built))
    except OSError as error:
        raise EnvironmentProblem(f"{error.filename or folder}: {error.strerror}; "
                                 "make room or permission there, or name another place with --out FILE") from error
    return out


def main(arguments=None):
    """Returns the exit status."""
    options = parse(arguments)
    try:
        print(make(options.run, options.out))
    except records.DataError as error:
        warn(error)
        return STATUS_USAGE
    except (EnvironmentProblem, plot.PlotError) as error:
        warn(error)
        return STATUS_ENVIRONMENT
    return 0


if __name__ == "__main__":
    sys.exit(main())
