"""The one style of charts and page: colours for light and dark, line and point types, fonts, numbers with their units.

A colour is a pair: what it is on white, and what it is on a dark page. Charts are drawn with the first; where they are
put into a page, each colour is replaced by a CSS variable of the page, which switches. Hues derive from Okabe-Ito and
Tol's muted scheme, darkened until they carry thin lines on white. Colour never speaks alone: a primitive has a dash and
a point as well, a verdict has a glyph and its word.
"""

import math
import zlib
from dataclasses import dataclass

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, 'DejaVu Sans', sans-serif"
FONT_SIZE = 13


@dataclass(frozen=True)
class Colour:
    """One colour of the style: its CSS variable, and its values on a light and on a dark ground."""

    token: str
    light: str
    dark: str


INK = Colour("ink", "#1c2024", "#e8eaed")
SOFT = Colour("soft", "#5a6370", "#a3abb5")
RULE = Colour("rule", "#d9dde2", "#3a4048")
PAPER = Colour("paper", "#ffffff", "#15181c")

DASHES = {"solid": "solid", "long": "(14,5)", "short": "(5,4)", "dot": "(2,4)", "dashdot": "(12,4,2,4)",
          "dashdotdot": "(12,4,2,4,2,4)"}
# gnuplot's numbers of the filled and the hollow variant of a shape.
SHAPES = {"circle": (7, 6), "square": (5, 4), "up": (9, 8), "down": (11, 10), "diamond": (13, 12), "pentagon": (15, 14)}


@dataclass(frozen=True)
class Look:
    """How a primitive is drawn in every chart of a report."""

    colour: Colour
    dash: str
    shape: str

    @property
    def filled(self):
        return SHAPES[self.shape][0]

    @property
    def hollow(self):
        return SHAPES[self.shape][1]


FIXED_LOOKS = {
    "none": Look(Colour("c-none", "#707277", "#a5a8ad"), "dot", "pentagon"),
    "semaphore": Look(Colour("c-semaphore", "#cf5800", "#f58f45"), "solid", "square"),
    "semaphore-named": Look(Colour("c-semaphore-named", "#a97b00", "#e9bd4a"), "long", "diamond"),
    "mutex": Look(Colour("c-mutex", "#0068a6", "#5caee6"), "solid", "circle"),
    "mutex-robust": Look(Colour("c-mutex-robust", "#2b93c9", "#9ad4f5"), "short", "down"),
    "rwlock": Look(Colour("c-rwlock", "#b4508a", "#ea9cca"), "dashdot", "up"),
    "spin": Look(Colour("c-spin", "#00835c", "#35cda0"), "long", "circle"),
}

_MORE_COLOURS = (
    Colour("c-1", "#3d2f96", "#a79df5"), Colour("c-2", "#8a2457", "#ee7fae"), Colour("c-3", "#74741c", "#d3d366"),
    Colour("c-4", "#1d7f74", "#6fd3c5"), Colour("c-5", "#96369b", "#dd8ee0"), Colour("c-6", "#7c3416", "#d9967a"),
    Colour("c-7", "#15692f", "#6cc987"), Colour("c-8", "#4556b5", "#98a8f8"), Colour("c-9", "#a8323f", "#f58a94"),
    Colour("c-10", "#5c5f66", "#b9bcc4"), Colour("c-11", "#4f7a00", "#a6d14f"), Colour("c-12", "#825a9e", "#c8a4e6"),
)
_MORE_DASHES = ("solid", "short", "dashdot", "long", "dashdotdot")
_MORE_SHAPES = ("up", "diamond", "square", "down", "pentagon", "circle")


def _fallback_look(slot):
    """The look of one slot; slots repeat a colour only with another dash and another shape."""
    turn, place = divmod(slot, len(_MORE_COLOURS))
    return Look(_MORE_COLOURS[place], _MORE_DASHES[(place + turn) % len(_MORE_DASHES)],
                _MORE_SHAPES[(place + turn) % len(_MORE_SHAPES)])


