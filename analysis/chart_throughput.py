"""Draws throughput against population: a line per primitive through the medians, with every repeat as a dot."""

import axis
import plot
import points
import stats
import style

MOST_PANELS = 12
WIDTH, WIDE = 500, 1080
# With more marks than these a panel takes the page's whole width.
CROWD = 48
# More dots than these in one place show nothing more, and weigh on the page.
MOST_DOTS = 80
MOST_NAMED_MISSING = 4
NOT_MEASURED = "N/A"
AXIS_TITLE = "population (w writers, r readers)"


def build(run, looks):
    """The chart, or None if no trial could have had a throughput."""
    groups = points.groups(run.points, lambda point, data: points.alive(data) and any(trial.ops for trial in data.trials))
    elsewhere = _drawn_by_size(groups)
    groups = [group for group in groups if group.load not in elsewhere]
    if not groups:
        return None
    chart = plot.Chart()
    drawn = [group for group in groups if _values(group)]
    scales = _scales(drawn)
    for number, group in enumerate(drawn[:MOST_PANELS]):
        chart.panels.append(_panel(group, looks, scales[_scale_key(group)], f"throughput-{number + 1}"))
    chart.notes += _notes(groups, drawn)
    return chart


def _drawn_by_size(groups):
    """Loads that sent messages of several sizes with one population: that is bandwidth, and a line over one population is none."""
    loads = {}
    for group in groups:
        loads.setdefault(group.load, []).append(group)
    return {load for load, found in loads.items()
            if len({group.size for group in found}) > 1 and len({crew for group in found for crew in group.populations()}) == 1
            and any(trial.bytes_per_s is not None for group in found for trial in group.trials())}


def _values(group):
    return points.rates(group.trials())


def _scales(groups):
    """The vertical axis of each load under the same settings: the same in all panels, so that they can be compared."""
    values = {}
    for group in groups:
        values.setdefault(_scale_key(group), []).extend(_values(group))
    return {key: axis.axis_for([value for value in found if value > 0]) for key, found in values.items()}


def _scale_key(group):
    return group.load, group.settings


def _notes(groups, drawn):
    notes = []
    if len(drawn) > MOST_PANELS:
        notes.append(f"{style.plural(len(drawn) - MOST_PANELS, 'more panel')} left out here: "
                     f"{points.named_list(group.title for group in drawn[MOST_PANELS:])}. "
                     "The table of trade-offs has their figures.")
    missing = [group.title for group in groups if not _values(group)]
    if missing:
        notes.append(f"Throughput is N/A for {points.named_list(missing)}: no trial that ran to its end had a moment "
                     "at which all of its workers were under way.")
    if any(points.broken(group.trials()) for group in drawn):
        notes.append("Hollow marks: a trial there was CORRUPT, and such a speed is that of something that did not do "
                     "its work: it recommends nothing. What was WEDGED, CRASHED or ERROR stopped half-way and has no "
                     "speed: it stands below the axis with the verdict's sign.")
    return notes


class _Series:
    """One primitive in one panel: for each population its repeats and their median."""

    def __init__(self, sync, table, populations, offset, step, look, log):
        self.sync, self.look, self.step, self.log = sync, look, step, log
        self.places = [place + offset for place in range(len(populations))]
        self.data = [table.get(population) for population in populations]
        self.rates = [points.rates(data.trials) if data else [] for data in self.data]
        self.middles = [stats.middle(rates) for rates in self.rates]
        self.broken = [bool(data) and points.broken(data.trials) for data in self.data]
        self.name = points.marked(sync, [trial for data in self.data if data for trial in data.trials])

    def missing(self):
        """Populations at which trials ran and none has a throughput."""
        return [index for index, data in enumerate(self.data) if data and not self.rates[index]]

    def drawn(self):
        """For each population its median and interval; None where there is none, or a 0 that a log axis cannot show."""
        return [None if middle is None or (self.log and not middle.median) else middle for middle in self.middles]

    def off_axis(self):
        """(population, words) of what ran and cannot be drawn."""
        zeros = [index for index, middle in enumerate(self.middles) if middle and self.log and not middle.median]
        return [(index, self._why_missing(index)) for index in self.missing()] + [(index, "0") for index in zeros]

    def _why_missing(self, index):
        """The verdict if that is why there is no throughput, else N/A."""
        word, _ = points.verdict_counts(self.data[index].trials)[0]
        return word if word in style.CUT_SHORT else NOT_MEASURED

    def last(self):
        """The last population that has a median drawn; None if there is none."""
        return max((index for index, middle in enumerate(self.drawn()) if middle), default=None)


def _panel(group, looks, scale, name):
    populations = group.populations()
    table = group.by_sync()
    labels = [f"{writers}w{readers}r" for writers, readers in populations]
    step = min(0.18, 0.8 / len(table))
    series = [_Series(sync, cells, populations, (place - (len(table) - 1) / 2) * step, step, looks[sync], scale[0])
              for place, (sync, cells) in enumerate(table.items())]
    canvas = _canvas(group, series, labels, scale)
    for one in series:
        _draw_series(canvas, one)
    for one in series:
        _draw_dots(canvas, one)
        _draw_medians(canvas, one)
    canvas.labels_right([_label(canvas, one) for one in series if one.last() is not None])
    _draw_off_axis(canvas, series)
    return plot.Panel(name, f"Throughput against population: {group.title}", canvas, _caption(series, labels))


