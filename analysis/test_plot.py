"""Checks the plumbing under the charts: quoting, clean SVG, both colour schemes, gnuplot's failures."""

import xml.dom.minidom

import pytest

import letters
import plot
import style

EVIL = ["it's", 'say "hi"', "`touch x`", "$(id)", "a_b^{c}@d", "100% %d %s", "back\\slash\\n", "<b>&amp;</b>",
        "line\nbreak", "bell\x07", "EOD", "ünï ✓ 漢字", "'; system('touch x'); '", "''", "\"; system(1); \"", "\ud800", ""]


def panel_of(words, name="p-1"):
    canvas = plot.Canvas(400, 300, 60, 80, 50, 50)
    canvas.title(words, "below")
    canvas.y_axis(0, 10, [0, 5, 10], style.metric)
    canvas.x_axis(-0.5, 1.5, [0, 1], ["a", words], "population")
    canvas.series([(0, 3), (1, 7)], f"linespoints pt 7 lc rgb '{style.FIXED_LOOKS['mutex'].colour.light}'", words)
    canvas.labels_right([(300, 100, words, style.INK)])
    return plot.Panel(name, words, canvas)


def texts(svg):
    nodes = xml.dom.minidom.parseString(svg).getElementsByTagName("text")
    return [node.firstChild.data if node.firstChild else "" for node in nodes]


@pytest.mark.parametrize("words", EVIL)
def test_words_arrive_as_they_are_and_do_nothing(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    panel = panel_of(words)
    plot.draw([panel])
    assert plot.printable(words) in texts(plot.standalone(panel)) or not words
    assert list(tmp_path.iterdir()) == []


def test_a_page_can_hold_many_panels():
    panels = [panel_of("one", "p-1"), panel_of("two", "p-2")]
    plot.draw(panels)
    document = xml.dom.minidom.parseString("<all>" + "".join(plot.inline(panel) for panel in panels) + "</all>")
    ids = [node.getAttribute("id") for node in document.getElementsByTagName("*") if node.getAttribute("id")]
    assert ids and len(ids) == len(set(ids))
    references = {node.getAttribute("href")[1:] for node in document.getElementsByTagName("use")}
    assert references <= set(ids)


def test_inline_takes_its_colours_from_the_page():
    panel = panel_of("words")
    plot.draw([panel])
    inline = plot.inline(panel)
    assert "var(--c-mutex)" in inline and "var(--ink)" in inline
    assert style.FIXED_LOOKS["mutex"].colour.light not in inline
    assert "http" not in inline and "script" not in inline and "onmouse" not in inline


def test_standalone_is_on_white_with_fixed_colours():
    panel = panel_of("words")
    plot.draw([panel])
    alone = plot.standalone(panel)
    assert "var(--" not in alone
    assert f'fill="{style.PAPER.light}"' in alone
    assert style.FIXED_LOOKS["mutex"].colour.light in alone
    assert plot.MARK in alone[:200]


def test_series_tell_their_name_to_the_pointer():
    panel = panel_of("<mutex>")
    plot.draw([panel])
    assert "<title>&lt;mutex&gt;</title>" in panel.svg


def test_a_canvas_without_series_is_drawn_too():
    canvas = plot.Canvas(200, 100, 10, 10, 10, 10)
    canvas.box(20, 20, 50, 20, style.VERDICTS["CLEAN"].soft, style.INK, 3)
    canvas.text(30, 30, "cell")
    panel = plot.Panel("empty", "", canvas)
    plot.draw([panel])
    assert "cell" in texts(plot.standalone(panel))


def test_gnuplot_missing(monkeypatch):
    monkeypatch.setattr(plot, "GNUPLOT", "gnuplot-that-is-not-there")
    with pytest.raises(plot.PlotError, match="apt install gnuplot"):
        plot.draw([panel_of("x")])


def test_gnuplot_complaining_is_an_error():
    panel = panel_of("x")
    panel.canvas.commands.append("set nonsense")
    with pytest.raises(plot.PlotError, match="could not draw"):
        plot.draw([panel])


def test_nothing_to_draw_needs_no_gnuplot(monkeypatch):
    monkeypatch.setattr(plot, "GNUPLOT", "gnuplot-that-is-not-there")
    plot.draw([])


# Measured of DejaVu Sans, in parts of the font's size.
@pytest.mark.parametrize("words, width", [("maximum", 5.04), ("a_b^c{d}@~e", 7.5), ("CORRUPT", 4.82), ("semaphore-named", 9.46), ("100.5 us", 4.34),
                                          ("‖ WEDGED", 5.39), ("mM%@W", 4.78)])
def test_no_letter_is_wider_than_it_is_taken_for(words, width):
    assert width <= letters.text_width(words, 1) <= 1.2 * width


def test_what_does_not_fit_is_cut_in_the_middle():
    assert letters.fitting("short", 100) == "short"
    for words in ("W" * 60, "i" * 60, "日本" * 30):
        cut = letters.fitting(words, 200, 12, bold=True)
        assert "…" in cut and 150 < letters.text_width(cut, 12 * letters.BOLD) <= 200
