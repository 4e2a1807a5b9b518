"""Checks the command that compares: its formats, each read by somebody else's reader, its messages and exit statuses."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

import jsonschema
import pytest

import synthetic
from conftest import HERE, command
from test_report import EVIL, Page

SCHEMA = os.path.join(HERE, "..", "results", "schema.json")
SMALL = {"syncs": ("none", "mutex", "spin"), "populations": ((1, 1), (2, 2)), "repeats": 12, "samples": 60, "intervals": 0,
         "noise": 0.01}


@pytest.fixture
def compare():
    return command("compare.py")


@pytest.fixture
def pair(tmp_path):
    """A function that writes two runs: the parameters of both, and what is different in B."""
    def make(b=None, **both):
        folders = []
        for name, own in (("a", {"seed": 5, "run_id": "20250102T030405Z-1"}),
                          ("b", {"seed": 6, "run_id": "20250102T030505Z-2", **(b or {})})):
            synthetic.write(str(tmp_path / name), synthetic.Recipe(**{**SMALL, **both, **own}))
            folders.append(tmp_path / name)
        return folders
    return make


def notes_of(err):
    assert all(line.startswith("shmoo compare: ") for line in err.splitlines()), err
    return err


@pytest.mark.parametrize("b, status, words", [
    (None, 0, "nothing got worse"), ({"speeds": (("mutex", 0.8),)}, 5, "B is WORSE: snapshot mutex by up to"),
    ({"speeds": (("mutex", 1.3),)}, 0, "nothing got worse"),
    ({"verdicts": (("spin", "CORRUPT"),)}, 1, "B is WORSE: verdicts got worse"), ({"sizes": (4096,)}, 4, "no condition in common")])
def test_statuses(compare, pair, b, status, words):
    done, out, err = compare(*pair(b))
    assert done == status and words in out.splitlines()[-1]
    notes_of(err)


@pytest.mark.parametrize("threshold, status", [("5%", 5), ("30%", 0), ("0.3", 0), ("30", 0)])
def test_a_threshold_is_kept(compare, pair, threshold, status):
    assert compare(*pair({"speeds": (("mutex", 0.9),)}, syncs=("mutex",)), "--threshold", threshold)[0] == status


def test_too_few_repeats_are_never_no_change(compare, pair):
    status, out, _ = compare(*pair(repeats=2))
    assert status == 0 and "too few repeats" in out
    assert "no change" not in out.partition("conditions")[2]
    assert out.splitlines()[-1].startswith("nothing can be said about speed")


def test_jsonl_is_as_the_schema_has_it_and_says_the_same(compare, pair):
    folders = pair({"speeds": (("mutex", 0.8),), "verdicts": (("spin", ("CLEAN", "WEDGED")),)})
    status, out, _ = compare(*folders, "--format", "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    with open(SCHEMA, encoding="utf-8") as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    for record in found:
        validator.validate(record)
        for name in record:
            if name in ("says", "ratio", "status", "exit_status", "metrics", "threshold"):
                assert not validator.is_valid({**record, name: "bogus"})
    assert found[0]["type"] == "comparison" and found[-1]["exit_status"] == status == 1
    changes = [record for record in found if record["type"] == "change"]
    assert {record["says"] for record in changes if record["sync"] == "mutex"} == {"worse"}
    assert all(0.7 < record["ratio"] < 0.9 for record in changes if record["sync"] == "mutex" and record["metric"] == "throughput")
    assert found[-1]["worse"] == sum(record["says"] == "worse" for record in changes)


def test_csv_is_read_back(compare, pair):
    folders = pair({"speeds": (("mutex", 0.8),)}, syncs=("mutex", EVIL[1]))
    _, out, _ = compare(*folders, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert {row["sync"] for row in rows} == {"mutex", EVIL[1]}
    assert {row["says"] for row in rows if row["sync"] == "mutex"} == {"worse"}
    assert all(len(row) == 20 and None not in row for row in rows)


def test_junit_is_read_by_others(compare, pair, tmp_path):
    folders = pair({"speeds": (("mutex", 0.8),)}, repeats=5)
    _, out, _ = compare(*folders, "--format", "junit")
    suite = xml.fromstring(out).find("testsuite")
    cases = suite.findall("testcase")
    counts = {word: sum(case.find(word) is not None for case in cases) for word in ("failure", "skipped", "error")}
    assert int(suite.get("tests")) == len(cases) and int(suite.get("failures")) == counts["failure"] > 0
    assert int(suite.get("skipped")) == counts["skipped"]
    reader = pytest.importorskip("junitparser")
    path = tmp_path / "junit.xml"
    path.write_text(out, encoding="utf-8")
    for read in reader.JUnitXml.fromfile(str(path)):
        assert (read.tests, read.failures, read.skipped) == (len(cases), counts["failure"], counts["skipped"])


TAP_READER = """local $/; my $text = <STDIN>; $text =~ s/^TAP version 14/TAP version 13/ or die;
my $parser = TAP::Parser->new({tap => $text}); 1 while $parser->next;
print join " ", $parser->tests_run, scalar $parser->failed, scalar $parser->skipped, scalar $parser->parse_errors;"""


def read_by_perl(text):
    """(points, failed, skipped, errors) as Perl's own reader counts them; it knows versions up to 13, which 14 extends."""
    if not shutil.which("perl") or subprocess.run(["perl", "-MTAP::Parser", "-e", "1"], capture_output=True, check=False).returncode:
        pytest.skip("no TAP::Parser: apt install perl")
    done = subprocess.run(["perl", "-MTAP::Parser", "-e", TAP_READER], input=text, capture_output=True, text=True, check=True)
    return tuple(map(int, done.stdout.split()))


