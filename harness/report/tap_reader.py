"""A small strict reader of TAP version 14, for tests: what a consumer may rely on, and nothing more lenient."""
import re
from dataclasses import dataclass, field

POINT = re.compile(r"(not )?ok (\d+)(?: - ((?:[^#\\]|\\.)*?))?(?: # (SKIP|TODO)(?: ((?:[^#\\]|\\.)*))?)?")


@dataclass
class Point:
    ok: bool
    number: int
    text: str
    skipped: bool
    diagnosis: dict = field(default_factory=dict)


@dataclass
class Report:
    planned: int
    points: list
    bailed_out: str | None

    @property
    def passed(self):
        return self.bailed_out is None and len(self.points) == self.planned and all(point.ok for point in self.points)


def read_diagnosis(lines):
    """A YAML block: keys with double-quoted text, two spaces in."""
    found = {}
    while (line := lines.pop(0)) != "  ...":
        entry = re.fullmatch(r'  (\w+): "((?:[^"\\\x00-\x1f]|\\["\\])*)"', line)
        assert entry, f"no line of a diagnosis: {line!r}"
        found[entry[1]] = re.sub(r"\\(.)", r"\1", entry[2])
    return found


def read_point(line, lines):
    found = POINT.fullmatch(line)
    assert found, f"no line of TAP: {line!r}"
    point = Point(not found[1], int(found[2]), found[3] or "", found[4] == "SKIP")
    if lines[:1] == ["  ---"]:
        lines.pop(0)
        point.diagnosis = read_diagnosis(lines)
    return point


def read_tap(text):
    """The report in a stream; anything that is not TAP 14 fails an assertion."""
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    assert lines.pop(0) == "TAP version 14"
    plan = re.fullmatch(r"1\.\.(\d+)", lines.pop(0))
    assert plan, "the plan must be the second line"
    report = Report(int(plan[1]), [], None)
    while lines:
        line = lines.pop(0)
        if line.startswith("Bail out!"):
            assert not lines, "nothing may follow a bail-out"
            report.bailed_out = line
        else:
            report.points.append(read_point(line, lines))
    assert [point.number for point in report.points] == list(range(1, len(report.points) + 1))
    return report
