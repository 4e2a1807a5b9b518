"""shmoo run: hunts, their records and replay lines, and the positive control that a run carries along."""
import shlex

from testing import needs_two_cpus, records, verdicts


@needs_two_cpus
def test_a_hunt_finds_what_is_broken_and_says_when_and_how(shmoo, tmp_path):
    done = shmoo("run", "--load", "verify", "--sync", "none", "--duration", "30s", "--quiet", "--out", "hunt")
    assert done.returncode == 0, done.stdout
    (verdict,) = verdicts(tmp_path / "hunt")
    assert (verdict["verdict"], verdict["as_expected"], verdict["fault"]) == ("CORRUPT", True, "explore")
    assert 0 < verdict["found_s"] < 30
    assert verdict["strength"] is None
    slices = [r for r in records(tmp_path / "hunt") if r["type"] == "interval"]
    assert len(slices) == verdict["slices"]["run"]
    assert slices[-1]["verdict"] == "CORRUPT"
    assert sum(r["ops"] for r in slices) == verdict["ops"]
    assert any(r["type"] == "violation" for r in records(tmp_path / "hunt"))


@needs_two_cpus
def test_a_clean_hunt_states_its_strength(shmoo, tmp_path):
    done = shmoo("run", "--load", "verify", "--sync", "mutex", "--duration", "1s", "--quiet", "--out", "hunt")
    assert done.returncode == 0, done.stdout
    (verdict,) = verdicts(tmp_path / "hunt")
    strength = verdict["strength"]
    assert strength["exposures"] == verdict["exposure"]["handoffs"]
    assert abs(strength["upper_95"] - 3 / strength["exposures"]) < 0.01 * strength["upper_95"]
    assert verdict["found_s"] is None
    assert 0 < verdict["slices"]["exposed"] <= verdict["slices"]["run"]


def test_a_replay_line_leaves_open_what_a_hunt_varies(shmoo):
    line = shmoo("run", "--load", "verify", "--sync", "mutex", "--seed", "7", "--dry-run").stdout
    assert shlex.split(line) == shlex.split("shmoo run --load verify --sync mutex --duration 10s --seed 7")
    line = shmoo("run", "--load", "verify", "--sync", "mutex", "--seed", "7", "--writers", "3", "--fault", "none",
                 "--dry-run").stdout
    assert "--writers 3 --readers 2" in line and "--fault none" in line


def test_a_resolved_plan_hunts_again_in_the_same_way(shmoo, tmp_path):
    first = ("run", "--load", "verify", "--sync", "none,mutex", "--control", "--duration", "200ms", "--seed", "5", "--quiet")
    assert shmoo(*first, "--out", "one").returncode in (0, 1, 4)
    again = shmoo("run", "one/plan.ini", "--dry-run").stdout
    assert again == shmoo(*first, "--dry-run").stdout


def test_a_hunt_goes_by_time(shmoo):
    done = shmoo("run", "--load", "verify", "--ops", "100")
    assert done.returncode == 2
    assert "--duration" in done.stderr


def test_a_control_runs_before_each_group_that_needs_one(shmoo, tmp_path):
    shmoo("run", "--load", "counter", "--sync", "mutex,spin,none", "--size", "8,64", "--control", "--ops", "100", "--quiet",
          "--out", "run")
    trials = [r for r in records(tmp_path / "run") if r["type"] == "verdict"]
    controls = [r.get("control", False) for r in trials]
    assert controls == [True, False, False, False] * 2
    assert [r["sync"] for r in trials] == ["none", "mutex", "spin", "none"] * 2


def test_nothing_is_clean_whose_control_was_not_caught(shmoo, tmp_path):
    """A few operations far apart do not even break what is unprotected."""
    done = shmoo("run", "--load", "counter", "--sync", "mutex", "--writers", "1", "--readers", "1", "--control", "--think", "30ms",
                 "--ops", "2", "--min-exposure", "0", "--quiet", "--out", "run")
    control, trial = verdicts(tmp_path / "run")
    assert (control["sync"], control["verdict"], control["as_expected"]) == ("none", "CLEAN", False)
    assert (trial["sync"], trial["verdict"]) == ("mutex", "INCONCLUSIVE")
    assert "control" in trial["reason"]
    assert done.returncode == 1
