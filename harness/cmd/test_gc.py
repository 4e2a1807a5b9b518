"""shmoo gc: shows and removes what is proven unused, and keeps everything else."""
import mmap
import os
import signal
import stat
import subprocess
import time

import pytest
from testing import (ENDLESS, NOBODY, SANITIZED, children_of, needs_root, one_line, read_records, shm_objects, stat_of,
                     valid, wait_for_workers)

DEAD = 4194304  # one more than the largest pid_max there is
GONE = f"shmoo.{DEAD}.12345.1"
CHECKED = f"shmoo-check.{DEAD}.12345.7"
NAMES = [GONE, f"sem.{GONE}.lock", f"{GONE}.own3", f"{CHECKED}.n0", f"sem.{CHECKED}.n12", f"{CHECKED}.".ljust(255, "n")]


@pytest.fixture(name="place")
def place_fixture(private_shm):
    return private_shm()


def put(place, name, content="left behind"):
    (place.folder / name).write_text(content, encoding="utf-8")
    return name


def gc(shmoo, place, *options, enter=()):
    """Runs gc --own: its lines but the last, and the last."""
    done = shmoo("gc", "--own", *options, wrap=[*place.enter, *enter])
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return lines[:-1], lines[-1]


def test_where_nothing_is_left_there_is_nothing_to_do(shmoo, place):
    put(place, "somebody-elses")
    lines, total = gc(shmoo, place, "--apply")
    assert lines == [] and total.startswith("0 found")
    assert shm_objects(place.folder) == ["somebody-elses"]


def told_of(lines, name):
    """The words in front of an object's name in gc's lines; None if it is not mentioned."""
    found = [line.split()[0] for line in lines if f"/dev/shm/{name}" in line.split("  ")]
    return found[0] if found else None


def test_looking_removes_nothing_and_applying_what_nobody_has_open(shmoo, place):
    for name in NAMES:
        put(place, name)
    lines, total = gc(shmoo, place)
    assert {name: told_of(lines, name) for name in NAMES} == dict.fromkeys(NAMES, "unused") and len(lines) == len(NAMES)
    assert f"{len(NAMES)} unused" in total and "--apply" in total
    assert shm_objects(place.folder) == sorted(NAMES)
    lines, total = gc(shmoo, place, "--apply")
    assert {name: told_of(lines, name) for name in NAMES} == dict.fromkeys(NAMES, "removed")
    assert f"{len(NAMES)} removed" in total and shm_objects(place.folder) == []
    assert gc(shmoo, place, "--apply")[0] == []


def test_a_name_that_shmoo_does_not_give_is_nobodys_business(shmoo, place):
    names = ["shmoo", "shmoo.", "shmoo.x.1.1", f"shmoo.{DEAD}", f"shmoo.{DEAD}.1", f"Shmoo.{DEAD}.1.1", f"a.shmoo.{DEAD}.1.1",
             f"sem.sem.shmoo.{DEAD}.1.1", f"shmoo-{DEAD}.1.1", "notes.txt"]
    for name in names:
        put(place, name)
    assert gc(shmoo, place, "--apply")[0] == []
    assert shm_objects(place.folder) == sorted(names)


def test_a_name_that_only_looks_like_one_of_shmoos_is_kept(shmoo, place):
    names = [f"shmoo.{DEAD}.1.notes", f"shmoo.{DEAD}.1.", "shmoo.-5.1.1", f"shmoo. {DEAD}.1.1", f"shmoo.+{DEAD}.1.1"]
    for name in names:
        put(place, name)
    gc(shmoo, place, "--apply")
    assert shm_objects(place.folder) == sorted(names)


def test_what_somebody_has_open_is_kept(shmoo, place):
    with open(place.folder / put(place, GONE), encoding="utf-8"):
        lines, _ = gc(shmoo, place, "--apply")
        assert lines[0].startswith("kept") and shm_objects(place.folder) == [GONE]
    assert gc(shmoo, place, "--apply")[0][0].startswith("removed")


