"""The plan: axes and their order, dry runs, seeds, replay lines, and job files."""
import itertools
import shlex

import pytest
from testing import QUICK, one_line, records, verdicts

OPTION_OF = {"load": "--load", "sync": "--sync", "writers": "--writers", "readers": "--readers", "size": "--size"}


def plan_of(shmoo, *arguments):
    """The trials of a dry run, each as a dictionary of its options."""
    done = shmoo("run", *arguments, "--dry-run")
    assert done.returncode == 0, done.stderr
    trials = []
    for line in done.stdout.splitlines():
        words = shlex.split(line)
        assert words[:2] == ["shmoo", "run"]
        trials.append(dict(zip((word.removeprefix("--") for word in words[2::2]), words[3::2])))
    return trials


def write_job(shmoo, text, name="job.ini"):
    (shmoo.cwd / name).write_text(text, encoding="utf-8")
    return name


def test_a_dry_run_shows_each_trial_and_touches_nothing(shmoo):
    done = shmoo("run", "--dry-run")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 4
    assert "4 trials" in one_line(done.stderr)
    assert not list(shmoo.cwd.iterdir())


def test_without_options_the_four_named_syncs_run_with_two_writers_and_two_readers(shmoo):
    trials = plan_of(shmoo)
    assert [trial["sync"] for trial in trials] == ["none", "semaphore", "mutex", "spin"]
    assert {(trial["load"], trial["writers"], trial["readers"]) for trial in trials} == {("counter", "2", "2")}


def test_lists_make_a_grid_and_syncs_lie_next_to_each_other(shmoo):
    axes = {"load": ["counter", "snapshot"], "size": ["8", "4KiB"], "writers": ["1", "3"], "readers": ["2", "4"],
            "hold": ["1us", "2us"], "think": ["3us"], "fault": ["yield", "delay:5"], "sync": ["none", "mutex", "spin"]}
    arguments = itertools.chain.from_iterable((f"--{key}", ",".join(values)) for key, values in axes.items())
    found = [tuple(trial[key] for key in axes) for trial in plan_of(shmoo, *arguments)]
    assert found == list(itertools.product(*axes.values()))


def test_repeats_are_the_outermost_loop(shmoo):
    assert [trial["sync"] for trial in plan_of(shmoo, "--sync", "mutex,spin", "--repeat", "3")] == ["mutex", "spin"] * 3


def test_numbers_may_have_units(shmoo):
    trial, = plan_of(shmoo, "--sync", "mutex", "--size", "64k", "--duration", "0.5s", "--hold", "2000ns", "--rate",
                     "3k")
    assert (trial["size"], trial["duration"], trial["hold"], trial["rate"]) == ("64KiB", "500ms", "2us", "3k")


def test_spaces_in_a_list_do_not_count(shmoo):
    assert [trial["sync"] for trial in plan_of(shmoo, "--sync", " mutex ,\tspin ")] == ["mutex", "spin"]


def test_the_last_of_equal_options_wins(shmoo):
    assert [trial["sync"] for trial in plan_of(shmoo, "--sync", "spin,none", "--sync", "mutex")] == ["mutex"]


def test_a_very_long_list_is_a_plan_and_one_beyond_the_bound_is_an_error(shmoo):
    assert len(plan_of(shmoo, "--sync", ",".join(["mutex"] * 4096))) == 4096
    done = shmoo("run", "--dry-run", "--sync", ",".join(["mutex"] * 4097))
    assert (done.returncode, done.stdout) == (2, "")
    assert "4096" in one_line(done.stderr)


def test_a_plan_beyond_the_bound_is_an_error(shmoo):
    done = shmoo("run", "--dry-run", "--repeat", "100000", "--writers", ",".join(map(str, range(1, 40))))
    assert (done.returncode, done.stdout) == (2, "")
    assert "trials" in one_line(done.stderr)


@pytest.mark.parametrize("arguments", [
    ("--sync", "mutex", "--fault", "yield:7", "--ops", "9"),
    ("--load", "snapshot", "--size", "4097", "--sync", "semaphore-named", "--think", "1500ns", "--pin", "scatter"),
    ("--rate", "12345", "--sync", "none", "--sample", "1", "--expect", "CLEAN"),
    ("--sync", "spin", "--min-exposure", "0", "--duration", "1ns", "--hold", "60s"),
    ("--sync", "spin", "--min-exposure", "1073741824", "--duration", "8784h"),
    ("--ops", "9000000000000000000", "--sync", "mutex", "--size", "1023T"),
])
def test_a_replay_line_stands_for_the_same_trial(shmoo, arguments):
    done = shmoo("run", "--dry-run", "--seed", "77", "--repeat", "2", *arguments)
    assert len(done.stdout.splitlines()) == 2
    for line in done.stdout.splitlines():
        assert shmoo(*shlex.split(line)[1:], "--dry-run").stdout == line + "\n"


