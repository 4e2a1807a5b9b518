"""shmoo ls: every object with its holders and its state, in every combination, and nothing called unused that is not."""
import csv
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import time

import pytest
from testing import NOBODY, PROGRAM, SANITIZED, needs_root, one_line, read_records, valid

# A program that holds one object NAME.WAY in each way, and says when it does.
HOLDER = r"""
import ctypes, mmap, os, sys
folder, keep = sys.argv[1], []
call = ctypes.CDLL(None).mmap
call.restype, call.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
def map(fd, size, share, rights):  # Python's own keeps the descriptor
    assert call(None, size, rights, share, fd, 0) not in (None, ctypes.c_void_p(-1).value)
def make(way, size=8192):
    path = os.path.join(folder, "held." + way)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
    os.ftruncate(fd, size)
    return path, fd
for way, flags in {"open-r": os.O_RDONLY, "open-w": os.O_WRONLY, "open-rw": os.O_RDWR, "open-path": os.O_PATH}.items():
    path, fd = make(way)
    os.close(fd)
    keep.append(os.open(path, flags))
R, W = mmap.PROT_READ, mmap.PROT_WRITE
for way, share, rights in (("map-r", mmap.MAP_SHARED, R), ("map-rw", mmap.MAP_SHARED, R | W),
                           ("map-private", mmap.MAP_PRIVATE, R | W), ("map-w", mmap.MAP_SHARED, W)):
    path, fd = make(way)
    map(fd, 8192, share, rights)
    os.close(fd)
for way in ("both",):
    path, fd = make(way)
    keep.append(fd)
    map(fd, 8192, mmap.MAP_SHARED, R)
for way in ("gone-open", "gone-map"):
    path, fd = make(way, 12288)
    os.unlink(path)
    if way == "gone-map":
        map(fd, 12288, mmap.MAP_SHARED, R | W)
        os.close(fd)
os.link(make("twice")[0], os.path.join(folder, "held.twin"))
keep.append(os.memfd_create("held-memfd"))
os.ftruncate(keep[-1], 4096)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="place")
def place_fixture(private_shm):
    return private_shm()


def start(place, script, *arguments, wrap=()):
    """A Python program inside the place; it ends when its standard input is closed."""
    process = subprocess.Popen([*place.enter, *wrap, sys.executable, "-c", script, "/dev/shm", *arguments], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    return process


def end(process):
    process.communicate("", timeout=30)


def listed(shmoo, place, *options, enter=()):
    """What ls says: its objects by name, and its last record."""
    done = shmoo("ls", "--format", "jsonl", *options, wrap=[*place.enter, *enter])
    assert (done.returncode, done.stderr) == (0, "")
    *objects, usage = valid(read_records(done.stdout))
    assert usage["type"] == "usage" and all(o["type"] == "object" for o in objects)
    return {o["name"]: o for o in objects}, usage


def ways(found, name):
    holder, = found[f"held.{name}"]["holders"]
    return holder["open"], holder["mapped"], holder["private"]


def test_every_way_of_holding_is_told(shmoo, place):
    program = start(place, HOLDER)
    found, _ = listed(shmoo, place)
    end(program)
    assert {name: ways(found, name) for name in ("open-r", "open-w", "open-rw", "open-path", "map-r", "map-rw", "map-w",
                                                 "map-private", "both", "gone-open", "gone-map", "twice", "twin")} == {
        "open-r": ("r", None, False), "open-w": ("w", None, False), "open-rw": ("rw", None, False),
        "open-path": ("path", None, False), "map-r": (None, "r", False), "map-rw": (None, "rw", False),
        "map-w": (None, "w", False), "map-private": (None, "rw", True), "both": ("rw", "r", False),
        "gone-open": ("rw", None, False), "gone-map": (None, "rw", False), "twice": ("rw", None, False),
        "twin": ("rw", None, False)}
    held = {name: o for name, o in found.items() if name.startswith("held.")}
    assert len(held) == 13
    assert {o["state"] for o in held.values()} == {"in use"}
    assert {o["holders"][0]["pid"] for o in held.values()} == {program.pid}
    assert found["held.twice"]["inode"] == found["held.twin"]["inode"] and found["held.twin"]["links"] == 2
    assert found["held.gone-map"]["kind"] == found["held.gone-open"]["kind"] == "unlinked"
    memfd = found["memfd:held-memfd"]
    assert (memfd["kind"], memfd["state"], memfd["bytes"]) == ("memfd", "in use", 4096)
    after, _ = listed(shmoo, place)
    assert {o["state"] for name, o in after.items() if name.startswith("held.")} == {"unused"}
    assert "held.gone-map" not in after and "memfd:held-memfd" not in after


def test_sizes_kinds_owners_and_order(shmoo, place):
    for name, size in {"small": 100, "large": 300000, "sem.lock": 32}.items():
        (place.folder / name).write_bytes(b"x" * size)
    with open(place.folder / "sparse", "wb") as file:
        file.truncate(1 << 30)
    (place.folder / "large").chmod(0o604)
    (place.folder / "folder").mkdir()
    (place.folder / "folder" / "inside").write_bytes(b"x" * 8192)
    found, usage = listed(shmoo, place)
    found = {name: o for name, o in found.items() if o["kind"] != "memfd"}
    assert list(found)[:3] == ["large", "folder/inside", "sem.lock"] and found["sparse"]["allocated_bytes"] == 0
    assert {name: o["kind"] for name, o in found.items()} == {
        "small": "shm", "large": "shm", "sem.lock": "sem", "sparse": "shm", "folder": "other", "folder/inside": "file"}
    assert (found["large"]["bytes"], found["large"]["mode"], found["sparse"]["bytes"]) == (300000, "0604", 1 << 30)
    assert found["large"]["uid"] == os.stat(place.folder / "large").st_uid or os.geteuid() != 0
    assert found["small"]["age_s"] < 1000 and found["large"]["age_s"] < 1000
    stat = os.statvfs(place.folder)
    assert usage["bytes_limit"] == stat.f_blocks * stat.f_frsize == 64 << 20
    assert usage["bytes_used"] == sum(o["allocated_bytes"] for o in found.values())
    assert (usage["inodes_limit"], usage["inodes_free"]) == (stat.f_files, stat.f_ffree)


def test_filters_choose(shmoo, place):
    for name in ("a2", "a1", "b1"):
        (place.folder / name).touch()
        time.sleep(2.1 if name == "a2" else 0)
    os.utime(place.folder / "a1", (1, 1))  # as after cp -p: it is not older for that
    os.utime(place.folder / "b1", (1 << 40, 1 << 40))
    with open(place.folder / "b1", encoding="utf-8"):
        def named(*options):
            found, _ = listed(shmoo, place, *options)
            return {name for name, o in found.items() if o["kind"] == "shm"}
        assert named("--name", "a*") == {"a1", "a2"} and named("--name", "a1", "--name", "b*") == {"a1", "b1"}
        assert named("--older", "2s") == {"a2"} and named("--newer", "1h") == {"a1", "a2", "b1"}
        assert named("--name", "/a*", "--newer", "1500ms") in ({"a1"}, set())  # on a slow machine all are old
        assert named("--state", "in-use,elsewhere") == {"b1"} and named("--state", "unused") == {"a1", "a2"}
        owner = str(os.geteuid() if os.geteuid() == 0 else 0)
        assert named("--owner", owner) == {"a1", "a2", "b1"} and named("--owner", "12345") == set()


def test_what_another_pid_namespace_holds_is_in_use_elsewhere(shmoo, place):
    """Processes in a pid namespace of their own do not see us, nor what we hold."""
    (place.folder / "ours").write_bytes(b"x" * 4096)
    (place.folder / "free").write_bytes(b"x" * 4096)
    mapped = start(place, "import mmap, sys; f = open('/dev/shm/ours', 'r+b'); m = mmap.mmap(f.fileno(), 0); f.close();"
                          "print('ready', flush=True); sys.stdin.read()")
    inside = ["unshare", "--fork", "--pid", "--mount-proc"]
    if subprocess.run([*place.enter, *inside, "true"], capture_output=True, check=False).returncode:
        end(mapped)
        pytest.skip("no pid namespace is to be had here")
    found, usage = listed(shmoo, place, enter=inside)
    done = shmoo("gc", "--name", "*", "--min-age", "0", "--apply", wrap=[*place.enter, *inside])
    assert (found["ours"]["state"], found["ours"]["holders"]) == ("in use elsewhere", [])
    assert found["free"]["state"] == "unused" and usage["processes_unseen"] == 0
    assert "another pid namespace" in found["ours"]["why"]
    assert done.returncode == 0 and (place.folder / "ours").exists() and not (place.folder / "free").exists()
    assert listed(shmoo, place)[0]["ours"]["state"] == "in use"
    end(mapped)


@needs_root
def test_without_the_right_to_know_it_is_unknown_and_never_unused(shmoo, place):
    for name, mode in {"closed": 0o600, "open": 0o644, "held": 0o600}.items():
        (place.folder / name).touch()
        (place.folder / name).chmod(mode)
    (place.folder / "own").touch()
    os.chown(place.folder / "own", 65534, 65534)
    with open(place.folder / "held", encoding="utf-8"):
        found, _ = listed(shmoo, place, enter=NOBODY)
    assert {name: o["state"] for name, o in found.items() if o["kind"] == "shm"} == {
        "closed": "unknown", "open": "unknown", "held": "unknown", "own": "unused"}
    assert listed(shmoo, place)[0]["closed"]["state"] == "unused"


@needs_root
def test_without_leases_nothing_is_unused(shmoo, place):
    """A file system that gives no leases: a FUSE mount is not to be had, but the sysctl is."""
    (place.folder / "free").touch()
    setting = "/proc/sys/fs/leases-enable"
    with open(setting, "r+", encoding="ascii") as file:
        before = file.read()
        try:
            subprocess.run(["sh", "-c", f"echo 0 > {setting}"], check=True)
            found, _ = listed(shmoo, place)
            done = shmoo("gc", "--name", "*", "--min-age", "0", "--apply", wrap=place.enter)
        finally:
            subprocess.run(["sh", "-c", f"echo {before.strip()} > {setting}"], check=True)
    assert found["free"]["state"] == "unknown"
    assert done.stdout.startswith("kept") and (place.folder / "free").exists()


def test_the_table_and_csv_say_the_same(shmoo, place):
    for name in ("plain", 'with,comma"', "line\nend"):
        (place.folder / name).write_bytes(b"x")
    human = shmoo("ls", "--name", "[pwl]*", wrap=place.enter)
    assert human.returncode == 0 and "line\\x0aend" in human.stdout and "\x1b" not in human.stdout
    assert "64.0 MiB" in human.stdout and "inodes" in human.stdout and "unused" in human.stdout
    table = shmoo("ls", "--format", "csv", wrap=place.enter)
    rows = list(csv.DictReader(io.StringIO(table.stdout, newline="")))
    assert {row["name"] for row in rows if row["kind"] == "shm"} == {"plain", 'with,comma"', "line\nend"}
    assert {row["state"] for row in rows if row["kind"] == "shm"} == {"unused"}


def test_watch_looks_again(shmoo, place):
    (place.folder / "x").touch()
    for arguments in (("--watch=10ms",), ("--watch", "10ms")):
        done = shmoo("ls", *arguments, "--looks", "3", "--format", "jsonl", wrap=place.enter)
        assert done.returncode == 0
        assert [r["type"] for r in read_records(done.stdout)].count("usage") == 3
    process = shmoo.start("ls", "--watch=1h", "--format", "jsonl", wrap=place.enter)
    while json.loads(process.stdout.readline())["type"] != "usage":
        pass
    process.terminate()
    shmoo.finish(process)


def on_terminal(place, variables, *arguments):
    """What the program writes on a terminal of 12 lines."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 80, 0, 0))
    process = subprocess.Popen([*place.enter, PROGRAM, *arguments], stdin=child, stdout=child, stderr=child,
                               env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **variables})
    os.close(child)
    text = b""
    try:
        while chunk := os.read(parent, 65536):
            text += chunk
    except OSError:  # it has ended
        pass
    os.close(parent)
    assert process.wait(timeout=30) in (0, 1)
    return text.decode()


