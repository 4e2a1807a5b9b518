"""Populations: thousands of processes start, run, die, are replaced and end, and leave nothing behind."""
import os
import resource

import pytest
from testing import SANITIZED, children_of, records, shm_objects, verdicts, wait_until

CREW = 2000
LARGE_CREW = 5000
# A worker takes about 200 KiB, most of it the kernel's.
LARGE_KIB = LARGE_CREW * 400
DESCRIPTORS = CREW + 100
pytestmark = [
    pytest.mark.skipif(SANITIZED, reason="a sanitizer multiplies the memory of each of two thousand processes"),
    pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < DESCRIPTORS,
                       reason=f"fewer than {DESCRIPTORS} open files are allowed"),
]


@pytest.mark.parametrize("sync", ["mutex", "spin"])
def test_a_thousand_writers_and_a_thousand_readers(shmoo, sync):
    done = shmoo("run", "--sync", sync, "--writers", "1000", "--readers", "1000", "--duration", "1s", "--quiet",
                 "--out", "o", timeout=300)
    verdict, = verdicts(shmoo.cwd / "o")
    workers = records(shmoo.cwd / "o", "worker")
    assert (done.returncode, verdict["verdict"]) == (0, "CLEAN"), verdict["reason"]
    assert len({worker["pid"] for worker in workers}) == CREW and {worker["exit"] for worker in workers} == {"exited 0"}
    assert sum(worker["ops"] for worker in workers) == verdict["ops"] and min(worker["ops"] for worker in workers) > 0
    assert not shmoo.objects() and not shmoo.processes()


def test_an_interrupt_ends_them_all(shmoo):
    process = shmoo.start("run", "--sync", "mutex", "--writers", "1000", "--readers", "1000", "--duration", "300s",
                          "--quiet", "--out", "o")
    assert wait_until(lambda: len(children_of(process.pid)) >= CREW, 60)
    os.kill(process.pid, 15)
    assert shmoo.finish(process, 120).returncode == 143
    assert records(shmoo.cwd / "o")[-1]["type"] == "end"
    assert not shmoo.objects() and not shmoo.processes()


def test_a_killed_harness_takes_them_all_along(shmoo, private_shm):
    place = private_shm()
    process = shmoo.start("run", "--sync", "mutex", "--writers", "1000", "--readers", "1000", "--duration", "300s",
                          "--quiet", "--out", "o",
                          wrap=place.enter)
    assert wait_until(lambda: len(children_of(process.pid)) >= CREW, 60)
    process.kill()
    shmoo.finish(process)
    assert wait_until(lambda: not shmoo.processes(), 60)
    assert shmoo("gc", "--own", "--apply", wrap=place.enter).returncode == 0
    assert shm_objects(place.folder) == []


def available_kib():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("MemAvailable"))


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < LARGE_CREW + 100, reason="not enough open files are allowed")
@pytest.mark.skipif(available_kib() < LARGE_KIB, reason="not enough memory")
def test_five_thousand_of_whom_some_die_again_and_again(shmoo):
    done = shmoo("run", "--sync", "mutex-robust", "--writers", "2500", "--readers", "2500", "--fault", "churn:20", "--duration", "2s",
                 "--quiet", "--out", "o", timeout=300)
    verdict, = verdicts(shmoo.cwd / "o")
    workers = records(shmoo.cwd / "o", "worker")
    assert (done.returncode, verdict["verdict"]) in ((0, "CLEAN"), (4, "INCONCLUSIVE")), verdict["reason"]
    assert len(workers) == LARGE_CREW and verdict["deaths"] >= 3
    replaced = sum(worker.get("replaced", 0) for worker in workers)
    killed = sum(worker["exit"] == "killed by SIGKILL" for worker in workers)
    assert replaced + killed == verdict["deaths"]
    slow = {"ended by the watchdog"} if verdict["verdict"] == "INCONCLUSIVE" else set()
    assert {worker["exit"] for worker in workers} <= {"exited 0", "killed by SIGKILL"} | slow
    assert not shmoo.objects() and not shmoo.processes()