def test_what_somebody_has_mapped_is_kept(shmoo, place):
    with open(place.folder / put(place, GONE, "x" * 4096), "r+b") as file:
        mapping = mmap.mmap(file.fileno(), 4096)
    lines, _ = gc(shmoo, place, "--apply")
    assert lines[0].startswith("kept") and shm_objects(place.folder) == [GONE]
    mapping.close()
    assert gc(shmoo, place, "--apply")[0][0].startswith("removed")


def test_what_a_living_run_made_is_kept_although_it_is_closed(shmoo, place):
    name = put(place, f"shmoo.{os.getpid()}.{stat_of(os.getpid())[19]}.1")
    lines, _ = gc(shmoo, place, "--apply")
    assert lines[0].startswith("kept") and shm_objects(place.folder) == [name]


def test_a_pid_that_was_given_again_is_not_the_maker(shmoo, place):
    put(place, f"shmoo.{os.getpid()}.1.1")
    assert gc(shmoo, place, "--apply")[0][0].startswith("removed")


def test_a_run_that_is_under_way_loses_nothing(shmoo, place):
    process = shmoo.start("run", *ENDLESS, "--sync", "semaphore-named", wrap=place.enter)
    wait_for_workers(process, 4)
    before = shm_objects(place.folder)
    lines, _ = gc(shmoo, place, "--apply")
    assert len(lines) == len(before) == 2 and all(line.startswith("kept") for line in lines)
    assert shm_objects(place.folder) == before
    process.terminate()
    shmoo.finish(process)
    assert process.returncode == 143 and shm_objects(place.folder) == []


def test_links_and_folders_are_not_followed(shmoo, place):
    target = place.folder / put(place, "target")
    (place.folder / GONE).symlink_to("target")
    (place.folder / f"{GONE}2").mkdir()
    os.mkfifo(place.folder / "somebodys-fifo")
    begin = time.monotonic()
    lines, total = gc(shmoo, place, "--name", "*", "--min-age", "0s", "--protect", "target", "--apply")
    assert time.monotonic() - begin < 30
    assert all(line.startswith("kept") for line in lines) and "0 removed" in total
    assert target.exists() and len(shm_objects(place.folder)) == 4


@needs_root
def test_what_belongs_to_another_user_is_kept(shmoo, place):
    put(place, GONE)
    lines, _ = gc(shmoo, place, "--apply", enter=NOBODY)
    assert lines[0].startswith("kept") and "user" in lines[0]
    assert shm_objects(place.folder) == [GONE]


@needs_root
def test_a_user_removes_what_is_his_own(shmoo, place):
    os.chown(place.folder / put(place, GONE), 65534, 65534)
    assert gc(shmoo, place, "--apply", enter=NOBODY)[0][0].startswith("removed")


def test_an_object_without_permissions_is_no_stop(shmoo, place):
    (place.folder / put(place, GONE)).chmod(0)
    put(place, f"{GONE}9")
    lines, _ = gc(shmoo, place, "--apply")
    assert len(lines) == 2 and f"{GONE}9" not in shm_objects(place.folder)


def test_a_name_full_of_control_characters_does_not_reach_the_terminal(shmoo, place):
    put(place, f"{GONE}.\x1b[31m\nremoved 1 KiB")
    done = shmoo("gc", "--own", wrap=place.enter)
    assert "\x1b" not in done.stdout and "\nremoved" not in done.stdout


def test_hundreds_of_leftovers_are_no_trouble(shmoo, place):
    for i in range(300):
        put(place, f"shmoo.{DEAD}.1.{i}")
    lines, total = gc(shmoo, place, "--apply")
    assert len(lines) == 300 and "300 removed" in total
    assert shm_objects(place.folder) == []


def test_two_collectors_at_once_end_well(shmoo, place):
    for i in range(300):
        put(place, f"shmoo.{DEAD}.1.{i}")
    both = [shmoo.start("gc", "--own", "--apply", wrap=place.enter) for _ in range(2)]
    statuses = {shmoo.finish(process).returncode for process in both}
    gc(shmoo, place, "--apply")
    assert statuses <= {0, 3}
    assert shm_objects(place.folder) == []


