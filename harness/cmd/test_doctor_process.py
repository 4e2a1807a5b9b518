"""shmoo doctor PID and --core: what a process maps that it cannot touch, locks of the dead, and what a message means."""
import os
import subprocess
import sys

import pytest
from testing import NOBODY, SANITIZED, needs_root, one_line, read_records, valid

MOUNT = "mount -t tmpfs -o mode=1777,size={} tmpfs /dev/shm"

# What the programs below share: mapping an object, and a mutex of a kind in it that a process has taken and died with.
PRELUDE = r"""
import ctypes, mmap, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
def map(name, size, offset=0):
    fd = os.open("/dev/shm/" + name, os.O_RDWR | os.O_CREAT, 0o600)
    if os.fstat(fd).st_size == 0:
        os.ftruncate(fd, size)
    at = libc.mmap(None, size, 3, mmap.MAP_SHARED, fd, offset)
    os.close(fd)
    return at
def mutex(at, robust=0, inherits=0, kind=0):
    attributes = ctypes.create_string_buffer(16)
    libc.pthread_mutexattr_init(attributes)
    libc.pthread_mutexattr_setpshared(attributes, 1)
    libc.pthread_mutexattr_setrobust(attributes, robust)
    libc.pthread_mutexattr_setprotocol(attributes, inherits)
    libc.pthread_mutexattr_settype(attributes, kind)
    assert libc.pthread_mutex_init(ctypes.c_void_p(at), attributes) == 0
def dies_with(at):
    pid = os.fork()
    if pid == 0:
        libc.pthread_mutex_lock(ctypes.c_void_p(at))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
def ready():
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(name="start")
def start_fixture(shmoo, private_shm):
    """Starts a program in a private /dev/shm; diagnose(options) then tells what the doctor finds about it."""
    started = []

    def start(script, size="256m", wrap=()):
        place = private_shm(MOUNT.format(size))
        program = subprocess.Popen([*place.enter, *wrap, sys.executable, "-c", PRELUDE + script], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        started.append(program)
        assert program.stdout.readline() == "ready\n"

        def diagnose(enter=place.enter):
            done = shmoo("doctor", str(program.pid), "--format", "jsonl", wrap=enter)
            assert done.stderr == "", done.stderr
            found = valid(read_records(done.stdout))
            findings = {r["id"]: r for r in found if r["type"] == "finding"}
            assert done.returncode == any(r["severity"] != "note" for r in findings.values())
            return findings, [r["text"] for r in found if r["type"] == "fact"]
        return diagnose
    yield start
    for program in started:
        program.communicate("", timeout=30)


def test_what_is_mapped_is_listed_and_fine(start):
    diagnose = start("a = map('whole', 8192); ctypes.memset(a, 1, 8192); ready()")
    findings, facts = diagnose()
    assert findings == {} and any("whole" in fact and "8 KiB" in fact and "rw-s" in fact for fact in facts)


def test_what_lies_beyond_the_end_is_told_with_its_address(start):
    diagnose = start("a = map('cut', 65536); os.truncate('/dev/shm/cut', 8192); ready()")
    findings, _ = diagnose()
    assert list(findings) == ["process-beyond"]
    evidence = findings["process-beyond"]["evidence"]
    assert "cut" in evidence and "offset 8192" in evidence and "56 KiB lie beyond its end" in evidence


def test_an_end_within_a_page_is_no_end(start):
    findings, _ = start("a = map('odd', 5000); ctypes.memset(a, 1, 5000); ready()")()
    assert findings == {}


def test_holes_on_a_full_tmpfs_are_told(start):
    diagnose = start("map('sparse', 4 << 20); open('/dev/shm/filler', 'wb').write(b'x' * (1 << 20)); ready()", size="1m")
    findings, _ = diagnose()
    assert list(findings) == ["process-full"] and findings["process-full"]["severity"] == "serious"
    evidence = findings["process-full"]["evidence"]
    assert "4 MiB without pages" in evidence and "0 B free of 1 MiB" in evidence


def test_a_memfd_and_an_object_without_a_name_are_seen(start):
    diagnose = start("fd = os.memfd_create('secret'); os.ftruncate(fd, 4096);"
                     "libc.mmap(None, 65536, 3, mmap.MAP_SHARED, fd, 0); a = map('gone', 4096); os.unlink('/dev/shm/gone'); ready()")
    findings, facts = diagnose()
    assert list(findings) == ["process-beyond"] and "memfd:secret" in findings["process-beyond"]["evidence"]
    assert any("gone" in fact for fact in facts)


@pytest.mark.parametrize("mutex, kind, severity", [
    ("", "plain", "serious"), (", kind=1", "plain", "serious"), (", kind=2", "plain", "serious"),
    (", inherits=1", "priority-inheriting", "serious"), (", robust=1", "robust", "warning"),
    (", robust=1, kind=1", "robust", "warning"), (", robust=1, inherits=1", "robust, priority-inheriting", "warning")])
def test_a_lock_of_the_dead_is_found(start, mutex, kind, severity):
    diagnose = start(f"a = map('locks', 16384); mutex(a + 4136{mutex}); dies_with(a + 4136); mutex(a + 64{mutex}); ready()")
    findings, facts = diagnose()
    assert list(findings) == ["process-locks"], facts
    found = findings["process-locks"]
    assert f"at offset 4136 of locks, {kind}: " in found["evidence"] and found["severity"] == severity
    assert "1 mutex is held" in found["evidence"]


def test_a_lock_of_the_living_is_a_fact_and_no_finding(start):
    diagnose = start("a = map('locks', 4096)\nfor i, r in enumerate((0, 1)):\n"
                     "    mutex(a + 64 * i, r); libc.pthread_mutex_lock(ctypes.c_void_p(a + 64 * i))\nready()")
    findings, facts = diagnose()
    assert findings == {} and sum("which lives" in fact for fact in facts) == 2


def test_a_lost_robust_mutex_is_told(start):
    diagnose = start("a = map('locks', 4096); mutex(a, 1); dies_with(a); libc.pthread_mutex_lock(ctypes.c_void_p(a));"
                     "libc.pthread_mutex_unlock(ctypes.c_void_p(a)); ready()")
    findings, _ = diagnose()
    assert list(findings) == ["process-locks"] and "not recoverable" in findings["process-locks"]["evidence"]


def test_data_is_not_taken_for_locks(start):
    diagnose = start("import random; random.seed(1); a = map('data', 1 << 20); b = random.randbytes(1 << 19);"
                     "ctypes.memmove(a, b, len(b)); c = bytes(range(256)) * 1024 + b'\\1\\0\\0\\0' * 32768;"
                     "ctypes.memmove(a + (1 << 19), c, min(len(c), 1 << 19)); ready()")
    findings, facts = diagnose()
    assert findings == {} and any(fact.startswith("0 held") for fact in facts)


def test_another_place_is_a_note(start):
    diagnose = start("a = map('far', 4096); ctypes.memset(a, 1, 4096); ready()")
    findings, facts = diagnose(enter=[])
    if not any("far" in fact for fact in facts):
        pytest.skip("the process cannot be looked into from outside")
    assert list(findings) == ["process-place"]


@needs_root
def test_an_ordinary_user_sees_his_own_process_and_no_other(shmoo, start):
    diagnose = start("a = map('cut', 65536); os.truncate('/dev/shm/cut', 8192); ready()", wrap=NOBODY)
    findings, _ = diagnose()
    assert list(findings) == ["process-beyond"]
    done = shmoo("doctor", str(os.getpid()), wrap=NOBODY, cwd="/")
    assert (done.returncode, done.stdout) == (3, "") and "EACCES" in one_line(done.stderr)


def test_no_such_process_is_status_3(shmoo):
    done = shmoo("doctor", "4194300")
    assert (done.returncode, done.stdout) == (3, "") and "4194300" in one_line(done.stderr)


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "99999999999999999999"])
def test_what_is_no_process_is_usage(shmoo, text):
    done = shmoo("doctor", "--", text)
    assert (done.returncode, done.stdout) == (2, "") and "process" in one_line(done.stderr)


@pytest.mark.parametrize("message, cause", [
    ("Bus error (core dumped)", "sigbus"), ("exited with code 135", "sigbus"), ("status=7/BUS", "sigbus"),
    ("returncode -7", "sigbus"), ("[signal SIGBUS: bus error code=0x2 addr=0x7f]", "sigbus"), ("OOMKilled", "oom"),
    ("exit status 137", "oom"), ("Killed", "oom"), ("Segmentation fault", "segv"), ("No space left on device", "space"),
    ("Permission denied: '/dev/shm/x'", "denied"), ("OSError: [Errno 12] Cannot allocate memory", "memory"),
    ("No such file or directory", "missing"), ("EOWNERDEAD", "owner"), ("File size limit exceeded", "fsize")])
def test_a_message_is_explained(shmoo, message, cause):
    done = shmoo("doctor", "--core", message, "--format", "jsonl")
    found = [r["id"] for r in valid(read_records(done.stdout)) if r["type"] == "finding" and r["area"] == "message"]
    assert done.returncode == 1 and found == [f"message-{cause}"]


@pytest.mark.parametrize("message", ["exit status 1", "process 135 started", "all is well", ""])
def test_what_means_nothing_is_not_explained(shmoo, message):
    done = shmoo("doctor", "--core", message, "--format", "jsonl")
    assert not [r for r in read_records(done.stdout) if r["type"] == "finding" and r["area"] == "message"]
    assert "no cause is known" in done.stderr


@pytest.mark.skipif(SANITIZED, reason="a sanitized program cannot run without /proc")
def test_without_proc_no_process_can_be_looked_into(shmoo, private_shm):
    done = shmoo("doctor", "1", wrap=private_shm("mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /proc").enter)
    assert done.returncode == 3


def test_an_owner_in_another_pid_namespace_lives(shmoo, start, private_shm):
    """Its number there is not its number here: only whoever maps the object may be the owner."""
    probe = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]
    if subprocess.run([*probe, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no pid namespace is to be had here")
    place = private_shm(MOUNT.format("256m"))
    hold = "a = map('locks', 4096); mutex(a); libc.pthread_mutex_lock(ctypes.c_void_p(a)); ready()"
    look = "import time\nwhile not os.path.exists('/dev/shm/locks'): time.sleep(0.01)\nmap('locks', 4096); ready()"
    programs = [subprocess.Popen([*place.enter, *wrap, sys.executable, "-c", PRELUDE + script], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True) for wrap, script in ((probe, hold), ((), look))]
    for program in programs:
        assert program.stdout.readline() == "ready\n"
    done = shmoo("doctor", str(programs[1].pid), wrap=place.enter)
    for program in programs:
        program.communicate("", timeout=30)
    assert done.returncode == 0 and "which lives" in done.stdout, done.stdout