def test_tap_is_read_by_others(compare, pair):
    folders = pair({"speeds": (("mutex", 0.8),)}, repeats=5, syncs=("mutex", "spin", EVIL[2]))
    _, tap, _ = compare(*folders, "--format", "tap")
    _, junit, _ = compare(*folders, "--format", "junit")
    suite = xml.fromstring(junit).find("testsuite")
    assert tap.startswith("TAP version 14\n")
    points, failed, skipped, errors = read_by_perl(tap)
    assert (points, failed, skipped, errors) == (*(int(suite.get(name)) for name in ("tests", "failures", "skipped")), 0)


def test_markdown_is_read_by_others(compare, pair):
    folders = pair({"speeds": (("mutex", 0.8),)}, syncs=("mutex", "a|b<i>*x*", "_under_`tick`"))
    _, out, _ = compare(*folders, "--format", "markdown")
    reader = pytest.importorskip("markdown_it")
    made = reader.MarkdownIt("commonmark").enable("table").render(out)
    assert "<i>" not in made and "<em>" not in made and made.count("<table>") == 1
    cells = [line for line in made.splitlines() if line.startswith("<td")]
    assert "<td>a|b&lt;i&gt;*x*</td>" in cells and len(cells) % 11 == 0
    assert "<td>_under_`tick`</td>" in cells and "<td>WORSE</td>" in cells
    assert made.startswith("<h3>✗ B is WORSE")


@pytest.mark.parametrize("fields, words", [
    ({"cpu_model": "Another CPU"}, "the CPU (Example CPU 3000 and Another CPU)"), ({"threads": 64}, "the number of CPUs"),
    ({"allowed_cpus": "0"}, "the CPUs that it may use"), ({"machine": "aarch64"}, "the machine's kind")])
def test_unlike_machines_are_refused(compare, pair, fields, words):
    folders = pair({"host": tuple(fields.items())})
    status, out, err = compare(*folders)
    assert (status, out) == (2, "") and words in err and "--any-host" in err and "--against" in err
    status, out, err = compare(*folders, "--any-host")
    assert status == 0 and words in err and out


@pytest.mark.parametrize("fields, words", [
    ({"hostname": "bench-02"}, "the host (bench-01 and bench-02)"), ({"kernel": "6.2.0"}, "the kernel"),
    ({"load1": 12.0}, "load average was 0.31 when A began and 12 when B did")])
