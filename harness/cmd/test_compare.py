"""shmoo compare: real runs, whose records are changed by known factors, and what is said when there is nothing to compare."""
import json

import pytest
from testing import ROOT, one_line, read_records, valid

pytestmark = pytest.mark.skipif(not (ROOT / "analysis" / "compare.py").exists(), reason="analysis/compare.py is not there")


def run(shmoo, name, *arguments):
    done = shmoo("run", "--load", "counter", "--sync", "mutex,spin", "--writers", "2", "--readers", "0", "--ops", "3000",
                 "--min-exposure", "0", "--repeat", "6", "--quiet", "--out", name, *arguments)
    assert done.returncode in (0, 4), done.stderr
    return shmoo.cwd / name


def changed(folder, name, change):
    """A copy of a run whose records have gone through a function."""
    made = folder.parent / name
    made.mkdir()
    lines = (folder / "run.jsonl").read_text(encoding="utf-8").splitlines()
    (made / "run.jsonl").write_text("".join(json.dumps(change(json.loads(line))) + "\n" for line in lines), encoding="utf-8")
    return name


def steady(record):
    """Figures that the machine has no part in."""
    if record["type"] == "verdict":
        record.update(ops_per_s=1e6 + record["repeat"], window_s=0.01)
    return record


def slower(record):
    """Half as fast, the spin lock only."""
    record = steady(record)
    if record["type"] == "verdict" and record["sync"] == "spin":
        record["ops_per_s"] /= 2
    return record


def broken(record):
    if record["type"] == "verdict" and record["sync"] == "mutex":
        record.update(verdict="CORRUPT", as_expected=False)
    return record


def test_a_run_is_no_worse_than_itself(shmoo):
    run(shmoo, "a")
    done = shmoo("compare", "a", "a")
    assert done.returncode == 0 and "the same run" in done.stderr
    assert "WORSE" not in done.stdout


def test_known_changes_are_found(shmoo):
    folder = run(shmoo, "a")
    sides = changed(folder, "steady", steady), changed(folder, "slower", slower)
    done = shmoo("compare", *sides, "--metric", "throughput", "--format", "jsonl")
    found = valid(read_records(done.stdout))
    says = {record["sync"]: record["says"] for record in found if record["type"] == "change"}
    assert done.returncode == found[-1]["exit_status"]
    assert done.returncode == 5 and says == {"spin": "worse", "mutex": "no change"}
    done = shmoo("compare", "a", changed(folder, "broken", broken))
    assert done.returncode == 1 and "6 of 6 unexpected: CORRUPT" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("nowhere",), ("nowhere", "else"), ("a", "b", "c")], ids=str)
def test_what_cannot_be_compared_is_status_2(shmoo, arguments):
    done = shmoo("compare", *arguments)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr and "Traceback" not in done.stderr


def test_help_names_every_option(shmoo):
    done = shmoo("compare", "--help")
    assert done.returncode == 0 and not done.stderr
    for option in ("--threshold", "--confidence", "--metric", "--format", "--out", "--all", "--any-host"):
        assert option in done.stdout
    assert one_line(shmoo("compare").stderr)
