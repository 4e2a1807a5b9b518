"""Everything that is broken on purpose, through the command line: a hunt finds it, and says so as expected."""
import pytest
from testing import SANITIZED, listed_syncs, needs_two_cpus, verdicts

FAMILIES = ("lock", "cell", "queue", "counter", "pool", "barrier")
BUSTED = [sync for family in FAMILIES for expected in ("CORRUPT", "WEDGED")
          for sync in listed_syncs(family, expected) if sync.startswith("busted-")]
# What takes a million operations, or hundreds of thousands: on a busy machine five seconds are not enough.
PATIENT = {"busted-one-in-a-million", "busted-futex-fence"}
# Under sanitizers each hunt starts many slow processes.
FEW = ["busted-tas", "busted-forgetful", "busted-scribble", "busted-ticket-2bit", "busted-rw-upgrade", "busted-queue-check",
       "busted-cell-pair", "busted-counter-once", "busted-pool-twice", "busted-barrier-early"]
CAUGHT = {"CORRUPT", "WEDGED", "CRASHED"}


@needs_two_cpus
def test_a_hunt_finds_everything_that_is_broken(shmoo):
    tried = FEW if SANITIZED else [sync for sync in BUSTED if sync not in PATIENT]
    done = shmoo("run", "--load", "verify", "--sync", ",".join(tried), "--duration", "5s", "--quiet", "--out", "o", timeout=300)
    found = verdicts(shmoo.cwd / "o")
    missed = {v["sync"]: (v["verdict"], v["reason"]) for v in found if v["verdict"] not in CAUGHT}
    assert (missed, done.returncode) == ({}, 0) and len(found) == len(tried)
    assert all(v["as_expected"] and 0 < v["found_s"] <= v["seconds"] + 0.1 for v in found)


def test_there_are_some_in_each_family():
    assert len(BUSTED) >= 44 and len(set(BUSTED)) == len(BUSTED)
    for family in FAMILIES:
        broken = {*listed_syncs(family, "CORRUPT"), *listed_syncs(family, "WEDGED")}
        assert len(broken & set(BUSTED)) >= 4, family


@pytest.mark.parametrize("pattern, expected", [
    ("busted-*", BUSTED), ("busted-ticket*,!*4bit", ["busted-ticket", "busted-ticket-2bit"]),
    ("mutex,mute?,spin", ["mutex", "spin"])])
def test_a_pattern_stands_for_all_that_match_in_the_order_of_the_list(shmoo, pattern, expected):
    planned = shmoo("run", "--load", "verify", "--sync", pattern, "--dry-run").stdout.splitlines()
    names = [line.split("--sync ")[1].split()[0] for line in planned]
    assert sorted(names) == sorted(expected)


@pytest.mark.parametrize("pattern, words", [
    ("nothing-*", 'no sync matches "nothing-*"'), ("mutex,!mutex", "nothing is left of the list"), ("!spin", "nothing is left")])
def test_a_pattern_without_a_match_is_a_usage_error(shmoo, pattern, words):
    done = shmoo("run", "--sync", pattern, "--dry-run")
    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr
