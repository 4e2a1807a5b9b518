"""Writes test cases in the two formats that CI systems read: JUnit XML, and the Test Anything Protocol, version 14."""

import json
import re
from dataclasses import dataclass, field
from xml.etree import ElementTree as xml

OK, SKIPPED, FAILURE, ERROR = "ok", "skipped", "failure", "error"


@dataclass
class Case:
    """One case: `state` is ok, skipped, failure or error; `facts` is what a reader of a failure wants, key by key."""

    suite: str
    name: str
    state: str = OK
    message: str = ""
    kind: str = ""
    seconds: float = 0.0
    says: str = ""
    facts: dict = field(default_factory=dict)


# What XML 1.0 cannot hold at all, not even escaped.
_NO_XML = re.compile("[^\t\n -\x7e\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _for_xml(words):
    return _NO_XML.sub("?", str(words).replace("\r", " "))


def junit(cases, name, seconds=0.0, timestamp=None):
    """The cases as a JUnit file."""
    counts = {state: str(sum(case.state == state for case in cases)) for state in (FAILURE, ERROR, SKIPPED)}
    root = xml.Element("testsuites")
    suite = xml.SubElement(root, "testsuite", name=_for_xml(name), tests=str(len(cases)), failures=counts[FAILURE],
                           errors=counts[ERROR], skipped=counts[SKIPPED], time=f"{seconds:.3f}")
    if isinstance(timestamp, str) and timestamp:
        suite.set("timestamp", _for_xml(timestamp[:19]))
    for case in cases:
        element = xml.SubElement(suite, "testcase", classname=_for_xml(case.suite), name=_for_xml(case.name),
                                 time=f"{case.seconds:.3f}")
        if case.state == SKIPPED:
            xml.SubElement(element, "skipped", message=_for_xml(case.message))
        elif case.state != OK:
            outcome = xml.SubElement(element, case.state, message=_for_xml(case.message), type=_for_xml(case.kind))
            outcome.text = "\n".join(f"{key}: {_for_xml(value)}" for key, value in case.facts.items())
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _for_tap(words):
    plain = "".join(character if character.isprintable() else " " for character in str(words))
    return re.sub(r"([#\\])", r"\\\1", plain)


def tap(cases, planned=None):
    """The cases as TAP 14; `planned` is larger than their number where some were not come to."""
    planned = len(cases) if planned is None else max(planned, len(cases))
    lines = ["TAP version 14", f"1..{planned}"]
    for number, case in enumerate(cases, 1):
        fine = case.state in (OK, SKIPPED)
        lines.append(f"{'ok' if fine else 'not ok'} {number} - {_for_tap(case.name)}"
                     + (f": {_for_tap(case.says)}" if case.says else "")
                     + (f" # SKIP {_for_tap(case.message)}" if case.state == SKIPPED else ""))
        if not fine:
            # A JSON string is a YAML scalar.
            facts = [f"  {key}: {json.dumps(_one_line(value), ensure_ascii=False)}" for key, value in case.facts.items()]
            lines += ["  ---", *facts, "  ..."]
    if len(cases) < planned:
        lines.append(f"Bail out! {len(cases)} of {planned} were run")
    return "\n".join(lines) + "\n"


def _one_line(value):
    return "".join(character if character.isprintable() else " " for character in str(value))
