"""Narrow places: what runs out half-way, and what works where there is hardly anything."""
import pytest
from testing import NOBODY, SANITIZED, needs_root, one_line, records, shm_objects, verdicts, wait_until

SHORT = ("--ops", "200", "--repeat", "20000", "--min-exposure", "0", "--quiet", "--out", "o")
# What needs hardly anything.
MODEST = [("list",), ("ls",), ("gc", "--own"), ("run", "smoke", "--dry-run"), ("check", "name/*")]


@pytest.mark.parametrize("options", [("--load", "snapshot", "--sync", "mutex,semaphore-named", "--size", "64k"),
                                     ("--load", "lifecycle", "--sync", "none", "--size", "16k")], ids=" ".join)
def test_a_shm_that_fills_up_half_way_is_status_3_and_what_was_measured_stays(shmoo, private_shm, options):
    place = private_shm("mount -t tmpfs -o size=1m tmpfs /dev/shm")
    process = shmoo.start("run", *options, *SHORT, wrap=place.enter)
    path = shmoo.cwd / "o" / "run.jsonl"
    assert wait_until(lambda: path.exists() and path.read_text(encoding="utf-8").count('"type":"verdict"') > 3, 30)
    with open(place.folder / "filler", "wb", buffering=0) as filler:
        def fill():
            try:
                filler.write(b"x" * 4096)
            except OSError:
                pass
            return process.poll() is not None
        assert wait_until(fill, 60), "it goes on without room"
    done = shmoo.finish(process)
    assert done.returncode == 3, done.stderr
    message = one_line(done.stderr)
    assert "ENOSPC" in message and ("/dev/shm is full" in message or "room" in message)
    assert shm_objects(place.folder) == ["filler"]
    found = verdicts(shmoo.cwd / "o")
    assert {verdict["verdict"] for verdict in found[:-1]} == {"CLEAN"} and found[-1]["verdict"] == "ERROR"
    assert records(shmoo.cwd / "o")[-1]["exit_status"] == 3


def test_a_read_only_folder_for_results_is_status_3_before_the_work(shmoo, private_shm):
    (shmoo.cwd / "ro").mkdir()
    place = private_shm(f"mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs -o ro tmpfs '{shmoo.cwd}/ro'")
    done = shmoo.quick("--out", "ro/run", wrap=place.enter)
    assert (done.returncode, done.stdout) == (3, "")
    message = one_line(done.stderr)
    assert "ro/run" in message and "EROFS" in message and "--out" in message


def test_with_twenty_descriptors_a_small_crew_is_refused_in_words(shmoo):
    done = shmoo.quick("--out", "o", wrap=["prlimit", "--nofile=20"])
    assert (done.returncode, done.stdout) == (3, "")
    assert "open files" in one_line(done.stderr) and "20" in done.stderr and "ulimit -Hn" in done.stderr


@pytest.mark.parametrize("arguments", MODEST, ids=" ".join)
def test_twenty_descriptors_are_enough_for_the_rest(shmoo, private_shm, arguments):
    done = shmoo(*arguments, wrap=[*private_shm().enter, "prlimit", "--nofile=20"])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", ["check name/*", "doctor -q", "ls", "list", "run --sync mutex --ops 50"])
def test_a_limit_on_the_size_of_files_kills_nobody_and_leaves_nothing(shmoo, private_shm, arguments):
    place = private_shm()
    done = shmoo(*arguments.split(), wrap=[*place.enter, "prlimit", "--fsize=0"])
    assert done.returncode in (0, 1, 3), done.stderr
    assert shm_objects(place.folder) == []


@pytest.mark.skipif(SANITIZED, reason="a sanitized program cannot run without /proc")
@pytest.mark.parametrize("arguments", MODEST, ids=" ".join)
def test_the_rest_works_without_proc(shmoo, private_shm, arguments):
    place = private_shm("mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /proc")
    done = shmoo(*arguments, wrap=place.enter)
    assert done.returncode == 0, done.stderr


@needs_root
@pytest.mark.skipif(SANITIZED, reason="the leak check needs a process of its own")
@pytest.mark.parametrize("arguments,status", [("check name/*", 3), ("run --sync mutex", 3), ("ls", 0), ("list", 0)])
def test_a_user_without_a_process_to_spare_is_told(shmoo, private_shm, arguments, status):
    """That user runs nothing else: the number is one that no system gives."""
    user = [word.replace("65534", "54329") for word in NOBODY]
    shmoo.cwd.chmod(0o777)
    done = shmoo(*arguments.split(), wrap=[*private_shm().enter, "prlimit", "--nproc=1", *user])
    assert done.returncode == status, done.stderr
    if status == 3:
        assert "ulimit -u" in done.stderr