@pytest.mark.parametrize("seed", ["0", "1", "9007199254740991"])
def test_a_replay_has_the_seed_of_its_trial(shmoo, seed):
    shmoo.quick("--seed", seed, "--repeat", "2", "--out", "o")
    trials = records(shmoo.cwd / "o", "trial")
    assert trials[0]["seed"] == int(seed)
    shmoo(*shlex.split(trials[1]["replay"])[1:], "--out", "again")
    again, = records(shmoo.cwd / "again", "trial")
    assert again["seed"] == trials[1]["seed"] and again["replay"] == trials[1]["replay"]


def test_a_dry_run_shows_the_trials_that_run(shmoo):
    arguments = ("--seed", "3", "--writers", "1,2", "--repeat", "2")
    shown = shmoo.quick(*arguments, "--dry-run").stdout.splitlines()
    shmoo.quick(*arguments, "--out", "o")
    assert [trial["replay"] for trial in records(shmoo.cwd / "o", "trial")] == shown


def test_sections_inherit_from_global_and_the_command_line_wins(shmoo):
    job = write_job(shmoo, "; a job\n[global]\nduration = 2s\nsync = mutex,spin\n[a]\nwriters = 3\n[b]\nsync = none\n")
    trials = plan_of(shmoo, job)
    assert [(t["sync"], t["writers"], t["duration"]) for t in trials] == \
        [("mutex", "3", "2s"), ("spin", "3", "2s"), ("none", "2", "2s")]
    assert {(t["sync"], t["duration"])
            for t in plan_of(shmoo, job, "--sync", "spin", "--duration", "1s")} == {("spin", "1s")}


def test_ops_and_duration_of_different_sources_do_not_clash(shmoo):
    job = write_job(shmoo, "[a]\nsync = mutex\nduration = 2s\n")
    assert "duration" not in plan_of(shmoo, job, "--ops", "5")[0]
    job = write_job(shmoo, "[a]\nsync = mutex\nops = 7\n")
    assert "ops" not in plan_of(shmoo, job, "--duration", "5s")[0]
    assert plan_of(shmoo, job)[0]["ops"] == "7"


@pytest.mark.parametrize("text", [
    "[a]\r\nsync = mutex\r\nwriters = 1,2\r\n", "[a]\nsync=mutex ; why\nwriters=1,\n    2\n",
    "[a] # note\nsync : mutex\nwriters\t=\t1 , 2",
    "# first\n\n\n; second\n[a]\nsync = mutex\nwriters = 1,2\n", "\n[a]\n\nsync = mutex\n; between\nwriters = 1\n  2\n",
])
def test_job_files_may_be_written_in_many_ways(shmoo, text):
    assert [(t["sync"], t["writers"]) for t in plan_of(shmoo, write_job(shmoo, text))] == [("mutex", "1"),
                                                                                           ("mutex", "2")]


def test_a_byte_order_mark_is_no_part_of_a_job(shmoo):
    (shmoo.cwd / "job.ini").write_bytes(b"\xef\xbb\xbf[a]\nsync = mutex\n")
    assert [t["sync"] for t in plan_of(shmoo, "job.ini")] == ["mutex"]


def test_an_indented_section_is_a_section_or_an_error(shmoo):
    done = shmoo("run", "--dry-run", write_job(shmoo, "[global]\nwriters = 3\n[a]\n  [b]\nsync = mutex\n"))
    assert done.returncode == 2 or len(done.stdout.splitlines()) > 1


@pytest.mark.parametrize("name",
                         ["job", "a b.ini", "ünïcode-日本.ini", "-dash.ini", "--help", "--dry-run", "new\nline.ini"])
def test_job_files_may_have_strange_names(shmoo, name):
    write_job(shmoo, "[a]\nsync = mutex\nwriters = 5\n", name)
    done = shmoo("run", "--dry-run", "--", name)
    assert (done.returncode, done.stdout.count("--writers 5")) == (0, 1)


