"""--plugin new.so --against old.so: two builds of a plugin, interleaved and compared."""
import pytest
from test_plugin import LOCK, OURS, QUICK
from testing import ROOT, one_line, read_records, records, valid

pytestmark = pytest.mark.skipif(not (ROOT / "analysis" / "compare.py").exists(), reason="analysis/compare.py is not there")
SLOW = OURS.replace("    return 0;\n}\nstatic int give", "    for (volatile int i = 0; i < 2000; i++)\n        continue;\n    return 0;\n}\n"
                    "static int give", 1)
ALONE = ("--load", "counter", "--writers", "1", "--readers", "0", "--duration", "20ms", "--min-exposure", "0", "--quiet")


def test_a_slower_build_of_a_lock_is_found(shmoo, build):
    assert SLOW != OURS
    old, new = build(OURS), build(SLOW)
    done = shmoo("run", "--plugin", new, "--sync", "ours", *ALONE, "--repeat", "10", "--against", old, "--format", "jsonl", "--out", "o",
                 timeout=120)
    found = valid(read_records(done.stdout))
    assert done.returncode == 5, done.stderr
    assert found[0]["a"]["build"]["path"] == str(old) and found[0]["b"]["build"]["path"] == str(new)
    assert next(record for record in found if record["type"] == "change" and record["metric"] == "cpu")["says"] == "worse"
    for side, plugin in (("baseline", old), ("candidate", new)):
        assert {record["plugin"] for record in records(shmoo.cwd / "o" / side, "trial")} == {str(plugin)}


def test_runs_of_two_builds_of_a_plugin_are_of_equal_conditions(shmoo, build):
    for name, plugin in (("a", build(OURS)), ("b", build(SLOW))):
        shmoo("run", "--plugin", plugin, "--sync", "ours", *QUICK, "--out", name)
    done = shmoo("compare", "a", "b", "--format", "jsonl")
    found = read_records(done.stdout)
    assert not found[0]["only_a"] and len([record for record in found if record["type"] == "verdicts"]) == 1


@pytest.mark.parametrize("arguments, words", [
    (("--sync", "mutex", "--against", "old.so"), "--plugin"), (("--against", "nowhere.so"), "nowhere.so"),
    (("--sync", "theirs", "--against", "less.so"), "does not take trial 1")], ids=str)
def test_what_cannot_be_compared_is_told(shmoo, build, arguments, words):
    less = LOCK + 'ROW(ours, .name = "ours");\nSHMOO_PLUGIN(&ours);\n'
    for name, text in (("old.so", OURS), ("less.so", less)):
        (shmoo.cwd / name).symlink_to(build(text))
    done = shmoo("run", "--plugin", build(OURS), *QUICK, *arguments)
    assert (done.returncode, done.stdout) == (2, "") and words in one_line(done.stderr)
