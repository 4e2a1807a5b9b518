"""Checks merging: each trial once, sums that are right, the same file whatever the order, and refusals in words."""

import itertools
import json
import os
import random
import shutil

import jsonschema
import pytest

import comparison
import metrics
import records
import synthetic
from conftest import HERE, command

SMALL = {"syncs": ("none", "mutex"), "populations": ((1, 1), (2, 2)), "repeats": 2, "samples": 80, "intervals": 1}


@pytest.fixture
def merge():
    return command("merge.py")


@pytest.fixture
def shard(tmp_path):
    """A function that writes a run of its own."""
    def make(name, **parameters):
        recipe = {**SMALL, "seed": sum(map(ord, name)), "run_id": f"20250102T0304{len(name):02}Z-{sum(map(ord, name))}", **parameters}
        synthetic.write(str(tmp_path / name), synthetic.Recipe(**recipe))
        return tmp_path / name
    return make


@pytest.fixture
def merged(merge, tmp_path):
    """A function that merges, which must succeed: the merged file's folder."""
    names = itertools.count()

    def make(*runs, options=()):
        folder = tmp_path / f"merged-{next(names)}"
        status, out, err = merge(*runs, "--out", folder, *options)
        assert status == 0, err
        assert out == f"{folder}\n" and os.listdir(folder) == ["run.jsonl"]
        return folder
    return make


def lines(folder, kind=None):
    with open(folder / "run.jsonl", encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    return [record for record in found if kind in (None, record["type"])]


def content(folder):
    return (folder / "run.jsonl").read_bytes()


def test_order_grouping_and_repetition_change_nothing(merged, shard):
    a, b, c = shard("a"), shard("b"), shard("c", syncs=("spin",))
    whole = content(merged(a, b, c))
    for order in itertools.permutations((a, b, c)):
        assert content(merged(*order)) == whole
    ab, bc = merged(a, b), merged(b, c)
    for runs in ((ab, c), (a, bc), (bc, a), (ab, bc), (a, a, b, c, c), (merged(a, b, c), b), (merged(ab, c), merged(c, ab), a)):
        assert content(merged(*runs)) == whole


def test_sums_are_those_of_the_shards(merged, shard):
    shards = [shard(name, sizes=(64, 512)) for name in ("a", "b", "c")]
    parts = [records.read(str(folder), keep=("acquire",)) for folder in shards]
    whole = records.read(str(merged(*shards)), keep=("acquire",))
    assert len(whole.judged) == sum(len(part.judged) for part in parts) and set(whole.points) == set(parts[0].points)
    for point, data in whole.points.items():
        pieces = [part.points[point] for part in parts]
        for figure in ("ops", "violations", "seconds"):
            assert sum(getattr(trial, figure) for trial in data.trials) == pytest.approx(
                sum(getattr(trial, figure) for piece in pieces for trial in piece.trials))
        for key, histogram in data.histograms.items():
            assert histogram.count == sum(piece.histograms[key].count for piece in pieces)
            assert histogram.counts == {index: sum(piece.histograms[key].counts.get(index, 0) for piece in pieces)
                                        for index in histogram.counts}


def test_totals_add_up_and_average_nothing(merged, shard):
    a, b = shard("a", samples=10), shard("b", samples=1000)
    folder = merged(a, b)
    whole = records.read(str(folder))
    found = lines(folder, "total")
    assert len(found) == len(whole.points)
    for total in found:
        data = next(data for point, data in whole.points.items() if total["point"].items() <= {**vars(point)}.items())
        assert total["trials"] == len(data.trials) == 4
        assert total["ops"] == sum(trial.ops for trial in data.trials)
        assert sum(total["verdicts"].values()) == 4
        assert total["exposure"]["handoffs"] == sum(trial.exposure["handoffs"] for trial in data.trials)
        for histogram in total["histograms"]:
            read = data.histograms[histogram["name"], histogram["role"]]
            assert (histogram["count"], histogram["min"], histogram["max"]) == (read.count, read.min, read.max)
            assert dict(map(tuple, histogram["buckets"])) == read.counts
            assert not any("p99" in name or "percentile" in name for name in histogram)


def test_every_record_is_as_the_schema_has_it(merged, shard):
    folder = merged(shard("a"), shard("b", hostname="other", rate=100.0), shard("c", build=("p", "baseline")))
    with open(os.path.join(HERE, "..", "results", "schema.json"), encoding="utf-8") as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    for record in lines(folder):
        validator.validate(record)
    for kind, change in (("part", {"run": None}), ("part", {"part": 0}), ("total", {"trials": -1}), ("total", {"histograms": None}),
                         ("trial", {"origin": {"part": "a"}})):
        record = lines(folder, kind)[0]
        assert not validator.is_valid({**record, **change}), (kind, change)


def test_unlike_hosts_stay_apart(merged, shard):
    folder = merged(shard("a"), shard("b", hostname="bench-02"), shard("c", hostname="bench-02", host=(("threads", 64),)))
    run = records.read(str(folder))
    labels = {point.host for point in run.points}
    assert len(labels) == 3 and "bench-01" in labels and sum(label.startswith("bench-02-") for label in labels) == 2
    assert {host["label"] for host in lines(folder, "host")} == labels
    assert {total["host"] for total in lines(folder, "total")} == labels
    assert all(len(data.trials) == 2 for data in run.points.values())


def test_names_of_containers_may_be_overlooked(merged, shard):
    a, b = shard("a", hostname="4f1c"), shard("b", hostname="99ab")
    assert len({point.host for point in records.read(str(merged(a, b))).points}) == 2
    assert {point.host for point in records.read(str(merged(a, b, options=("--any-hostname",)))).points} == {None}


def test_what_passes_from_run_to_run_is_no_other_host(merged, shard):
    other = (("load1", 9.0), ("shm", {"path": "/dev/shm", "filesystem": "tmpfs", "size_bytes": 1, "free_bytes": 0}))
    assert {point.host for point in records.read(str(merged(shard("a"), shard("b", host=other)))).points} == {None}


def cut(folder, share):
    """A copy of a run that was killed after this share of its bytes."""
    copy = folder.parent / f"{folder.name}-cut"
    shutil.copytree(folder, copy)
    text = content(folder)
    (copy / "run.jsonl").write_bytes(text[:int(len(text) * share)])
    return copy


@pytest.mark.parametrize("share", [0.35, 0.6, 0.85, 0.999])
def test_a_run_that_was_cut_off_gives_what_it_holds_and_the_whole_one_wins(merge, merged, shard, share):
    a, b = shard("a"), shard("b")
    half = cut(a, share)
    run = records.read(str(merged(half, b)))
    assert len(run.judged) == len(records.read(str(half)).judged) + 8
    assert run.end["trials_planned"] == 16
    assert content(merged(half, a)) == content(merged(a)) == content(merged(a, half))
    assert content(merged(half, b, a)) == content(merged(a, b))
    assert "ends in the middle" in merge(half, "--out", half.parent / "x")[2]


def test_several_runs_in_one_file_are_taken_apart(merged, shard, tmp_path):
    a, b = shard("a"), shard("b")
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "run.jsonl").write_bytes(content(a) + content(b))
    assert content(merged(tmp_path / "both")) == content(merged(a, b))


