"""System calls in the timed section: proven to be none, caught and named, and counted for each operation."""
import os
import platform
import sys

import pytest
from testing import NOBODY, needs_root, needs_two_cpus, records, valid, verdicts

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="system calls are caught on x86-64 only")

PROOF = ("--prove-no-syscalls", "--quiet", "--out", "o")
PAIR = ("--writers", "1", "--readers", "1")
# Installs a filter that refuses prctl(PR_SET_SYSCALL_USER_DISPATCH), and becomes the command that follows.
FORBIDDING = """
import ctypes, os, sys
class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]
library = ctypes.CDLL("libseccomp.so.2")
library.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(library.seccomp_init(0x7fff0000))
prctl = library.seccomp_syscall_resolve_name(b"prctl")
assert library.seccomp_rule_add_array(context, 0x00050001, prctl, 1, ctypes.byref(Compare(0, 4, 59, 0))) == 0
assert library.seccomp_load(context) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


@needs_two_cpus
@pytest.mark.parametrize("sync, load", [("spin", "counter"), ("tas,ttas", "snapshot"), ("ring-mpmc", "stream"),
                                        ("ring-spsc", "pingpong"), ("sysv-shm", "stream"), ("cell-atomic --size 8", "snapshot"),
                                        ("counter-add", "counter"), ("pool-tagged", "pool")])
def test_what_makes_no_calls_is_proven_to_make_none(shmoo, sync, load):
    done = shmoo("run", "--load", load, "--sync", *sync.split(), *PAIR, "--duration", "100ms", "--min-exposure", "0", *PROOF)
    for verdict in verdicts(shmoo.cwd / "o"):
        assert verdict["verdict"] in ("CLEAN", "INCONCLUSIVE"), verdict["reason"]
        assert verdict["syscalls"]["calls"] == 0 and verdict["syscalls"]["beside"] == {}
        assert verdict["syscalls"]["crew"] == "the trial's"
        assert verdict["verdict"] != "CLEAN" or "no worker made a system call" in verdict["reason"]
    assert done.returncode in (0, 4)


@needs_two_cpus
@pytest.mark.parametrize("sync, load, names", [("semaphore", "counter", {"futex"}), ("sysv-semaphore", "counter", {"semtimedop"}),
                                               ("pipe", "stream", {"writev", "readv"}), ("flock", "counter", {"flock"}),
                                               ("mqueue", "pingpong", {"mq_timedsend", "mq_timedreceive"})])
def test_what_makes_calls_fails_with_their_names_and_numbers(shmoo, sync, load, names):
    done = shmoo("run", "--load", load, "--sync", sync, "--writers", "2", "--readers", "2", "--hold", "20us", "--duration", "200ms",
                 *PROOF)
    verdict, = valid(verdicts(shmoo.cwd / "o"))
    if verdict["verdict"] == "UNSUPPORTED" or "`ulimit -q`" in verdict["reason"]:  # the limit is of all the user's processes
        pytest.skip(verdict["reason"])
    assert (verdict["verdict"], verdict["as_expected"], done.returncode) == ("CORRUPT", False, 1), verdict["reason"]
    assert names <= set(verdict["syscalls"]["by_name"]) <= names | {"futex"}  # where several take turns at an end
    assert verdict["violations_by_kind"] == {"syscall": sum(verdict["syscalls"]["by_name"].values())}
    told = [v["text"] for v in records(shmoo.cwd / "o", "violation")]
    assert all(any(f"{name} was called" in text for text in told) for name in names)
    assert "--prove-no-syscalls" in records(shmoo.cwd / "o", "trial")[0]["replay"]


def test_an_uncontended_lock_makes_no_calls_and_one_process_meets_nobody(shmoo):
    shmoo("run", "--sync", "mutex,semaphore,futex", "--writers", "1", "--readers", "0", "--duration", "50ms", *PROOF)
    for verdict in verdicts(shmoo.cwd / "o"):
        assert verdict["verdict"] == "INCONCLUSIVE" and verdict["syscalls"]["calls"] == 0


@needs_two_cpus
def test_pacing_is_the_harnesss_own_affair(shmoo):
    done = shmoo("run", "--sync", "spin", *PAIR, "--rate", "2000", "--think", "200us", "--duration", "200ms", "--min-exposure", "0",
                 "--expect", "INCONCLUSIVE", *PROOF)
    verdict, = verdicts(shmoo.cwd / "o")
    told = [v["text"] for v in records(shmoo.cwd / "o", "violation")]
    assert verdict["violations"] == 0 and verdict["syscalls"]["beside"] == {}, (verdict["reason"], told, done.stderr)


@pytest.mark.parametrize("arguments, words", [(("--load", "lifecycle"), "made of system calls"), (("--load", "verify"), "hunt"),
                                              (("--fault", "yield"), "fault makes system calls")])
def test_where_nothing_can_be_proven_it_is_unsupported(shmoo, arguments, words):
    done = shmoo("run", *arguments, "--sync", "spin", "--duration", "50ms", *PROOF)
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], done.returncode) == ("UNSUPPORTED", 4) and words in verdict["reason"]


def test_where_the_kernel_refuses_to_watch_it_is_said_before_the_start(shmoo):
    done = shmoo("run", "--sync", "spin", *PROOF, wrap=[sys.executable, "-c", FORBIDDING])
    if "seccomp" not in done.stderr:
        pytest.skip("no filter could be installed here")
    assert done.returncode == 3 and done.stdout == "" and "PR_SET_SYSCALL_USER_DISPATCH" in done.stderr


@needs_two_cpus
def test_there_the_counts_are_absent_and_the_trial_goes_on(shmoo):
    done = shmoo("run", "--sync", "spin", *PAIR, "--duration", "50ms", "--min-exposure", "0", "--quiet", "--out", "o",
                 wrap=[sys.executable, "-c", FORBIDDING])
    verdict, = verdicts(shmoo.cwd / "o")
    assert "syscalls" not in verdict and verdict["switches"]["voluntary"] >= 0 and done.returncode in (0, 4)


@needs_root
@needs_two_cpus
def test_an_ordinary_user_can_prove_it(shmoo):
    os.chmod(shmoo.cwd, 0o777)
    done = shmoo("run", "--sync", "spin", *PAIR, "--duration", "100ms", "--min-exposure", "0", *PROOF, wrap=NOBODY)
    verdict, = verdicts(shmoo.cwd / "o")
    assert verdict["syscalls"]["calls"] == 0 and verdict["violations"] == 0, done.stderr


@needs_two_cpus
@pytest.mark.parametrize("sync, per_message", [("pipe", 2), ("socketpair-seqpacket", 2), ("ring-mpmc", 0), ("memfd", 0)])
def test_a_message_costs_so_many_calls(shmoo, sync, per_message):
    shmoo("run", "--load", "stream,pingpong", "--sync", sync, *PAIR, "--duration", "50ms", "--min-exposure", "0", "--quiet", "--out", "o")
    for verdict in valid(verdicts(shmoo.cwd / "o")):
        assert verdict["syscalls"]["crew"] == "a second one" and verdict["syscalls"]["ops"] > 0
        marker = 6 / verdict["syscalls"]["ops"]  # the end is told by a message of its own, which weighs where few others came
        assert verdict["syscalls"]["per_message"] == pytest.approx(per_message, rel=0.03 + marker)
        assert verdict["violations"] == 0


def test_calls_are_counted_once_for_each_point_and_only_where_asked_for(shmoo):
    common = ("--sync", "flock", "--duration", "30ms", "--min-exposure", "0", "--quiet")
    shmoo("run", *common, "--repeat", "2", "--out", "o")
    first, second = verdicts(shmoo.cwd / "o")
    assert first["syscalls"]["per_op"] == pytest.approx(2, rel=0.02) and "syscalls" not in second
    shmoo("run", *common, "--count-syscalls", "0", "--out", "p")
    verdict, = verdicts(shmoo.cwd / "p")
    assert "syscalls" not in verdict
    shmoo("run", *common, "--fault", "yield", "--out", "q")
    verdict, = verdicts(shmoo.cwd / "q")
    assert "syscalls" not in verdict
