"""The tables of the page: trade-offs by condition, all trials, the host, the run."""

from dataclasses import dataclass

import crash
import points
import stats
import style

# Beyond so many rows the table of trials keeps to the columns that tell trials apart.
MOST_FULL_ROWS = 500
MOST_ROWS = 20_000
NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass
class Cell:
    """One cell: its words, the value to sort by where that differs, and a CSS class."""

    words: str
    value: object = None
    kind: str = ""


@dataclass
class Table:
    """Headings, rows of cells, and the caption; `starts` are the rows that begin a new condition."""

    caption: str
    headings: list
    rows: list
    starts: frozenset = frozenset()
    note: str = ""


def plain(caption, headings, rows):
    """A table of words."""
    return Table(caption, [(heading, "") for heading in headings], [[Cell(words) for words in row] for row in rows])


def figure(words, value):
    """The cell of a number: its words, and what it is sorted by."""
    return Cell(words, "" if value is None else f"{value:.6g}", "n")


def _maybe_figure(write, value):
    return figure("N/A" if value is None else write(value), value)


def population(point):
    """The cell of a crew."""
    return Cell(points.population(point), point.writers + point.readers)


def _count(value):
    return Cell(style.count(value), "" if value is None else value, "n")


def verdict_cell(trials):
    """Glyphs, words and counts of these trials' verdicts; loud if one is unexpected."""
    counts = points.verdict_counts(trials)
    of = f" {{}}/{len(trials)}" if len(trials) > 1 else ""
    words = ", ".join((f"{style.verdict_look(word).glyph} {word}" + of.format(number)).replace(" ", NO_BREAK)
                      for word, number in counts)
    loud = any(not trial.as_expected for trial in trials)
    return Cell(words, None, f"v {css_class(points.leading(trials)[0])}{' loud' if loud else ''}")


def css_class(word):
    """The CSS class of a verdict word; the words of other versions share one."""
    return f"v-{word.lower()}" if word in style.VERDICTS else "v-open"


@dataclass
class _Figures:
    """What one row of the trade-offs says of a point."""

    rate: stats.Middle | None
    acquire: object
    response: object
    handoff_share: float | None
    fairness: float | None
    jain: float | None


def _figures(data):
    rates = stats.middle(points.rates(data.trials))
    ops = sum(trial.ops for trial in data.trials)
    handoffs = [trial.exposure["handoffs"] for trial in data.trials if "handoffs" in trial.exposure]
    shares, indices = ([value for value in found if value is not None] for found in zip(
        *((trial.crew.fairness(), trial.crew.jain()) for trial in data.trials)))
    return _Figures(rates, data.histogram("acquire"), data.histogram("response"),
                    sum(handoffs) / ops if ops and handoffs else None, stats.median(shares) if shares else None,
                    stats.median(indices) if indices else None)


# What the kernel had to do with an operation: the columns' headings, and the fields of a trial.
PER_OP = (("calls/op", "calls_per_op"), ("voluntary switches/op", "voluntary_per_op"), ("involuntary switches/op", "involuntary_per_op"))


def tradeoffs(run):
    """A table for each load: what each primitive did under each condition."""
    found = {}
    for group in points.groups(run.points):
        found.setdefault(group.load, []).append(group)
    return [_tradeoff_table(load, groups) for load, groups in found.items()]


class _Columns:
    """Which columns the trade-offs of one load need."""

    def __init__(self, groups):
        self.fault = any(group.fault not in (points.NO_FAULT, "") for group in groups)
        self.settings = any(group.setting_words for group in groups)
        names = {name for group in groups for data in group.points.values() for name, _ in data.histograms}
        self.acquire, self.response = "acquire" in names, "response" in names
        trials = [trial for group in groups for data in group.points.values() for trial in data.trials]
        self.per_op = [(words, kind) for words, kind in PER_OP if any(getattr(trial, kind) is not None for trial in trials)]

    def headings(self):
        """(words, class) of the headings."""
        words = [("size", "n"), ("population", "")] + [("fault", "")] * self.fault + [("settings", "")] * self.settings
        words += [("sync", ""), ("verdict", ""), ("ops/s, median", "n"), ("95 % interval", "n"), ("repeats", "n")]
        words += [(f"{name} {what}", "n") for name, has in (("acquire", self.acquire), ("response", self.response))
                  if has for what in (f"50{NO_BREAK}%", f"99{NO_BREAK}%", "max")]
        return words + [("hand-offs", "n"), ("least / most", "n"), ("Jain", "n")] + [(name, "n") for name, _ in self.per_op]