def test_a_terminal_is_used_as_far_as_it_goes(place):
    for i in range(30):
        (place.folder / f"crowd.{i}").touch()
    watch = ("ls", "--watch=10ms", "--looks", "2", "--name", "crowd.*")
    text = on_terminal(place, {"TERM": "xterm"}, *watch)
    assert text.count("\x1b[H\x1b[J") == 2 and text.count("crowd.") == 14 and text.count("; 7 shown") == 2
    assert "\x1b" not in on_terminal(place, {"TERM": "dumb"}, *watch)
    assert "\x1b" not in on_terminal(place, {"TERM": "xterm"}, *watch, "--format", "jsonl")
    sick = ("doctor", "-q", "--env", "docker-default")
    if "\x1b[33m" in on_terminal(place, {"TERM": "xterm"}, *sick):  # none where there are no namespaces
        assert "\x1b[" not in on_terminal(place, {"TERM": "xterm", "NO_COLOR": "1"}, *sick)


@pytest.mark.parametrize("arguments, says", [(("extra",), "extra"), (("--state", "usd"), "unused"),
                                             (("--owner", "no such"), "no such"),
                                             (("--format", "xml"), "csv"), (("--watch", "soon"), "soon")])
def test_usage_errors_are_told(shmoo, arguments, says):
    done = shmoo("ls", *arguments)
    assert (done.returncode, done.stdout) == (2, "") and says in one_line(done.stderr)


def test_without_shm_it_is_status_3(shmoo, private_shm):
    done = shmoo("ls", wrap=private_shm("mount -t tmpfs tmpfs /dev").enter)
    assert (done.returncode, done.stdout) == (3, "") and "/dev/shm" in one_line(done.stderr)


@pytest.mark.skipif(SANITIZED, reason="a sanitized program cannot run without /proc")
def test_without_proc_the_lease_still_proves(shmoo, private_shm):
    place = private_shm("mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /proc && touch /dev/shm/free")
    done = shmoo("ls", wrap=place.enter)
    assert done.returncode == 0 and "unused" in done.stdout
