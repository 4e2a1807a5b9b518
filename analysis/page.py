"""What all pages are made with: templates, style and script, panels that fit a small screen, chart files beside the page."""

import functools
import os

import jinja2
import markupsafe

import output
import plot
import style
import tables

CHARTS_FOLDER = "charts"
# Panels wider than this, in pixels, take a row of the page; narrower ones stay readable down to the second width.
WIDE_FROM, LEAST_WIDTH = 560, 340


# What a name from outside could turn the text around with, or hide.
_UNSEEN = {code: "\N{REPLACEMENT CHARACTER}" for code in (
    *range(9), 11, 12, *range(14, 32), *range(127, 160), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)}


def harmless(words):
    """Text without control characters and changes of direction; anything else as it is."""
    if not isinstance(words, str) or isinstance(words, markupsafe.Markup) or words.isascii() and words.isprintable():
        return words
    return words.translate(_UNSEEN)


@functools.cache
def _templates():
    folder = os.path.dirname(os.path.abspath(__file__))
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True, finalize=harmless)
    templates.filters.update(count=style.count, plural=style.plural, verdict_class=tables.css_class, sentence=sentence)
    return templates


def render(template, **values):
    """The page as a string: the template with the values, and the page's own style and script."""
    templates = _templates()
    verdicts = [(name.lower(), name) for name in style.VERDICTS] + [("open", "")]
    trusted = markupsafe.Markup
    css = templates.get_template("page.css.j2").render(
        light=trusted(style.css_variables(False)), dark=trusted(style.css_variables(True)), font=trusted(style.FONT),
        verdicts=verdicts)
    script = templates.get_template("page.js.j2").render()
    return templates.get_template(template).render(css=trusted(css), js=trusted(script), **values)


def sentence(words):
    """The words with a capital in front and a full stop behind."""
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")


def chart_entry(row, chart):
    """A chart for the page."""
    return {"row": row, "panels": [_panel_entry(panel) for panel in chart.panels], "notes": chart.notes}


def _panel_entry(panel):
    """A panel for the page: wide ones scroll on a small screen, others shrink."""
    width = panel.canvas.width
    wide = width > WIDE_FROM
    return {"svg": markupsafe.Markup(plot.inline(panel)), "width": width, "caption": panel.caption, "wide": wide,
            "least": round(0.8 * width) if wide else LEAST_WIDTH}


def write(out, text, built):
    """Writes the page, and the panels of its charts as files beside it."""
    folder = os.path.dirname(out)
    try:
        write_charts(os.path.join(folder, CHARTS_FOLDER), built)
        output.write_whole(out, text)
    except OSError as error:
        raise output.failed(error, folder) from error


def write_charts(folder, built):
    """Writes each panel as a file, and removes those that an earlier report has left there."""
    os.makedirs(folder, exist_ok=True)
    names = {f"{panel.name}.svg": panel for _, chart in built for panel in chart.panels}
    for name in os.listdir(folder):
        if name.endswith(".svg") and name not in names and _is_ours(os.path.join(folder, name)):
            os.unlink(os.path.join(folder, name))
    for name, panel in names.items():
        output.write_whole(os.path.join(folder, name), plot.standalone(panel))


def _is_ours(path):
    with open(path, "rb") as file:
        return plot.MARK.encode() in file.read(200)
