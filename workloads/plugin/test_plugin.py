"""--plugin: what is taken, what is refused in which words, and that its trials are like all others."""
import json
import shlex
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from testing import needs_two_cpus, one_line, records, valid, verdicts

LOCK = """#include <shmoo/plugin.h>
static int take(struct sync_self *self)
{
    while (__atomic_exchange_n((int *)self->state, 1, __ATOMIC_ACQUIRE))
        continue;
    return 0;
}
static int give(struct sync_self *self)
{
    __atomic_store_n((int *)self->state, 0, __ATOMIC_RELEASE);
    return 0;
}
#define ROW(variable, ...) static const struct sync_ops variable = {.family = SYNC_LOCK, .state_bytes = 4, \\
    .summary = "a lock", .lock = {.acquire = take, .release = give}, __VA_ARGS__}
"""
OURS = LOCK + 'ROW(ours, .name = "ours");\nROW(theirs, .name = "theirs");\nSHMOO_PLUGIN(&ours, &theirs);\n'
QUICK = ("--load", "counter", "--ops", "50", "--min-exposure", "0", "--quiet")


def with_end(end):
    return LOCK + end + "\n"


def header(**changes):
    """An object whose parts are as the header has them, but for what is changed."""
    parts = {"magic": "SHMOO_PLUGIN_MAGIC", "version": "SHMOO_PLUGIN_VERSION", "plugin": "sizeof(struct shmoo_plugin)",
             "row": "sizeof(struct sync_ops)", "setup": "sizeof(struct sync_setup)", "own": "sizeof(struct sync_self)",
             "count": "1", "rows": "all", **changes}
    return with_end('ROW(ours, .name = "ours");\nstatic const struct sync_ops *const all[] = {&ours};\n'
                    "const struct shmoo_plugin shmoo_plugin = {" + ", ".join(parts.values()) + "};\n"
                    "const void *used = all;")