def test_other_differences_are_told(compare, pair, fields, words):
    status, _, err = compare(*pair({"host": tuple(fields.items())}))
    assert status == 0 and words in notes_of(err)


@pytest.mark.parametrize("way, told", [(480, True), (40, True), (180, False), (None, False)])
def test_cpus_that_have_been_moved_are_told(compare, pair, way, told):
    status, _, err = compare(*pair({"line_ns": way}))
    words = f"a cache line took 100 ns from one worker's CPU to another's and back when A ran and {way} ns when B did"
    assert status == 0 and (words in notes_of(err)) == told and ("cache line" in err) == told


def test_a_host_that_was_not_recorded_is_not_unlike(compare, pair):
    status, _, err = compare(*pair({"host": (("cpu_model", None), ("governor", None))}))
    assert status == 0 and "differ" not in err


def test_the_same_run_twice_is_told(compare, pair):
    a, _ = pair()
    status, _, err = compare(a, a)
    assert status == 0 and "the same run" in err


def test_an_interleaved_run_is_named_by_its_folder(compare, tmp_path):
    for side in ("baseline", "candidate"):
        synthetic.write(str(tmp_path / "ab" / side), synthetic.Recipe(**SMALL, build=("20250102T030405Z-9", side)))
    status, out, err = compare(tmp_path / "ab")
    assert status == 0 and "load average" not in err and "interleaved trial by trial" in out and "/builds/candidate" in out


def test_a_truncated_run_is_compared_with_a_warning(compare, pair):
    a, b = pair()
    path = b / "run.jsonl"
    path.write_bytes(path.read_bytes()[:int(path.stat().st_size * 0.9)])
    status, out, err = compare(a, b)
    assert status == 0 and "ends in the middle" in notes_of(err) and out


def test_long_tables_are_shortened_unless_all_is_asked_for(compare, pair):
    populations = tuple((writers, 1) for writers in range(1, 16))
    folders = pair({"speeds": (("mutex", 0.8),)}, populations=populations, syncs=("mutex", "spin"), repeats=5)
    _, short, _ = compare(*folders)
    _, whole, _ = compare(*folders, "--all")
    assert "--all shows them" in short and "--all" not in whole
    assert len(short.splitlines()) < 60 < len(whole.splitlines())
    assert short.count("WORSE") == whole.count("WORSE") > 0


@pytest.mark.parametrize("arguments", [
    (), ("a", "b", "c"), ("absent", "a"), ("a",), ("a", "b", "--threshold", "much"), ("a", "b", "--threshold", "-1"),
    ("a", "b", "--threshold", "0"), ("a", "b", "--metric", "speed"), ("a", "b", "--format", "xml"), ("a", "b", "--confidence", "20%"),
    ("a", "b", "--out", ".")], ids=str)
def test_usage(compare, pair, monkeypatch, arguments):
    a, _ = pair()
    monkeypatch.chdir(a.parent)
    status, out, err = compare(*arguments)
    assert (status, out) == (2, "") and err and "Traceback" not in err


def test_a_page_is_written(compare, pair, tmp_path):
    (tmp_path / "there").mkdir()
    out = tmp_path / "there" / "page.html"
    status, printed, _ = compare(*pair({"speeds": (("mutex", 0.8),)}, syncs=("mutex", EVIL[0])), "--out", out)
    assert status == 5 and printed
    page = Page(out)
    assert sorted(os.listdir(out.parent / "charts")) == ["compare-cpu.svg", "compare-throughput.svg"]
    assert page.scripts == 1 and not page.handlers and page.tags.count("svg") == 2
    assert all(link.startswith(("#", "data:")) for link in page.references)
    assert "B is WORSE: snapshot mutex" in page.source


def test_a_full_disc_or_a_closed_output_is_status_3(compare, pair):
    folders = pair()
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "compare.py"), *map(str, folders)], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 3 and "No space left" in done.stderr and "Traceback" not in done.stderr
    status, _, err = compare(*folders, "--out", "/nowhere/at/all/page.html")
    assert status == 3 and "no such folder" in err