def _canvas(group, series, labels, scale):
    width = WIDTH if len(labels) * len(series) <= CROWD else WIDE
    right = 30 + max(plot.text_width(one.name, style.FONT_SIZE - 1) for one in series if one.last() is not None)
    canvas = plot.Canvas(width, max(330, 114 + 17 * len(series)), 62, right, 58, 50,
                         strip=_strip_height(series))
    log, low, high, ticks = scale
    canvas.title(group.title, "throughput, operations per second" + (" (log scale)" if log else ""))
    canvas.y_axis(low, high, ticks, style.metric, log)
    canvas.x_axis(-0.5, len(labels) - 0.5, range(len(labels)), labels, AXIS_TITLE)
    return canvas



def _draw_series(canvas, one):
    colour, foot = one.look.colour.light, canvas.ranges["y"][0]
    rows = [(place, middle.median) if middle else () for place, middle in zip(one.places, one.drawn())]
    if sum(1 for row in rows if row) > 1:
        canvas.series(rows, f"lines lc rgb '{colour}' lw 1.8 dt {style.DASHES[one.look.dash]}", one.sync)
    ends = [(place, max(foot, middle.interval.low), middle.interval.high)
            for place, middle in zip(one.places, one.drawn()) if middle and middle.interval]
    whiskers = [(place, low, 0, high - low) for place, low, high in ends]
    if whiskers:
        canvas.series(whiskers, f"vectors nohead lc rgb '{colour}' lw 1.4", f"{one.sync}: interval of the median")


def _draw_dots(canvas, one):
    """Each repeat, a little left of the interval so that neither covers the other; a broken trial's dot is hollow."""
    solid, hollow = [], []
    for place, data in zip(one.places, one.data):
        trials = [trial for trial in points.measured(data.trials if data else ()) if trial.ops_per_s or not one.log]
        for trial in trials[::-(-len(trials) // MOST_DOTS) or 1]:
            (hollow if trial.verdict in style.BROKEN else solid).append((place - 0.4 * one.step, trial.ops_per_s))
    faint = "#70" + one.look.colour.light[1:]
    if solid:
        canvas.series(solid, f"points pt 7 ps 0.35 lc rgb '{faint}'", f"{one.sync}: each repeat")
    if hollow:
        canvas.series(hollow, f"points pt 6 ps 0.4 lw 0.8 lc rgb '{faint}'", f"{one.sync}: each repeat, broken")


def _draw_medians(canvas, one):
    colour = one.look.colour.light
    places = [(place, middle.median, broken)
              for place, middle, broken in zip(one.places, one.drawn(), one.broken) if middle]
    for broken, kind, words in ((False, one.look.filled, "median"), (True, one.look.hollow, "median, broken")):
        rows = [(place, value) for place, value, is_broken in places if is_broken == broken]
        if rows and broken:
            # The ground shows through a hollow mark, so that the line does not.
            canvas.series(rows, f"points pt {one.look.filled} ps 0.7 lc rgb '{style.PAPER.light}'", "")
        if rows:
            canvas.series(rows, f"points pt {kind} ps 0.7 lw 1.5 lc rgb '{colour}'", f"{one.sync}: {words}")


def _label(canvas, one):
    last = one.last()
    return canvas.x_px(one.places[last]), canvas.y_px(one.middles[last].median), one.name, one.look.colour


def _off_axis_columns(series):
    """For each population, (words, series) of the primitives that ran there and cannot be drawn."""
    columns = {}
    for one in series:
        for index, words in one.off_axis():
            columns.setdefault(index, []).append((words, one))
    return columns


def _strip_height(series):
    most = max((len(entries) for entries in _off_axis_columns(series).values()), default=0)
    return 14 * min(most, MOST_NAMED_MISSING) + (6 if most else 0)


def _draw_off_axis(canvas, series):
    """Below the plot: N/A for what was not measured, a verdict's glyph for what stopped half-way, 0 on a log axis."""
    size = style.FONT_SIZE - 3
    room = canvas.x_px(1) - canvas.x_px(0) - 4
    for index, entries in _off_axis_columns(series).items():
        for place, (words, one) in enumerate(entries[:MOST_NAMED_MISSING]):
            words = style.VERDICTS[words].glyph if words in style.VERDICTS else words
            name = plot.fitting(style.ellipsis(one.sync, 20), max(40, room - plot.text_width(f"{words} ", size)), size)
            canvas.text(canvas.x_px(index), canvas.bottom + 10 + 14 * place, f"{words} {name}",
                        colour=one.look.colour, anchor="center", size=size)


def _caption(series, labels):
    missing = [f"{one.sync} at {points.named_list([labels[index] for index in places])}" for one in series
               if (places := [index for index, words in one.off_axis() if words == NOT_MEASURED])]
    sentences = [f"N/A (no moment with all workers under way): {'; '.join(missing)}."] if missing else []
    zeros = {one.sync for one in series for _, words in one.off_axis() if words == "0"}
    if zeros:
        sentences.append(f"0 below the axis: {points.named_list(sorted(zeros))} did no operation in the common window.")
    repeats = [middle.n for one in series for middle in one.middles if middle]
    if repeats and max(repeats) < stats.FEWEST_FOR_INTERVAL:
        sentences.append("No intervals: fewer than three repeats.")
    if repeats and max(repeats) > MOST_DOTS:
        sentences.append(f"Dots: about {MOST_DOTS} of the {max(repeats)} repeats; the medians are those of all.")
    return " ".join(sentences)
