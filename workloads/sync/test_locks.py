"""Every lock there is, through the command line: clean, also when disturbed, and nothing left whatever dies."""
import signal
from pathlib import Path

import pytest
from testing import ENDLESS, listed_syncs, needs_two_cpus, verdicts, wait_for_workers, wait_until

LOCKS = listed_syncs("lock", "CLEAN")
# Made for two processes, or for one writer: UNSUPPORTED with more.
SMALL = ["peterson", "rw-one-writer"]
LARGE = [sync for sync in LOCKS if sync not in SMALL]
BRIEF = ("--min-exposure", "0", "--quiet", "--out", "o")


def words(shmoo):
    return {(v["sync"], v["load"], v["fault"]): v["verdict"] for v in verdicts(shmoo.cwd / "o")}


def not_clean(shmoo):
    return {trial: word for trial, word in words(shmoo).items() if word != "CLEAN"}


@needs_two_cpus
def test_every_lock_keeps_the_data_whole(shmoo):
    done = shmoo("run", "--sync", ",".join(LARGE), "--load", "counter,snapshot", "--writers", "2", "--readers", "1",
                 "--ops", "200", *BRIEF)
    assert (not_clean(shmoo), done.returncode) == ({}, 0)
    assert len(words(shmoo)) == 2 * len(LARGE)


@needs_two_cpus
def test_every_lock_keeps_the_data_whole_when_the_crew_is_disturbed(shmoo):
    done = shmoo("run", "--sync", ",".join(LARGE), "--load", "snapshot", "--writers", "1", "--readers", "1",
                 "--fault", "yield:2,stop:1", "--duration", "30ms", *BRIEF)
    assert (not_clean(shmoo), done.returncode) == ({}, 0)


@needs_two_cpus
def test_a_lock_for_few_is_clean_among_few_and_not_run_among_many(shmoo):
    done = shmoo("run", "--sync", ",".join(SMALL), "--load", "counter,snapshot", "--writers", "1", "--readers", "1",
                 "--fault", "none,yield:2,delay,stop:1", "--duration", "50ms", *BRIEF)
    assert (not_clean(shmoo), done.returncode) == ({}, 0)
    done = shmoo("run", "--sync", ",".join(SMALL), "--writers", "2", "--readers", "1", "--ops", "10", "--quiet",
                 "--out", "many")
    found = verdicts(shmoo.cwd / "many")
    assert [v["verdict"] for v in found] == ["UNSUPPORTED"] * len(SMALL) and done.returncode == 4
    assert all("made for fewer" in v["reason"] for v in found)


@pytest.mark.parametrize("sync", ["futex-pi", "flock", "sysv-semaphore", "mcs"])
def test_a_killed_crew_ends_in_a_crash_and_leaves_nothing(shmoo, sync):
    done = shmoo("run", "--sync", sync, "--fault", "kill:30", "--duration", "30s", *BRIEF)
    assert ([v["verdict"] for v in verdicts(shmoo.cwd / "o")], done.returncode) == (["CRASHED"], 0)


def semaphore_sets():
    """The System V semaphore sets that there are, by their ids."""
    return {line.split()[1] for line in Path("/proc/sysvipc/sem").read_text(encoding="ascii").splitlines()[1:]}


@pytest.mark.parametrize("sync", ["semaphore-named", "ofd"])
def test_what_a_killed_run_leaves_is_proven_unused_and_removed(shmoo, sync):
    kill_and_collect(shmoo, sync)


@pytest.mark.skipif(not Path("/proc/sysvipc/sem").exists(), reason="the sets that there are cannot be seen")
def test_a_killed_run_leaves_no_system_v_semaphore_either(shmoo):
    before = semaphore_sets()
    made = kill_and_collect(shmoo, "sysv-semaphore", lambda: semaphore_sets() - before)
    assert made
    assert wait_until(lambda: not made & semaphore_sets(), 10)  # another run's set may be among them, and goes by itself


def kill_and_collect(shmoo, sync, look=lambda: None):
    """Kills a run at work and has gc remove what it leaves: what was seen while it was at work."""
    process = shmoo.start("run", *ENDLESS, "--sync", sync, "--out", "o")
    wait_for_workers(process, 4)
    seen = look()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert wait_until(lambda: not shmoo.processes(), 10)
    left = shmoo.objects()
    assert len(left) == 2
    shmoo("gc", "--own", "--apply")
    assert shmoo.objects() == []
    return seen