def _tradeoff_table(load, groups):
    columns = _Columns(groups)
    rows, starts = [], set()
    for group in groups:
        for population in group.populations():
            starts.add(len(rows))
            rows += [_tradeoff_row(columns, group, point, data) for point, data in group.points.items()
                     if (point.writers, point.readers) == population]
    # Lines between conditions help the eye only where a condition has several rows.
    return Table(f"load {load}", columns.headings(), rows, frozenset(starts if len(starts) < len(rows) else ()))


def _tradeoff_row(columns, group, point, data):
    figures = _figures(data)
    row = [figure(style.size(group.size), group.size), population(point)]
    row += [Cell(group.fault)] * columns.fault + [Cell(group.setting_words)] * columns.settings
    row += [Cell(point.sync), verdict_cell(data.trials)]
    row += _rate_cells(figures.rate, points.broken(data.trials))
    if columns.acquire:
        row += _latency_cells(figures.acquire)
    if columns.response:
        row += _latency_cells(figures.response)
    row.append(figure(style.share(figures.handoff_share), figures.handoff_share))
    row.append(figure(style.share(figures.fairness), figures.fairness))
    row.append(_maybe_figure("{:.3f}".format, figures.jain))
    return row + [_per_op_cell(data, kind) for _, kind in columns.per_op]


def _per_op_cell(data, kind):
    values = [value for value in (getattr(trial, kind) for trial in data.trials) if value is not None]
    return figure(f"{stats.median(values):.3g}", stats.median(values)) if values else Cell("N/A", "", "n")


def _rate_cells(rate, broken):
    if rate is None:
        return [Cell("N/A", "", "n"), Cell("–", "", "n"), _count(0)]
    median = figure(style.metric(rate.median) + (" ✗" if broken else ""), rate.median)
    if broken:
        median.kind += " broken"
    return [median, _interval_cell(rate.interval), _count(rate.n)]


def _interval_cell(interval):
    if interval is None:
        return Cell("too few", "", "n")
    return figure(f"{style.metric(interval.low)} – {style.metric(interval.high)}", interval.low)


def _latency_cells(histogram):
    if histogram is None:
        return [Cell("N/A", "", "n")] * 3
    cells = []
    for fraction in (0.5, 0.99):
        value = histogram.percentile(fraction) if histogram.supports(fraction) else None
        cells.append(Cell("too few", "", "n") if value is None else figure(style.duration(value), value))
    return cells + [figure(style.duration(histogram.max), histogram.max)]


def trials(run):
    """The table of all trials; light where there are many."""
    shown = run.judged
    note = ""
    if len(shown) > MOST_ROWS:
        shown = sorted(shown, key=lambda trial: (bool(trial.as_expected), trial.number))[:MOST_ROWS]
        note = f"The first {MOST_ROWS:,} of {len(run.judged):,} trials, those with unexpected verdicts in front."
    full = len(shown) <= MOST_FULL_ROWS
    columns = [column for column in TRIAL_COLUMNS if full or column[2]]
    headings = [(words, kind) for words, kind, _, _ in columns]
    rows = [[write(trial) for _, _, _, write in columns] for trial in shown]
    return Table(style.plural(len(run.judged), "trial"), headings, rows, note=note)


def _acquire(trial, name):
    value = getattr(trial.acquire, name) if trial.acquire else None
    return figure("–" if value is None else style.duration(value), value)


def _handoffs(trial):
    value = trial.exposure.get("handoffs")
    portion = value / trial.ops if value is not None and trial.ops else None
    return figure(style.share(portion), portion)


# Heading, class, whether the light table has it too, and what it says of a trial.
TRIAL_COLUMNS = (
    ("trial", "n", True, lambda trial: Cell(str(trial.number), None, "n")),
    ("load", "", True, lambda trial: Cell(trial.point.load)),
    ("sync", "", True, lambda trial: Cell(trial.point.sync)),
    ("fault", "", True, lambda trial: Cell(trial.point.fault)),
    ("population", "", True, lambda trial: population(trial.point)),
    ("size", "n", True, lambda trial: figure(style.size(trial.point.size), trial.point.size)),
    ("repeat", "n", True, lambda trial: Cell(str(trial.repeat), None, "n")),
    ("verdict", "", True, lambda trial: verdict_cell([trial])),
    ("ops/s", "n", True, lambda trial: _maybe_figure(style.metric, trial.ops_per_s)),
    ("ops", "n", False, lambda trial: _count(trial.ops)),
    ("violations", "n", True, lambda trial: _count(trial.violations)),
    ("hand-offs", "n", False, _handoffs),
    (f"acquire 50{NO_BREAK}%", "n", False, lambda trial: _acquire(trial, "p50")),
    (f"acquire 99{NO_BREAK}%", "n", True, lambda trial: _acquire(trial, "p99")),
    ("acquire max", "n", False, lambda trial: _acquire(trial, "max")),
    ("seconds", "n", False, lambda trial: _maybe_figure("{:.3f}".format, trial.seconds)),
    ("seed", "n", False, lambda trial: Cell("N/A" if trial.seed is None else str(trial.seed), None, "n")),
)


def deaths(run):
    """A table for each load, population and size: what became of the survivors, and how soon."""
    return [_death_table(block) for block in crash.blocks(run)]


def _death_table(block):
    headings = [("sync", ""), ("place", ""), ("manner", ""), ("at", "n"), ("expected", ""), ("outcomes", ""), ("deaths", "n"),
                ("next acquisition, median", "n"), ("from", "n"), ("to", "n"), ("torn", "n"), ("looked at", "n")]
    rows, starts = [], set()
    for sync, cells in block.cells.items():
        starts.add(len(rows))
        rows += [_death_row(sync, blow, cells[blow]) for blow in sorted(cells, key=lambda blow: blow.order)]
    return Table(block.title, headings, rows, frozenset(starts if len(starts) < len(rows) else ()))


def _death_row(sync, blow, cell):
    of = f" {{}}/{len(cell.trials)}" if len(cell.trials) > 1 else ""
    words = ", ".join((f"{crash.look_of(outcome)[1]} {outcome}" + of.format(count)).replace(" ", NO_BREAK)
                      for outcome, count in cell.outcomes)
    kind = css_class(crash.OUTCOMES.get(cell.leading[0], ("",))[0])
    times = cell.times
    figures = [stats.median(times), times[0], times[-1]] if times else [None] * 3
    number = "" if blow.number is None else f"{blow.number:g}"
    return [Cell(sync), Cell(blow.place), Cell(blow.manner_words), Cell(number, None, "n"), Cell(cell.expected),
            Cell(words, None, f"v {kind}{' loud' if cell.odd else ''}"), _count(len(cell.trials)),
            *(Cell("never", "", "n") if value is None else figure(style.duration(value * 1e9), value) for value in figures),
            _count(cell.torn), _count(cell.looked_at)]


HOST_WORDS = {"cpu_model": "CPU", "allowed_cpus": "allowed CPUs", "memory_bytes": "memory", "page_bytes": "page",
              "memory_limit_bytes": "memory limit", "numa_nodes": "NUMA nodes", "load1": "load average, 1 min",
              "libc": "C library", "os": "operating system", "virtual": "virtual machine"}


def hosts(run):
    """(title, rows) of each host record; the title is empty where there is one only."""
    return [(str(host.get("label") or host.get("hostname") or "") if len(run.hosts) > 1 else "", host_rows(host)) for host in run.hosts]


def host_rows(host):
    """(name, value) of what a host record says."""
    rows = []
    for key, value in host.items():
        if key in ("type", "label"):
            continue
        if isinstance(value, dict):
            rows += [(f"{key} {inner.removesuffix('_bytes').replace('_', ' ')}", _plain(inner, inner_value))
                     for inner, inner_value in value.items()]
        else:
            rows.append((HOST_WORDS.get(key, key.replace("_", " ")), _plain(key, value)))
    return rows


def _plain(key, value):
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) and key.endswith("_bytes"):
        return style.size(value)
    if isinstance(value, int):
        return style.count(value)
    return str(value)
