"""Feeds the reader damaged lines; and what such lines have shown, each by itself."""

import json
import os

import pytest

import fuzz_records
import records


def test_damaged_lines_are_read_or_refused_in_words():
    taken = fuzz_records.run(1500, seed=20261)
    assert 100 < taken < 1400


def test_a_finding_is_told_with_what_repeats_it(monkeypatch, capsys):
    def broken(run):
        raise ZeroDivisionError("what reckons with a run breaks")
    monkeypatch.setattr(fuzz_records, "judge_run", broken)
    with pytest.raises(ZeroDivisionError):
        fuzz_records.run(50, seed=1)
    assert "of seed 1 (ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("kind,change,word", [
    ("end", {"trials_done": "all"}, "trials_done"),
    ("histogram", {"sub_bits": 4}, "do not merge"),
    ("run", {"schema": "shmoo/" + "9" * 5000}, "999..."),
    ("trial", {"size": 10 ** 60}, "digits"),
])
def test_what_damaged_lines_have_shown_is_refused(folder_of, kind, change, word):
    folder = folder_of(syncs=("mutex",), populations=((2, 1),), repeats=2)
    path = os.path.join(folder, "run.jsonl")
    with open(path, encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    last = [record for record in found if record["type"] == kind][-1]
    last.update(change)
    if kind == "histogram":
        last["buckets"], last["count"] = [[3, 1]], 1
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in found)
    with pytest.raises(records.DataError, match=word) as refusal:
        records.read(str(folder))
    assert len(str(refusal.value)) < 500


def test_a_number_beyond_all_numbers_is_refused(folder_of):
    path = folder_of(syncs=("mutex",), populations=((1, 1),), repeats=1) / "run.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"seconds":', '"seconds":1e999,"was":'), encoding="utf-8")
    with pytest.raises(records.DataError, match="beyond all numbers"):
        records.read(str(path))
