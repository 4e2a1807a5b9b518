"""Draws panels with gnuplot, and makes its SVG fit both a stand-alone file and a page that may be light or dark.

A chart builds Canvases in pixels from the upper left corner; series are plotted in the units of the data. Every text
reaches gnuplot as a string without anything special in it, for a terminal without markup, so that a name from a record
cannot act as a command.
"""

import html
import math
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field

import style
from axis import spread
from letters import fitting, text_width

GNUPLOT = "gnuplot"
DEADLINE_S = 120
# Stands at the start of every chart file, so that a later report can tell its own old files from somebody's.
MARK = "<!-- drawn by shmoo report -->"


class PlotError(Exception):
    """gnuplot cannot be run or did not draw; the message says why and what to do."""


@dataclass
class Panel:
    """One picture: a name for its file, a sentence for those who cannot see it, and what was drawn."""

    name: str
    alt: str
    canvas: "Canvas"
    caption: str = ""
    svg: str = ""


@dataclass
class Chart:
    """The panels that answer one question, and what has to be said about them in words."""

    panels: list = field(default_factory=list)
    notes: list = field(default_factory=list)


_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;-+/=<>()")


def printable(words):
    """The words with every control character replaced: neither gnuplot nor XML can carry those."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in words)


def quote(words):
    """The words as a gnuplot string that nothing in it can leave or expand: whatever is not plain is written in octal.

    Single quotes would not do: gnuplot 5.4 ends such a string where it begins with a doubled quote.
    """
    return '"' + "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in printable(words).encode()) + '"'


def escape(words):
    """The words for an attribute or an element of SVG."""
    return html.escape(printable(words))


def _number(value):
    return f"{value:.8g}"


class Canvas:
    """Collects what is drawn on one picture and writes it as gnuplot commands."""

    def __init__(self, width, height, left, right, top, bottom, strip=0):
        """Sizes and margins in pixels; `strip` is kept free between the plot and the labels of its horizontal axis."""
        self.width, self.height, self.strip = width, height + strip, strip
        self.left, self.right, self.top, self.bottom = left, width - right, top, height - bottom
        self.commands, self.blocks, self.plots, self.tips = [], [], [], []
        self.ranges = {"x": (0, 1, False), "y": (0, 1, False)}

    def title(self, words, below=""):
        """The panel's title and, softer below it, what the vertical axis shows; cut where the picture ends."""
        room = self.width - 16
        self.text(8, 16, fitting(words, room, style.FONT_SIZE + 1, bold=True), bold=True, size=style.FONT_SIZE + 1)
        if below:
            self.text(8, 35, fitting(below, room, style.FONT_SIZE - 1), colour=style.SOFT, size=style.FONT_SIZE - 1)

    def y_axis(self, low, high, ticks, write, log=False):
        """Ticks with a rule across the plot; `write` turns a value into its label."""
        self._axis("y", low, high, ticks, log, grid=True)
        for tick in ticks:
            self.text(self.left - 8, self.y_px(tick), write(tick), colour=style.SOFT, anchor="right",
                      size=style.FONT_SIZE - 1)

    def x_axis(self, low, high, ticks, labels, title, log=False, grid=False):
        """Ticks with the given labels below, thinned out where they would touch, and the axis's title."""
        self._axis("x", low, high, ticks, log, grid)
        size = style.FONT_SIZE - 1
        below, free_from = self.bottom + self.strip, -math.inf
        for tick, label in zip(ticks, labels):
            half = text_width(label, size) / 2
            if self.x_px(tick) - half >= free_from:
                self.text(self.x_px(tick), below + 14, label, colour=style.SOFT, anchor="center", size=size)
                free_from = self.x_px(tick) + half + 6
        self.text((self.left + self.right) / 2, below + 34, title, colour=style.SOFT, anchor="center", size=size)

    def _axis(self, name, low, high, ticks, log, grid):
        self.ranges[name] = (low, high, log)
        if log:
            self.commands.append(f"set logscale {name}")
        if grid and ticks:
            places = ", ".join(f"'' {_number(tick)}" for tick in ticks)
            self.commands.append(f"set {name}tics ({places}) scale 0")
            self.commands.append(f"set grid {name}tics lt 1 lc rgb '{style.RULE.light}' lw 1")

    def _place(self, axis, value):
        low, high, log = self.ranges[axis]
        if log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low)

    def x_px(self, value):
        """Where a value of the horizontal axis lies, in pixels."""
        return self.left + self._place("x", value) * (self.right - self.left)

    def y_px(self, value):
        """Where a value of the vertical axis lies, in pixels from the top."""
        return self.bottom - self._place("y", value) * (self.bottom - self.top)

    def _at(self, x, y):
        return f"screen {_number(x / self.width)}, screen {_number(1 - y / self.height)}"

    def text(self, x, y, words, colour=style.INK, anchor="left", size=style.FONT_SIZE, bold=False):
        """Words with their middle at height `y`."""
        font = f"sans-serif:Bold,{size}" if bold else f"sans-serif,{size}"
        self.commands.append(f"set label {quote(words)} at {self._at(x, y)} {anchor} front "
                             f"font '{font}' tc rgb '{colour.light}'")

    def line(self, x0, y0, x1, y1, colour=style.RULE, width=1.0, dash="solid"):
        """A straight line between two pixels."""
        self.commands.append(f"set arrow from {self._at(x0, y0)} to {self._at(x1, y1)} nohead "
                             f"lw {width} dt {style.DASHES[dash]} lc rgb '{colour.light}'")

    def box(self, x, y, width, height, fill, outline=None, line_width=1.0, behind=False):
        """A filled rectangle, with an outline if one is named; `behind` the grid and everything else if asked for."""
        border = f"border lc rgb '{outline.light}' lw {line_width}" if outline else "noborder"
        self.commands.append(f"set object rectangle from {self._at(x, y + height)} to {self._at(x + width, y)} "
                             f"{'behind ' if behind else ''}fc rgb '{fill.light}' fs solid 1 {border}")

    def series(self, rows, drawn_with, tip):
        """Plots rows of numbers; an empty row lifts the pen. `tip` is what the pointer is told."""
        name = f"$data{len(self.blocks)}"
        lines = [" ".join(_number(value) for value in row) for row in rows]
        self.blocks.append("\n".join([f"{name} << EOD", *lines, "EOD"]))
        columns = max((len(row) for row in rows), default=2)
        using = ":".join(str(column) for column in range(1, columns + 1))
        self.plots.append(f"{name} using {using} with {drawn_with} notitle")
        self.tips.append(tip)

    def rectangles(self, rows, fill, tip):
        """Filled rectangles (left, right, low, high) in the units of the data."""
        middles = [((left + right) / 2, (low + high) / 2, left, right, low, high) for left, right, low, high in rows]
        if middles:
            self.series(middles, f"boxxyerror fs solid 1 noborder lc rgb '{fill.light}'", tip)

    def labels_right(self, entries, gap=16, wanted=None):
        """Names series at the right edge: entries are (x_px, y_px, words, colour); displaced ones get a thin leader.
        `wanted`: at which heights, if not at those of the entries."""
        places = spread_places(wanted or [y for _, y, _, _ in entries], gap, self.top, self.bottom)
        for (x, y, words, colour), place in zip(entries, places):
            start = self.right + 18
            if abs(place - y) > 3 or x < self.right - 40:
                self.line(x + 7, y, start - 3, place, colour=colour, width=0.7, dash="dot")
            self.text(start, place, words, colour=colour, size=style.FONT_SIZE - 1)

    def script(self, output):
        """The gnuplot commands that draw this picture into a file."""
        head = ["reset", f"set terminal svg size {self.width},{self.height} dynamic noenhanced butt "
                f"font 'sans-serif,{style.FONT_SIZE}'", f"set output '{output}'",
                "unset key", "unset tics", "unset border", "set bars 0"]
        margins = [f"set lmargin at screen {_number(self.left / self.width)}",
                   f"set rmargin at screen {_number(self.right / self.width)}",
                   f"set tmargin at screen {_number(1 - self.top / self.height)}",
                   f"set bmargin at screen {_number(1 - self.bottom / self.height)}"]
        if not self.plots:
            # gnuplot draws labels and objects only together with a plot: a mark without size.
            self.series([(self.ranges["x"][0], self.ranges["y"][0])], "points ps 0", "")
        return "\n".join([*head, *margins, *self._ranges(), *self.commands, *self.blocks,
                          "plot " + ", \\\n  ".join(self.plots), "unset output"])

    def _ranges(self):
        return [f"set {name}range [{_number(low)}:{_number(high)}]" for name, (low, high, _) in self.ranges.items()]