def looks_for(names):
    """A dict from each name to its look: fixed ones first, others by a hash, clashes moved on in sorted order."""
    looks = {name: FIXED_LOOKS[name] for name in names if name in FIXED_LOOKS}
    others = sorted(set(names) - set(looks))
    slots = len(_MORE_COLOURS) * max(1, math.ceil(len(others) / len(_MORE_COLOURS)))
    taken = set()
    for name in others:
        slot = zlib.crc32(name.encode("utf-8", "surrogatepass")) % slots
        while slot in taken:
            slot = (slot + 1) % slots
        taken.add(slot)
        looks[name] = _fallback_look(slot)
    return looks


# Ordered scale (dark to bright in light mode) for things that have an order: life-cycle steps, percentiles.
SCALE = (
    Colour("s-1", "#47307d", "#b09bf0"), Colour("s-2", "#3a5a8c", "#86abef"), Colour("s-3", "#2a788e", "#63bddb"),
    Colour("s-4", "#1f8a70", "#4fcfa9"), Colour("s-5", "#4c8c2b", "#95d266"), Colour("s-6", "#8a8412", "#d8cf4e"),
    Colour("s-7", "#b5651d", "#f2a65e"),
)
# How many: the further from the ground the more, by lightness alone, so that it reads the same to every eye.
HEAT = (
    Colour("h-1", "#f3c98b", "#4d2347"), Colour("h-2", "#eba35c", "#73294f"), Colour("h-3", "#dc7a41", "#983650"),
    Colour("h-4", "#c1533a", "#bb4c49"), Colour("h-5", "#993542", "#d7713f"), Colour("h-6", "#6a2148", "#eb9f52"),
    Colour("h-7", "#391240", "#f9dc9c"),
)
BAND = Colour("band", "#dfe7ee", "#2a323a")
SCALE_LOOKS = tuple(Look(colour, dash, shape) for colour, dash, shape in zip(
    SCALE, ("solid", "short", "long", "solid", "dashdot", "dot", "solid"),
    ("circle", "square", "up", "diamond", "down", "pentagon", "circle")))


@dataclass(frozen=True)
class VerdictLook:
    """A verdict's glyph, its quiet colours (as expected) and its loud ones (unexpected)."""

    glyph: str
    soft: Colour
    on_soft: Colour
    loud: Colour
    on_loud: Colour


def _verdict_look(token, glyph, soft, on_soft, loud):
    """Builds a look from (light, dark) pairs; text on a loud ground is near white or near black."""
    return VerdictLook(glyph, Colour(f"v-{token}", *soft), Colour(f"v-{token}-ink", *on_soft),
                       Colour(f"v-{token}-loud", *loud), ON_LOUD)


ON_LOUD = Colour("v-on-loud", "#fffefe", "#101214")

# Word, glyph, and (light, dark) of the quiet ground, the quiet ink and the loud ground.
_VERDICT_ROWS = (
    ("CLEAN", "✓", ("#d3efe2", "#173a2d"), ("#0b5a3c", "#8fe0bd"), ("#0a7a52", "#6fe3b6")),
    ("CORRUPT", "✗", ("#fbdcc9", "#4a2613"), ("#8c3500", "#ffb58a"), ("#c24a00", "#ff9a5c")),
    ("WEDGED", "‖", ("#e8daf5", "#38254d"), ("#5b2a86", "#d3b3f5"), ("#6b2fa0", "#c08ff5")),
    ("CRASHED", "†", ("#f9d5de", "#4d1f2b"), ("#8a1538", "#ffabc0"), ("#860c33", "#f0567f")),
    ("INCONCLUSIVE", "?", ("#fbf0c4", "#453b10"), ("#6b5500", "#eed77a"), ("#806500", "#e6c94f")),
    ("UNSUPPORTED", "–", ("#e9ebee", "#2b3036"), ("#4d555f", "#b5bcc5"), ("#5e6670", "#b0b7c0")),
    ("ERROR", "!", ("#d5deee", "#232f45"), ("#27406f", "#adc3ee"), ("#30508a", "#8fb0f0")),
)
VERDICTS = {word: _verdict_look(word.lower(), *row) for word, *row in _VERDICT_ROWS}
NO_VERDICT = _verdict_look("open", "…", ("#f3f4f6", "#20242a"), ("#5b626b", "#a8afb8"), ("#69707a", "#a2a9b3"))
# From the worst to the harmless: what a cell or a group of trials is called when its repeats disagree.
SEVERITY = ("CORRUPT", "CRASHED", "WEDGED", "ERROR", "INCONCLUSIVE", "UNSUPPORTED", "CLEAN")
# The throughput or latency of such a trial is that of something that did not do its work.
BROKEN = frozenset(("CORRUPT", "CRASHED", "WEDGED", "ERROR"))
# Such a trial stopped half-way: operations over time is not a speed of anything.
CUT_SHORT = BROKEN - {"CORRUPT"}


