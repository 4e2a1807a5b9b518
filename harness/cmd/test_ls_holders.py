"""shmoo ls and gc: holders of every kind, also those whom no process's list of descriptors shows, and names of every kind."""
import csv
import io
import os
import platform
import subprocess
import sys
import time

import pytest
from testing import NOBODY, needs_root, read_records, valid

PRELUDE = r"""
import ctypes, mmap, os, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def make(name, mode=0o600):
    fd = os.open("/dev/shm/" + name, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    os.ftruncate(fd, 8192)
    return fd
def ready(word="ready"):
    print(word, flush=True)
    sys.stdin.read()
"""

IN_FLIGHT = r"""
ends = socket.socketpair(socket.AF_UNIX)
fd = make("held")
socket.send_fds(ends[0], [b"x"], [fd])
os.close(fd)
ready()
"""

# The numbers of io_uring_setup(2) and io_uring_register(2) are the same on all architectures but alpha.
REGISTERED = r"""
fd = make("held")
ring = libc.syscall(425, 4, ctypes.create_string_buffer(120))
if ring < 0 or libc.syscall(427, ring, 2, (ctypes.c_int * 1)(fd), 1) < 0:
    print("none", flush=True); sys.exit()
os.close(fd)
ready()
"""

OWN_DESCRIPTORS = r"""
def thread():
    assert libc.unshare(0x400) == 0  # CLONE_FILES
    make("held")
    ready()
worker = threading.Thread(target=thread)
worker.start()
worker.join()
"""

# The leader ends; what the thread has open, only the thread's own folder in /proc shows.
WITHOUT_LEADER = r"""
fd = make("held")
def thread():
    time.sleep(0.2)
    ready()
threading.Thread(target=thread).start()
libc.syscall(exit_number, 0)
"""

BY_PATH = "os.close(make('held')); fd = os.open('/dev/shm/held', os.O_PATH); ready()"
WITHOUT_RIGHTS = "os.close(make('held')); fd = os.open('/dev/shm/held', os.O_ACCMODE); ready()"
MAPPED = "fd = make('held'); at = libc.mmap(None, 8192, 0, mmap.MAP_PRIVATE, fd, 0); os.close(fd); ready()"
EXECUTED = r"""
import shutil
shutil.copy("/bin/sleep", "/dev/shm/held")
pid = os.spawnv(os.P_NOWAIT, "/dev/shm/held", ["held", "600"])
while os.readlink(f"/proc/{pid}/exe") != "/dev/shm/held": time.sleep(0.01)
print("ready", flush=True); sys.stdin.read(); os.kill(pid, 9)
"""
STOPPED = r"""
fd = make("held")
child = os.fork()
if child == 0:
    os.kill(os.getpid(), 19)
os.waitpid(child, os.WUNTRACED)
os.close(fd)
print("ready", flush=True); sys.stdin.read(); os.kill(child, 9)
"""
DEAD = "pid = os.fork()\nif pid == 0: make('held'); os._exit(0)\nos.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT); ready()"


@pytest.fixture(name="place")
def place_fixture(private_shm):
    return private_shm()


