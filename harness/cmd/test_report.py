"""shmoo report: prints the path of one self-contained page, and says what is wrong where there is none."""
import os
import re
import shutil
from pathlib import Path

import pytest
from testing import ROOT, one_line

pytestmark = [
    pytest.mark.skipif(not (ROOT / "analysis" / "report.py").exists(), reason="analysis/report.py is not there"),
    pytest.mark.skipif(not shutil.which("gnuplot"), reason="gnuplot is not installed"),
]


@pytest.fixture(name="run")
def run_fixture(shmoo):
    """The folder of a small run with something broken and something whole in it."""
    done = shmoo("run", "--sync", "busted-scribble,mutex,spin", "--writers", "1,2", "--load", "snapshot", "--ops",
                 "300", "--repeat", "2",
                 "--min-exposure", "0", "--quiet", "--out", "the run")
    assert done.returncode == 0
    return shmoo.cwd / "the run"


def page_of(done):
    """The page that a report has made: its path is all that standard output holds."""
    assert done.returncode == 0, done.stderr
    path = Path(one_line(done.stdout))
    assert path.suffix == ".html" and path.is_file()
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["the run", "the run/", "the run/run.jsonl", "./the run"])
def test_the_path_of_the_page_is_all_that_is_printed(shmoo, run, name):
    text = page_of(shmoo("report", name, timeout=120))
    assert (run / "report.html").is_file()
    for word in ("busted-scribble", "mutex", "spin", "snapshot"):
        assert word in text


def test_the_page_needs_nothing_from_outside(shmoo, run):
    text = page_of(shmoo("report", run.name, timeout=120))
    loaded = re.findall(r'(?:src|href)\s*=\s*"([^"#]+)"', text) + re.findall(r"url\(['\"]?([^'\")#]+)", text)
    assert [link for link in loaded if not link.startswith("data:") and link not in ("plan.ini", "run.jsonl")] == []


def test_the_records_are_not_touched(shmoo, run):
    before = {name: (run / name).read_bytes() for name in ("run.jsonl", "plan.ini")}
    page_of(shmoo("report", run.name, timeout=120))
    assert {name: (run / name).read_bytes() for name in before} == before


def test_a_report_can_be_made_twice_and_elsewhere(shmoo, run):
    page_of(shmoo("report", run.name, timeout=120))
    page_of(shmoo("report", run.name, timeout=120))
    (shmoo.cwd / "there").mkdir()
    page_of(shmoo("report", run.name, "--out", "there/my page.html", timeout=120))
    assert (shmoo.cwd / "there" / "my page.html").is_file()


def test_latest_is_what_is_reported_without_a_folder_of_ones_own(shmoo):
    assert shmoo.quick("--quiet").returncode == 0
    assert "mutex" in page_of(shmoo("report", "results/latest", timeout=120))


def test_a_run_that_was_killed_half_way_has_a_report(shmoo, run):
    text = (run / "run.jsonl").read_bytes()
    (run / "run.jsonl").write_bytes(text[:len(text) * 3 // 4])
    page_of(shmoo("report", run.name, timeout=120))


def test_a_run_in_which_nothing_was_judged_is_no_crash(shmoo):
    shmoo("run", "--sync", "mutex", "--writers", "1", "--readers", "0", "--ops", "50", "--quiet", "--out", "o")
    done = shmoo("report", "o", timeout=120)
    assert done.returncode in (0, 2, 3) and "Traceback" not in done.stderr
    assert done.returncode == 0 or one_line(done.stderr)


def write(path, data):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize("data", [b"", b"\n", b"not json\n", b"{}\n", b"[]\n", bytes(range(256)) * 2 + b"\n",
                                  b'{"type":"run","schema":"shmoo/2"}\n', b'{"type":"run","schema":"other/1"}\n'],
                         ids=["empty", "blank", "text", "object", "array", "binary", "newer", "foreign"])
def test_a_file_that_is_no_run_is_an_error_in_one_line(shmoo, data):
    write(shmoo.cwd / "o" / "run.jsonl", data)
    done = shmoo("report", "o", timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert "run.jsonl" in one_line(done.stderr) and "Traceback" not in done.stderr
    assert os.listdir(shmoo.cwd / "o") == ["run.jsonl"]


def test_half_a_first_line_is_an_error(shmoo):
    write(shmoo.cwd / "o" / "run.jsonl", b'{"type":"run"')
    done = shmoo("report", "o", timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert "run.jsonl" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("nowhere",), ("",), ("/dev/null",), (".",), ("--", "--help")], ids=str)
def test_what_is_no_run_is_status_2(shmoo, arguments):
    done = shmoo("report", *arguments, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr and done.stderr


@pytest.mark.parametrize("arguments", [("a", "b"), ("--bogus",), ("a", "--out")], ids=str)
def test_wrong_usage_is_status_2(shmoo, arguments):
    done = shmoo("report", *arguments, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_a_page_that_cannot_be_written_is_status_3(shmoo, run):
    done = shmoo("report", run.name, "--out", "no/such/folder/page.html", timeout=120)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no/such/folder" in one_line(done.stderr)
