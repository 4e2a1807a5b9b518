"""The formats of checks for CI systems: each read by a reader of its own, and all tell the same."""
import xml.etree.ElementTree as xml

from tap_reader import read_tap
from testing import NOBODY, needs_root, read_records

SOME = ("name/*", "size/rest-stays-lost")


def test_tap_and_junit_say_the_same(shmoo):
    records = read_records(shmoo("check", "--format", "jsonl", *SOME).stdout)
    outcomes = {record["id"]: record["outcome"] for record in records if record["type"] == "check"}
    points = read_tap(shmoo("check", "--format", "tap", *SOME).stdout).points
    assert len(points) == len(outcomes)
    suite = xml.fromstring(shmoo("check", "--format", "junit", *SOME).stdout)[0]
    assert [case.get("name") for case in suite] == list(outcomes)
    assert suite.get("failures") == suite.get("errors") == "0"
    skipped = [case.get("name") for case in suite if case.find("skipped") is not None]
    assert skipped == [i for i, outcome in outcomes.items() if outcome in ("DEVIATES", "UNSUPPORTED")]


@needs_root
def test_what_is_not_to_be_had_is_skipped_with_the_reason(shmoo):
    text = shmoo("check", "--format", "tap", "access/root-*", wrap=NOBODY).stdout
    assert text.count("# SKIP needs root") == 2 and "not ok" not in text
    suite = xml.fromstring(shmoo("check", "--format", "junit", "access/root-*", wrap=NOBODY).stdout)[0]
    assert suite.get("skipped") == "2" and "needs root" in suite[0].find("skipped").get("message")
