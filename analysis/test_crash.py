"""Checks how deaths are gathered, what the matrix, the sweep and the times show of them, and the table."""

import json
import re

import chart_crash
import chart_recovery
import chart_words
import crash
import exports
import plot
import records
import tables

SWEPT = tuple(f"die:inside:kill:one:{word}" for word in range(4))
ONE = {"populations": ((2, 1),), "sizes": (64,)}
FATES = (("mutex", "WEDGED"), ("semaphore", "WEDGED"), ("mutex-robust", "CLEAN"), ("none", ("CORRUPT", "CLEAN")))


def texts(panel):
    return " ".join(command for command in panel.canvas.commands if command.startswith("set label"))


def test_what_is_no_death_is_in_no_block(run_of):
    assert crash.blocks(run_of(**ONE, faults=("none", "stop:5"))) == []


def test_deaths_are_gathered_by_primitive_and_blow(run_of):
    block, = crash.blocks(run_of(**ONE, syncs=("mutex", "semaphore"), repeats=3, verdicts=FATES,
                                 faults=("die:before:kill:one", "die:inside:segv:all-but-one:4")))
    assert (block.load, block.writers, block.readers, block.size) == ("snapshot", 2, 1, 64)
    assert [(blow.place, blow.manner, blow.others, blow.number) for blow in block.blows] == [
        ("before", "kill", (), None), ("inside", "segv", ("all-but-one",), 4.0)]
    assert [block.cells[sync][block.blows[1]].outcomes for sync in ("mutex", "semaphore")] == [
        [("wedged", 3)], [("permit lost", 3)]]


def test_a_cell_counts_outcomes_times_and_torn_data(run_of):
    block, = crash.blocks(run_of(**ONE, syncs=("none",), repeats=4, verdicts=FATES, faults=("die:inside:kill:one:4",)))
    cell = block.cells["none"][block.blows[0]]
    assert cell.outcomes == [("corrupt", 2), ("recovered", 2)] and cell.leading == ("corrupt", 2)
    assert (cell.torn, cell.looked_at, len(cell.times), cell.odd, cell.expected) == (2, 4, 4, 2, "CORRUPT")
    assert cell.times == sorted(cell.times) and crash.spread(cell.times).count(" to ") == 1
    assert crash.spread([]) == "never"


def test_a_sweep_stands_in_the_matrix_with_one_number(run_of):
    block, = crash.blocks(run_of(**ONE, syncs=("mutex",), faults=(*SWEPT, "die:inside:abort:one:3")))
    assert [blow.number for blow in block.sweeps()["inside", "kill", ()]] == [0, 1, 2, 3]
    assert [(blow.manner, blow.number) for blow in block.matrix()] == [("kill", 3), ("abort", 3)]
    alone, = crash.blocks(run_of(**ONE, syncs=("mutex",), faults=SWEPT))
    assert [blow.number for blow in alone.matrix()] == [2]


def test_the_matrix_shows_outcome_count_and_what_was_not_expected(run_of):
    run = run_of(**ONE, syncs=("mutex", "mutex-robust"), repeats=2, verdicts=FATES, faults=("die:inside:kill:one:4",))
    panel, = chart_crash.build(run, {}).panels
    plot.draw([panel])
    drawn = texts(panel)
    assert "2/2" in drawn and "wedged" in drawn and "recovered" in drawn and "permit" not in drawn
    loud = [command for command in panel.canvas.commands if "border lc" in command]
    assert len(loud) == 1  # the mutex was expected to be CLEAN here


def test_large_matrices_are_cut(run_of):
    faults = tuple(f"die:{place}:{manner}:one" for place in ("before", "waiting", "releasing", "after")
                   for manner in crash.MANNERS)
    panels = chart_crash.build(run_of(**ONE, syncs=("mutex",), repeats=1, faults=faults), {}).panels
    assert len(panels) == 2 and "waiting" in texts(panels[0]) and "after" in texts(panels[1])


def test_the_sweep_shows_shares_and_needs_one(run_of):
    run = run_of(**ONE, syncs=("none", "mutex"), repeats=2, verdicts=(("none", "CORRUPT"),), faults=SWEPT)
    panel, = chart_words.build(run, {}).panels
    plot.draw([panel])
    assert "100" in texts(panel) and "0 %" in texts(panel).replace("\\045", "%")
    assert chart_words.build(run_of(**ONE, faults=SWEPT[:2]), {}) is None


def test_times_are_dots_and_what_never_came_is_a_cross(run_of):
    run = run_of(**ONE, syncs=("none", "mutex"), repeats=2, verdicts=FATES[:1] + (("none", "CORRUPT"),), faults=SWEPT[:1])
    panel, = chart_recovery.build(run, {}).panels
    plot.draw([panel])
    assert any("nobody had it again in 2 of 2" in tip for tip in panel.canvas.tips)
    assert "2/2" in texts(panel) and "0/2" in texts(panel)
    assert chart_recovery.build(run_of(**ONE, syncs=("mutex",), verdicts=FATES, faults=SWEPT[:1]), {}) is None


def test_who_is_only_stopped_is_in_the_matrix_and_no_death(run_of):
    run = run_of(**ONE, syncs=("mutex",), faults=("die:inside:stop:one:4",))
    assert "stop" in texts(chart_crash.build(run, {}).panels[0])
    assert chart_recovery.build(run, {}) is None


def test_the_table_holds_every_cell(run_of):
    run = run_of(**ONE, syncs=("none", "mutex"), repeats=3, verdicts=FATES, faults=SWEPT)
    table, = tables.deaths(run)
    assert len(table.rows) == 8 and all(len(row) == len(table.headings) for row in table.rows)
    wedged = table.rows[4]
    assert [cell.words.replace(tables.NO_BREAK, " ") for cell in wedged[:8]] == [
        "mutex", "inside", "kill", "0", "CLEAN", "‖ wedged 3/3", "3", "never"]
    assert "loud" in wedged[5].kind


def test_the_page_has_the_section_only_with_deaths(folder_of, report):
    folder = folder_of(**ONE, syncs=("mutex",), faults=SWEPT)
    status, out, _ = report(folder)
    assert status == 0
    with open(out.strip(), encoding="utf-8") as file:
        assert 'id="crashes"' in file.read()
    path = folder / "run.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for record in lines:
        record.pop("outcome", None)
    path.write_text("".join(json.dumps(record) + "\n" for record in lines))
    assert crash.blocks(records.read(str(folder))) == []
    status, out, _ = report(folder)
    with open(out.strip(), encoding="utf-8") as file:
        assert 'id="crashes"' not in file.read()


def test_the_matrix_is_written_as_tables(run_of):
    run = run_of(**ONE, syncs=("mutex", "mutex-robust", "none"), repeats=2, verdicts=FATES, faults=SWEPT[:3])
    text = exports.named("crash").text(run)
    lines = text.splitlines()
    assert "‖ wedged" in lines[0] and "18 trials" in lines[0] and "permit" not in lines[0]
    assert "| sync | inside kill 1 | next acquisition |" in lines
    assert "| mutex | ‖ \\(\\!\\) | never |" in lines  # it was expected to be CLEAN here
    robust, none = (next(line for line in lines if line.startswith(f"| {sync} |")) for sync in ("mutex-robust", "none"))
    assert " ✓ " in robust and "never" not in robust
    assert re.search("✗1 ✓1", none)
    assert any(re.match(r"\| none \| \d/2 \|.* 50 % \|", line) for line in lines)
    assert exports.named("crash").text(run_of(**ONE, faults=("none",))).startswith("Nobody was killed")
