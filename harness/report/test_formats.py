"""The formats of standard output: each read by a reader of its own, with passes, failures and nothing in between."""
import csv
import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as xml

import pytest
from tap_reader import read_tap
from testing import QUICK, ROOT, needs_two_cpus, read_records, records, verdicts

FORMATS = ("human", "jsonl", "tap", "junit", "csv")
# A clean trial, a corrupt one, and one that proves nothing, all as expected; with --expect CLEAN two of three are not.
MIXED = """[global]
ops = 50
readers = 0
min-exposure = 0
[clean]
sync = mutex
[broken]
sync = busted-scribble
[alone]
sync = mutex
writers = 1
"""
SCHEMA = ROOT / "results" / "schema.json"


def mixed(shmoo, form, *arguments):
    (shmoo.cwd / "mixed.ini").write_text(MIXED, encoding="utf-8")
    done = shmoo("run", "mixed.ini", "--format", form, "--out", "o", *arguments)
    return done, verdicts(shmoo.cwd / "o")


def validator():
    jsonschema = pytest.importorskip("jsonschema")
    if not SCHEMA.exists():
        pytest.skip("results/schema.json is not there")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("expect,status", [((), 0), (("--expect", "CLEAN"), 1)], ids=["expected", "unexpected"])
def test_the_format_does_not_change_the_status_and_messages_stay_out(shmoo, form, expect, status):
    done, _ = mixed(shmoo, form, *expect)
    assert done.returncode == status
    assert done.stdout and "shmoo: " not in done.stdout
    assert all(line.startswith("shmoo: ") for line in done.stderr.splitlines())


def test_jsonl_is_what_the_file_holds(shmoo):
    done, _ = mixed(shmoo, "jsonl", "--expect", "CLEAN")
    assert done.stdout == (shmoo.cwd / "o" / "run.jsonl").read_text(encoding="utf-8")


def schema_errors(shmoo):
    check = validator()
    return [(record["type"], error.message) for record in records(shmoo.cwd / "o")
            for error in check.iter_errors(record)]


def test_every_record_validates(shmoo):
    mixed(shmoo, "jsonl")
    assert schema_errors(shmoo) == []


@pytest.mark.parametrize("options", [
    ("--load", "snapshot", "--sync", "busted-permits", "--size", "4k"),
    ("--load", "quit", "--sync", "none", "--size", "3"),
    ("--load", "lifecycle", "--sync", "none"), ("--sync", "mutex", "--fault", "stop:20"),
    ("--sync", "mutex", "--fault", "kill:100"),
    ("--sync", "semaphore", "--rate", "5000", "--pin", "0"), ("--sync", "busted-forgetful", "--readers", "0"),
    ("--sync", "mutex", "--hold", "1us", "--think", "1us"),
], ids=" ".join)
def test_every_record_of_every_kind_of_trial_validates(shmoo, options):
    shmoo("run", "--duration", "300ms", "--min-exposure", "0", "--quiet", "--out", "o", *options)
    assert schema_errors(shmoo) == []
    assert records(shmoo.cwd / "o")[-1]["type"] == "end"


def test_the_schema_itself_refuses_what_is_wrong(shmoo):
    mixed(shmoo, "jsonl")
    check, found = validator(), {record["type"]: record for record in records(shmoo.cwd / "o")}
    assert list(check.iter_errors({"type": "bogus"}))
    for kind in ("run", "trial", "worker", "verdict", "end"):
        for key in set(found[kind]) - {"type"}:
            wrong = {**found[kind], key: "an object" if isinstance(found[kind][key], dict) else {"an": "object"}}
            assert list(check.iter_errors(wrong)), f"{kind}.{key} may be anything"


def test_junit_counts_what_it_holds(shmoo):
    done, found = mixed(shmoo, "junit", "--expect", "CLEAN")
    suite = xml.fromstring(done.stdout).find("testsuite")
    cases = suite.findall("testcase")
    assert int(suite.get("tests")) == len(cases) == len(found) == 3
    assert int(suite.get("failures")) == len(suite.findall(".//failure")) == sum(not v["as_expected"]
                                                                                 for v in found) > 0
    assert int(suite.get("errors")) == len(suite.findall(".//error")) == 0
    assert int(suite.get("skipped")) == len(suite.findall(".//skipped"))
    for case, verdict, trial in zip(cases, found, records(shmoo.cwd / "o", "trial")):
        assert case.get("classname") == f"shmoo.{trial['job']}" and verdict["sync"] in case.get("name")
        failure = case.find("failure")
        assert (failure is None) == verdict["as_expected"]
        assert failure is None or (failure.get("type") == verdict["verdict"] and trial["replay"] in failure.text)


