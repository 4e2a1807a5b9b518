"""Bad input: status 2, one line on standard error that says what would be right, and nothing done."""
import os

import pytest
from testing import QUICK, one_line

# What is typed, and what the message must name.
COMMAND_LINES = [
    ("bogus", ["bogus", "run"]), ("--bogus", ["bogus"]), ("RUN", ["run"]), ("rnu", ['"run"']),
    ("-v", ["-v", "shmoo run --help"]), ("run smok", ['"smoke"']), ("run --sync none mutex", ["without spaces"]),
    ("run --duration 1s,2s", ["1s,2s", "one duration"]),
    ("run --writers 2-8", ["2-8", "1,2,4"]),
    ("check persist", ['"persist/*"']), ("check persist/sigkill", ['"persist/sigkill-']), ("run --against nowhere", ["another build"]),
    ("run --bogus", ["bogus", "sync"]), ("run --snyc mutex", ["snyc", '"sync"']), ("run -x", ['"-x"', "--help"]),
    ("run --format", ["--format", "argument"]), ("run --out", ["--out", "argument"]), ("run -s", ["argument"]),
    ("run --dry-run=yes", ["--dry-run", "no argument"]), ("run --quiet=1", ["--quiet"]),
    ("run --help --bogus", ["bogus"]),
    ("run --load count", ["count", '"counter"', "snapshot"]),
    ("run --sync smaphore", ["smaphore", '"semaphore"', "mutex"]),
    ("run --sync mutex,spni", ["spni", '"spin"']), ("run --sync mutex,", ["--sync", "empty"]),
    ("run --sync ,", ["--sync", "empty"]),
    ("run --sync Mutex", ["Mutex", '"mutex"']), ("run --sync mutex;none", ["mutex;none"]),
    ("run --format xml", ["xml", "junit", "tap"]),
    ("run --expect FINE", ["FINE", "CLEAN", "CORRUPT"]), ("run --pin everywhere", ["everywhere", "scatter"]),
    ("run --pin 5-2", ["--pin"]), ("run --pin 0-", ["--pin"]), ("run --pin -1", ["--pin"]),
    ("run --writers 0", ["--writers", "0"]), ("run --writers -1", ["--writers", "-1"]),
    ("run --writers two", ["--writers", "two"]),
    ("run --writers 1e3", ["1e3"]), ("run --writers 0x10", ["0x10"]), ("run --writers 8191", ["8191"]),
    ("run --writers nan", ["nan"]),
    ("run --writers 99999999999999999999", ["--writers"]), ("run --writers 18446744073709551617", ["--writers"]),
    ("run --writers ٣", ["--writers"]), ("run --readers 100001", ["--readers"]), ("run --readers inf", ["inf"]),
    ("run --writers 4000 --readers 5000", ["processes"]), ("run --size 0", ["--size"]),
    ("run --size 8E", ["8E", "KiB"]),
    ("run --size 4 --load counter", ["--size", "counter", "at least 8"]), ("run --size 1048577T", ["--size"]),
    ("run --size -4k", ["-4k"]), ("run --size 4kk", ["kk"]), ("run --size k", ["k"]),
    ("run --duration 0", ["--duration"]),
    ("run --duration 5parsecs", ["parsecs", "ms"]), ("run --duration -1s", ["-1s"]),
    ("run --duration 99999h", ["99999h"]),
    ("run --duration 1s --ops 5", ["--duration", "--ops"]), ("run --ops 0", ["--ops"]), ("run --ops x", ["--ops"]),
    ("run --repeat 0", ["--repeat"]), ("run --repeat 100001", ["--repeat"]), ("run --hold 61s", ["--hold"]),
    ("run --think 2h", ["--think"]),
    ("run --rate 2G", ["--rate"]), ("run --sample 0", ["--sample"]), ("run --min-exposure few", ["--min-exposure"]),
    ("run --history 10 --load counter", ["--history", "counter", "list load"]), ("run --history -1", ["--history"]),
    ("run --seed -1", ["--seed"]), ("run --seed 9007199254740992", ["--seed", "9007199254740991"]),
    ("run --seed seed", ["--seed"]),
    ("run --fault bogus", ["bogus", "yield", "kill"]), ("run --fault kil", ['"kill"']),
    ("run --fault none:3", ["none", "3"]),
    ("run --fault yield:0", ["yield", "0"]), ("run --fault yield:", ["yield"]),
    ("run --fault kill:soon", ["soon", "milliseconds"]),
    ("run --fault stop:5001", ["stop", "5001"]), ("run --fault yield:1.2.3", ["1.2.3"]), ("run --fault :5", ["fault"]),
    ("run no-such-job", ["no-such-job", "smoke", "tradeoffs"]), ("run smoke no-such-job", ["no-such-job"]),
    ("run -- --sync", ["--sync"]), ("run -- smoke --dry-run", ["--dry-run"]), ("run ../smoke", ["../smoke"]),
    ("run .", ["."]),
    ("run /dev/null", ["/dev/null"]), ("list bogus", ["bogus", "sync", "load", "fault", "job"]),
    ("list --bogus", ["bogus"]),
    ("list jobs", ['"job"']), ("gc", ["--own"]), ("gc --apply", ["--own"]), ("gc --bogus", ["bogus"]),
    ("gc --own=yes", ["--own"]),
    ("report", ["results/latest"]),
]