def test_runs_of_one_name_on_two_hosts_are_two(merged, shard):
    a, b = shard("a", hostname="x", run_id="20250102T030405Z-7", seed=3), shard("b", hostname="y", run_id="20250102T030405Z-7", seed=3)
    assert len(records.read(str(merged(a, b))).judged) == 16


def test_a_trial_that_was_changed_is_refused(merge, shard, tmp_path):
    a = shard("a")
    shutil.copytree(a, tmp_path / "forged")
    text = (tmp_path / "forged" / "run.jsonl").read_text(encoding="utf-8")
    (tmp_path / "forged" / "run.jsonl").write_text(text.replace('"as_expected":true', '"as_expected":false', 1), encoding="utf-8")
    status, out, err = merge(a, tmp_path / "forged", "--out", tmp_path / "o")
    assert (status, out) == (2, "") and "is not the same in" in err and "forged" in err
    assert not (tmp_path / "o").exists()


def test_interleaved_runs_keep_their_pairs(merged, shard):
    sides = {side: [shard(f"{side}{number}", build=(f"p{number}", side), run_id=f"20250102T03040{number}Z-1-{side}", hostname=f"h{number}",
                          repeats=10, noise=0.01, syncs=("mutex",)) for number in (1, 2)] for side in ("baseline", "candidate")}
    runs = [records.read(str(merged(*sides[side])), keep=metrics.LATENCIES) for side in ("baseline", "candidate")]
    found = comparison.compare(*runs, comparison.Terms())
    assert found.paired and found.status == 0
    assert {one.change.n_a for one in found.judgements if one.point} == {10}


