"""Plugins whose holders die: with a recover(), one that fails, none where there is nothing to do, and owners nobody asks after."""
import re

import pytest
from testing import needs_two_cpus, not_sanitized, verdicts

CREW = ("--load", "snapshot", "--writers", "2", "--readers", "1", "--duration", "150ms", "--quiet")
ATTEMPTS = 5


def die(shmoo, build, sync, fault, *arguments):
    """The verdict of one trial; tried again when a busy machine left it INCONCLUSIVE."""
    plugin = build("mortal.c", name="mortal")
    for attempt in range(ATTEMPTS):
        done = shmoo("run", "--plugin", plugin, *CREW, "--sync", sync, "--fault", fault, "--out", f"o{attempt}", *arguments)
        found, = verdicts(shmoo.cwd / f"o{attempt}")
        if found["verdict"] != "INCONCLUSIVE":
            break
    assert done.returncode == (0 if found["as_expected"] else 1), found["reason"]
    return found


# With its recover() the telling one is whole; the others fail in the way that each promises, or, unexpectedly, in one that none may.
ROWS = [("mortal-telling", "die:inside:kill:4", "CLEAN", True), ("mortal-telling", "die:releasing:kill", "CLEAN", True),
        ("mortal-telling", "die:inside:exec:4", "CLEAN", True), ("mortal-unrepaired", "die:inside:kill:4", "CORRUPT", True),
        ("mortal-unrepaired", "die:inside:kill:0", "CLEAN", True), ("mortal-silent", "die:inside:kill:4", "CORRUPT", True),
        ("mortal-silent", "die:releasing:kill", "CLEAN", True), ("mortal-faithful", "die:inside:kill:4", "WEDGED", True),
        ("mortal-faithful", "die:before:kill", "CLEAN", True), ("mortal-hopeless", "die:inside:kill:4", "CORRUPT", False),
        ("mortal-easy", "die:inside:kill:4", "CLEAN", True)]


@needs_two_cpus
@pytest.mark.parametrize("sync,fault,verdict,expected", ROWS, ids=[" ".join(row[:2]) for row in ROWS])
def test_each_takes_a_death_as_it_promises(shmoo, build, sync, fault, verdict, expected):
    found = die(shmoo, build, sync, fault)
    assert (found["verdict"], found["as_expected"]) == (verdict, expected), found["reason"]
    if sync == "mortal-telling":
        assert found["recovered"] == 1 and found["data_after_death"] == "whole"
    if not expected:
        assert "recover returned ENOTRECOVERABLE" in found["reason"]


@needs_two_cpus
@pytest.mark.parametrize("fault", ["die:within:kill:3", "die:writing:kill:0", "die:writing:kill:1", pytest.param("die:waiting:kill", marks=not_sanitized)])
def test_places_within_a_plugins_code_can_be_struck(shmoo, build, fault):
    found = die(shmoo, build, "mortal-telling", fault)
    if found["verdict"] == "UNSUPPORTED":
        pytest.skip(found["reason"])
    assert (found["verdict"], found["as_expected"]) == ("CLEAN", True), found["reason"]


def test_a_death_that_nobody_died_is_an_error(shmoo, build):
    found = die(shmoo, build, "mortal-alarming", "none")
    assert (found["verdict"], found["as_expected"]) == ("CORRUPT", False), found["reason"]
    assert re.search(r"mortal-alarming: acquire returned EOWNERDEAD \d+ times, and nobody has died", found["reason"])


@needs_two_cpus
def test_who_takes_a_dead_ones_place_has_the_plugin_too(shmoo, build):
    found = die(shmoo, build, "mortal-telling", "churn:5", "--duration", "400ms")
    assert found["verdict"] == "CLEAN" and found["deaths"] >= 2, found["reason"]


@needs_two_cpus
def test_a_wedge_shows_what_the_plugin_says_of_its_state(shmoo, build):
    found = die(shmoo, build, "mortal-faithful", "die:inside:kill:4")
    told = re.search(r"mortal-faithful: its owner's number is (\d+), 0 times repaired, and its owner is worker (\d) \(pid \1\), which is "
                     r"dead", found["reason"])
    assert told and int(told[2]) == found["dead_worker"], found["reason"]
