"""shmoo run: exit statuses, what goes where, the order of the records, and runs side by side."""
import os
import re
import subprocess

import pytest
from testing import PROGRAM, QUICK, needs_two_cpus, one_line, read_records, records, verdicts

COMMANDS = ("run", "list", "report", "gc")


def kinds(folder):
    return [record["type"] for record in records(folder)]


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("help",), *((name, "--help") for name in COMMANDS),
                                       *((name, "-h") for name in COMMANDS)])
def test_help_is_data_on_standard_output(shmoo, arguments):
    done = shmoo(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: shmoo ")


def test_version_is_one_line_on_standard_output(shmoo):
    done = shmoo("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"shmoo \d+\.\d+\.\d+\S*", one_line(done.stdout))


def test_help_and_version_are_commands_too(shmoo):
    assert shmoo("help", "run").stdout == shmoo("run", "--help").stdout
    assert shmoo("version").stdout == shmoo("--version").stdout
    assert shmoo("help", "rnu").returncode == 2


def test_a_folder_does_not_hide_the_job_of_its_name(shmoo):
    (shmoo.cwd / "smoke").mkdir()
    done = shmoo("run", "smoke", "--dry-run")
    assert (done.returncode, "shmoo run" in done.stdout) == (0, True), done.stderr


def test_without_a_command_the_usage_is_an_error(shmoo):
    done = shmoo()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: shmoo ")


def test_help_of_run_names_every_option_of_the_contract(shmoo):
    text = shmoo("run", "--help").stdout
    for name in ("load sync writers readers size fault duration ops repeat hold think rate pin prefault seed expect out format "
                 "dry-run quiet").split():
        assert f"--{name}" in text, name


def test_as_expected_is_status_0(shmoo):
    done = shmoo.quick("--out", "o")
    assert done.returncode == 0
    assert verdicts(shmoo.cwd / "o")[0]["verdict"] == "CLEAN"


def test_what_is_expected_to_break_and_breaks_is_status_0(shmoo):
    done = shmoo("run", "--sync", "busted-scribble", "--ops", "50", "--min-exposure", "0", "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert (done.returncode, verdict["verdict"], verdict["as_expected"]) == (0, "CORRUPT", True)


def test_an_unexpected_verdict_is_status_1_and_names_the_line_that_replays_it(shmoo):
    done = shmoo.quick("--expect", "CORRUPT", "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert (done.returncode, verdict["verdict"], verdict["as_expected"]) == (1, "CLEAN", False)
    replay = records(shmoo.cwd / "o", "trial")[0]["replay"]
    assert replay in done.stdout
    again = shmoo(*replay.split()[1:], "--out", "again")
    assert again.returncode == 1
    assert verdicts(shmoo.cwd / "again")[0]["seed"] == verdict["seed"]


def test_one_unexpected_trial_among_many_is_status_1(shmoo):
    done = shmoo("run", "--sync", "busted-scribble,mutex", "--ops", "50", "--min-exposure", "0", "--expect", "CLEAN",
                 "--out", "o")
    assert done.returncode == 1
    assert [v["as_expected"] for v in verdicts(shmoo.cwd / "o")] == [False, True]


@pytest.mark.parametrize("expect", [(), ("--expect", "INCONCLUSIVE"), ("--expect", "CLEAN")])
def test_nothing_but_inconclusive_trials_is_status_4(shmoo, expect):
    done = shmoo("run", "--sync", "mutex", "--writers", "1", "--readers", "0", "--ops", "50", "--out", "o", *expect)
    assert [v["verdict"] for v in verdicts(shmoo.cwd / "o")] == ["INCONCLUSIVE"]
    assert done.returncode == 4
    assert "shmoo: " in done.stderr


def test_a_clean_trial_makes_an_expected_inconclusive_one_status_0(shmoo):
    done = shmoo("run", "--sync", "mutex", "--writers", "1,2", "--readers", "0", "--ops", "50", "--min-exposure", "0",
                 "--out", "o")
    assert [v["verdict"] for v in verdicts(shmoo.cwd / "o")] == ["INCONCLUSIVE", "CLEAN"]
    assert done.returncode == 0


def test_too_little_exposure_is_never_a_pass(shmoo):
    done = shmoo("run", "--sync", "mutex", "--ops", "50", "--min-exposure", "1000000", "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert (done.returncode, verdict["verdict"], verdict["as_expected"]) == (4, "INCONCLUSIVE", False)
    assert "1000000" in verdict["reason"]


def test_a_short_trial_that_has_not_met_enough_goes_on_for_ten_times_as_long(shmoo):
    done = shmoo("run", "--sync", "mutex", "--duration", "10ms", "--min-exposure", "1000000000", "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert (done.returncode, verdict["verdict"]) == (4, "INCONCLUSIVE")
    assert verdict["seconds"] >= 0.1


@pytest.mark.parametrize("arguments,status", [((), 0), (("--expect", "CORRUPT"), 1),
                                              (("--writers", "1", "--readers", "0"), 4)])
def test_the_end_record_tells_the_exit_status_and_adds_up(shmoo, arguments, status):
    done = shmoo.quick("--repeat", "3", "--out", "o", *arguments)
    end = records(shmoo.cwd / "o")[-1]
    assert done.returncode == status == end["exit_status"]
    assert end["trials_done"] == end["trials_planned"] == 3 == sum(end["verdicts"].values())
    assert end["as_expected"] + end["unexpected"] == 3
    assert end["as_expected"] == sum(v["as_expected"] for v in verdicts(shmoo.cwd / "o"))


def test_records_come_in_their_order(shmoo):
    shmoo("run", "--sync", "busted-scribble,mutex", "--ops", "2000", "--min-exposure", "0", "--out", "o")
    found = kinds(shmoo.cwd / "o")
    assert found[:2] == ["run", "host"] and found[-1] == "end"
    letters = {"trial": "t", "worker": "w", "interval": "i", "histogram": "h", "course": "c", "fault": "f", "violation": "x",
               "verdict": "v"}
    assert re.fullmatch("(t[w]+i*h*c*f*x*v){2}", "".join(letters[kind] for kind in found[2:-1]))


def test_the_run_record_tells_what_was_asked_for_and_where(shmoo):
    shmoo.quick("--seed", "17", "--out", "o", "--repeat", "2")
    run = records(shmoo.cwd / "o")[0]
    assert run["command"] == [str(PROGRAM), "run", *QUICK, "--seed", "17", "--out", "o", "--repeat", "2"]
    assert (run["cwd"], run["seed"], run["trials"], run["schema"]) == (str(shmoo.cwd), 17, 2, "shmoo/1")
    assert str(shmoo.started[0].pid) in run["id"]


def test_the_run_record_keeps_the_words_in_the_order_that_they_were_given_in(shmoo):
    (shmoo.cwd / "job.ini").write_text("[a]\nsync = mutex\n", encoding="utf-8")
    words = ["run", "job.ini", "--ops", "50", "--min-exposure", "0", "--out", "o"]
    shmoo(*words)
    assert records(shmoo.cwd / "o")[0]["command"] == [str(PROGRAM), *words]


def test_every_worker_of_a_trial_is_accounted_for(shmoo):
    shmoo("run", "--sync", "mutex", "--writers", "3", "--readers", "2", "--ops", "77", "--min-exposure", "0", "--out",
          "o")
    workers = records(shmoo.cwd / "o", "worker")
    verdict, = verdicts(shmoo.cwd / "o")
    assert [w["role"] for w in workers] == ["writer"] * 3 + ["reader"] * 2
    assert [w["worker"] for w in workers] == list(range(5))
    assert len({w["pid"] for w in workers}) == 5
    assert all(w["ops"] == 77 and w["exit"] == "exited 0" and w["phase"] == "done" for w in workers)
    assert (verdict["writer_ops"], verdict["reader_ops"], verdict["ops"]) == (231, 154, 385)


def test_quiet_is_silent_on_standard_error(shmoo):
    assert shmoo.quick("--quiet", "--out", "o").stderr == ""


def test_messages_go_to_standard_error_alone(shmoo):
    done = shmoo.quick("--out", "o", "--format", "csv")
    assert done.stderr and all(line.startswith("shmoo: ") for line in done.stderr.splitlines())
    assert "shmoo: " not in done.stdout


def test_the_same_seed_makes_the_same_trials(shmoo):
    for folder in ("a", "b"):
        shmoo.quick("--seed", "5", "--repeat", "3", "--out", folder)
    seeds = [[t["seed"] for t in records(shmoo.cwd / folder, "trial")] for folder in ("a", "b")]
    assert seeds[0] == seeds[1] and len(set(seeds[0])) == 3 and seeds[0][0] == 5


def test_without_a_seed_runs_differ(shmoo):
    for folder in ("a", "b"):
        shmoo.quick("--out", folder)
    assert records(shmoo.cwd / "a")[0]["seed"] != records(shmoo.cwd / "b")[0]["seed"]


@pytest.mark.parametrize("instances", [2, 10, 50])
def test_instances_side_by_side_do_not_meet(shmoo, instances):
    running = [shmoo.start("run", "--sync", "mutex,semaphore-named", "--load", "snapshot", "--ops", "100",
                           "--min-exposure", "0", "--writers", "1", "--readers", "1",
                           "--format", "jsonl", "--quiet") for _ in range(instances)]
    for process in running:
        done = shmoo.finish(process)
        assert (done.returncode, done.stderr) == (0, "")
        assert [r["verdict"] for r in read_records(done.stdout) if r["type"] == "verdict"] == ["CLEAN", "CLEAN"]
    runs = shmoo.cwd / "results" / "runs"
    assert len(list(runs.iterdir())) == instances
    assert all(kinds(run)[-1] == "end" for run in runs.iterdir())
    assert (shmoo.cwd / "results" / "latest" / "run.jsonl").is_file()
    assert sorted(p.name for p in (shmoo.cwd / "results").iterdir()) == ["latest", "runs"]


@needs_two_cpus
def test_a_trial_by_time_runs_for_its_time_at_the_least(shmoo):
    shmoo("run", "--sync", "mutex", "--duration", "300ms", "--min-exposure", "0", "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert verdict["seconds"] >= 0.3
    assert sum(i["ops"] for i in records(shmoo.cwd / "o", "interval")) <= verdict["ops"]


def test_a_real_time_crew_is_ended_and_told(shmoo):
    """Two that spin on one CPU, in the class in which the harness was started: it must stay above them, or nobody ends them. The
    limit ends what would take the CPU for ever."""
    real_time = ("taskset", "-c", str(min(os.sched_getaffinity(0))), "prlimit", "--rttime=5000000:5000000", "chrt", "-f", "10")
    if subprocess.run([*real_time, "true"], check=False, capture_output=True).returncode:
        pytest.skip("real-time classes are not permitted")
    done = shmoo("run", "--sync", "spin", "--writers", "2", "--readers", "0", "--duration", "20ms", "--count-syscalls", "0", "--out", "o",
                 wrap=real_time)
    verdict, = verdicts(shmoo.cwd / "o")
    assert verdict["verdict"] in ("INCONCLUSIVE", "CLEAN"), verdict["reason"]
    assert "SCHED_FIFO" in verdict["setting"] and "SCHED_FIFO" in done.stderr
    assert {worker["exit"] for worker in records(shmoo.cwd / "o", "worker")} == {"exited 0"}


def test_think_time_spaces_operations(shmoo):
    shmoo("run", "--sync", "mutex", "--ops", "5", "--think", "20ms", "--min-exposure", "0", "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], verdict["ops"]) == ("CLEAN", 20)
    assert verdict["seconds"] >= 0.08


def test_an_open_loop_starts_no_more_than_its_rate(shmoo):
    shmoo("run", "--sync", "mutex", "--rate", "200", "--duration", "500ms", "--min-exposure", "0", "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert 1 <= verdict["ops"] <= 200 * verdict["seconds"] + 4
    assert {h["name"] for h in records(shmoo.cwd / "o", "histogram")} >= {"response"}


def test_pinned_workers_say_where(shmoo):
    for policy in ("compact", "scatter"):
        assert shmoo.quick("--pin", policy, "--out", policy).returncode == 0
        assert all(re.fullmatch(r"\d+", w["cpus"]) for w in records(shmoo.cwd / policy, "worker"))
    shmoo.quick("--pin", "none", "--out", "free")
    assert all("cpus" not in w for w in records(shmoo.cwd / "free", "worker"))