def test_junit_of_what_went_as_expected_has_no_failure(shmoo):
    done, found = mixed(shmoo, "junit")
    suite = xml.fromstring(done.stdout).find("testsuite")
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert int(suite.get("skipped")) == sum(v["verdict"] == "INCONCLUSIVE" for v in found) == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp"))


def test_junit_names_are_unique(shmoo):
    done = shmoo.quick("--repeat", "3", "--sync", "mutex,mutex", "--format", "junit", "--out", "o")
    names = [(case.get("classname"), case.get("name")) for case in xml.fromstring(done.stdout).iter("testcase")]
    assert len(set(names)) == 6


SECTIONS = {"markup": "<&\"'>", "unicode": "ünïcode-日本", "hash": "a # b", "quote": "it's", "comma": 'a, "b"',
            "control": "a\tb\x01"}
LATIN_1 = "caf\udce9"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("section", [*SECTIONS.values(), LATIN_1], ids=[*SECTIONS, "latin-1"])
def test_strange_sections_break_no_format(shmoo, form, section):
    job = f"[{section}]\nsync = mutex\nops = 50\nmin-exposure = 0\n"
    (shmoo.cwd / "job.ini").write_bytes(job.encode(errors="surrogateescape"))
    done = shmoo("run", "job.ini", "--format", form, "--expect", "CORRUPT", "--out", "o")
    if done.returncode == 2:
        assert section == LATIN_1 and done.stdout == "" and "job.ini:1" in done.stderr
        return
    assert done.returncode == 1
    if form == "junit":
        assert len(list(xml.fromstring(done.stdout.encode(errors="surrogateescape")).iter("testcase"))) == 1
    elif form == "tap":
        assert len(read_tap(done.stdout).points) == 1
    elif form == "jsonl":
        assert read_records(done.stdout) == records(shmoo.cwd / "o")
    elif form == "csv":
        assert len(read_csv(done.stdout)) == 1


def test_tap_has_a_point_for_each_trial(shmoo):
    done, found = mixed(shmoo, "tap", "--expect", "CLEAN")
    report = read_tap(done.stdout)
    assert (report.planned, report.bailed_out, report.passed) == (3, None, False)
    for point, verdict, trial in zip(report.points, found, records(shmoo.cwd / "o", "trial"), strict=True):
        assert point.ok == verdict["as_expected"] and point.text.endswith(verdict["verdict"])
        assert bool(point.diagnosis) == (not point.ok)
        assert point.ok or (point.diagnosis["verdict"], point.diagnosis["replay"]) == (verdict["verdict"],
                                                                                       trial["replay"])
        assert point.ok or point.diagnosis["reason"] == verdict["reason"]


def test_tap_skips_what_could_not_prove_anything(shmoo):
    done, found = mixed(shmoo, "tap")
    report = read_tap(done.stdout)
    assert report.passed
    assert [point.skipped for point in report.points] == [v["verdict"] == "INCONCLUSIVE" for v in found]


@pytest.mark.parametrize("expect,passes", [((), True), (("--expect", "CLEAN"), False)], ids=["pass", "fail"])
def test_perls_reader_takes_the_tap(shmoo, expect, passes):
    if not shutil.which("prove"):
        pytest.skip("prove is not installed")
    done, _ = mixed(shmoo, "tap", *expect)
    (shmoo.cwd / "shmoo.tap").write_text(done.stdout.replace("version 14", "version 13", 1), encoding="utf-8")
    read = subprocess.run(["prove", "--exec", "cat", "shmoo.tap"], cwd=shmoo.cwd, capture_output=True, text=True,
                          timeout=60, check=False)
    assert "Parse errors" not in read.stdout and (read.returncode == 0) == passes, read.stdout


