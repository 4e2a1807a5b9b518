"""shmoo check: choosing, formats, statuses, and that nothing is left, whatever ends it."""
import json
import os
import re
import signal
import time

import pytest
from testing import NOBODY, ROOT, needs_root, one_line, read_records, wait_until

OUTCOMES = ("PASS", "FAIL", "DEVIATES", "UNSUPPORTED", "ERROR")
# Passes anywhere, one that deviates with glibc on tmpfs, and slow ones that are under way for a while.
SOME = ("name/*", "size/rest-stays-lost")
SLOW = ("mutex/*", "semaphore/*", "rwlock/*", "persist/*")


def checks_of(shmoo, *arguments, **options):
    """The exit status and the `check` records."""
    done = shmoo("check", "--format", "jsonl", *arguments, **options)
    return done.returncode, [record for record in read_records(done.stdout) if record["type"] == "check"]


def listed(shmoo, *globs):
    done = shmoo("check", "--list", *globs)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split()[0] for line in done.stdout.splitlines()]


def test_every_record_validates_and_is_in_order(shmoo):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "results" / "schema.json").read_text(encoding="utf-8"))
    check = jsonschema.validators.validator_for(schema)(schema)
    records = read_records(shmoo("check", "--format", "jsonl", *SOME).stdout)
    assert [error.message for record in records for error in check.iter_errors(record)] == []
    types = [record["type"] for record in records]
    count = len(records) - 3
    assert count > 10 and types == ["run", "host"] + ["check"] * count + ["end"]
    assert [record["check"] for record in records[2:-1]] == list(range(1, count + 1))
    assert [record["id"] for record in records[2:-1]] == listed(shmoo, *SOME)
    end = records[-1]
    assert end["checks_done"] == end["checks_planned"] == count == sum(end["outcomes"].values())


def test_globs_choose_each_check_once_in_curated_order(shmoo):
    everything = listed(shmoo)
    assert len(everything) == len(set(everything)) >= 110
    names = listed(shmoo, "name/*")
    assert names == [i for i in everything if i.startswith("name/")]
    assert listed(shmoo, "name/*", "name/dot", "*") == everything
    assert listed(shmoo, "name/dot") == ["name/dot"]
    assert listed(shmoo, "name/[de]*", "open/?lose-on-exec") == [i for i in everything if i == "open/close-on-exec" or
                                                                 i.startswith(("name/d", "name/e"))]


@pytest.mark.parametrize("glob,nearest", [("nam/dot", "name/dot"), ("persist/sigkill-keeps-dat", "persist/sigkill-keeps-data")])
def test_an_unknown_check_is_a_mistake_of_usage(shmoo, glob, nearest):
    done = shmoo("check", "name/dot", glob)
    assert (done.returncode, done.stdout) == (2, "")
    assert glob in one_line(done.stderr) and f'"{nearest}"' in done.stderr