def assert_refused(shmoo, done, needles):
    message = one_line(done.stderr)
    assert (done.returncode, done.stdout) == (2, ""), message
    assert message.startswith("shmoo: ")
    for needle in needles:
        assert needle in message
    assert sorted(os.listdir(shmoo.cwd)) in ([], ["job.ini"])


@pytest.mark.parametrize("line,needles", COMMAND_LINES, ids=[line for line, _ in COMMAND_LINES])
def test_a_wrong_command_line_is_explained(shmoo, line, needles):
    assert_refused(shmoo, shmoo(*line.split()), needles)


@pytest.mark.parametrize("arguments",
                         [("",), ("run", ""), ("run", "--out", ""), ("run", "--sync", ""), ("run", "--size="),
                                       ("run", "--sync", " "), ("list", ""), ("run", "--seed", " ")])
def test_an_empty_word_is_explained(shmoo, arguments):
    assert_refused(shmoo, shmoo(*arguments), [])


@pytest.mark.parametrize("count", ["3.7", "1.5", "0.4", ".5"])
@pytest.mark.parametrize("option", ["--writers", "--ops", "--seed", "--repeat"])
def test_a_count_has_no_fraction(shmoo, option, count):
    assert_refused(shmoo, shmoo("run", option, count, "--dry-run"), [option, count])


def test_an_ambiguous_abbreviation_names_what_it_could_be(shmoo):
    assert_refused(shmoo, shmoo("run", "--s", "mutex"), ["sync", "seed", "ambiguous"])


@pytest.mark.parametrize("text", ["0,,1", "0,", "0,1,,"])
def test_a_list_of_cpus_has_no_empty_items(shmoo, text):
    assert_refused(shmoo, shmoo("run", "--pin", text, "--dry-run"), ["--pin"])


@pytest.mark.parametrize("option",
                         ["--sync", "--load", "--fault", "--format", "--expect", "--pin", "--size", "--duration",
                          "--writers"])
@pytest.mark.parametrize("value", ["x" * 100000, "%s%s%n", "\x1b[31mred", os.fsdecode(b"\xff\xfe"), "日本", "a\nb"],
                         ids=["long", "format", "escape", "bytes", "unicode", "lines"])
