"""The kernel's channels and memory of other kinds: clean in all crews and sizes, limits told, and nothing left that gc does not find."""
import ctypes
import os
import signal
import tempfile
from pathlib import Path

import pytest
from testing import ENDLESS, listed_syncs, needs_two_cpus, records, shm_objects, verdicts, wait_for_workers

QUEUES = listed_syncs("queue", "CLEAN")
CHANNELS = [sync for sync in QUEUES if not sync.startswith("ring-")]
NAMED = ["fifo", "mqueue", "sysv-msg", "sysv-shm", "file"]
BRIEF = ("--load", "stream", "--min-exposure", "0", "--quiet", "--out", "o")
MISSING = "UNSUPPORTED"  # some systems lack a kind: the reason says which
IDLE = "INCONCLUSIVE"  # on a busy machine a short trial may not get round to everybody
SHARED_LIMIT = "`ulimit -q`"  # bytes of message queues for all of a user's processes: others may have used them up


def outcome(shmoo, folder="o"):
    return [(v["sync"], v["writers"], v["readers"], v["size"], v["verdict"], v["reason"])
            for v in verdicts(shmoo.cwd / folder)
            if v["verdict"] not in ("CLEAN", MISSING, IDLE) and not (v["verdict"] == "ERROR" and SHARED_LIMIT in v["reason"])]


def test_all_kinds_are_there_and_can_be_clean(shmoo):
    assert len(CHANNELS) == 9
    done = shmoo("run", "--sync", ",".join(CHANNELS), "--writers", "1", "--readers", "1", "--ops", "300", *BRIEF)
    assert outcome(shmoo) == [] and done.returncode in (0, 3)


@needs_two_cpus
@pytest.mark.parametrize("writers,readers", [("1", "1"), ("3", "2"), ("1", "4")])
def test_every_channel_is_clean_in_every_crew_and_size(shmoo, writers, readers):
    done = shmoo("run", "--sync", ",".join(CHANNELS), "--writers", writers, "--readers", readers, "--duration", "30ms",
                 "--size", "8,100,5000,40000", *BRIEF)
    assert outcome(shmoo) == [] and done.returncode in (0, 1, 3)


@needs_two_cpus
def test_elements_far_larger_than_any_limit_come_out_whole(shmoo):
    done = shmoo("run", "--sync", ",".join(CHANNELS), "--writers", "2", "--readers", "2", "--ops", "12", "--size", "4MiB", *BRIEF)
    assert outcome(shmoo) == [] and done.returncode in (0, 1, 3)
    settings = {v["sync"]: v.get("setting", "") for v in verdicts(shmoo.cwd / "o")}
    assert "take turns by a lock" in settings["pipe"]
    for sync, limit in (("mqueue", "fs.mqueue.msgsize_max"), ("sysv-msg", "kernel.msgmax"), ("socketpair-seqpacket", "several packets")):
        assert limit in settings[sync]


@needs_two_cpus
def test_every_channel_stands_signals_and_pauses(shmoo):
    done = shmoo("run", "--sync", ",".join(CHANNELS), "--writers", "2", "--readers", "2", "--duration", "40ms", "--size", "9000",
                 "--fault", "yield:4,delay,stop:2,signals,signals-restart", *BRIEF)
    assert outcome(shmoo) == [] and done.returncode in (0, 1, 3)


@needs_two_cpus
def test_frames_that_are_not_atomic_and_not_locked_are_caught(shmoo):
    done = shmoo("run", "--sync", "busted-pipe-frame", "--writers", "3", "--readers", "1", "--duration", "2s", "--size", "16k", *BRIEF)
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], done.returncode) == ("CORRUPT", 0), verdict["reason"]
    done = shmoo("run", "--sync", "busted-pipe-frame", "--writers", "3", "--readers", "1", "--duration", "100ms", "--size", "4088",
                 *BRIEF[:-1], "p")
    verdict, = verdicts(shmoo.cwd / "p")  # up to PIPE_BUF the system keeps them whole
    assert (verdict["verdict"], verdict["expect"], done.returncode) == ("CLEAN", "CLEAN", 0), verdict["reason"]


@needs_two_cpus
@pytest.mark.parametrize("pairs", ["1", "3"])
def test_pairs_play_ping_pong_through_every_queue(shmoo, pairs):
    done = shmoo("run", "--load", "pingpong", "--sync", ",".join(QUEUES), "--writers", pairs, "--readers", pairs, "--size", "8,20000",
                 "--duration", "30ms", "--min-exposure", "0", "--quiet", "--out", "o")
    assert outcome(shmoo) == [] and done.returncode in (0, 1, 3)
    for verdict in verdicts(shmoo.cwd / "o"):
        if verdict["verdict"] == "CLEAN":
            assert verdict["writer_ops"] == verdict["reader_ops"] == verdict["messages"]["count"] / 2
            assert verdict["messages"]["bytes"] == verdict["messages"]["count"] * verdict["size"]
    names = {(h["name"], h["role"]) for h in records(shmoo.cwd / "o", "histogram")}
    assert names == {("round-trip", "writer"), ("one-way", "writer"), ("one-way", "reader")}


