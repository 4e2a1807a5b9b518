"""The zoo: plugins of unusual make, wrong ones that a hunt must find, and right ones in which it must find nothing.

Each wrong one has a near-miss among the right ones: the same idea, without the mistake. How soon they are found is for `make detect`,
and an hour of the right ones for `make alarms`.
"""
import pytest
from testing import ROOT, SANITIZED, needs_two_cpus, not_sanitized, verdicts

CAUGHT = {"CORRUPT", "WEDGED", "CRASHED"}
# One of each family and oracle, found within milliseconds as a rule; the others show in the long run.
QUICK = ("wrong-cohort", "wrong-beside", "wrong-tidy", "wrong-scattered", "wrong-private", "wrong-lines", "wrong-tail", "wrong-over",
         "wrong-stack-queue", "wrong-rounded", "wrong-waiting", "wrong-saved", "wrong-pocket", "wrong-peeking", "wrong-rounds",
         "wrong-inconsistent", "wrong-interrupted", "wrong-recover", "wrong-try")


def every(build, kind):
    """The options that bring all plugins of a kind."""
    files = sorted(path.name for path in (ROOT / "workloads" / "plugin" / "zoo").glob(f"{kind}_*.c"))
    return [word for name in files for word in ("--plugin", build(name))]


@needs_two_cpus
@not_sanitized
def test_wrong_ones_that_nothing_built_in_resembles_are_found(shmoo, build):
    plugins = every(build, "wrong")
    left = QUICK
    for seconds in (5, 15, 30):
        folder = shmoo.cwd / f"hunt{seconds}"
        shmoo("run", *plugins, "--load", "verify", "--sync", ",".join(left), "--duration", f"{seconds}s", "--quiet", "--out", str(folder),
              timeout=600)
        missed = [v for v in verdicts(folder) if v["verdict"] not in CAUGHT]
        left = [v["sync"] for v in missed]
        if not left:
            return
    pytest.fail("\n".join(f"{v['sync']}: {v['verdict']}: {v['reason']}" for v in missed))


@needs_two_cpus
def test_nothing_is_found_in_right_ones(shmoo, build):
    plugins = every(build, "right")
    shmoo("run", *plugins, "--load", "verify", "--sync", "zoo-*", "--duration", "100ms", "--quiet", "--out", "o", timeout=300)
    found = verdicts(shmoo.cwd / "o")
    assert len(found) >= 30
    alarms = [(v["sync"], v["reason"]) for v in found if v["verdict"] not in ("CLEAN", "INCONCLUSIVE")]
    assert not alarms
    assert SANITIZED or any(v["verdict"] == "CLEAN" for v in found)  # how many, a busy machine decides


def test_who_needs_one_address_is_not_run_at_different_ones(shmoo, build):
    shmoo("run", "--plugin", build("right_locks.c"), "--load", "counter", "--sync", "zoo-rope", "--ops", "20", "--min-exposure", "0",
          "--address", "same,different", "--quiet", "--out", "o")
    same, different = verdicts(shmoo.cwd / "o")
    assert same["verdict"] == "CLEAN" and same["region_addresses"] == 1, same["reason"]
    assert different["verdict"] == "UNSUPPORTED" and "needs the region at one address" in different["reason"]
