"""Checks the markdown: nothing in a text is markup, read by somebody else's reader."""

import html
import re

import pytest

import gfm

NASTY = ("*a* _b_ `c` ~~d~~", "<script>alert(1)</script>", "[x](http://y) ![z](w)", "a|b", "# head", "@somebody &amp; \\* $x$", "1. one",
         "`` ` ``", "`", "trailing\\", "two\nlines")


@pytest.fixture(name="render")
def render_fixture():
    reader = pytest.importorskip("markdown_it")
    return reader.MarkdownIt("commonmark").enable("table").render


@pytest.mark.parametrize("words", NASTY, ids=ascii)
def test_text_is_no_markup(render, words):
    made = render("x " + gfm.escape(words))
    assert html.unescape(re.fullmatch(r"<p>x (.*)</p>\n", made, re.S)[1]) == words.replace("\n", " ")


@pytest.mark.parametrize("words", NASTY, ids=ascii)
def test_code_is_shown_as_it_is(render, words):
    made = render("x " + gfm.code(words))
    assert html.unescape(re.fullmatch(r"<p>x <code>(.*)</code></p>\n", made, re.S)[1]) == words.replace("\n", " ")


def test_tables_keep_their_columns(render):
    made = render("\n".join(gfm.table(("a", "b|c"), [NASTY[:2], ("", "x|y")], right=("b|c",))))
    assert made.count("<tr>") == 3 and made.count("<td") == 4 and "<td></td>" in made and ">x|y<" in made
    assert 'text-align:right' in made