def verdict_look(word):
    """The look of a verdict word; of an unknown or missing one too."""
    return VERDICTS.get(word, NO_VERDICT)


def severity(word):
    """Sorting key: the worst first, an unknown word in front of all."""
    return SEVERITY.index(word) if word in SEVERITY else -1


def _all_colours():
    yield from (INK, SOFT, RULE, PAPER, BAND, ON_LOUD)
    yield from (look.colour for look in FIXED_LOOKS.values())
    yield from _MORE_COLOURS
    yield from SCALE
    yield from HEAT
    for look in (*VERDICTS.values(), NO_VERDICT):
        yield from (look.soft, look.on_soft, look.loud)


COLOURS = {colour.light: colour for colour in _all_colours()}


def css_variables(dark):
    """The declarations of all colours for one ground, to stand inside a CSS rule."""
    return " ".join(f"--{colour.token}:{colour.dark if dark else colour.light};" for colour in COLOURS.values())


def _three(value):
    """Three significant digits without an exponent and without trailing zeros."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    written = f"{value:.{digits}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def _scaled(value, units, step):
    """Three digits and the unit in which the rounded value stays below `step`."""
    for unit in units[:-1]:
        if abs(float(_three(value))) < step:
            return f"{_three(value)} {unit}".rstrip()
        value /= step
    return f"{_three(value)} {units[-1]}"


def metric(value):
    """A plain number with k, M or G: 1.25 M."""
    return _scaled(float(value), ("", "k", "M", "G"), 1000)


def rate(value):
    """Operations per second; N/A for None, because what was not measured is not 0."""
    return "N/A" if value is None else f"{metric(value)} ops/s"


def duration(nanoseconds):
    """Nanoseconds in the unit that reads best; N/A for None."""
    return "N/A" if nanoseconds is None else _scaled(float(nanoseconds), ("ns", "us", "ms", "s"), 1000)


def size(count):
    """Bytes in B, KiB, MiB ...; N/A for None."""
    return "N/A" if count is None else _scaled(float(count), ("B", "KiB", "MiB", "GiB", "TiB"), 1024)


def seconds(value):
    """Seconds with three digits; N/A for None."""
    return "N/A" if value is None else f"{_three(value)} s"


def share(value):
    """A fraction as a percentage; N/A for None."""
    if value is None:
        return "N/A"
    return "< 0.1 %" if 0 < value < 0.001 else f"{_three(100 * value)} %"


def count(value):
    """An integer with thousands separated; N/A for None."""
    return "N/A" if value is None else f"{value:,}"


def percentile_name(fraction):
    """50 %, 99.9 %: as many nines as needed."""
    return f"{100 * fraction:.10g} %"


def plural(number, noun, more=None):
    """1 trial, 2 trials."""
    return f"{number:,} {noun if number == 1 else more or noun + 's'}"


def ellipsis(text, limit):
    """The text, its middle left out where it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return text[:head] + "…" + text[len(text) - (limit - 1 - head):]
