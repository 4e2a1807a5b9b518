"""The checks themselves: all of them here, as this user and as an ordinary one; their rows, and the table made of them."""
import fnmatch
import re
import subprocess

import pytest
from testing import NOBODY, PROGRAM, ROOT, needs_root, read_records

TABLE = ROOT / "workloads" / "check" / "COVERAGE.md"
GOOD = ("PASS", "DEVIATES", "UNSUPPORTED")
# What this project knows to deviate, and where: anything else that does is news.
KNOWN = {"name/over-path-max", "size/rest-stays-lost", "advise/msync-moves-mtime", "capacity/fallocate-under-signals",
         "mutex/loss-told-by-trylock", "rwlock/relocking-is-told"}


_runs = {}


def run_all(shmoo, wrap=()):
    """The finished process and its records; each user's run is done once for all tests."""
    if tuple(wrap) not in _runs:
        done = shmoo("check", "--format", "jsonl", timeout=120, wrap=wrap)
        _runs[tuple(wrap)] = done, [record for record in read_records(done.stdout) if record["type"] == "check"]
    return _runs[tuple(wrap)]


@pytest.mark.parametrize("wrap", [[], pytest.param(NOBODY, marks=needs_root)], ids=["self", "nobody"])
def test_this_system_keeps_what_it_promises(shmoo, wrap):
    done, records = run_all(shmoo, wrap=wrap)
    assert len(records) >= 140
    assert [(r["id"], r["expected"], r["observed"], r["reason"]) for r in records if r["outcome"] not in GOOD] == []
    assert {r["id"] for r in records if r["outcome"] == "DEVIATES"} <= KNOWN
    assert done.returncode == 0
    unsupported = [r for r in records if r["outcome"] == "UNSUPPORTED"]
    assert all("needs" in r["reason"] or "here" in r["reason"] or "kernel" in r["reason"] for r in unsupported)


def test_an_ordinary_user_can_check_most(shmoo):
    _, records = run_all(shmoo)
    free = [r for r in records if not {"root", "memory cgroup", "private mount namespace"} & set(r["needs"])]
    assert len(free) >= 110


def test_every_row_cites_a_clause_and_is_of_a_family(shmoo):
    _, records = run_all(shmoo)
    for record in records:
        assert re.fullmatch(r"[a-z]+/[a-z0-9-]+", record["id"])
        assert re.search(r"POSIX\.1-2024|\(\d\)|tmpfs|kernel", record["clause"]), record["id"]
        assert record["level"].startswith("POSIX") == ("POSIX" in record["clause"]) or "observed" in record["level"] or \
            record["level"] == "Linux documented", record["id"]
        assert not record["summary"].endswith(".")


def test_the_matrix_is_whole(shmoo):
    _, records = run_all(shmoo)
    cells = [r["id"].split("/")[1] for r in records if r["id"].startswith("persist/")]
    left = ("keeps-data", "leaves-descriptor", "leaves-mapping", "leaves-message", "leaves-nothing")
    goings = {cell[:-len(end) - 1] for cell in cells for end in left if cell.endswith("-" + end)}
    assert {"return", "exit", "quick-exit", "abort", "sigkill", "sigsegv", "exec", "setuid-exec", "others-hold", "group",
            "oom"} <= goings
    assert sorted(cells) == sorted(f"{going}-{end}" for going in goings for end in left)


def test_the_table_of_coverage_is_current(shmoo):
    done = shmoo("check", "--coverage")
    assert done.returncode == 0
    assert TABLE.read_text(encoding="utf-8") == done.stdout, "run: make coverage"


def test_the_table_names_every_check_once(shmoo):
    ids = [line.split()[0] for line in shmoo("check", "--list").stdout.splitlines()]
    named = re.findall(r"\| `([a-z0-9/-]+)` \|", shmoo("check", "--coverage").stdout)
    assert sorted(named) == sorted(ids)


def test_what_differs_elsewhere_is_of_checks_that_exist(shmoo):
    ids = [line.split()[0] for line in shmoo("check", "--list").stdout.splitlines()]
    text = (ROOT / "workloads" / "check" / "elsewhere.c").read_text(encoding="utf-8")
    globs = re.findall(r'^    \{CHECK_ON_\w+, "([^"]+)"', text, re.M)
    assert len(globs) > 20 and [g for g in globs if not fnmatch.filter(ids, g)] == []


@pytest.mark.skipif(not PROGRAM.with_name("shmoo-check").is_file(), reason="shmoo-check is not built")
def test_the_checks_alone_are_the_same_checks(shmoo):
    alone = PROGRAM.with_name("shmoo-check")
    deaf = ["env", "--ignore-signal=CHLD", alone]  # what a parent has made of signals is no matter
    listed, ran = (subprocess.run([*deaf, *arguments], capture_output=True, text=True, timeout=60, check=False)
                   for arguments in (["--list"], ["unlink/*", "--format", "tap"]))
    assert listed.stdout == shmoo("check", "--list").stdout
    assert (ran.returncode, ran.stdout.splitlines()[:2]) == (0, shmoo("check", "unlink/*", "--format", "tap").stdout.splitlines()[:2])