def test_merged_runs_can_be_reported_and_compared(merged, report, shard):
    one = merged(shard("a"), shard("b", hostname="bench-02"))
    status, out, err = report(one)
    assert status == 0, err
    page = (one / "report.html").read_text(encoding="utf-8")
    assert out and "merged of" in page and "bench-02" in page and "host bench-01" in page
    status, out, err = command("compare.py")(one, one)
    assert status == 0 and "WORSE" not in out


@pytest.mark.parametrize("seed", range(3))
def test_any_shards_in_any_grouping_make_the_same(merged, shard, seed):
    dice = random.Random(seed)
    shards = [shard("s" * (number + 1), populations=((1, 1),), repeats=dice.randint(1, 3), syncs=("mutex",),
                    hostname=dice.choice(("x", "y")), samples=20) for number in range(5)]
    whole = content(merged(*shards))
    groups = [merged(*dice.sample(shards, dice.randint(1, 4))) for _ in range(3)]
    rest = [cut(shards[0], 0.7), *shards, *groups]
    dice.shuffle(rest)
    assert content(merged(*rest)) == whole


@pytest.mark.parametrize("kind,changes", [
    ("histogram", {"count": 0}), ("course", {"intervals": [[0, 1, [10**30, 1]]]})])
def test_figures_that_are_none_are_refused_in_words(merge, shard, tmp_path, kind, changes):
    run = shard("a")
    found = lines(run)
    next(record for record in found if record["type"] == kind).update(changes)
    (run / "run.jsonl").write_text("".join(json.dumps(record) + "\n" for record in found), encoding="utf-8")
    status, out, err = merge(run, "--out", tmp_path / "m")
    assert (status, out) == (2, "") and "does not add up" in err and len(err.splitlines()) == 1, err
    assert not (tmp_path / "m" / "run.jsonl").exists()


def test_texts_that_are_no_utf_8_stay_readable(merged, shard):
    run = shard("a")
    found = lines(run)
    found[1]["hostname"] = "\ud800"
    (run / "run.jsonl").write_text("".join(json.dumps(record) + "\n" for record in found), encoding="utf-8")
    assert lines(merged(run), "host")[0]["hostname"] == "\ud800"


def test_what_is_there_already_is_not_overwritten(merge, shard, tmp_path):
    a, b = shard("a"), shard("b")
    assert merge(a, "--out", tmp_path / "o")[0] == 0
    assert merge(a, "--out", tmp_path / "o")[0] == 0
    before = content(tmp_path / "o")
    status, out, err = merge(a, b, "--out", tmp_path / "o")
    assert (status, out) == (3, "") and "already" in err
    assert content(tmp_path / "o") == before and os.listdir(tmp_path / "o") == ["run.jsonl"]


def test_the_folder_has_a_name_of_its_own(merge, shard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = merge(shard("a"))
    assert status == 0 and out.startswith("results/runs/merge-") and (tmp_path / out.strip() / "run.jsonl").is_file()


@pytest.mark.parametrize("content_of, words", [
    (b"", "holds no records"), (b"gibberish\n", "line 1 is no JSON"), (b'{"type":"run","schema":"shmoo/2"}\n', "shmoo/1 only"),
    (b'{"type":"trial","trial":1}\n', "before any `run`"), (b'{"type":"run","schema":"shmoo/1","id":"x"}\n', "nothing to merge"),
    (b'{"type":"run","schema":"shmoo/1","merged":1}\n{"type":"trial","trial":1}\n', "lacks `origin`")])
def test_what_is_no_run_is_refused(merge, tmp_path, content_of, words):
    (tmp_path / "run.jsonl").write_bytes(content_of)
    status, out, err = merge(tmp_path, "--out", tmp_path / "o")
    assert (status, out) == (2, "") and words in err and "Traceback" not in err


def test_places_that_cannot_be_written(merge, shard, tmp_path):
    a = shard("a")
    (tmp_path / "file").write_text("x")
    assert merge(a, "--out", tmp_path / "file")[0] == 2
    status, _, err = merge(a, "--out", tmp_path / "file" / "below")
    assert status == 3 and "Not a directory" in err
    assert merge("absent")[0] == 2 and merge()[0] == 2