def read_csv(text):
    """The rows by their headings; a row with more or fewer fields fails."""
    assert text.endswith("\r\n") and text.count("\r\n") == text.count("\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len({len(row) for row in rows}) == 1
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def test_csv_has_a_row_for_each_trial(shmoo):
    done, found = mixed(shmoo, "csv", "--expect", "CLEAN")
    trials = records(shmoo.cwd / "o", "trial")
    for row, verdict, trial in zip(read_csv(done.stdout), found, trials, strict=True):
        for key in ("trial", "writers", "readers", "size", "repeat", "seed", "ops", "violations"):
            assert int(row[key]) == verdict[key]
        for key in ("load", "sync", "fault", "verdict", "expect", "reason"):
            assert row[key] == verdict[key]
        assert (row["pin"], row["prefault"]) == (trial["pin"], trial["prefault"])
        assert row["as_expected"] == str(verdict["as_expected"]).lower() and row["replay"] == trial["replay"]
        assert float(row["seconds"]) == pytest.approx(verdict["seconds"], abs=1e-5)
        assert int(row["handoffs"]) == verdict["exposure"]["handoffs"]


def test_the_table_has_a_line_for_each_trial_and_a_summary(shmoo):
    done, found = mixed(shmoo, "human", "--expect", "CLEAN")
    lines = done.stdout.splitlines()
    for verdict in found:
        row = [line.split() for line in lines if line.split()[:1] == [f"{verdict['trial']}/3"]]
        assert len(row) == 1 and row[0][1:5] == [verdict["load"], verdict["sync"], str(verdict["writers"]),
                                                 str(verdict["readers"])]
        assert verdict["verdict"] in row[0]
    assert lines[0].startswith("shmoo ") and str(records(shmoo.cwd / "o")[0]["seed"]) in lines[0]
    assert done.stdout.count("replay: shmoo run ") == sum(not v["as_expected"] for v in found)
    assert re.match(r"3 of 3 trials in \d+\.\d s: .*; 1 as expected, 2 unexpected$", lines[-1])


@needs_two_cpus
def test_the_columns_of_the_table_stand_under_their_headings(shmoo):
    done = shmoo("run", "--sync", "mutex,semaphore-named", "--load", "snapshot,lifecycle", "--duration", "60ms",
                 "--min-exposure", "0",
                 "--out", "o")
    lines = done.stdout.splitlines()
    heading = next(line for line in lines if " verdict " in line)
    rows = [line for line in lines if re.match(r" *\d/4 ", line)]
    assert len(rows) == 4
    for row in rows:
        for column in ("load", "sync", "verdict"):
            assert row[heading.index(column) - 1] == " " and row[heading.index(column)] != " "


@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disc_behind_standard_output_is_status_3(shmoo, form):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = shmoo("run", *QUICK, "--repeat", "3", "--format", form, "--out", "o", stdout=full)
    assert done.returncode == 3
    assert "standard output" in done.stderr and "ENOSPC" in done.stderr
    assert records(shmoo.cwd / "o")[0]["type"] == "run"


@pytest.mark.parametrize("form", FORMATS)
def test_a_closed_standard_output_is_status_3(shmoo, form):
    done = shmoo("run", *QUICK, "--repeat", "3", "--format", form, "--out", "o",
                 wrap=["sh", "-c", 'exec "$@" >&-', "sh"])
    assert done.returncode == 3
    assert re.search(r"standard output.*EBADF", done.stderr)


@pytest.mark.parametrize("arguments",
                         [("--version",), ("--help",), ("list",), ("run", "--help"), ("run", "smoke", "--dry-run"),
                          ("gc", "--own"),
                                       ("gc", "--help"), ("report", "--help"), ("list", "--help")], ids=" ".join)
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_whatever_cannot_be_printed_is_status_3(shmoo, arguments, redirection):
    done = shmoo(*arguments, wrap=["sh", "-c", f'exec "$@" {redirection}', "sh"])
    assert done.returncode == 3
    assert "standard output" in done.stderr


def test_an_unexpected_verdict_outranks_a_standard_output_that_fails_at_the_end(shmoo):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = shmoo("run", *QUICK, "--format", "junit", "--expect", "CORRUPT", "--out", "o", stdout=full)
    assert done.returncode in (1, 3)
    assert "standard output" in done.stderr


def test_the_recorded_status_is_the_status(shmoo):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = shmoo("run", *QUICK, "--format", "junit", "--out", "o", stdout=full)
    assert done.returncode == records(shmoo.cwd / "o")[-1]["exit_status"] == 3