@pytest.mark.parametrize("arguments", [("--format", "csv"), ("--jobs", "0"), ("--jobs", "65"), ("--jobs", "x"), ("--deadline", "10ms"), ("--bogus",)])
def test_bad_options_run_nothing(shmoo, arguments):
    done = shmoo("check", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    one_line(done.stderr)


def test_human_ends_in_one_line_of_counts(shmoo):
    done = shmoo("check", *SOME)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    found = re.fullmatch(r"(\d+) checks in [\d.]+ s:((?: \d+ [A-Z]+)+)", lines[-1])
    assert found and int(found[1]) == len(listed(shmoo, *SOME))
    shown = [line.split()[0] for line in lines[:-1] if line[:1] != " "]
    assert len(shown) == int(found[1]) and set(shown) <= set(OUTCOMES)


def test_quiet_leaves_out_what_passed(shmoo):
    lines = shmoo("check", "--quiet", *SOME).stdout.splitlines()
    assert all(not line.startswith("PASS") for line in lines)
    assert re.match(r"\d+ checks in ", lines[-1])


def test_a_deviation_tells_clause_both_sides_and_reason(shmoo):
    status, records = checks_of(shmoo, "size/rest-stays-lost")
    text = shmoo("check", "size/rest-stays-lost").stdout
    if records[0]["outcome"] != "DEVIATES":
        pytest.skip("this system's tmpfs does as POSIX says")
    assert status == 0
    for key in ("clause", "expected", "observed", "reason"):
        assert records[0][key] and records[0][key] in text


def test_the_number_of_jobs_changes_nothing(shmoo):
    one, many = (checks_of(shmoo, "--jobs", jobs, "open/*", "unlink/*")[1] for jobs in ("1", "16"))
    assert [(r["id"], r["outcome"]) for r in one] == [(r["id"], r["outcome"]) for r in many]


def test_a_folder_that_is_not_there_is_told_before_anything_runs(shmoo, private_shm):
    place = private_shm("mount -t tmpfs tmpfs /dev")
    done = shmoo("check", "name/*", wrap=place.enter)
    assert (done.returncode, done.stdout) == (3, "")
    assert "/dev/shm" in one_line(done.stderr)


@needs_root
def test_a_folder_that_may_not_be_written_is_told(shmoo, private_shm):
    place = private_shm("mount -t tmpfs -o mode=755 tmpfs /dev/shm")
    done = shmoo("check", "name/*", wrap=[*place.enter, *NOBODY])
    assert (done.returncode, done.stdout) == (3, "")
    assert "permission" in one_line(done.stderr)


@needs_root
@pytest.mark.parametrize("limit,check", [("-f 100", "file/large-positions"), ("-n 30", "file/duplicates-share")])
def test_a_failure_under_a_low_limit_is_none_of_the_system(shmoo, limit, check):
    status, (record,) = checks_of(shmoo, check, wrap=("sh", "-c", f'ulimit {limit}; exec "$@"', "sh"))
    assert (status, record["outcome"]) == (1, "ERROR") and f"ulimit {limit[:2]}" in record["reason"]


def test_where_nothing_can_be_checked_nothing_ran(shmoo):
    done = shmoo("check", "access/root-*", wrap=NOBODY)
    assert done.returncode == 4 and "UNSUPPORTED" in done.stdout and "needs root" in done.stdout


def test_a_closed_output_is_an_error(shmoo):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = shmoo("check", *SOME, stdout=full)
    assert done.returncode == 3 and "ENOSPC" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_what_was_done(shmoo, number):
    process = shmoo.start("check", "--format", "jsonl", "--jobs", "2", *SLOW)
    time.sleep(0.3)
    process.send_signal(number)
    done = shmoo.finish(process)
    if done.returncode == 0:
        pytest.skip("it was done before the signal")
    assert done.returncode == 128 + number
    end = read_records(done.stdout)[-1]
    assert end["interrupted"] == signal.Signals(number).name and end["checks_done"] < end["checks_planned"]
    assert shmoo.processes() == [] and shmoo.objects() == []


@pytest.mark.parametrize("after", [0.02, 0.1, 0.4])
def test_killed_half_way_it_leaves_nothing(shmoo, after):
    process = shmoo.start("check", "--jobs", "4", *SLOW)
    time.sleep(after)
    process.kill()
    shmoo.finish(process)
    assert wait_until(lambda: not shmoo.processes(), 10)
    assert shmoo.objects() == []


def test_other_peoples_objects_are_left_alone(shmoo):
    mine = [f"/dev/shm/shmoo-check-{os.getpid()}", f"/dev/shm/shmoo-check.1.2.{os.getpid()}"]
    try:
        for path in mine:
            with open(path, "x", encoding="utf-8"):
                pass
        assert shmoo("check", "name/*").returncode == 0
        assert all(map(os.path.exists, mine))
    finally:
        for path in mine:
            os.unlink(path)


def test_help_names_every_option_and_status(shmoo):
    done = shmoo("check", "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: shmoo check")
    for word in ("--list", "--format", "--jobs", "--deadline", "--quiet", "--coverage", *OUTCOMES):
        assert word in done.stdout
