"""shmoo doctor PID: what a process maps that it cannot touch, and locks of the dead."""
import os
import signal
import subprocess
import sys
import time

import pytest
from sick import laid_over
from testing import NOBODY, SANITIZED, children_of, needs_root, one_line, read_records, stat_of, valid, wait_until

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

    def start(script, size="256m", wrap=(), also="true"):
        place = private_shm(MOUNT.format(size) + f" && {also}")
        program = subprocess.Popen([*place.enter, *wrap, sys.executable, "-c", PRELUDE + script], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        started.append(program)
        assert program.stdout.readline() == "ready\n"

        def diagnose(enter=place.enter, pid=program.pid):
            done = shmoo("doctor", str(pid), "--format", "jsonl", wrap=enter)
            assert done.stderr == "", done.stderr
            found = valid(read_records(done.stdout))
            findings = {r["id"]: r for r in found if r["type"] == "finding"}
            assert done.returncode == any(r["severity"] != "note" for r in findings.values())
            return findings, [r["text"] for r in found if r["type"] == "fact"]
        diagnose.program, diagnose.place = program, place
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
    assert "1 lock is held" in found["evidence"]


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


def test_holes_are_counted_where_they_are_shown_and_once(start):
    """A sparse object of 1 GiB: a mapping of what has pages shows no holes, two of the same part show its holes once."""
    diagnose = start("a = map('large', 1 << 30); libc.munmap(ctypes.c_void_p(a), 1 << 30); fd = os.open('/dev/shm/large', os.O_RDWR);"
                     "os.pwrite(fd, b'x' * 65536, 1 << 20); libc.mmap(None, 65536, 3, mmap.MAP_SHARED, fd, 1 << 20);"
                     "ready()", size="1m")
    assert diagnose()[0] == {}
    diagnose = start("a = map('large', 4 << 20); map('large', 4 << 20); open('/dev/shm/filler', 'wb').write(b'x' * 524288);"
                     "ctypes.memset(a, 1, 65536); ready()", size="2m")
    findings, _ = diagnose()
    assert list(findings) == ["process-full"] and "3.94 MiB without pages" in findings["process-full"]["evidence"]


def test_a_cgroup_at_its_limit_is_told(start):
    """The group's files say that 4 MiB are left, and the region has 8 MiB without pages."""
    group = {"/sys/fs/cgroup/": "", "/sys/fs/cgroup/memory.max": str(64 << 20), "/sys/fs/cgroup/memory.current": str(60 << 20)}
    diagnose = start("a = map('sparse', 8 << 20); ready()", also=laid_over(group))
    findings, _ = diagnose()
    assert list(findings) == ["process-memory"]
    assert "4 MiB left of 64 MiB" in findings["process-memory"]["evidence"] and "8 MiB without pages" in findings["process-memory"]["evidence"]
    group["/sys/fs/cgroup/memory.current"] = str(40 << 20)
    assert start("a = map('sparse', 8 << 20); ready()", also=laid_over(group))()[0] == {}


@needs_root
def test_a_real_cgroup_at_its_limit_is_told(start):
    folder = f"/sys/fs/cgroup/memory/shmoo-test.{os.getpid()}"
    try:
        os.mkdir(folder)
    except OSError as error:
        pytest.skip(f"no memory cgroup of version 1 is to be had here: {error}")
    try:
        with open(f"{folder}/memory.limit_in_bytes", "w", encoding="ascii") as file:
            file.write(str(40 << 20))
        diagnose = start(f"open('{folder}/cgroup.procs', 'w').write('0')\na = map('sparse', 60 << 20); ready()")
        findings, facts = diagnose()
        assert list(findings) == ["process-memory"] and any(f"{folder}/memory.limit_in_bytes" in fact for fact in facts)
        diagnose.program.communicate("", timeout=30)
    finally:
        wait_until(lambda: not os.path.exists(folder) or not os.rmdir(folder), 5)


@pytest.mark.parametrize("kind", ["0", "2"])
def test_a_read_write_lock_of_a_dead_writer_is_found(start, kind):
    diagnose = start(f"""
a = map('rw', 16384) + 128
attributes = ctypes.create_string_buffer(16)
libc.pthread_rwlockattr_init(attributes); libc.pthread_rwlockattr_setpshared(attributes, 1)
libc.pthread_rwlockattr_setkind_np(attributes, {kind})
for offset in (0, 64):
    libc.pthread_rwlock_init(ctypes.c_void_p(a + offset), attributes)
libc.pthread_rwlock_rdlock(ctypes.c_void_p(a + 64))
pid = os.fork()
if pid == 0:
    libc.pthread_rwlock_wrlock(ctypes.c_void_p(a)); os._exit(0)
os.waitpid(pid, 0)
ready()""")
    findings, _ = diagnose()
    assert list(findings) == ["process-locks"] and "1 lock is held by the dead: at offset 128 of rw, read-write: thread" in findings[
        "process-locks"]["evidence"]


def test_an_owner_that_has_unmapped_the_object_is_no_owner(start):
    diagnose = start("a = map('locks', 4096); mutex(a); b = map('locks', 4096)\nother = os.fork()\n"
                     "if other == 0:\n    libc.pthread_mutex_lock(ctypes.c_void_p(a)); libc.munmap(ctypes.c_void_p(a), 4096);"
                     " libc.munmap(ctypes.c_void_p(b), 4096); print('ready', flush=True); signal.pause()\n"
                     "sys.stdin.read(); os.kill(other, 9)")
    findings, _ = diagnose()
    child, = children_of(diagnose.program.pid)
    assert list(findings) == ["process-locks"] and f"but process {child}, which has it now" in findings["process-locks"]["evidence"]


WAITS = r"""
import threading
a = map('words', 4096)
def wait():
    libc.syscall(futex, ctypes.c_void_p(a + 64), operation, 0, timeout, None, 0)
threading.Thread(target=wait, daemon=True).start()
other = os.fork() if shared else 0
if shared and other == 0:
    signal.pause()
time.sleep(0.3)
print("ready", flush=True); sys.stdin.read()
if other: os.kill(other, 9)
os._exit(0)
"""


@pytest.mark.parametrize("private, shared, found", [(True, True, True), (False, True, False), (True, False, False)])
def test_a_wait_that_no_other_process_can_end_is_found(start, private, shared, found):
    """As of a mutex, a semaphore or a condition for which PTHREAD_PROCESS_SHARED was forgotten."""
    number = {"x86_64": 202, "aarch64": 98}.get(os.uname().machine)
    if not number or SANITIZED:
        pytest.skip("the number of futex(2) is not known here")
    diagnose = start(f"import time\nfutex, operation, timeout, shared = {number}, {128 if private else 0}, None, {shared}\n{WAITS}")
    findings, facts = diagnose()
    waits = [fact for fact in facts if "at offset 64 of words is 0x0 (it is 0x0)" in fact]
    assert len(waits) == 1 and ("only threads of this process" in waits[0]) == private
    assert list(findings) == (["process-private"] if found else [])
    if found:
        assert "PROCESS_SHARED" in findings["process-private"]["fix"] and findings["process-private"]["severity"] == "serious"


def test_a_robust_lock_in_memory_that_was_unmapped_is_found(start):
    script = "a = map('locks', 4096); mutex(a + 64, 1); libc.pthread_mutex_lock(ctypes.c_void_p(a + 64)); {}ready()"
    assert start(script.format(""))()[0] == {}
    findings, _ = start(script.format("libc.munmap(ctypes.c_void_p(a), 4096); "))()
    assert list(findings) == ["process-robust"] and "unmapped" in findings["process-robust"]["evidence"]


@needs_root
def test_a_mutex_of_a_program_of_32_bits_is_found(start, shmoo, tmp_path):
    """A program of 32 bits maps the object in which a mutex of its layout is held by nobody who lives."""
    source = (".globl _start\n_start: movl $192, %eax; xorl %ebx, %ebx; movl $4096, %ecx; movl $1, %edx; movl $1, %esi; movl $5, %edi;"
              "xorl %ebp, %ebp; int $0x80; again: movl $29, %eax; int $0x80; jmp again\n")
    (tmp_path / "small.s").write_text(source, encoding="ascii")
    made = subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-no-pie", "-o", tmp_path / "small", tmp_path / "small.s"],
                          capture_output=True, check=False)
    words = "struct.pack('<6i', 1, 0, 4194303, 128, 1, 0)"
    diagnose = start(f"import struct\na = map('small', 4096); ctypes.memmove(a + 20, {words}, 24); ready()")
    program = subprocess.Popen([*diagnose.place.enter, "sh", "-c", f"exec 5</dev/shm/small; exec {tmp_path}/small"], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    if made.returncode or program.poll() is not None:
        pytest.skip("no program of 32 bits can be made or run here")
    findings, facts = diagnose(pid=program.pid)
    program.kill()
    program.wait()
    assert "process-locks" in findings and "at offset 20 of small, plain" in findings["process-locks"]["evidence"], facts
    assert any("32 bits" in fact for fact in facts) and "process-locks" not in diagnose()[0]


def test_many_regions_and_descriptors_take_no_time(start):
    """5,000 regions of one object, and 300 objects without a name that nothing but their mappings leads to."""
    diagnose = start("""
fd = os.open('/dev/shm/many', os.O_RDWR | os.O_CREAT, 0o600); os.ftruncate(fd, 8192)
for i in range(300):
    a = map(f'gone{i}', 4096); ctypes.memset(a, 1, 1); os.unlink(f'/dev/shm/gone{i}')
for i in range(5000):
    libc.mmap(None, 4096, 1 + 2 * (i % 2), mmap.MAP_SHARED, fd, i % 2 * 4096)
ready()""")
    begin = time.monotonic()
    findings, facts = diagnose()
    assert time.monotonic() - begin < 20 and findings == {}  # two where the machine is not shared
    assert any("more regions at the least" in fact for fact in facts)


# ---- where its pages are, and its limits ----

def patient_with(shmoo, place, files):
    """What the doctor finds about a sleeping process that maps 'far', over whose files in /proc others are laid."""
    script = PRELUDE + "a = map('far', 65536); ctypes.memset(a, 1, 65536); print(a, flush=True); sys.stdin.read()"
    program = subprocess.Popen([*place.enter, sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    at = int(program.stdout.readline())
    for name, text in files.items():
        done = subprocess.run([*place.enter, "sh", "-c", f"cat > /mnt/{name} && mount --bind /mnt/{name} /proc/{program.pid}/{name}"],
                              input=text.format(at), text=True, check=False)
        assert done.returncode == 0
    done = shmoo("doctor", str(program.pid), "--format", "jsonl", wrap=place.enter)
    program.communicate("", timeout=30)
    return {r["id"]: r for r in valid(read_records(done.stdout)) if r["type"] == "finding"}, done.stdout


def test_pages_on_far_nodes_are_found(shmoo, private_shm):
    nodes = {"/sys/devices/system/node/": "", "/sys/devices/system/node/node0/cpulist": "0-1023",
             "/sys/devices/system/node/node1/cpulist": "4000"}
    place = private_shm(MOUNT.format("256m") + f" && {laid_over(nodes)}")
    line = "{:x} default file=/dev/shm/far dirty=16 mapmax=1 N0=%d N1=%d kernelpagesize_kB=4\n7f00 default anon=1 N1=90 kernelpagesize_kB=4\n"
    findings, text = patient_with(shmoo, place, {"numa_maps": line % (2, 14)})
    assert list(findings) == ["process-nodes"] and "56 KiB of the 64 KiB" in findings["process-nodes"]["evidence"], text
    findings, text = patient_with(shmoo, place, {"numa_maps": line % (14, 2)})
    assert findings == {} and "56 KiB on node 0, 8 KiB on node 1" in text


def test_regions_in_swap_are_found(shmoo, private_shm):
    place = private_shm(MOUNT.format("256m") + " && mount -t tmpfs tmpfs /mnt")
    smaps = ("{0:x}-{0:x}f rw-s 00000000 00:1b 2 /dev/shm/far\nSize: 64 kB\nSwap: {1} kB\n7f00-7f10 rw-p 00000000 00:00 0\nSwap: 900 kB\n")
    findings, _ = patient_with(shmoo, place, {"smaps": smaps.replace("{1}", "48")})
    assert list(findings) == ["process-swap"] and "48 KiB" in findings["process-swap"]["evidence"]
    assert patient_with(shmoo, place, {"smaps": smaps.replace("{1}", "0")})[0] == {}


def test_limits_that_are_nearly_reached_are_found(start):
    script = ("import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)); a = map('x', 4096); ctypes.memset(a, 1, 4096);"
              "files = [open('/dev/null') for i in range({})]; ready()")
    assert start(script.format(80))()[0] == {}
    assert list(start(script.format(95))()[0]) == ["process-files"]
    limit = laid_over({"/proc/sys/vm/max_map_count": "{}"})
    script = "a = map('x', 4096); ctypes.memset(a, 1, 4096); ready()"
    assert start(script, also=limit.replace("{}", "65530"))()[0] == {}
    assert list(start(script, also=limit.replace("{}", "30"))()[0]) == ["process-map-count"]


# ---- who can be looked at ----

@needs_root
def test_a_thread_of_the_kernel_is_told(shmoo):
    threads = [pid for pid in os.listdir("/proc") if pid.isdigit() and len(stat_of(pid)) > 6 and int(stat_of(pid)[6]) & 0x200000]
    if not threads:
        pytest.skip("none is seen here")
    for wrap in ([], NOBODY):
        done = shmoo("doctor", threads[0], wrap=wrap, cwd="/")
        assert (done.returncode, done.stdout) == (3, "") and "thread of the kernel" in one_line(done.stderr)


def test_one_that_has_ended_is_told_with_its_parent(shmoo):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    done = shmoo("doctor", str(child))
    os.waitpid(child, 0)
    assert (done.returncode, done.stdout) == (3, "")
    assert "has ended" in one_line(done.stderr) and f"process {os.getpid()}, has not yet reaped it" in done.stderr


def test_a_stopped_one_and_a_threads_number_are_looked_at(start):
    script = "import threading; a = map('cut', 65536); os.truncate('/dev/shm/cut', 8192); t = threading.Thread(target=ready); t.start()"
    diagnose = start(script)
    threads = os.listdir(f"/proc/{diagnose.program.pid}/task")
    other = [int(thread) for thread in threads if int(thread) != diagnose.program.pid]
    os.kill(diagnose.program.pid, signal.SIGSTOP)
    wait_until(lambda: stat_of(diagnose.program.pid)[:1] == ["T"], 5)
    for pid in (diagnose.program.pid, *other):
        findings, facts = diagnose(pid=pid)
        assert list(findings) == ["process-beyond"]
        assert any(f"{diagnose.program.pid} (" in fact and "stopped by a signal" in fact and "2 threads" in fact for fact in facts)
    os.kill(diagnose.program.pid, signal.SIGCONT)


def test_a_process_whose_first_thread_has_ended_is_looked_at(start):
    number = {"x86_64": 60, "aarch64": 93}.get(os.uname().machine)
    if not number:
        pytest.skip("the number of exit(2) is not known here")
    diagnose = start("import threading, time; a = map('cut', 65536); os.truncate('/dev/shm/cut', 8192)\n"
                     f"def rest():\n    time.sleep(0.3); ready(); os._exit(0)\nthreading.Thread(target=rest).start(); libc.syscall({number}, 0)")
    findings, facts = diagnose()
    assert "first thread has ended" in " ".join(facts) and list(findings) == ["process-beyond"]


def test_the_doctor_looks_at_itself_and_at_who_started_it(shmoo):
    done = shmoo("doctor", "-q", wrap=["sh", "-c", 'exec "$0" doctor $$ -q'])
    assert done.returncode == 0 and "0 findings" in done.stdout
    assert shmoo("doctor", str(os.getpid()), "-q").returncode in (0, 1)


@needs_root
def test_an_ordinary_user_sees_his_own_process_and_no_other(shmoo, start):
    diagnose = start("a = map('cut', 65536); os.truncate('/dev/shm/cut', 8192); ready()", wrap=NOBODY)
    findings, _ = diagnose()
    assert list(findings) == ["process-beyond"]
    done = shmoo("doctor", str(os.getpid()), wrap=NOBODY, cwd="/")
    assert (done.returncode, done.stdout) == (3, "") and "EACCES" in one_line(done.stderr) and "as root or as that user" in done.stderr


def test_no_such_process_is_status_3(shmoo):
    done = shmoo("doctor", "4194300")
    assert (done.returncode, done.stdout) == (3, "") and "there is no process 4194300" in one_line(done.stderr)


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "99999999999999999999"])
def test_what_is_no_process_is_usage(shmoo, text):
    done = shmoo("doctor", "--", text)
    assert (done.returncode, done.stdout) == (2, "") and "process" in one_line(done.stderr)


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
