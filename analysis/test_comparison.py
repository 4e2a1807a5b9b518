"""Checks what a comparison says of runs whose truth is known: no alarm without a change, no silence about one."""

import pytest

import comparison
import metrics
import records
import synthetic
from comparison import BETTER, FEW, SAME, UNDECIDED, WORSE

SMALL = {"syncs": ("mutex", "spin"), "populations": ((1, 1), (2, 2)), "repeats": 20, "samples": 60, "intervals": 0}


@pytest.fixture
def compared(tmp_path):
    """A function that compares two generated runs: the parameters of both, and what is different on each side."""
    def make(a=None, b=None, terms=None, **both):
        runs = []
        for name, own in (("a", a), ("b", b)):
            recipe = synthetic.Recipe(**{**SMALL, "seed": 5 if name == "a" else 6, **both, **(own or {})})
            runs.append(records.read(synthetic.write(str(tmp_path / name), recipe), keep=metrics.LATENCIES))
        return comparison.compare(*runs, terms or comparison.Terms())
    return make


def says(found, sync=None, metric="throughput", alone=True):
    """What is said of a primitive's conditions, or of all of them together."""
    return [one.says for one in found.judgements if one.metric.name == metric and sync in (None, one.sync)
            and (one.point is not None) == alone]


def test_no_change_is_said_as_such(compared):
    found = compared(noise=0.01)
    assert set(says(found)) == {SAME} and set(says(found, alone=False)) == {SAME}
    assert found.status == 0


def test_a_slower_primitive_is_found_and_no_other(compared):
    found = compared(noise=0.02, b={"speeds": (("mutex", 0.9),)})
    assert set(says(found, "mutex")) == {WORSE} and set(says(found, "spin")) == {SAME}
    assert says(found, "mutex", alone=False) == [WORSE] and set(says(found, "mutex", "cpu")) == {WORSE}
    assert found.status == 5


def test_a_faster_primitive_is_no_alarm(compared):
    found = compared(noise=0.02, b={"speeds": (("mutex", 1.2),)})
    assert set(says(found, "mutex")) == {BETTER} and found.status == 0


def test_a_change_below_the_threshold_is_none(compared):
    slower = {"speeds": (("mutex", 0.96),)}
    assert compared(noise=0.005, b=slower).status == 0
    assert compared(noise=0.005, b=slower, terms=comparison.Terms(threshold=0.02)).status == 5
    assert set(says(compared(noise=0.005, b=slower), "mutex")) == {SAME}


def test_noise_is_undecided_and_never_the_same(compared):
    found = compared(noise=0.5, repeats=10)
    assert set(says(found)) == {UNDECIDED} and found.status == 0


@pytest.mark.parametrize("repeats", [1, 2, 3, 4])
def test_too_few_repeats_are_said_as_such(compared, repeats):
    found = compared(noise=0.0001, repeats=repeats, syncs=("mutex",), populations=((2, 2),), b={"speeds": (("mutex", 0.5),)})
    assert says(found) == [FEW] and found.status == 0
    assert all(one.why.startswith(f"{repeats} repeat") for one in found.judgements)


def test_few_repeats_of_many_conditions_tell_together(compared):
    found = compared(noise=0.02, repeats=3, populations=((1, 1), (2, 2), (4, 4), (8, 8), (1, 2), (2, 1)),
                     b={"speeds": (("mutex", 0.8),)})
    assert set(says(found, "mutex")) == {FEW} and says(found, "mutex", alone=False) == [WORSE]
    assert says(found, "spin", alone=False) == [SAME] and found.status == 5


@pytest.mark.parametrize("paired", [False, True])
def test_a_big_grid_does_not_cry_wolf(compared, paired):
    populations = tuple((writers, readers) for writers in range(1, 5) for readers in range(6))
    build = {"build": ("p", "x")} if paired else {}
    found = compared(noise=0.4, repeats=12, populations=populations, workers=False, samples=1, **build)
    assert len(found.judgements) == 2 * len(populations) + 2 and found.paired == paired
    assert found.count(WORSE, BETTER, SAME) == 0 and found.count(UNDECIDED) == len(found.judgements)


def test_interleaved_runs_are_compared_in_pairs(compared):
    found = compared(a={"build": ("20250102T030405Z-1", "baseline")}, b={"build": ("20250102T030405Z-1", "candidate")})
    assert found.paired
    assert not compared(a={"build": ("1", "baseline")}, b={"build": ("2", "candidate")}).paired
    assert not compared().paired


def test_latencies_can_be_compared(compared):
    found = compared(repeats=6, samples=6000, syncs=("mutex",), terms=comparison.Terms(metrics=("p50", "p99", "p999")))
    assert {one.metric.name for one in found.judgements} == {"p50", "p99", "p999"}
    assert all(0.5 < one.change.ratio < 2 for one in found.judgements if one.metric.name == "p50")
    assert found.status == 0


def test_a_percentile_without_samples_beyond_it_is_not_compared(compared):
    assert not compared(samples=60, terms=comparison.Terms(metrics=("p99",))).judgements


def test_a_verdict_that_got_worse_outranks_all(compared):
    found = compared(noise=0.02, b={"verdicts": (("spin", ("CLEAN", "CORRUPT")),), "speeds": (("mutex", 0.8),)})
    assert found.status == 1
    assert {verdict.point.sync for verdict in found.verdicts if verdict.says == WORSE} == {"spin"}


@pytest.mark.parametrize("a, b, expected", [
    ("CLEAN", "CORRUPT", WORSE), ("CLEAN", "WEDGED", WORSE), ("CLEAN", "ERROR", WORSE), ("CORRUPT", "CLEAN", BETTER),
    ("CORRUPT", "CORRUPT", SAME), ("WEDGED", "CORRUPT", WORSE), ("CORRUPT", "WEDGED", BETTER), ("CLEAN", "CLEAN", SAME)])