def test_the_sizes_are_those_of_the_objects(shmoo, place):
    put(place, GONE, "x" * 300000)
    lines, total = gc(shmoo, place)
    allocated = os.stat(place.folder / GONE).st_blocks * 512
    assert f"{allocated // 1024} KiB" in lines[0] and f"{allocated // 1024} KiB" in total


def test_without_shm_it_is_status_3(shmoo, private_shm):
    done = shmoo("gc", "--own", wrap=private_shm("mount -t tmpfs tmpfs /dev").enter)
    assert (done.returncode, done.stdout) == (3, "")
    assert "/dev/shm" in one_line(done.stderr) and "ENOENT" in done.stderr


@pytest.mark.skipif(SANITIZED, reason="a sanitized program cannot run without /proc")
def test_without_proc_nothing_is_proven_unused(shmoo, private_shm):
    place = private_shm("mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /proc")
    subprocess.run([*place.enter, "touch", f"/dev/shm/{GONE}"], check=True)
    done = shmoo("gc", "--own", "--apply", wrap=place.enter)
    assert done.returncode == 0 and done.stdout.startswith("kept")


def test_a_superfluous_operand_is_named(shmoo):
    done = shmoo("gc", "--own", "superfluous")
    assert (done.returncode, done.stdout) == (2, "")
    assert "superfluous" in one_line(done.stderr)


def test_objects_of_a_run_are_for_its_user_alone(shmoo, place):
    process = shmoo.start("run", *ENDLESS, "--sync", "semaphore-named",
                          wrap=[*place.enter, "sh", "-c", 'umask 0; exec "$@"', "sh"])
    wait_for_workers(process, 4)
    modes = {stat.S_IMODE(os.stat(place.folder / name).st_mode) for name in shm_objects(place.folder)}
    process.terminate()
    shmoo.finish(process)
    assert modes == {0o600} and not children_of(process.pid)


def test_foreign_objects_go_by_name_and_age(shmoo, place):
    for name in ("job-old", "job-kept", "other"):
        put(place, name)
    time.sleep(2.1)
    os.utime(place.folder / put(place, "job-new"), (1, 1))  # as after cp -p: it is new all the same
    done = shmoo("gc", "--name", "job-*", "--min-age", "2s", "--protect", "*-kept", "--apply", wrap=place.enter)
    assert done.returncode == 0 and "3 found, 1 unused" in done.stdout and "had back" in done.stdout
    assert shm_objects(place.folder) == ["job-kept", "job-new", "other"]
    assert "younger" in done.stdout and "protected" in done.stdout
    assert "0 unused" in shmoo("gc", "--name", "job-new", "--apply", wrap=place.enter).stdout  # an hour, unless told
    done = shmoo("gc", "--name", "/job-*", "--min-age", "0", "--apply", "--format", "jsonl", wrap=place.enter)
    *objects, end = valid(read_records(done.stdout))
    assert {o["name"]: o["outcome"] for o in objects} == {"job-new": "removed", "job-kept": "removed"}
    assert end["freed_bytes"] == sum(o["freed_bytes"] for o in objects) == 8192
    assert shm_objects(place.folder) == ["other"]


def test_without_a_choice_nothing_is_looked_at(shmoo, place):
    put(place, "other")
    done = shmoo("gc", "--apply", wrap=place.enter)
    assert (done.returncode, done.stdout) == (2, "") and "--name" in one_line(done.stderr)
    assert shm_objects(place.folder) == ["other"]


def test_a_second_name_of_an_object_gives_nothing_back(shmoo, place):
    os.link(place.folder / put(place, "job-1"), place.folder / "twin")
    done = shmoo("gc", "--name", "job-*", "--min-age", "0", "--apply", wrap=place.enter)
    assert "0 B had back" in done.stdout and shm_objects(place.folder) == ["twin"]


