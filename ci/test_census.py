"""Tests of ci/census: what a run leaves behind is named, its processes ended; what belongs to others is let alone."""
import mmap
import os
import subprocess
from pathlib import Path

import pytest

CENSUS = Path(__file__).resolve().parent / "census"
MARK = f"test-{os.getpid()}"
OBJECT = Path(f"/dev/shm/census-test-{os.getpid()}")

pytestmark = pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no /dev/shm to leave things in")


def census(*arguments):
    """Runs ci/census without any mark: what is marked would count as left behind."""
    environment = {k: v for k, v in os.environ.items() if k != "SHMOO_CENSUS"}
    done = subprocess.run([str(CENSUS), *map(str, arguments)], env=environment, capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout


@pytest.fixture(name="before")
def count_before(tmp_path):
    assert census("before", tmp_path / "before")[0] == 0
    yield tmp_path / "before"
    OBJECT.unlink(missing_ok=True)


@pytest.fixture(name="sleeper")
def marked_sleeper():
    with subprocess.Popen(["sleep", "60"], env={**os.environ, "SHMOO_CENSUS": MARK}) as process:
        yield process
        process.kill()


def test_what_is_left_behind_is_named_and_processes_ended(before, sleeper):
    OBJECT.touch()
    status, said = census("after", before, MARK)
    assert status == 1
    assert f"{OBJECT} was left behind" in said
    assert f"process {sleeper.pid} was left behind" in said and "sleep 60" in said
    assert sleeper.wait(timeout=10) < 0
    assert OBJECT.exists(), "an object is evidence, and may be in use"


def test_other_peoples_processes_and_objects_are_let_alone(before, sleeper):
    with OBJECT.open("w+b") as file:
        file.truncate(4096)
        with mmap.mmap(file.fileno(), 4096):  # this very process, which has no such mark
            _, said = census("after", before, "another mark")
    assert str(OBJECT) not in said
    assert sleeper.poll() is None


def test_what_was_there_before_does_not_count(tmp_path):
    OBJECT.touch()
    try:
        census("before", tmp_path / "before")
        assert str(OBJECT) not in census("after", tmp_path / "before", MARK)[1]
    finally:
        OBJECT.unlink()


@pytest.mark.parametrize("arguments", [(), ("before",), ("sideways", "file")])
def test_wrong_usage(arguments):
    assert census(*arguments)[0] == 2
