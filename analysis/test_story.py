"""Checks what the page says: the headline, the groups of failures with their evidence, the tables."""

import pytest

import latency_table
import story
import tables


def test_all_as_expected(run_of):
    told = story.headline(run_of())
    assert (told.state, told.words) == ("good", "All 48 trials came out as expected")
    assert told.exit_status == "0: everything was as expected"
    assert [(chip.word, chip.count, chip.unexpected) for chip in told.chips] == [("CORRUPT", 12, 0), ("CLEAN", 36, 0)]
    assert not told.banners


def test_unexpected(run_of):
    told = story.headline(run_of(verdicts=(("spin", "WEDGED"), ("none", "CLEAN"))))
    assert (told.state, told.words) == ("bad", "24 of 48 trials came out unexpected")
    assert {chip.word: chip.unexpected for chip in told.chips} == {"WEDGED": 12, "CLEAN": 12}


def test_one_trial(run_of):
    told = story.headline(run_of(syncs=("mutex",), populations=((1, 0),), repeats=1))
    assert told.words == "The trial came out as expected"


def test_nothing_judged_is_not_good(run_of):
    run = run_of(syncs=("mutex",), verdicts=(("mutex", "INCONCLUSIVE"),))
    for trial in run.judged:
        trial.as_expected = True
    assert story.headline(run).state == "unsure"


def test_a_run_that_is_not_whole_says_so(run_of):
    told = story.headline(run_of(ending="open"))
    assert told.state == "unsure" and "as far as the run got" in told.words
    assert "unknown" in told.exit_status
    assert any("holds 48 trials, and 47 have a verdict" in sentence for sentence in told.banners)
    assert any("Trial 48 (spin, snapshot, 4w4r, 64 B) began" in sentence for sentence in told.banners)


def test_an_interrupted_run_says_so(run_of):
    told = story.headline(run_of(interrupted="SIGINT"))
    assert told.exit_status == "130: ended by SIGINT"
    assert any("interrupted by SIGINT" in sentence for sentence in told.banners)


@pytest.mark.parametrize("status, words", [(4, "4: nothing ran, or only inconclusive trials"),
                                           (143, "143: ended by SIGTERM"),
                                           (77, "77: a status that this report does not know"),
                                           (250, "250: ended by signal 122")])
def test_exit_status(status, words):
    assert story.exit_status_words(status) == words


def test_failures_come_unexpected_first_with_evidence(run_of):
    groups, left = story.failures(run_of(verdicts=(("spin", "CORRUPT"), ("mutex", "WEDGED"))))
    assert [(group.word, group.sync, group.expected) for group in groups] == [
        ("CORRUPT", "spin", False), ("WEDGED", "mutex", False), ("CORRUPT", "none", True)]
    assert left == 0
    first = groups[0]
    assert 0 < len(first.evidence) <= story.MOST_EVIDENCE
    assert len(first.replays) == story.MOST_REPLAYS and first.more_replays == 7
    assert first.kinds == [("torn", 144), ("lost", 60)]
    assert groups[1].casualties == ["12 writers while acquiring: ended by the watchdog"]


def test_an_unexpectedly_clean_trial_is_a_failure(run_of):
    groups, _ = story.failures(run_of(syncs=("none",), verdicts=(("none", "CLEAN"),)))
    assert [(group.word, group.expected, group.expect) for group in groups] == [("CLEAN", False, "CORRUPT")]


def test_evidence_prefers_different_kinds(run_of):
    groups, _ = story.failures(run_of(syncs=("none",)))
    kinds = [item.kind for item in groups[0].evidence]
    assert len(set(kinds)) == len(kinds)


def test_bytes_are_split_where_the_evidence_begins():
    lines = story.hex_lines({"bytes": bytes(range(40)).hex(), "bytes_at": 100, "offset": 118})
    assert [line[0] for line in lines] == ["0x0064", "0x0074", "0x0084"]
    assert lines[0][1:] == (bytes(range(16)).hex(" "), "")
    assert lines[1][1:] == ("10 11", bytes(range(18, 32)).hex(" "))
    assert lines[2][1] == ""


@pytest.mark.parametrize("record", [{}, {"bytes": None}, {"bytes": "zz"}, {"bytes": 12}, {"bytes": ""}])
def test_bytes_that_are_none(record):
    assert story.hex_lines(record) == []


def test_reasons_that_differ_in_figures_only_are_one():
    assert story._common(["3 of 9 lost", "14 of 15 lost", "a wedge"], 5) == [("3 of 9 lost", 2), ("a wedge", 1)]