def test_a_job_may_come_through_a_pipe(shmoo):
    write_job(shmoo, "[a]\nsync = mutex\nwriters = 5\n")
    done = shmoo("run", "--dry-run", wrap=["sh", "-c", 'cat job.ini | "$@" /dev/stdin', "sh"])
    assert (done.returncode, done.stdout.count("--writers 5")) == (0, 1)


@pytest.mark.parametrize("section", ["a b", "ünïcode", "<&\">", "semi;colon", "x" * 150],
                         ids=["space", "unicode", "markup", "semicolon", "long"])
def test_trials_carry_the_section_that_they_come_from(shmoo, section):
    job = write_job(shmoo, f"[{section}]\nsync = mutex\nops = 50\nmin-exposure = 0\n")
    assert shmoo("run", job, "--out", "o").returncode == 0
    assert records(shmoo.cwd / "o", "trial")[0]["job"] == section


def test_several_jobs_run_one_after_the_other(shmoo):
    for name in ("one.ini", "two.ini"):
        write_job(shmoo, f"[{name}]\nsync = mutex\nops = 50\nmin-exposure = 0\n", name)
    assert shmoo("run", "one.ini", "two.ini", "--out", "o").returncode == 0
    assert [t["job"] for t in records(shmoo.cwd / "o", "trial")] == ["one.ini", "two.ini"]


def replays(shmoo, folder):
    """Runs a run's plan.ini: are these the same trials with the same seeds?"""
    again = shmoo("run", f"{folder}/plan.ini", "--out", "again")
    assert again.returncode == 0, again.stderr
    keys = ("load", "sync", "fault", "writers", "readers", "size", "repeat", "seed", "job", "replay", "pin", "sampling")
    was, now = ([[trial[key] for key in keys] for trial in records(shmoo.cwd / f, "trial")] for f in (folder, "again"))
    return was == now and [v["verdict"] for v in verdicts(shmoo.cwd / "again")] == ["CLEAN"] * len(was)


def test_the_resolved_plan_runs_the_same_trials_again(shmoo):
    job = write_job(shmoo,
                    "[global]\nsync = mutex,spin\nops = 50\nmin-exposure = 0\nrepeat = 2\n[a]\nfault = yield:3,none\n"
                           "[b]\nload = snapshot\nsize = 64,100\npin = 0\nsample = 3\n")
    assert shmoo("run", job, "--writers", "3", "--out", "o").returncode == 0
    assert replays(shmoo, "o")


def test_the_plan_of_a_very_long_list_can_be_run_again(shmoo):
    assert shmoo.quick("--sync", ",".join(["mutex", "semaphore-named"] * 60), "--out", "o").returncode == 0
    assert replays(shmoo, "o")


def test_the_plan_of_a_command_line_runs_the_same_trials_again(shmoo):
    assert shmoo("run", *QUICK, "--repeat", "2", "--out", "o").returncode == 0
    assert replays(shmoo, "o")


def test_the_plan_of_jobs_with_equal_sections_can_be_run_again(shmoo):
    for name, sections in {"one.ini": ["same"], "two.ini": ["same", "same-2"],
                           "three.ini": ["same-2", "same-2-2"]}.items():
        write_job(shmoo, "".join(f"[{section}]\nsync = mutex\nops = 50\nmin-exposure = 0\n" for section in sections),
                  name)
    assert shmoo("run", "one.ini", "two.ini", "three.ini", "--out", "o").returncode == 0
    again = shmoo("run", "o/plan.ini", "--out", "again")
    assert again.returncode == 0, again.stderr
    was, now = ([trial["replay"] for trial in records(shmoo.cwd / folder, "trial")] for folder in ("o", "again"))
    assert was == now and len(now) == 5


def test_a_seed_in_a_section_counts_or_is_refused(shmoo):
    job = write_job(shmoo, "[a]\nsync = mutex\nseed = 1\n[b]\nsync = mutex\nseed = 2\n")
    done = shmoo("run", "--dry-run", job)
    assert done.returncode == 2 or [line.split()[-1] for line in done.stdout.splitlines()] == ["1", "2"]


def test_a_seed_in_global_counts_for_the_run(shmoo):
    job = write_job(shmoo, "[global]\nseed = 41\n[a]\nsync = mutex\n")
    assert plan_of(shmoo, job)[0]["seed"] == "41"
    assert plan_of(shmoo, job, "--seed", "42")[0]["seed"] == "42"
