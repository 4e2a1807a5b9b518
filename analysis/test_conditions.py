"""Checks what makes a point: every axis tells trials apart, known or not, and nothing else does."""

import pytest

import conditions
import points


NUMBERS = ("seed", "duration_s", "at_s", "turn", "fault_parameter")


def trial(**fields):
    return {"type": "trial", "trial": 1, "load": "snapshot", "sync": "mutex", "fault": "none", "writers": 1, "readers": 1,
            "size": 64, **fields}


def points_of(run_of, **fields):
    """How many points a run has of four trials of one point, to which these fields are added by repeat."""
    return len(run_of(syncs=("mutex",), populations=((1, 1),), repeats=4, fields=tuple(fields.items())).points)


@pytest.mark.parametrize("name, value", [
    ("hold_ns", 1000), ("think_ns", 5), ("rate", 12.5), ("pin", "compact"), ("prefault", "none"), ("address", "same"), ("pages", "thp"), ("packing", "packed"),
    ("regions", "many"), ("ops_limit", 100), ("sampling", 1), ("history", 50), ("host", "other"), ("alignment", 128), ("layout", "packed"), ("padded", True), ("placement", {"node": 1}),
    ("cpus", [0, 1])])
def test_every_axis_tells_points_apart(run_of, name, value):
    assert points_of(run_of, **{name: lambda point: value if point["repeat"] > 2 else None}) == 2


@pytest.mark.parametrize("name", sorted(conditions.NOT_CONDITIONS - {"type", "trial", "expect", "repeat"}))
def test_what_names_a_trial_does_not(run_of, name):
    kind = {"fault_words": lambda repeat: [str(repeat)], "origin": lambda repeat: {"part": repeat, "trial": 1}}.get(
        name, int if name in NUMBERS else str)
    assert points_of(run_of, **{name: lambda point: kind(point["repeat"])}) == 1


def test_an_unknown_axis_that_is_null_is_no_axis(run_of):
    assert points_of(run_of, alignment=None) == 1


def test_unknown_fields_keep_their_names_and_order():
    record = trial(zone="b", alignment=64, nothing=None, nested={"b": 1, "a": 2})
    assert conditions.unknown(record) == (("alignment", 64), ("nested", '{"a": 2, "b": 1}'), ("zone", "b"))


def test_an_unknown_axis_is_named_in_panels(run_of):
    run = run_of(syncs=("mutex",), populations=((1, 1),), repeats=4,
                 fields=(("alignment", lambda point: 64 * (point["repeat"] % 2)),))
    assert sorted(group.setting_words for group in points.groups(run.points)) == ["alignment 64", "no alignment"]


def test_a_field_that_is_absent_means_its_default():
    field = conditions.Field("x", conditions.INTEGER, "x", absent=3)
    assert field.absent == 3 and not field.needed
    assert all(field.absent is None for field in conditions.FIELDS if field.needed)


def test_a_point_can_be_changed():
    point = conditions.Point("a", "b", "none", 1, 0, 64, extra=(("x", 1),))
    assert conditions.replaced(point, extra=()) == conditions.Point("a", "b", "none", 1, 0, 64)
    assert len({point, conditions.replaced(point), conditions.replaced(point, size=65)}) == 2