def spread_places(wanted, gap, low, high):
    """See axis.spread(); the gap shrinks where the labels would not fit otherwise."""
    if len(wanted) > 1:
        gap = min(gap, (high - low) / (len(wanted) - 1))
    return spread(wanted, gap, low, high)


def draw(panels):
    """Draws the panels with one gnuplot process and sets their `svg`; PlotError if that fails."""
    if not panels:
        return
    with tempfile.TemporaryDirectory(prefix="shmoo-report-") as folder:
        script = "\n".join(["set encoding utf8"] + [panel.canvas.script(f"{number}.svg")
                                                    for number, panel in enumerate(panels)])
        _run_gnuplot(script, folder)
        for number, panel in enumerate(panels):
            with open(os.path.join(folder, f"{number}.svg"), encoding="utf-8") as file:
                panel.svg = tidy(file.read(), panel)


def _run_gnuplot(script, folder):
    try:
        done = subprocess.run([GNUPLOT, "-d", "-"], input=script, text=True, encoding="utf-8", errors="replace",
                              cwd=folder, capture_output=True, timeout=DEADLINE_S, check=False)
    except FileNotFoundError:
        raise PlotError("gnuplot is not installed, and it draws the charts: apt install gnuplot-nox") from None
    except OSError as error:
        raise PlotError(f"gnuplot cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise PlotError(f"gnuplot did not finish within {DEADLINE_S} s") from None
    complaint = done.stderr.strip()
    if done.returncode or complaint:
        raise PlotError(f"gnuplot could not draw: {' '.join(complaint.split())[:300] or f'status {done.returncode}'}")


_RGB = re.compile(r"rgb\(\s*(\d+),\s*(\d+),\s*(\d+)\)")
_PLOT = re.compile(r'<g id="gnuplot_plot_(\d+)" ?><title>.*?</title>')
# A mark of size 0, which stands where nothing is plotted: its matrix has no inverse, an error to some readers of SVG.
_NO_MARK = re.compile(r"\s*<use [^>]*scale\(0\.00\)[^>]*/>")
_EMPTY_GROUP = re.compile(r'<g fill="none"[^>]*>\s*</g>\s*')
_DEFINITION = re.compile(r"^\t(?:<(?:circle|path|rect|use)[^>]*\bid='(gp[^']+)'.*)\n", re.M)
_REFERENCE = re.compile(r"xlink:href='#(gp[^']+)'")


def tidy(svg, panel):
    """gnuplot's SVG without its preamble and empty groups, with ids of its own, plain hex colours and tool tips."""
    body = svg[svg.index("</defs>") + len("</defs>"):svg.rindex("</g>")]
    definitions = dict((found.group(1), found.group(0)) for found in _DEFINITION.finditer(svg))
    body = _RGB.sub(lambda found: "#%02x%02x%02x" % tuple(int(part) for part in found.groups()), body)
    body = body.replace('font-family="sans-serif:Bold"', 'font-weight="600"').replace('font-family="sans-serif"', "")
    body = _PLOT.sub(lambda found: "<g>" + _tip(panel.canvas.tips, int(found.group(1))), body)
    body = _NO_MARK.sub("", body)
    for _ in range(2):
        body = _EMPTY_GROUP.sub("", body)
    used = _used(definitions, body)
    text = "<defs>\n" + "".join(definitions[name] for name in definitions if name in used) + "</defs>" + body
    return re.sub(r"(id='|xlink:href='#)gp", rf"\1{panel.name}-gp", text)


def _tip(tips, number):
    """What the pointer is told over the series of this number, counted from 1."""
    words = tips[number - 1] if number <= len(tips) else ""
    return f"<title>{escape(words)}</title>" if words else ""


def _used(definitions, body):
    """The definitions that the body refers to, directly or through another one."""
    waiting, used = set(_REFERENCE.findall(body)), set()
    while waiting:
        name = waiting.pop()
        used.add(name)
        waiting |= set(_REFERENCE.findall(definitions[name])) - used
    return used


def _element(panel, attributes, body):
    canvas = panel.canvas
    return (f'<svg {attributes} viewBox="0 0 {canvas.width} {canvas.height}" role="img" '
            f'aria-label="{escape(panel.alt)}" font-family="{style.FONT}">\n{body}</svg>\n')


def standalone(panel):
    """The panel as a file of its own: on white, with fixed colours."""
    ground = f'<rect width="100%" height="100%" fill="{style.PAPER.light}"/>\n'
    size = ('xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{panel.canvas.width}" height="{panel.canvas.height}"')
    return f'<?xml version="1.0" encoding="utf-8"?>\n{MARK}\n' + _element(panel, size, ground + panel.svg)


def inline(panel):
    """The panel for a page: without a ground, its colours taken from the page's CSS variables."""
    def themed(found):
        colour = style.COLOURS.get(found.group(2).lower())
        return f"{found.group(1)}var(--{colour.token})" if colour else found.group(0)
    body = re.sub(r"((?:fill|stroke|color) ?= ?['\"])(#[0-9a-fA-F]{6})", themed, panel.svg)
    return _element(panel, f'style="max-width:{panel.canvas.width}px"', body.replace("xlink:href", "href"))
