"""A plugin's SIGBUS, in an object that the harness knows nothing of: the verdict names the object, the offset and the cause."""
import os

import pytest
from testing import verdicts


@pytest.mark.parametrize("way, says", [
    ("past", "SIGBUS at offset 4104 of the object /{name}: it has 4096 bytes; it was shrunk, or mapped for longer than it is"),
    ("memfd", "SIGBUS at offset 4104 of /memfd:bus (deleted): a page could not be had"),
    ("full", "of the object /{name}: the page was not there, and the tmpfs /dev/shm is full"),
])
def test_a_plugins_sigbus_is_told_with_its_object_and_cause(shmoo, build, private_shm, tmp_path, way, says):
    place, name = private_shm("mount -t tmpfs -o size=8m tmpfs /dev/shm"), f"bus-test.{os.getpid()}"
    done = shmoo("run", "--plugin", build("bus.c", name="bus"), "--load", "counter", "--sync", "bus", "--writers", "2", "--readers", "0",
                 "--ops", "100000", "--quiet", "--out", "run", wrap=place.enter, environment={"BUS": way, "BUS_NAME": f"/{name}"})
    verdict, = verdicts(tmp_path / "run")
    assert (done.returncode, verdict["verdict"]) == (1, "CRASHED"), verdict
    assert says.format(name=name) in verdict["reason"], verdict["reason"]
