"""Every queue of this program's own through the command line: clean in all crews, also when disturbed, and without one not."""
import shutil

import pytest
from testing import listed_syncs, needs_two_cpus, records, verdicts

QUEUES = listed_syncs("queue", "CLEAN")
RINGS = [sync for sync in QUEUES if sync.startswith("ring-")]
LARGE = [sync for sync in RINGS if not sync.startswith("ring-spsc")]
CREWS = [("1", "1"), ("2", "2"), ("4", "1"), ("1", "4")]
BRIEF = ("--load", "stream", "--min-exposure", "0", "--quiet", "--out", "o")


def not_clean(shmoo):
    return [(v["sync"], v["writers"], v["readers"], v["fault"], v["reason"]) for v in verdicts(shmoo.cwd / "o")
            if v["verdict"] not in ("CLEAN", "INCONCLUSIVE")]  # the latter on a machine too busy to get round to everybody


@needs_two_cpus
@pytest.mark.parametrize("writers,readers", CREWS)
def test_every_ring_is_clean_in_every_crew(shmoo, writers, readers):
    syncs = RINGS if (writers, readers) == ("1", "1") else LARGE
    done = shmoo("run", "--sync", ",".join(syncs), "--writers", writers, "--readers", readers, "--duration", "60ms",
                 "--history", "2000", *BRIEF)
    assert not_clean(shmoo) == [] and done.returncode in (0, 1, 4)
    assert len(verdicts(shmoo.cwd / "o")) == len(syncs)


@needs_two_cpus
def test_every_ring_is_clean_when_the_crew_is_disturbed(shmoo):
    done = shmoo("run", "--sync", ",".join(LARGE), "--writers", "2", "--readers", "2", "--duration", "50ms",
                 "--fault", "yield:4,delay,stop:2,signals,rounds", *BRIEF)
    assert not_clean(shmoo) == [] and done.returncode in (0, 1, 4)


@needs_two_cpus
@pytest.mark.parametrize("size", ["16", "17", "4095", "1MiB"])
def test_elements_of_every_size_stay_whole(shmoo, size):
    done = shmoo("run", "--sync", ",".join([*RINGS, "mutex"]), "--writers", "1", "--readers", "1", "--ops", "40",
                 "--size", size, *BRIEF)
    assert not_clean(shmoo) == [] and done.returncode in (0, 1, 4)
    for verdict in verdicts(shmoo.cwd / "o"):
        assert verdict["writer_ops"] == verdict["reader_ops"] == verdict["exposure"]["handoffs"] == 40


@needs_two_cpus
@pytest.mark.parametrize("writers,readers", CREWS)
def test_without_protection_elements_are_lost_doubled_or_torn(shmoo, writers, readers):
    missing = ["ring-none", "none", "busted-tas"]
    for _ in range(4):  # on a busy machine they may hardly meet
        shutil.rmtree(shmoo.cwd / "o", ignore_errors=True)
        shmoo("run", "--sync", ",".join(missing), "--writers", writers, "--readers", readers, "--duration", "400ms", *BRIEF)
        missing = [v["sync"] for v in verdicts(shmoo.cwd / "o") if v["verdict"] != "CORRUPT"]
        if not missing:
            break
    assert missing == []
    assert any("element" in v["text"] for v in records(shmoo.cwd / "o", "violation"))


def test_what_cannot_go_together_is_unsupported(shmoo):
    shmoo("run", "--sync", "ring-spsc", "--writers", "2", "--readers", "1", "--ops", "5", *BRIEF)
    assert "made for fewer writers" in verdicts(shmoo.cwd / "o")[0]["reason"]
    shmoo("run", "--sync", "ring-lock", "--readers", "0", "--ops", "5", *BRIEF[:-1], "p")
    assert "consumer" in verdicts(shmoo.cwd / "p")[0]["reason"]
    shmoo("run", "--sync", "ring-condvar", "--writers", "2", "--readers", "1", "--fault", "rounds", "--ops", "5",
          *BRIEF[:-1], "q")
    assert "in step" in verdicts(shmoo.cwd / "q")[0]["reason"]
    assert {v["verdict"] for o in "opq" for v in verdicts(shmoo.cwd / o)} == {"UNSUPPORTED"}


def test_a_history_is_in_the_record_and_in_the_replay(shmoo):
    shmoo("run", "--sync", "ring-lock", "--ops", "50", "--history", "10", *BRIEF)
    trial, = records(shmoo.cwd / "o", "trial")
    assert trial["history"] == 10 and "--history 10" in trial["replay"]


@needs_two_cpus
@pytest.mark.parametrize("sync", ["ring-lock", "ring-condvar", "mutex"])
def test_a_dead_producer_or_consumer_ends_the_trial_soon(shmoo, sync):
    done = shmoo("run", "--sync", sync, "--fault", "kill:30", "--duration", "20s", *BRIEF, timeout=15)
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], done.returncode) == ("CRASHED", 0), verdict["reason"]
