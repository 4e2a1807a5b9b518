"""shmoo merge: real runs made one, and what the other commands make of it."""
import pytest
from testing import PROGRAM, QUICK, ROOT, one_line, records, valid

pytestmark = pytest.mark.skipif(not (ROOT / "analysis" / "merge.py").exists(), reason="analysis/merge.py is not there")


def run(shmoo, name, *arguments):
    done = shmoo("run", *QUICK, "--sync", "mutex,spin", "--writers", "2", "--readers", "1", "--quiet", "--out", name, *arguments)
    assert done.returncode in (0, 4), done.stderr


def test_real_runs_are_merged(shmoo):
    run(shmoo, "a")
    run(shmoo, "b", "--repeat", "3")
    done = shmoo("merge", "a", "b", "--out", "ab")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ab\n", "")
    found = valid(records(shmoo.cwd / "ab"))
    parts = [records(shmoo.cwd / name) for name in ("a", "b")]
    ops = [sum(record["ops"] for record in part if record["type"] == "verdict") for part in parts]
    assert sum(record["ops"] for record in found if record["type"] == "verdict") == sum(ops)
    assert sum(record["ops"] for record in found if record["type"] == "total") == sum(ops)
    assert [record["trials"] for record in found if record["type"] == "total"] == [4, 4]
    shmoo("merge", "ab", "b", "a", "--out", "again")
    assert (shmoo.cwd / "again" / "run.jsonl").read_bytes() == (shmoo.cwd / "ab" / "run.jsonl").read_bytes()
    assert shmoo("report", "ab").returncode == 0
    assert shmoo("compare", "ab", "b").returncode == 0


def test_both_sides_of_an_interleaved_run_are_two_runs(shmoo):
    done = shmoo("run", *QUICK, "--repeat", "2", "--against", PROGRAM, "--out", "o", "--quiet", timeout=120)
    assert done.returncode == 0
    assert shmoo("merge", "o/baseline", "o/candidate", "--out", "both").returncode == 0
    assert len(records(shmoo.cwd / "both", "verdict")) == 4
    assert "shmoo compare o" in one_line(shmoo("merge", "o", "--out", "x").stderr)


@pytest.mark.parametrize("arguments", [(), ("nowhere",), ("--bogus",)], ids=str)
def test_usage(shmoo, arguments):
    done = shmoo("merge", *arguments)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr and "Traceback" not in done.stderr
    assert shmoo("merge", "--help").returncode == 0