def test_what_the_harness_found_itself_has_no_worker(run_of):
    run = run_of(syncs=("none",), populations=((1, 0),), repeats=1)
    run.trials[1].evidence = [{"kind": "lost", "text": "lost: 3 updates", "worker": -1, "role": "audit", "at_s": 0.02},
                              {"kind": "count", "text": "totals", "worker": None, "role": None}]
    items = story.failures(run)[0][0].evidence
    assert [(item.finder, item.text) for item in items] == [("trial 1, the audit, after 20 ms", "3 updates"),
                                                            ("trial 1, the harness", "totals")]


def test_an_expected_word_that_counts_as_unexpected_is_explained(run_of):
    run = run_of(syncs=("none",), populations=((1, 0),), repeats=1)
    run.trials[1].as_expected = False
    run.trials[1].exposure["idle_workers"] = 2
    assert story.failures(run)[0][0].judgement == (
        "Unexpected, although CORRUPT was the expected verdict: it does not count as proof, 2 workers did nothing.")


def test_versions():
    assert story.version_words({"version": 7, "writer": 1}) == "version 7 of writer 1"
    assert story.version_words({"version": 0, "writer": -1}) == "the initial content"
    assert story.version_words({"value": 12}) == "12"
    assert story.version_words(None) == ""


def test_unjudged_trials_give_their_reason(run_of):
    verdicts = (("mutex", "UNSUPPORTED"), ("spin", "INCONCLUSIVE"))
    rows, _ = story.unjudged(run_of(syncs=("mutex", "spin"), verdicts=verdicts))
    assert [(row.word, row.sync) for row in rows] == [("INCONCLUSIVE", "spin"), ("UNSUPPORTED", "mutex")]
    assert [row.count for row in rows] == [12, 12]
    assert rows[1].reason == "the C library has no robust mutex between processes"


def words_of(table, row):
    return dict(zip((words for words, _ in table.headings), (cell.words for cell in table.rows[row])))


def test_tradeoffs(run_of):
    run = run_of(syncs=("none", "mutex"), populations=((2, 2),), repeats=3)
    [table] = tables.tradeoffs(run)
    row = words_of(table, 1)
    point, data = list(run.points.items())[1]
    assert row["sync"] == point.sync == "mutex"
    assert row["repeats"] == "3" and "–" in row["95 % interval"]
    assert row["acquire max"].endswith(("us", "ms"))
    expected = sum(trial.exposure["handoffs"] for trial in data.trials) / sum(trial.ops for trial in data.trials)
    assert row["hand-offs"] == f"{100 * expected:.3g} %"
    assert words_of(table, 0)["ops/s, median"].endswith("✗")


def test_tradeoffs_say_not_available_and_too_few(run_of):
    [table] = tables.tradeoffs(run_of(syncs=("mutex",), unmeasured=("mutex",), populations=((1, 0),), repeats=1,
                                      samples=30))
    row = words_of(table, 0)
    assert (row["ops/s, median"], row["acquire 99\N{NO-BREAK SPACE}%"]) == ("N/A", "too few")


def test_many_trials_make_a_light_table(run_of):
    few = tables.trials(run_of(repeats=2))
    many = tables.trials(run_of(repeats=40, samples=20, workers=False, intervals=0))
    assert len(few.rows) == 32 and len(many.rows) == 640
    assert len(many.headings) < len(few.headings)


def test_host_in_words(run_of):
    (title, rows), = tables.hosts(run_of())
    rows = dict(rows)
    assert not title
    assert rows["memory"] == "8 GiB" and rows["governor"] == "not known" and rows["shm filesystem"] == "tmpfs"


def test_all_latencies_by_number_and_by_time(run_of):
    run = run_of(syncs=("mutex", "spin"), populations=((2, 2),), repeats=2, samples=3000)
    table = latency_table.latencies(run)
    assert [[row[place].words for place in (3, 4)] for row in table.rows] == [["mutex", "acquire"], ["mutex", "hold"],
                                                                           ["spin", "acquire"], ["spin", "hold"]]
    [acquire, *_] = table.rows
    numbers, times = ([float(cell.value) for cell in acquire[start:start + 4]] for start in (6, 10))
    assert numbers == sorted(numbers) and times == sorted(times) and all(time >= number for number, time in zip(numbers, times))
    histogram = next(iter(run.points.values())).histogram("acquire")
    assert [acquire[5].value, acquire[-2].value] == ["12000", f"{histogram.max:.6g}"] and acquire[-1].words.startswith(f"trial{tables.NO_BREAK}")
    assert len(acquire) == len(table.headings) and latency_table.latencies(run_of(syncs=("mutex",), verdicts=(("mutex", "UNSUPPORTED"),))) is None


def test_many_latencies_are_cut_and_it_is_said(run_of, monkeypatch):
    monkeypatch.setattr(latency_table, "MOST_ROWS", 5)
    table = latency_table.latencies(run_of(syncs=("mutex", "spin"), populations=((1, 0), (2, 0)), repeats=1))
    assert len(table.rows) == 4 and table.note.startswith("4 more rows left out")