@pytest.fixture(name="start")
def start_fixture(place):
    """Starts a program inside the place, and waits until it is ready; a program that cannot be is a skip."""
    started = []

    def start(script, wrap=()):
        exit_number = {"x86_64": 60, "aarch64": 93}.get(platform.machine(), 93)
        text = f"{PRELUDE}\nexit_number = {exit_number}\n{script}"
        program = subprocess.Popen([*place.enter, *wrap, sys.executable, "-c", text], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        started.append(program)
        if program.stdout.readline() != "ready\n":
            pytest.skip("not to be had here")
        return program
    yield start
    for program in started:
        program.communicate("", timeout=30)


def listed(shmoo, place, *options, enter=()):
    done = shmoo("ls", "--format", "jsonl", *options, wrap=[*place.enter, *enter])
    assert (done.returncode, done.stderr) == (0, "")
    return {r["name"]: r for r in valid(read_records(done.stdout)) if r["type"] == "object" and r["kind"] != "memfd"}


def collected(shmoo, place, *options, enter=()):
    """What gc made of the object `held`."""
    done = shmoo("gc", "--name", "held", "--min-age", "0", "--apply", "--format", "jsonl", *options, wrap=[*place.enter, *enter])
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return valid(read_records(done.stdout))[0]


@pytest.mark.parametrize("script", [IN_FLIGHT, REGISTERED], ids=["in-flight", "io_uring"])
def test_what_no_process_shows_is_in_use_elsewhere_and_stays(shmoo, place, start, script):
    start(script)
    found = listed(shmoo, place)["held"]
    assert (found["state"], found["holders"]) == ("in use elsewhere", [])
    assert "socket" in found["why"] and "kernel" in found["why"]
    assert collected(shmoo, place)["outcome"] == "kept" and (place.folder / "held").exists()


@pytest.mark.parametrize("script, access", [
    (OWN_DESCRIPTORS, ("rw", None)), (WITHOUT_LEADER, ("rw", None)), (BY_PATH, ("path", None)), (WITHOUT_RIGHTS, ("path", None)),
    (MAPPED, (None, "none"))], ids=["thread", "leader-ended", "O_PATH", "O_ACCMODE", "mapped"])
def test_whoever_can_be_seen_is_named_and_keeps_it(shmoo, place, start, script, access):
    program = start(script)
    found = listed(shmoo, place)["held"]
    holder, = found["holders"]
    assert found["state"] == "in use" and holder["pid"] == program.pid
    assert (holder["open"], holder["mapped"]) == access
    kept = collected(shmoo, place)
    assert kept["outcome"] == "kept" and (place.folder / "held").exists()
    if access[0] == "path":  # no lease tells of it
        assert f"process {program.pid} " in kept["why"]


@pytest.mark.parametrize("script", [EXECUTED, STOPPED], ids=["executed", "stopped"])
def test_programs_that_run_from_it_or_stand_still_hold_it(shmoo, place, start, script):
    start(script)
    found = listed(shmoo, place)["held"]
    assert found["state"] == "in use" and len(found["holders"]) >= 1
    assert collected(shmoo, place)["outcome"] == "kept"


def test_the_dead_hold_nothing(shmoo, place, start):
    start(DEAD)
    assert listed(shmoo, place)["held"]["state"] == "unused"
    assert collected(shmoo, place)["outcome"] == "removed"


def test_a_holder_in_a_user_namespace_of_its_own_is_seen(shmoo, place, start):
    inside = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*place.enter, *inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespace is to be had here")
    (place.folder / "held").write_bytes(b"x" * 4096)
    (place.folder / "held").chmod(0o666)
    program = start("fd = os.open('/dev/shm/held', os.O_RDONLY); ready()", wrap=inside)
    found = listed(shmoo, place)["held"]
    assert found["state"] == "in use" and [h["pid"] for h in found["holders"]] == [program.pid]


@needs_root
def test_what_is_mounted_at_another_place_is_in_use(shmoo, place, start, tmp_path):
    (place.folder / "held").write_bytes(b"x" * 4096)
    (tmp_path / "there").touch()
    program = start(f"assert os.system('mount --bind /dev/shm/held {tmp_path}/there') == 0; ready()", wrap=["unshare", "--mount"])
    found = listed(shmoo, place)["held"]
    assert found["state"] == "in use" and [(h["pid"], h["mounted"]) for h in found["holders"]] == [(program.pid, True)]
    assert "mounted" in shmoo("ls", wrap=place.enter).stdout
    kept = collected(shmoo, place)
    assert kept["outcome"] == "kept" and "mounted at another place" in kept["why"] and (place.folder / "held").exists()


@needs_root
def test_a_loop_device_holds_it(shmoo, place):
    with open(place.folder / "held", "wb") as file:
        file.truncate(1 << 20)
    made = subprocess.run([*place.enter, "losetup", "--find", "--show", "/dev/shm/held"], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip("no loop device is to be had here")
    try:
        assert listed(shmoo, place)["held"]["state"] == "in use elsewhere"
        assert collected(shmoo, place)["outcome"] == "kept"
    finally:
        subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


@needs_root
def test_a_proc_that_hides_others_is_named_as_the_reason(shmoo, private_shm):
    place = private_shm("mount -t tmpfs -o mode=1777 tmpfs /dev/shm && mount -t proc -o hidepid=2 proc /proc")
    (place.folder / "held").touch()
    os.chown(place.folder / "held", 65534, 65534)
    with open(place.folder / "held", encoding="utf-8"):
        found = listed(shmoo, place, enter=NOBODY)["held"]
        assert (found["state"], found["holders"]) == ("in use elsewhere", []) and "hidepid" in found["why"]
        assert listed(shmoo, place)["held"]["state"] == "in use"


@needs_root
def test_an_own_object_without_rights_is_unknown_and_one_to_write_is_proven(shmoo, place):
    for name, mode in {"none": 0, "write": 0o200, "read": 0o400}.items():
        (place.folder / name).touch()
        os.chown(place.folder / name, 65534, 65534)
        (place.folder / name).chmod(mode)
    found = listed(shmoo, place, enter=NOBODY)
    assert {name: o["state"] for name, o in found.items()} == {"none": "unknown", "write": "unused", "read": "unused"}
    assert "another user" not in found["none"]["why"] and "may not be opened" in found["none"]["why"]


def test_what_is_no_object_is_not_opened(shmoo, place):
    """A FIFO's writer waits for a reader: a look must not be taken for one."""
    os.mkfifo(place.folder / "fifo")
    (place.folder / "link").symlink_to("fifo")
    writer = subprocess.Popen([*place.enter, "sh", "-c", "echo text > /dev/shm/fifo"])
    time.sleep(0.3)
    found = listed(shmoo, place)
    done = shmoo("gc", "--name", "*", "--min-age", "0", "--apply", wrap=place.enter)
    waits = writer.poll() is None
    (place.folder / "fifo").read_text(encoding="utf-8")
    assert writer.wait(timeout=30) == 0
    assert waits and {o["state"] for o in found.values()} == {"unknown"} and "0 removed" in done.stdout


NAMES = ["line\nend", "tab\there", "esc\x1b[31mred", "bell\a", "c1\u009b31m", "right\u202eleft", "zero\u200bwidth", "bom\ufeff",
         "back\\slash", "quote\"comma,", "smile\u263a", "\u65e5\u672c", " blank ", "-dash", "%s%n", "a" * 255]


def test_names_of_every_kind_are_told_and_steer_nothing(shmoo, place):
    for name in NAMES:
        (place.folder / name).touch()
    broken = os.fsencode(place.folder) + b"/bad\xff\xfe"
    os.close(os.open(broken, os.O_CREAT | os.O_RDWR, 0o600))
    found = listed(shmoo, place)
    assert set(found) == set(NAMES) | {"bad\\xff\\xfe"}
    human = shmoo("ls", wrap=place.enter).stdout
    for steering in "\x1b\a\t\u009b\u202e\u200b\ufeff":
        assert steering not in human
    for shown in ("line\\x0aend", "esc\\x1b[31mred", "right\\xe2\\x80\\xaeleft", "back\\x5cslash", "bad\\xff\\xfe", "smile\u263a",
                  "\u65e5\u672c"):
        assert shown in human
    besides = sum(" memfd " in line or "may not be looked into" in line for line in human.splitlines())
    assert len(human.splitlines()) == 1 + len(NAMES) + 1 + 2 + besides
    table = shmoo("ls", "--format", "csv", wrap=place.enter).stdout
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert set(NAMES) <= {row["name"] for row in rows}
    done = shmoo("gc", "--name", "*", "--min-age", "0", "--apply", wrap=place.enter)
    assert f"{len(NAMES) + 1} removed" in done.stdout and "\x1b" not in done.stdout and not os.listdir(place.folder)


def test_processes_that_come_and_go_change_nothing_about_the_others(shmoo, place, start):
    (place.folder / "idle").write_bytes(b"x" * 4096)
    holder = start("fd = make('held'); ready()")
    crowd = "while :; do cat /dev/shm/idle >/dev/null; sh -c ': </dev/shm/idle'; done"
    busy = [subprocess.Popen([*place.enter, "sh", "-c", crowd]) for _ in range(3)]
    try:
        for _ in range(5):
            found = listed(shmoo, place)
            assert found["held"]["state"] == "in use" and [h["pid"] for h in found["held"]["holders"]] == [holder.pid]
            assert found["idle"]["state"] in ("unused", "in use", "in use elsewhere")
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert listed(shmoo, place)["idle"]["state"] == "unused"


def test_a_crowd_of_objects_is_listed_whole(shmoo, place):
    for i in range(1000):
        (place.folder / f"crowd.{i}").touch()
    found = listed(shmoo, place)
    assert len(found) == 1000 and {o["state"] for o in found.values()} == {"unused"}
