"""Plugins that misbehave: in each call, in each way. The harness judges them, and goes on."""
import pytest
from testing import SANITIZED, not_sanitized, verdicts

# A trial of the plugin's, and one that must come to its verdict behind it.
TRIALS = ("--load", "counter", "--sync", "unruly,mutex", "--writers", "2", "--readers", "1", "--ops", "400", "--min-exposure", "0", "--quiet")


def run(shmoo, build, tmp_path, wish):
    plugin = build("unruly.c", name="unruly")
    done = shmoo("run", "--plugin", plugin, *TRIALS, "--out", "run", environment={"UNRULY": wish})
    trial, other = verdicts(tmp_path / "run")
    assert (other["sync"], other["verdict"]) == ("mutex", "CLEAN")
    assert trial["sync"] == "unruly"
    return done, trial


def test_without_a_wish_it_is_a_lock_like_others(shmoo, build, tmp_path):
    done, trial = run(shmoo, build, tmp_path, "")
    assert (done.returncode, trial["verdict"]) == (0, "CLEAN"), trial


CALLS = ("create", "attach", "acquire", "release", "detach", "destroy")
DEADLY = {"crash": "CRASHED", "abort": "CRASHED", "exit": "CRASHED", "kill": "CRASHED", "late-crash": "CRASHED", "late-exit": "CRASHED"}


@pytest.mark.parametrize("call,way", [(call, way) for call in CALLS for way in ("crash", "exit")] + [
    ("size", "crash"), ("acquire", "abort"), ("release", "kill"), ("acquire", "late-crash"), ("release", "late-exit")])
def test_a_plugin_that_dies_is_lost_and_not_the_harness(shmoo, build, tmp_path, call, way):
    done, trial = run(shmoo, build, tmp_path, f"{call}:{way}")
    assert (done.returncode, trial["as_expected"]) == (1, False)
    # who waits for the lock that the dead one holds may be seen first
    allowed = ("CRASHED", "WEDGED") if call == "release" else ("CRASHED",)
    assert trial["verdict"] in allowed, trial
    assert call in trial["reason"] or call in ("acquire", "release", "detach"), trial


@pytest.mark.parametrize("wish", ["acquire:hang", "release:hang", "detach:hang", pytest.param("acquire:stop", marks=not_sanitized),
                                  "release:late-hang"])
def test_a_plugin_that_hangs_is_wedged(shmoo, build, tmp_path, wish):
    done, trial = run(shmoo, build, tmp_path, wish)
    assert (done.returncode, trial["verdict"]) == (1, "WEDGED"), trial


@pytest.mark.parametrize("call", ["create", pytest.param("attach", marks=not_sanitized)])
def test_set_up_that_hangs_is_wedged(shmoo, build, tmp_path, call):
    done, trial = run(shmoo, build, tmp_path, f"{call}:hang")
    assert (done.returncode, trial["verdict"]) == (1, "WEDGED"), trial
    assert call in trial["reason"]


@pytest.mark.parametrize("wish", [f"{call}:{way}" for call in CALLS for way in ("before", "beyond")])
def test_a_plugin_that_writes_beside_its_state_is_seen(shmoo, build, tmp_path, wish):
    done, trial = run(shmoo, build, tmp_path, wish)
    assert (done.returncode, trial["verdict"]) == (1, "CORRUPT"), trial
    assert "scribbled" in trial["reason"]


@pytest.mark.parametrize("wish", [f"{call}:all" for call in CALLS] + ["load:all", "release:late-all"])
def test_a_plugin_that_writes_over_everything_breaks_itself_alone(shmoo, build, tmp_path, wish):
    done, trial = run(shmoo, build, tmp_path, wish)
    assert (done.returncode, trial["as_expected"]) == (1, False), trial
    assert trial["verdict"] in ("CORRUPT", "CRASHED", "WEDGED"), trial


@pytest.mark.parametrize("wish", ["attach:child", "create:child", "destroy:child"])
def test_processes_left_behind_are_told_and_ended(shmoo, build, tmp_path, wish):
    done, trial = run(shmoo, build, tmp_path, wish)
    assert (done.returncode, trial["verdict"]) == (1, "CORRUPT"), trial
    assert "stray" in trial["reason"]


def test_a_plugin_that_goes_on_twice_is_seen(shmoo, build, tmp_path):
    done, trial = run(shmoo, build, tmp_path, "attach:twin")
    assert done.returncode == 1 and trial["verdict"] in ("CORRUPT", "CRASHED", "WEDGED"), trial


@pytest.mark.parametrize("wish", ["attach:close", "acquire:late-close", "create:close", "create:write", "destroy:write"])
def test_descriptors_are_the_plugins_own_affair(shmoo, build, tmp_path, wish):
    done, trial = run(shmoo, build, tmp_path, wish)
    assert (done.returncode, trial["verdict"]) == (0, "CLEAN"), (trial, done.stderr)


@pytest.mark.parametrize("call", ["create", "attach", "acquire"])
def test_an_errno_is_told_by_name(shmoo, build, tmp_path, call):
    done, trial = run(shmoo, build, tmp_path, f"{call}:error")
    assert done.returncode == 1 and not trial["as_expected"]
    assert "EIO" in trial["reason"] and call in trial["reason"], trial


def test_a_state_of_no_possible_size_is_refused(shmoo, build, tmp_path):
    done, trial = run(shmoo, build, tmp_path, "size:huge")
    assert done.returncode == 1 and "more than any region" in trial["reason"], trial


@pytest.mark.parametrize("way,verdict", [("crash", "CRASHED"), ("exit", "CRASHED"), pytest.param("hang", "WEDGED", marks=not_sanitized)])
def test_one_that_does_not_survive_its_loading_is_judged(shmoo, build, tmp_path, way, verdict):
    plugin = build("unruly.c", name="unruly")
    done = shmoo("run", "--plugin", plugin, "--for", "2s", "--quiet", "--out", "run", environment={"UNRULY": f"load:{way}"})
    assert done.returncode == 1
    control, trial = verdicts(tmp_path / "run")
    assert control["control"] and (trial["sync"], trial["verdict"]) == ("unruly", verdict), trial
    assert "loading the plugin" in trial["reason"] and str(plugin) in trial["reason"]
    assert "constructor" in done.stderr


def test_a_row_of_one_that_cannot_be_read_is_not_called_unknown(shmoo, build):
    plugin = build("unruly.c", name="unruly")
    done = shmoo("run", "--plugin", plugin, "--sync", "its-lock", environment={"UNRULY": "load:crash"})
    assert done.returncode == 1
    assert "its-lock" in done.stderr and str(plugin) in done.stderr
    assert SANITIZED or "SIGSEGV" in done.stderr