def test_verdicts(compared, a, b, expected):
    found = compared(syncs=("mutex",), populations=((2, 2),), repeats=4, a={"verdicts": (("mutex", a),)},
                     b={"verdicts": (("mutex", b),)})
    assert [verdict.says for verdict in found.verdicts] == [expected]
    assert found.status == (1 if expected == WORSE else 0)


def test_one_corrupt_trial_among_many_is_worse(compared):
    words = ("CLEAN",) * 19 + ("CORRUPT",)
    found = compared(syncs=("mutex",), populations=((2, 2),), b={"verdicts": (("mutex", words),)})
    assert found.status == 1 and "1 of 20 unexpected: CORRUPT" in found.verdicts[0].why


def test_the_same_verdict_more_often_is_worse_if_chance_does_not_explain_it(compared):
    rare, often = ("CORRUPT",) + ("CLEAN",) * 19, ("CORRUPT",) * 15 + ("CLEAN",) * 5
    one = {"syncs": ("mutex",), "populations": ((2, 2),)}
    assert compared(**one, a={"verdicts": (("mutex", rare),)}, b={"verdicts": (("mutex", often),)}).status == 1
    twice = ("CORRUPT",) * 2 + ("CLEAN",) * 18
    assert compared(**one, a={"verdicts": (("mutex", rare),)}, b={"verdicts": (("mutex", twice),)}).status == 0


def test_a_control_that_is_not_caught_any_more_is_worse(compared):
    one = {"syncs": ("none",), "populations": ((2, 2),)}
    assert compared(**one, repeats=3, b={"verdicts": (("none", "CLEAN"),)}).status == 1
    assert compared(**one, repeats=20, b={"verdicts": (("none", ("CLEAN", "CLEAN", "CORRUPT")),)}).status == 1


@pytest.mark.parametrize("word", ["INCONCLUSIVE", "UNSUPPORTED"])
def test_what_a_busy_machine_does_to_a_trial_is_no_worse_verdict(compared, word):
    found = compared(syncs=("mutex",), populations=((2, 2),), b={"verdicts": (("mutex", ("CLEAN",) * 18 + (word,) * 2),)})
    assert [verdict.says for verdict in found.verdicts] == ["weaker"] and found.status == 0


def test_what_is_broken_has_no_speed_to_compare(compared):
    found = compared(syncs=("none", "mutex"), noise=0.01, b={"speeds": (("none", 0.5),)})
    assert not says(found, "none") and found.unsound == 2 and found.status == 0


def test_conditions_of_one_side_only_are_told(compared):
    found = compared(b={"populations": ((1, 1), (4, 4))})
    assert {(point.writers, point.readers) for point in found.only_a} == {(2, 2)}
    assert {(point.writers, point.readers) for point in found.only_b} == {(4, 4)}
    assert {(verdict.point.writers, verdict.point.readers) for verdict in found.verdicts} == {(1, 1)}


def test_runs_with_nothing_in_common_are_not_the_same(compared):
    found = compared(a={"sizes": (8,)}, b={"sizes": (64,)})
    assert not found.judgements and found.status == 4


def test_an_axis_that_is_not_known_is_never_mixed(compared):
    by_half = (("alignment", lambda point: 64 if point["repeat"] % 2 else 128),)
    found = compared(fields=by_half)
    assert len(found.verdicts) == 8 and not found.notes
    found = compared(a={"fields": (("alignment", 64),)}, b={"fields": (("alignment", 128),)})
    assert not found.verdicts and len(found.only_a) == len(found.only_b) == 4


def test_an_axis_that_only_a_newer_version_records_is_left_out_with_a_word(compared):
    found = compared(b={"fields": (("alignment", 64),)})
    assert len(found.verdicts) == 4 and "alignment" in found.notes[0]
    found = compared(b={"fields": (("alignment", lambda point: 64 * (1 + point["repeat"] % 2)),)})
    assert not found.verdicts


def test_trials_of_other_lengths_are_told(compared):
    assert "last differently long" in compared(b={"fields": (("duration_s", 1.0),)}).notes[0]
    assert not compared().notes


def test_an_interrupted_trial_is_no_repeat(compared):
    found = compared(interrupted="SIGINT")
    assert sorted(one.change.n_a for one in found.judgements if one.point and one.metric.name == "throughput") == [19, 20, 20, 20]


def test_crews_of_one_are_compared_although_nothing_is_proven(compared):
    found = compared(verdicts=(("mutex", "INCONCLUSIVE"),), fields=(("expect", "INCONCLUSIVE"),), syncs=("mutex",), noise=0.01,
                     b={"speeds": (("mutex", 0.8),)})
    assert set(says(found)) == {WORSE} and found.status == 5


def test_a_primitive_that_comes_to_no_verdict_any_more_proves_less(compared):
    one = {"syncs": ("mutex",), "populations": ((2, 2),), "verdicts": (("mutex", "CLEAN"),)}
    unproven = {"verdicts": (("mutex", "INCONCLUSIVE"),), "fields": (("expect", "INCONCLUSIVE"),)}
    assert [verdict.says for verdict in compared(**one, repeats=2, b=unproven).verdicts] == ["weaker"]
    assert compared(**one, repeats=2, b=unproven).status == 0
    assert compared(**one, repeats=20, b=unproven).status == 1
    unsupported = {"verdicts": (("mutex", "UNSUPPORTED"),), "fields": (("expect", "UNSUPPORTED"),)}
    assert compared(**one, repeats=1, b=unsupported).status == 1