def test_garbage_is_refused_and_the_message_stays_short(shmoo, option, value):
    done = shmoo("run", option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("shmoo: ") and len(done.stderr) < 3000
    assert os.listdir(shmoo.cwd) == []


def test_a_pin_beyond_this_machine_is_status_3_before_the_work(shmoo):
    done = shmoo.quick("--pin", "4095")
    assert (done.returncode, done.stdout) == (3, "")
    assert "4095" in one_line(done.stderr)
    assert os.listdir(shmoo.cwd) == []


# The text of a job file, where in it the mistake is, and what the message must name.
JOB_FILES = [
    ("[a]\nsnyc = mutex\n", "2:1", ["snyc", '"sync"']), ("[a]\nsync = smaphore\n", "2:8", ["smaphore", '"semaphore"']),
    ("[a]\nsync = mutex\nwriters = 0\n", "3:11", ["writers", "0"]), ("[a\nsync = mutex\n", "1:1", ["bracket"]),
    ("sync = mutex\n", "1:1", ["section"]), ("[a]\nsync mutex\n", "2:1", ["key"]),
    ("[a]\nsync =\n", "2:", ["sync", "empty"]),
    ("[a]\nsync = mutex\nsync = spin\n", "3:1", ["sync", "twice"]),
    ("[a]\nsync = mutex\n[a]\nsync = spin\n", "3:1", ["[a]", "twice"]),
    ("[a]\nsync = mutex\n[global]\nduration = 1s\n", "3:1", ["[global]"]),
    ("[a]\nsync = " + "mutex," * 40 + "\n", "2:197", ["196"]),
    ("[a]\nout = x\n", "2:1", ["out"]), ("[a]\nformat = tap\n", "2:1", ["format"]),
    ("[a]\nhelp = yes\n", "2:1", ["help"]),
    ("[a]\nfault = kill:x\n", "2:9", ["kill"]),
    ("[a]\nsync = mutex\n  bogus\n", "3:3", ["bogus"]), ("[a]\nsync = mutex,,spin\n", "2:8", ["empty"]),
    ("\0\0\0", "1:", ["NUL"]), ("[a]\nsync = mu\0tex\n", "2:", ["NUL"]), ("\x7fELF\x02\x01\x01\n", "1:", ["key"]),
]


@pytest.mark.parametrize("text,place,needles", JOB_FILES, ids=map(str, range(len(JOB_FILES))))
def test_a_mistake_in_a_job_file_is_named_with_its_place(shmoo, text, place, needles):
    (shmoo.cwd / "job.ini").write_text(text, encoding="utf-8")
    assert_refused(shmoo, shmoo("run", "job.ini"), [f"job.ini:{place}", *needles])


@pytest.mark.parametrize("text", ["", "; only a comment\n", "[global]\nduration = 1s\n"],
                         ids=["empty", "comment", "global"])
def test_a_job_file_without_trials_is_named(shmoo, text):
    (shmoo.cwd / "job.ini").write_text(text, encoding="utf-8")
    assert_refused(shmoo, shmoo("run", "job.ini"), ["job.ini", "nothing to run"])


def test_a_job_whose_values_do_not_fit_together_is_explained(shmoo):
    (shmoo.cwd / "job.ini").write_text("[a]\nload = counter\nsize = 7\n", encoding="utf-8")
    assert_refused(shmoo, shmoo("run", "job.ini"), ["--size 7", "counter"])


def test_a_job_that_may_not_be_read_is_named(shmoo):
    (shmoo.cwd / "job.ini").mkdir()
    assert_refused(shmoo, shmoo("run", "job.ini"), ["job.ini"])


def test_a_binary_file_is_no_job(shmoo):
    (shmoo.cwd / "job.ini").write_bytes(bytes(range(256)) * 40)
    assert_refused(shmoo, shmoo("run", "job.ini"), ["job.ini:1:"])


def test_a_mistake_in_the_second_job_stops_the_first(shmoo):
    (shmoo.cwd / "job.ini").write_text("[a]\nsync = bogus\n", encoding="utf-8")
    assert_refused(shmoo, shmoo("run", "smoke", "job.ini"), ["job.ini:2:8", "bogus"])


def test_a_mistake_anywhere_stops_the_whole_plan(shmoo):
    assert_refused(shmoo, shmoo("run", *QUICK, "--load", "snapshot,counter", "--size", "8,4"), ["--size 4", "counter"])
