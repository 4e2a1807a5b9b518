"""Checks results/schema.json: what the README describes passes, and each kind of departure from it does not."""

import copy
import json
import os

import jsonschema
import pytest

import synthetic

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "results", "schema.json")


@pytest.fixture(scope="module")
def validator():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


WORDS = ("CLEAN", "CORRUPT", "WEDGED", "CRASHED", "INCONCLUSIVE", "UNSUPPORTED", "ERROR")
RECIPES = (
    synthetic.Recipe(repeats=1, faults=("none", "stop")),
    synthetic.Recipe(loads=("quit", "lifecycle"), syncs=("mutex",), repeats=1, samples=50),
    synthetic.Recipe(syncs=("mutex",), populations=((2, 2),), repeats=7, rate=1000.0, interrupted="SIGINT",
                     verdicts=(("mutex", WORDS),)),
)


@pytest.mark.parametrize("recipe", RECIPES)
def test_generated_runs_pass(validator, recipe):
    for record in synthetic.Generator(recipe).records():
        validator.validate(json.loads(json.dumps(record)))


@pytest.fixture(scope="module")
def sample():
    """One good record of each type."""
    found = {}
    for recipe in RECIPES:
        for record in synthetic.Generator(recipe).records():
            found.setdefault(record["type"], record)
    assert len(found) == 11
    return found


def test_unknown_fields_are_allowed(validator, sample):
    for record in sample.values():
        validator.validate({**record, "field_of_a_later_version": {"x": [1]}})


REQUIRED = {
    "run": ("schema", "id", "version", "command", "cwd", "started", "seed", "trials", "clock"),
    "trial": ("trial", "job", "load", "sync", "fault", "family", "writers", "readers", "size", "repeat", "seed",
              "duration_s", "ops_limit", "hold_ns", "think_ns", "rate", "pin", "expect", "sampling", "at_s", "replay"),
    "worker": ("trial", "worker", "role", "pid", "ops", "handoffs", "contended", "preempted", "sampled", "violations",
               "phase", "exit"),
    "interval": ("trial", "at_s", "seconds", "ops", "inside", "acquiring"),
    "histogram": ("trial", "name", "role", "unit", "count", "sum", "min", "max", "sub_bits", "relative_error",
                  "buckets"),
    "course": ("trial", "name", "role", "unit", "sub_bits", "relative_error", "interval_s", "workers", "intervals"),
    "fault": ("trial", "at_s", "fault", "detail"),
    "violation": ("trial", "kind", "text"),
    "verdict": ("trial", "load", "sync", "fault", "writers", "readers", "size", "repeat", "seed", "expect", "verdict",
                "as_expected", "reason", "ops", "writer_ops", "reader_ops", "ops_per_s", "window_s", "violations",
                "violations_by_kind", "exposure", "lifecycle", "crew"),
    "end": ("trials_done", "trials_planned", "as_expected", "unexpected", "verdicts", "seconds", "exit_status"),
}


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, names in REQUIRED.items() for name in names])
def test_required_fields(validator, sample, kind, name):
    record = {key: value for key, value in sample[kind].items() if key != name}
    assert not validator.is_valid(record)


@pytest.mark.parametrize("kind, change", [
    ("run", {"schema": "shmoo/2"}), ("run", {"schema": "other/1"}), ("run", {"started": "yesterday"}),
    ("run", {"command": "shmoo"}),
    ("trial", {"trial": 0}), ("trial", {"writers": -1}), ("trial", {"family": "mutex"}), ("trial", {"expect": "FINE"}),
    ("trial", {"duration_s": None, "ops_limit": None}), ("trial", {"rate": 0}), ("trial", {"repeat": 0}),
    ("trial", {"sampling": 0}),
    ("trial", {"sync": ""}), ("trial", {"seed": 1.5}), ("worker", {"role": "watcher"}), ("worker", {"phase": "dead"}),
    ("worker", {"exit": "killed"}), ("worker", {"exit": "exited -1"}), ("worker", {"cpus": "all"}),
    ("histogram", {"unit": "us"}), ("course", {"intervals": [[1, 2]]}), ("course", {"interval_s": 0}), ("course", {"name": "hold"}),
    ("histogram", {"name": "lookup"}), ("histogram", {"buckets": [[1]]}), ("histogram", {"buckets": [[1, 0]]}),
    ("histogram", {"buckets": []}), ("histogram", {"min": None}), ("violation", {"kind": "odd"}),
    ("violation", {"bytes": "0g"}),
    ("violation", {"bytes": "abc"}), ("violation", {"expected": {"version": 3}}),
    ("violation", {"found": {"version": 3, "writer": -2}}),
    ("verdict", {"verdict": "PASS"}), ("verdict", {"as_expected": "yes"}),
    ("verdict", {"violations_by_kind": {"odd": 1}}),
    ("verdict", {"seconds": -1}), ("verdict", {"exposure": {"handoffs": 1}}), ("verdict", {"interrupted": "ctrl-c"}),
    ("verdict", {"seconds": None, "ops_per_s": 12.0}), ("end", {"verdicts": {"PASS": 3}}),
    ("end", {"exit_status": 256}),
    ("end", {"type": "epilogue"}), ("end", {"type": None})])
def test_departures_are_refused(validator, sample, kind, change):
    assert validator.is_valid(sample[kind])
    assert not validator.is_valid({**copy.deepcopy(sample[kind]), **change})


@pytest.mark.parametrize("kind, change", [
    ("run", {"schema": "shmoo/1.4"}), ("trial", {"duration_s": None, "ops_limit": 1000}), ("trial", {"rate": 12.5}),
    ("worker", {"exit": "killed by SIGRTMIN+3"}), ("worker", {"exit": "ended by the watchdog", "phase": "inside"}),
    ("worker", {"cpus": "0-3,7"}), ("violation", {"expected": {"value": 12}, "found": {"value": 11}}),
    ("violation", {"expected": {"version": 0, "writer": -1}}),
    ("violation", {"worker": None, "role": None, "offset": None}),
    ("verdict", {"ops_per_s": None, "window_s": 0}), ("verdict", {"interrupted": "SIGTERM"}),
    ("end", {"interrupted": "SIGINT"})])
def test_what_the_readme_allows_passes(validator, sample, kind, change):
    validator.validate({**copy.deepcopy(sample[kind]), **change})


@pytest.mark.parametrize("name", ["cpus", "start_s", "end_s", "user_s", "voluntary_switches"])
def test_a_value_that_could_not_be_had_may_be_absent(validator, sample, name):
    validator.validate({key: value for key, value in sample["worker"].items() if key != name})