@needs_two_cpus
def test_ping_pong_in_place_takes_each_message_from_its_own_queue(shmoo):
    """Whether the answer came at once or had to be waited for: many short trials see both."""
    shmoo("run", "--load", "pingpong", "--sync", "ring-spsc-inplace", "--writers", "1", "--readers", "1", "--size", "8,64",
          "--duration", "20ms", "--repeat", "15", "--min-exposure", "0", "--quiet", "--out", "o")
    assert {verdict["verdict"] for verdict in verdicts(shmoo.cwd / "o")} <= {"CLEAN", "INCONCLUSIVE"}


def test_ping_pong_needs_pairs(shmoo):
    done = shmoo("run", "--load", "pingpong", "--sync", "pipe", "--writers", "2", "--readers", "1", "--ops", "5", *BRIEF[2:])
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], done.returncode) == (MISSING, 4) and "pairs" in verdict["reason"]


def kernel_objects():
    """What lies outside /dev/shm: System V queues and segments, and files on the disc."""
    ids = set()
    for kind in ("msg", "shm"):
        listed = Path(f"/proc/sysvipc/{kind}")
        if listed.exists():
            ids |= {(kind, line.split()[1]) for line in listed.read_text(encoding="ascii").splitlines()[1:]}
    return ids


def posix_queue_exists(name):
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "mq_open"):
        return False
    descriptor = library.mq_open(f"/{name}".encode(), os.O_RDONLY)
    if descriptor >= 0:
        library.mq_close(descriptor)
    return descriptor >= 0


@pytest.mark.parametrize("sync", NAMED)
def test_what_a_killed_harness_leaves_is_found_by_gc_and_removed(shmoo, sync):
    with tempfile.TemporaryDirectory(dir=shmoo.cwd) as folder:
        environment = {"TMPDIR": folder}
        before = kernel_objects()
        process = shmoo.start("run", "--load", "stream", *ENDLESS[2:], "--sync", sync, environment=environment)
        try:
            wait_for_workers(process, 4)
        except AssertionError:
            process.kill()
            shmoo.finish(process)
            pytest.skip(f"no {sync} to be had here")
        mine = [name for name in shm_objects() if f"shmoo.{process.pid}." in name]
        outside = kernel_objects() - before
        process.send_signal(signal.SIGKILL)
        shmoo.finish(process)
        queues = [name for name in mine if name.endswith(".mq")]
        assert len(mine) == 2, mine
        assert sync != "mqueue" or posix_queue_exists(queues[0])
        assert sync not in ("sysv-msg", "sysv-shm") or outside
        assert sync != "file" or os.listdir(folder) == [name for name in mine if name.endswith(".file")]
        done = shmoo("gc", "--own", "--apply")
        assert done.returncode == 0 and all(f"/dev/shm/{name}" in done.stdout for name in mine), done.stdout
        assert [name for name in shm_objects() if f"shmoo.{process.pid}." in name] == []
        assert not outside & kernel_objects() and os.listdir(folder) == []
        assert not any(map(posix_queue_exists, queues))


def test_a_limit_in_the_way_is_named(shmoo):
    done = shmoo("run", "--sync", "file", "--ops", "5", *BRIEF, environment={"TMPDIR": "/dev/shm"})
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], done.returncode) == (MISSING, 4) and "/dev/shm is a tmpfs" in verdict["reason"]
    done = shmoo("run", "--sync", "file", "--ops", "5", *BRIEF[:-1], "p", environment={"TMPDIR": "/nonexistent/folder"})
    verdict, = verdicts(shmoo.cwd / "p")
    assert verdict["verdict"] == MISSING and "set TMPDIR" in verdict["reason"]


def test_without_room_for_posix_queues_the_message_says_which_limit(shmoo):
    done = shmoo("run", "--sync", "mqueue", "--ops", "5", "--load", "stream", "--quiet", wrap=["prlimit", "--msgqueue=64", "--"])
    if "UNSUPPORTED" in done.stdout:
        pytest.skip("no POSIX message queues here")
    assert done.returncode == 3 and "ulimit -q" in done.stdout
    assert shm_objects() == [name for name in shm_objects() if "shmoo" not in name or "mq" not in name]