# Opens the objects job-0 to job-9 for ever, one after the other, as a service does that attaches; says how often, and how often
# what it held had lost its name meanwhile, though it had been found by it. What is missing is made anew.
OPENER = r"""
import mmap, os, sys, time
opened = nameless = made = 0
deadline = time.monotonic() + float(sys.argv[1])
while time.monotonic() < deadline:
    for i in range(10):
        path = f"/dev/shm/job-{i}"
        try:
            fd = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            try:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                os.ftruncate(fd, 4096)
                made += 1
            except FileExistsError:
                continue
        opened += 1
        mapped = i % 2 == 0 and os.fstat(fd).st_size == 4096
        if mapped:
            memory = mmap.mmap(fd, 4096)
        # the collector may be about to see that we have come: then it puts the name back
        for attempt in range(200):
            named = os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(fd))
            if named:
                break
            time.sleep(0.001)
        nameless += not named
        if mapped:
            memory.close()
        os.close(fd)
    time.sleep(0.0005)
print(opened, made, nameless)
"""


def test_nothing_that_somebody_opens_is_unlinked(shmoo, place):
    """Against processes that keep opening: what they hold keeps its name, and the collector still gets what is free."""
    openers = [subprocess.Popen([*place.enter, "/usr/bin/python3", "-c", OPENER, "1.5"], stdout=subprocess.PIPE, text=True)
               for _ in range(3)]
    removed, kept_in_time = 0, 0
    while any(opener.poll() is None for opener in openers):
        done = shmoo("gc", "--name", "job-*", "--min-age", "0", "--apply", wrap=place.enter)
        assert done.returncode == 0, done.stderr
        removed += done.stdout.count("removed   ")
        kept_in_time += done.stdout.count("in that moment")
    counts = [[int(word) for word in opener.communicate()[0].split()] for opener in openers]
    assert all(opened > 20 for opened, _, _ in counts) and removed > 0, (counts, removed)
    assert [nameless for _, _, nameless in counts] == [0, 0, 0], (counts, removed, kept_in_time)
    assert not [name for name in shm_objects(place.folder) if not name.startswith("job-")]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_collector_that_is_ended_at_any_moment_loses_nothing(shmoo, place, number):
    """What is in use keeps name and contents; of the rest at most one is under another name, and goes with the next gc --own."""
    held = [f"job-held-{i}" for i in range(20)]
    files = [open(place.folder / put(place, name, name), encoding="utf-8") for name in held]
    for delay in [k / 100 for k in range(6)]:
        for i in range(60):
            put(place, f"job-{i}", f"content {i}")
        process = shmoo.start("gc", "--name", "job-*", "--min-age", "0", "--apply", wrap=place.enter)
        time.sleep(0.01 + delay)
        process.send_signal(number)
        shmoo.finish(process)
        left = [name for name in shm_objects(place.folder) if not name.startswith("job-")]
        assert len(left) <= (number == signal.SIGKILL) and all(name.startswith("shmoo.") for name in left)
        assert all((place.folder / name).read_text(encoding="utf-8") == name for name in held)
        gc(shmoo, place, "--apply")
        assert all(name.startswith("job-") for name in shm_objects(place.folder))
    for file in files:
        file.close()


def test_the_bytes_had_back_are_those_of_the_file_system(shmoo, place):
    put(place, "job-whole", "x" * 300000)
    put(place, "job-small", "x")
    with open(place.folder / "job-sparse", "wb") as file:
        file.truncate(1 << 30)
        file.seek(1 << 29)
        file.write(b"x" * 8192)
    put(place, "sem.job", "x" * 32)
    os.link(place.folder / put(place, "job-twin", "x" * 50000), place.folder / "job-twin2")  # the last name gives them back
    os.link(place.folder / put(place, "job-linked", "x" * 70000), place.folder / "kept")
    before = os.statvfs(place.folder)
    done = shmoo("gc", "--name", "*job*", "--min-age", "0", "--apply", "--format", "jsonl", wrap=place.enter)
    *objects, end = valid(read_records(done.stdout))
    after = os.statvfs(place.folder)
    assert shm_objects(place.folder) == ["kept"] and end["removed"] == len(objects) == 7
    assert end["freed_bytes"] == (after.f_bfree - before.f_bfree) * before.f_frsize > 300000
    assert after.f_ffree - before.f_ffree == 7  # a tmpfs counts names
