"""Checks the writers of test cases with texts that would break a careless one."""

import xml.etree.ElementTree as xml

import pytest

import cases
from cases import ERROR, FAILURE, OK, SKIPPED, Case
from test_compare import read_by_perl

NASTY = ("plain", "a & b < c > \"d\" 'e'", "two\nlines\rand\ttabs", "not ok 7 - # SKIP # TODO \\", "\x00\x01\x1b[31m\x7f\x85",
         "漢字 ✓ \ud800\ufffe\uffff", "]]> --> <!-- ", "")


@pytest.mark.parametrize("words", NASTY, ids=ascii)
def test_any_text_survives(words):
    found = [Case(words, words, state, words, words, 0.5, words, {"why": words}) for state in (OK, SKIPPED, FAILURE, ERROR)]
    suite = xml.fromstring(cases.junit(found, words, 1.25, "2025-01-02T03:04:05Z").encode("utf-8", "replace")).find("testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time", "timestamp")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "1.250", "timestamp": "2025-01-02T03:04:05"}
    written = cases.tap(found).encode("utf-8", "replace").decode()
    points, failed, skipped, errors = read_by_perl(written)
    assert (points, failed, skipped, errors) == (4, 2, 1, 0)


def test_texts_stay_as_they_are():
    words = "a & b < c > \"d\" 'e' # \\ ✓"
    element = xml.fromstring(cases.junit([Case("s", words, FAILURE, words, "k", facts={"x": words})], "n")).find(".//failure")
    assert element.get("message") == words and element.text == f"x: {words}"
    assert '\nnot ok 1 - a \\# \\\\ b\n  ---\n  x: "\\"q\\""\n  ...\n' in cases.tap([Case("s", "a # \\ b", FAILURE, facts={"x": '"q"'})])


def test_what_was_not_come_to_bails_out():
    written = cases.tap([Case("s", "a")], planned=3)
    assert written == "TAP version 14\n1..3\nok 1 - a\nBail out! 1 of 3 were run\n"
    assert "Bail" not in cases.tap([Case("s", "a")], planned=1)
