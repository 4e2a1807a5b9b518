"""Checks the recommendation with runs in which it is known who should be recommended, and where nobody should."""

import pytest
from scipy import stats as scipy_stats

import metrics
import records
import recommend
import recommend_words
import synthetic
from recommend import ALONE, CLEAR, FEW, NOBODY, TIE


@pytest.fixture(name="found_of")
def found_of_fixture(tmp_path):
    """A function that recommends for a recipe's run; `change` may alter the run in between."""
    def make(change=None, **parameters):
        path = synthetic.write(str(tmp_path / "run"), synthetic.Recipe(**{"samples": 400, "repeats": 6, "noise": 0.02, **parameters}))
        run = records.read(path, keep=metrics.LATENCIES)
        if change:
            change(run)
        return recommend.recommend(run)
    return make


def choices(found, criterion="throughput"):
    return [choice for choice in found.choices if choice.criterion.name == criterion]


def test_the_fastest_that_is_sound_is_recommended(found_of):
    found = found_of(syncs=("none", "mutex", "spin"), populations=((2, 2),))
    choice, = choices(found)
    assert (choice.says, choice.best) == (CLEAR, ["spin"]) and choice.excluded == {"none": "CORRUPT here"}
    spin, mutex = choice.figures
    assert mutex.loss == pytest.approx(1 - mutex.value / spin.value, abs=0.02) and mutex.loss_interval.low > 0.05
    assert "spin" in recommend_words.cell(choice) and "next mutex" in recommend_words.cell(choice)


def test_equals_are_a_tie(found_of):
    found = found_of(syncs=("mutex", "spin"), populations=((2, 2),), speeds=(("spin", 5.2 / 7.8),), noise=0.05)
    choice, = choices(found)
    assert choice.says == TIE and set(choice.best) == {"mutex", "spin"} and not found.flips


def test_few_repeats_decide_nothing(found_of):
    found = found_of(syncs=("mutex", "spin"), populations=((2, 2),), repeats=2)
    assert {choice.says for choice in found.choices} == {FEW} and not found.summaries
    assert "left open" in " ".join(recommend_words.sentences(found))


def moved(ways):
    """Sets the distances of a run's trials, by repeat; in far ones spin is four times as slow, and mutex twice."""
    def change(run):
        for trial in run.judged:
            trial.line_ns = ways(trial)
            if trial.line_ns and trial.line_ns > 300:
                trial.ops_per_s /= 4 if trial.point.sync == "spin" else 2
    return change


def test_what_ran_while_the_cpus_were_elsewhere_is_not_compared(found_of):
    found = found_of(moved(lambda trial: 450 if trial.repeat in (1, 2) else 90), syncs=("mutex", "spin"), populations=((2, 2),))
    choice, = choices(found)
    assert (choice.says, choice.best, found.elsewhere) == (CLEAR, ["spin"], 4) and {figure.n for figure in choice.figures} == {4}
    assert "4 trials left out" in " ".join(recommend_words.sentences(found))
    near, = choices(found_of(syncs=("mutex", "spin"), populations=((2, 2),)))
    assert choice.figures[0].value == pytest.approx(near.figures[0].value, rel=0.05)


def test_who_is_not_recommended_anyway_takes_no_part_in_choosing_the_distance(found_of):
    """Of the broken one all trials were near, and of the sound ones most were far."""
    found = found_of(moved(lambda trial: 90 if trial.point.sync == "none" or trial.repeat == 1 else 450),
                     syncs=("none", "mutex", "spin"), populations=((2, 2),))
    choice, = choices(found)
    assert choice.excluded == {"none": "CORRUPT here"} and {figure.n for figure in choice.figures} == {5} and found.elsewhere == 2


@pytest.mark.parametrize("ways", [
    lambda trial: 107 if trial.repeat in (1, 2) else 57, lambda trial: None, lambda trial: 450 if trial.point.sync == "spin" else 90])
def test_nothing_is_left_out_without_need_or_where_nobody_would_be_left(found_of, ways):
    found = found_of(moved(ways), syncs=("mutex", "spin"), populations=((2, 2),))
    assert found.elsewhere == 0 and "left out" not in " ".join(recommend_words.sentences(found))


def test_who_broke_elsewhere_is_recommended_nowhere(found_of):
    found = found_of(syncs=("mutex", "spin"), populations=((1, 1), (2, 2)), verdicts=(("spin", ("CLEAN",) * 11 + ("CORRUPT",)),))
    assert {choice.says for choice in choices(found)} == {ALONE}
    assert all("CORRUPT" in choice.excluded["spin"] for choice in choices(found))


def test_where_all_broke_nobody_is_recommended(found_of):
    found = found_of(syncs=("mutex", "spin"), populations=((2, 2),), verdicts=(("spin", "CORRUPT"), ("mutex", "WEDGED")))
    choice, = found.choices
    assert (choice.says, choice.best) == (NOBODY, []) and recommend_words.cell(choice).startswith("nobody")


def slow_in_a_crowd(run):
    for trial in run.judged:
        if trial.point.sync == "spin" and trial.point.writers > 2:
            trial.ops_per_s *= 0.2


def test_a_flip_is_found_where_it_is(found_of):
    found = found_of(slow_in_a_crowd, syncs=("mutex", "spin"), populations=((1, 0), (2, 0), (4, 0), (8, 0)))
    flips = [flip for flip in found.flips if flip.criterion.name == "throughput"]
    assert [(flip.axis, flip.before.condition.writers, flip.after.condition.writers) for flip in flips] == [("population", 2, 4)]
    assert (flips[0].before.best, flips[0].after.best) == (["spin"], ["mutex"]) and flips[0].cost > 0.5
    words, left = recommend_words.flip_sentences(found)
    assert left == 0 and "from spin at 2w0r to mutex at 4w0r" in words[0]
    summary = next(one for one in found.summaries if one.criterion.name == "throughput")
    assert summary.wins == {"mutex": 2, "spin": 2} and summary.safest == "mutex"


def test_survival_has_the_interval_of_its_deaths(found_of):
    found = found_of(syncs=("mutex", "spin"), populations=((2, 2),), faults=("die:inside:kill:one:1",), repeats=9,
                     verdicts=(("spin", ("CLEAN", "WEDGED", "WEDGED")),))
    rows = {row.sync: row for row in found.survivals}
    assert (rows["mutex"].deaths, rows["mutex"].recovered, rows["mutex"].holds) == (9, 9, True)
    assert (rows["spin"].recovered, rows["spin"].holds) == (3, False)
    exact = scipy_stats.beta.ppf(0.025, 3, 7), scipy_stats.beta.ppf(0.975, 4, 6)
    assert (rows["spin"].interval.low, rows["spin"].interval.high) == pytest.approx(exact)
    assert rows["mutex"].interval.low == pytest.approx(0.025 ** (1 / 9))
