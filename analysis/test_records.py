"""Checks the reader: whole, truncated, damaged and foreign files, and what is kept of a run."""

import json
import os

import pytest

import records
import synthetic


def lines_of(folder):
    with open(os.path.join(folder, "run.jsonl"), encoding="utf-8") as file:
        return file.readlines()


def write_lines(folder, lines):
    with open(os.path.join(folder, "run.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(lines)


def index_of(lines, kind):
    return next(place for place, line in enumerate(lines) if json.loads(line)["type"] == kind)


def test_a_whole_run(run_of):
    run = run_of(repeats=3)
    assert len(run.trials) == len(run.judged) == 4 * 4 * 3
    assert len(run.points) == 16
    assert all(len(data.trials) == 3 for data in run.points.values())
    assert not run.warnings and not run.truncated
    assert run.end["exit_status"] == 0


def test_folder_and_file_are_the_same(folder_of):
    folder = folder_of()
    assert list(records.read(str(folder)).trials) == list(records.read(str(folder / "run.jsonl")).trials)


def test_histograms_are_added_over_the_repeats(run_of):
    run = run_of(syncs=("mutex",), populations=((2, 1),), repeats=4, samples=100)
    data = next(iter(run.points.values()))
    assert data.histograms["acquire", "writer"].count == 400
    assert data.histogram("acquire").count == 800
    assert data.histogram("sighting") is None


def test_points_differ_by_their_settings(folder_of):
    folder = folder_of(syncs=("mutex",), populations=((1, 1),), repeats=2)
    lines = lines_of(folder)
    for place, line in enumerate(lines):
        record = json.loads(line)
        if record["type"] == "trial" and record["trial"] == 2:
            lines[place] = json.dumps({**record, "hold_ns": 1000}) + "\n"
    write_lines(folder, lines)
    assert len(records.read(str(folder)).points) == 2


def test_workers_are_reduced(run_of):
    run = run_of(syncs=("mutex",), populations=((3, 0),), repeats=1, verdicts=(("mutex", "WEDGED"),))
    crew = run.trials[1].crew
    assert crew.workers == 3
    assert 0 < crew.fairness() <= 1
    assert crew.casualties == {("writer", "acquiring", "ended by the watchdog"): 1}


def test_evidence_is_limited(folder_of):
    folder = folder_of(syncs=("none",), populations=((1, 1),), repeats=1)
    lines = lines_of(folder)
    place = index_of(lines, "violation")
    write_lines(folder, lines[:place] + [lines[place]] * 500 + lines[place:])
    assert len(records.read(str(folder)).trials[1].evidence) == records.EVIDENCE_KEPT


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_truncated_end_is_a_warning(folder_of, cut):
    folder = folder_of()
    path = folder / "run.jsonl"
    with open(path, "rb+") as file:
        file.truncate(os.path.getsize(path) - 1 - cut)
    heard = []
    run = records.read(str(folder), heard.append)
    assert run.truncated and run.end is None
    assert len(run.judged) == 48
    assert any("ends in the middle" in message for message in heard)


def test_a_cut_inside_a_character_is_a_truncated_end(folder_of):
    folder = folder_of(hostname="naïve")
    lines = lines_of(folder)
    with open(folder / "run.jsonl", "wb") as file:
        file.write("".join(lines[:-1]).encode() + '{"type":"end","x":"ï'.encode()[:-1])
    assert records.read(str(folder)).truncated


def test_every_prefix_of_a_run_is_readable_or_clearly_refused(folder_of):
    folder = folder_of(syncs=("mutex", "none"), populations=((1, 1),), repeats=1, samples=30)
    path = folder / "run.jsonl"
    whole = path.read_bytes()
    for length in range(0, len(whole), 61):
        path.write_bytes(whole[:length])
        try:
            run = records.read(str(folder))
        except records.DataError as error:
            assert "no verdict" in str(error) or "no records" in str(error)
        else:
            assert run.judged


def test_a_last_line_without_newline_is_whole(folder_of):
    folder = folder_of()
    path = folder / "run.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert records.read(str(folder)).end is not None


def test_a_trial_under_way_has_no_verdict_and_its_histograms_do_not_count(folder_of):
    folder = folder_of(syncs=("mutex",), populations=((1, 0),), repeats=2, samples=100)
    lines = lines_of(folder)
    last = max(place for place, line in enumerate(lines) if json.loads(line)["type"] == "verdict")
    write_lines(folder, lines[:last])
    run = records.read(str(folder))
    assert [trial.verdict for trial in run.trials.values()] == ["CLEAN", None]
    assert next(iter(run.points.values())).histogram("acquire").count == 100


@pytest.mark.parametrize("damage", ["not json\n", '{"type":"trial"\n', "[1]\n", "{}\n", '{"type":"interval","x":NaN}\n',
                                    '{"type":"worker","trial":"one"}\n', '{"type":"histogram","trial":1}\n'])
def test_damage_in_the_middle_names_its_line(folder_of, damage):
    folder = folder_of()
    lines = lines_of(folder)
    place = index_of(lines, "verdict")
    write_lines(folder, lines[:place] + [damage] + lines[place:])
    with pytest.raises(records.DataError, match=rf"line {place + 1}\b"):
        records.read(str(folder))


@pytest.mark.parametrize("schema", ["shmoo/2", "shmoo/10", "shmoo/", "other/1"])
def test_an_unknown_major_version_is_refused(folder_of, schema):
    with pytest.raises(records.DataError, match="shmoo/1 only"):
        records.read(str(folder_of(schema=schema)))


def test_a_minor_version_with_new_fields_and_types_is_read(folder_of):
    folder = folder_of(schema="shmoo/1.7")
    lines = [json.dumps({**json.loads(line), "novelty": {"a": 1}}) + "\n" for line in lines_of(folder)]
    lines.insert(3, '{"type":"weather","trial":99,"rain":true}\n')
    write_lines(folder, lines)
    assert len(records.read(str(folder)).judged) == 48


def test_several_runs_in_one_file_are_refused(folder_of):
    folder = folder_of(repeats=1)
    write_lines(folder, lines_of(folder) * 2)
    with pytest.raises(records.DataError, match="second `run` record"):
        records.read(str(folder))


def test_a_file_that_is_no_run(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text('{"type":"trial","trial":1}\n')
    with pytest.raises(records.DataError, match="before any `run` record"):
        records.read(str(path))


def test_nothing_there(tmp_path):
    with pytest.raises(records.DataError, match="no such run"):
        records.read(str(tmp_path / "absent"))
    with pytest.raises(records.DataError, match="holds no run.jsonl"):
        records.read(str(tmp_path))
    (tmp_path / "run.jsonl").write_text("")
    with pytest.raises(records.DataError, match="holds no records"):
        records.read(str(tmp_path))


def test_a_run_without_verdicts(folder_of):
    folder = folder_of()
    lines = lines_of(folder)
    write_lines(folder, lines[:index_of(lines, "trial") + 1])
    with pytest.raises(records.DataError, match="no verdict"):
        records.read(str(folder))


def test_an_end_record_that_disagrees_is_said(folder_of):
    folder = folder_of()
    lines = lines_of(folder)
    lines[-1] = json.dumps({**json.loads(lines[-1]), "trials_done": 7}) + "\n"
    write_lines(folder, lines)
    assert "counts 7 trials, the file holds 48" in records.read(str(folder)).warnings[0]


def test_null_throughput_stays_none(run_of):
    run = run_of(syncs=("mutex",), unmeasured=("mutex",))
    assert {trial.ops_per_s for trial in run.judged} == {None}


def test_generated_trials_are_about_as_many_as_asked_for():
    for wanted in (10, 100, 1000, 5000):
        recipe = synthetic.recipe_of(wanted)
        assert 0.5 * wanted <= len(list(synthetic.Generator(recipe).plan())) <= 1.5 * wanted


def test_an_empty_histogram_is_no_histogram(folder_of):
    folder = folder_of(syncs=("mutex",), populations=((1, 0),), repeats=1, samples=50)
    lines = lines_of(folder)
    for place, line in enumerate(lines):
        record = json.loads(line)
        if record["type"] == "histogram":
            lines[place] = json.dumps({**record, "count": 0, "sum": 0, "min": None, "max": None, "buckets": []}) + "\n"
    write_lines(folder, lines)
    assert not next(iter(records.read(str(folder)).points.values())).histograms