REFUSED = {
    "no symbol": (with_end('ROW(ours, .name = "ours");\nconst void *used = &ours;'), 2, "SHMOO_PLUGIN(&row"),
    "wrong mark": (header(magic="42"), 2, "<shmoo/plugin.h>"),
    "newer": (header(version="99"), 2, "version 99"),
    "older": (header(version="0"), 2, "version 0"),
    "other layout": (header(row="sizeof(struct sync_ops) - 8"), 2, "build it again"),
    "other setup": (header(setup="4"), 2, "build it again"),
    "no rows": (header(count="0"), 2, "0 rows"),
    "too many rows": (header(count="1000000"), 2, "1000000 rows"),
    "no table": (header(rows="0"), 2, "rows"),
    "row missing": (with_end("SHMOO_PLUGIN(0);"), 2, "null pointer"),
    "no name": (with_end("ROW(ours, .expect = 0);\nSHMOO_PLUGIN(&ours);"), 2, "name"),
    "odd name": (with_end('ROW(ours, .name = "a,b");\nSHMOO_PLUGIN(&ours);'), 2, "name"),
    "pattern": (with_end('ROW(ours, .name = "!ours");\nSHMOO_PLUGIN(&ours);'), 2, "name"),
    "endless name": (with_end(f'ROW(ours, .name = "{"n" * 200}");\nSHMOO_PLUGIN(&ours);'), 2, "name"),
    "no summary": (with_end('ROW(ours, .name = "ours", .summary = 0);\nSHMOO_PLUGIN(&ours);'), 2, "summary"),
    "no family": (with_end('ROW(ours, .name = "ours", .family = 17);\nSHMOO_PLUGIN(&ours);'), 2, "family 17"),
    "no release": (with_end('ROW(ours, .name = "ours", .lock = {.acquire = take});\nSHMOO_PLUGIN(&ours);'), 2, "lock.release"),
    "half shared": (with_end('ROW(ours, .name = "ours", .lock.acquire_shared = take);\nSHMOO_PLUGIN(&ours);'), 2, "release_shared"),
    "no read": (with_end('ROW(ours, .name = "ours", .family = SYNC_CELL, .cell = {0, 0});\nSHMOO_PLUGIN(&ours);'), 2, "cell.write"),
    "no traits": (with_end('ROW(ours, .name = "ours", .traits = 1u << 30);\nSHMOO_PLUGIN(&ours);'), 2, "0x40000000"),
    "no verdict": (with_end('ROW(ours, .name = "ours", .expect = 77);\nSHMOO_PLUGIN(&ours);'), 2, "verdict 77"),
    "endless state": (with_end('ROW(ours, .name = "ours", .state_bytes = ~0ul);\nSHMOO_PLUGIN(&ours);'), 2, "bytes of state"),
    "a name that is taken": (with_end('ROW(ours, .name = "mutex");\nSHMOO_PLUGIN(&ours);'), 2, "built in"),
    "a name twice": (with_end('ROW(ours, .name = "ours");\nSHMOO_PLUGIN(&ours, &ours);'), 2, "another name"),
    "a symbol that nobody has": (with_end('int nobody(void);\nint somebody(void) { return nobody(); }\nROW(ours, .name = "ours");\n'
                                          "SHMOO_PLUGIN(&ours);"), 3, "nobody"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_plugin_is_refused_in_words(shmoo, build, what):
    source, status, words = REFUSED[what]
    plugin = build(source, "-w")
    for command in (("run", "--dry-run"), ("list", "sync")):
        done = shmoo(*command, "--plugin", plugin)
        assert (done.returncode, done.stdout) == (status, ""), done
        assert str(plugin) in one_line(done.stderr) and words in done.stderr


def test_a_table_that_was_overwritten_is_no_end_of_the_harness(shmoo, build, tmp_path):
    """Reading it is the death of the process that reads."""
    plugin = build(header(rows="(const struct sync_ops *const *)8"), "-w")
    done = shmoo("run", "--plugin", plugin, "--for", "1s", "--quiet", "--out", "run")
    assert done.returncode == 1
    assert "reading its table of rows" in done.stderr
    assert verdicts(tmp_path / "run")[-1]["verdict"] in ("CRASHED", "ERROR")


@pytest.mark.parametrize("what,status", [("missing.so", 2), ("text.so", 3), (".", 3), ("a,b.so", 2)])
def test_a_file_that_is_no_object_is_refused(shmoo, tmp_path, what, status):
    (tmp_path / "text.so").write_text("no object\n", encoding="ascii")
    done = shmoo("run", "--plugin", what, "--dry-run")
    assert (done.returncode, done.stdout) == (status, "")
    assert "plugin" in one_line(done.stderr)


def test_a_plugin_alone_means_a_hunt_through_all_its_rows_with_a_control(shmoo, build):
    plugin = build(OURS)
    lines = shmoo("run", "--plugin", plugin, "--for", "7s", "--dry-run").stdout.splitlines()
    assert [line.split("--sync ")[1].split()[0] for line in lines] == ["none", "ours", "theirs"]
    assert all("--load verify" in line and "--duration 7s" in line for line in lines)
    assert all(("--plugin" in line) == ("none" not in line) for line in lines)


def test_what_is_asked_for_wins_over_what_a_plugin_means(shmoo, build):
    plugin = build(OURS)
    lines = shmoo("run", "--load", "counter", "--sync", "theirs,mutex", "--plugin", plugin, "--dry-run").stdout.splitlines()
    assert len(lines) == 2 and "--sync theirs" in lines[0] and "--sync mutex" in lines[1]
    assert all("--load counter" in line for line in lines)
    patterns = shmoo("run", "--sync", "*ours", "-p", plugin, "--load", "counter", "--dry-run").stdout
    assert "--sync ours" in patterns and len(patterns.splitlines()) == 1


def test_a_replay_line_and_a_resolved_plan_bring_the_plugin_along(shmoo, build, tmp_path):
    plugin = tmp_path / "a place with blanks" / "it's.so"
    plugin.parent.mkdir()
    plugin.write_bytes(build(OURS).read_bytes())
    first = shmoo("run", "--plugin", "a place with blanks/it's.so", "--sync", "ours,mutex", *QUICK, "--seed", "3", "--out", "run")
    assert first.returncode == 0, first.stderr
    planned = shmoo("run", "--plugin", plugin, "--sync", "ours,mutex", *QUICK, "--seed", "3", "--dry-run").stdout
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert shmoo("run", tmp_path / "run" / "plan.ini", "--dry-run", cwd=elsewhere).stdout == planned
    replayed = shmoo(*shlex.split(planned.splitlines()[0])[1:], "--dry-run", cwd=elsewhere).stdout
    assert replayed == planned.splitlines()[0] + "\n"


def test_a_job_file_names_plugins_beside_itself(shmoo, build, tmp_path):
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    (jobs / "mine.so").write_bytes(build(OURS).read_bytes())
    (jobs / "job.ini").write_text("[first]\nsync = theirs\nload = counter\nplugin = mine.so\n[all]\nplugin = mine.so\n"
                                  "[other]\nsync = mutex\nload = counter\n", encoding="ascii")
    lines = shmoo("run", "jobs/job.ini", "--dry-run").stdout.splitlines()
    assert [line.split("--sync ")[1].split()[0] for line in lines] == ["theirs", "none", "ours", "theirs", "mutex"]
    piped = subprocess.run(["bash", "-c", f'"$0" run /dev/stdin --plugin {jobs}/mine.so --dry-run < {jobs}/job.ini; exit $?',
                            shmoo("list").args[0]], capture_output=True, text=True, cwd=jobs, check=False)
    assert piped.returncode == 2, "a name beside /dev/stdin is not beside the file"


def test_a_missing_plugin_of_a_job_file_is_told_with_its_place(shmoo, tmp_path):
    (tmp_path / "job.ini").write_text("[a]\nload = counter\nplugin = gone.so\nsync = theirs\n", encoding="ascii")
    done = shmoo("run", "job.ini", "--dry-run")
    assert done.returncode == 2
    assert "job.ini:3:" in one_line(done.stderr) and "gone.so" in done.stderr


def test_a_path_too_long_for_a_job_file_is_said_to_be(shmoo, build, tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    (deep / "mine.so").write_bytes(build(OURS).read_bytes())
    done = shmoo("run", "--plugin", deep / "mine.so", "--sync", "ours", *QUICK, "--out", "run")
    assert done.returncode == 0, done.stderr
    assert "add --plugin" in (tmp_path / "run" / "plan.ini").read_text(encoding="utf-8")
    assert shmoo("run", "run/plan.ini", "--plugin", deep / "mine.so", "--dry-run").returncode == 0


def test_its_trials_are_in_every_format(shmoo, build, tmp_path):
    plugin = build(OURS)
    for form in ("human", "jsonl", "tap", "junit", "csv"):
        done = shmoo("run", "--plugin", plugin, "--sync", "ours", *QUICK, "--format", form, "--out", f"run-{form}")
        assert done.returncode == 0 and "ours" in done.stdout, (form, done.stderr)
        if form == "junit":
            ElementTree.fromstring(done.stdout)
        if form == "jsonl":
            found = valid([json.loads(line) for line in done.stdout.splitlines()])
            (trial,) = [record for record in found if record["type"] == "trial"]
            assert trial["plugin"] == str(plugin)
    valid(records(tmp_path / "run-human"))


def test_list_shows_rows_with_their_file(shmoo, build):
    plugin = build(OURS)
    done = shmoo("list", "--plugin", plugin, "sync")
    assert done.stdout.splitlines()[-2].split()[:4] == ["ours", "lock", "expected", "CLEAN"]
    assert str(plugin) in done.stdout.splitlines()[-1]
    assert "ours" not in shmoo("list", "sync").stdout


@needs_two_cpus
def test_expected_verdicts_of_a_plugin_count(shmoo, build, tmp_path):
    source = LOCK.replace("while (__atomic_exchange_n((int *)self->state, 1, __ATOMIC_ACQUIRE))", "for (int once = 0; once < 1; once++)")
    plugin = build(source + 'ROW(wrong, .name = "wrong", .expect = VERDICT_CORRUPT);\nSHMOO_PLUGIN(&wrong);\n')
    done = shmoo("run", "--plugin", plugin, "--for", "20s", "--quiet", "--out", "run")
    assert done.returncode == 0, done.stdout
    assert [v["verdict"] for v in verdicts(tmp_path / "run")] == ["CORRUPT"], "which needs no control"


def test_a_file_that_has_changed_since_the_run_began_is_told(shmoo, build, tmp_path):
    """The first trial takes the file away from under the second."""
    copy = tmp_path / "copy.so"
    source = OURS.replace("static int give", f'#include <unistd.h>\nstatic int make(void *state, const struct sync_setup *setup)\n'
                          f'{{\n    (void)state, (void)setup;\n    return unlink("{copy}") != 0;\n}}\nstatic int give')
    source = source.replace('.name = "ours"', '.name = "ours", .create = make')
    copy.write_bytes(build(source).read_bytes())
    done = shmoo("run", "--plugin", copy, "--sync", "ours", *QUICK, "--out", "run")
    (trial,) = verdicts(tmp_path / "run")
    assert done.returncode in (1, 3) and trial["verdict"] == "ERROR"
    assert str(copy) in trial["reason"]
