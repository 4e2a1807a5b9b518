"""Tests of ci/layers: small trees, each with one thing wrong, and the finding that must name it."""
import subprocess
from pathlib import Path

import pytest

LAYERS = Path(__file__).resolve().parent / "layers"

OPS = "/* The ops tables. */\nstruct sync {\n    const char *name;\n};\n"
ROW = '/* A row. */\n#include "contract/sync.h"\nconst struct sync sync_mutex = {\n    .name = "mutex",\n};\n'


def check(root, files):
    """Writes the files below root and returns the exit status and the lines of ci/layers."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run([str(LAYERS), str(root)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def the_finding(root, files):
    status, lines = check(root, files)
    assert status == 1
    assert len(lines) == 2, lines
    assert lines[1].endswith("1 findings")
    return lines[0]


def c_file(*includes, body=""):
    return "/* One sentence about it. */\n" + "".join(f'#include "{i}"\n' for i in includes) + body


def function(lines, name="long_one"):
    return f"static int {name}(int a,\n    int b)\n{{\n" + "    a += b;\n" * (lines - 3) + "    return a;\n}\n"


HARMLESS = {
    "harness/main.c": c_file("cmd/run.h", "base/error.h"),
    "harness/cmd/run.h": "/* The run command. */\n",
    "harness/base/error.h": "/* Errors. */\n",
    "harness/contract/sync.h": OPS,
    "workloads/contents.c": c_file("workloads/sync/mutex.h", "workloads/load/mixed.h", "contract/sync.h"),
    "workloads/sync/mutex.h": "/* The mutex. */\n",
    "workloads/load/mixed.h": "/* A mixed load. */\n",
    "workloads/sync/mutex.c": ROW,
}


def test_a_tree_in_order_passes(tmp_path):
    status, lines = check(tmp_path, HARMLESS)
    assert (status, lines) == (0, ["layers: 8 files, 0 findings"])


@pytest.mark.parametrize("name, include", [
    ("harness/base/clock.c", "shm/region.h"),
    ("harness/shm/region.c", "contract/sync.h"),
    ("harness/contract/row.c", "run/crew.h"),
    ("harness/run/crew.c", "report/human.h"),
    ("harness/report/human.c", "cmd/plan.h"),
    ("harness/report/page.c", "harness/cmd/plan.h"),
    ("harness/report/rise.c", "../cmd/plan.h"),
])
def test_an_upward_include_is_found(tmp_path, name, include):
    files = {name: c_file("base/ok.h", include), "harness/base/ok.h": "/* Fine. */\n"}
    target = "harness/" + include.removeprefix("harness/").removeprefix("../")
    finding = the_finding(tmp_path, files | {target: "/* Above. */\n"})
    assert finding.startswith(f"{name}:3: includes \"{target}\", which stands above")


def test_an_upward_include_of_a_file_not_yet_there_is_found(tmp_path):
    assert "stands above base/" in the_finding(tmp_path, {"harness/base/clock.c": c_file("run/crew.h")})


def test_angle_brackets_hide_nothing(tmp_path):
    files = {"harness/base/clock.c": "/* The clock. */\n#include <run/crew.h>\n#include <stdio.h>\n"}
    assert "harness/base/clock.c:2: " in the_finding(tmp_path, files)


def test_comments_and_system_headers_are_no_includes(tmp_path):
    text = c_file(body='#include <sys/mman.h>\n// #include "run/crew.h"\n/*\n#include "cmd/plan.h"\n*/\n')
    assert check(tmp_path, {"harness/base/clock.c": text})[0] == 0


@pytest.mark.parametrize("name", ["harness/main.c", "harness/run/crew.c"])
def test_the_harness_includes_no_workload(tmp_path, name):
    finding = the_finding(tmp_path, {name: c_file("workloads/sync/mutex.h"), "workloads/sync/mutex.h": "/* It. */\n"})
    assert finding.startswith(f"{name}:2: ") and "without any workload" in finding


@pytest.mark.parametrize("include, why", [
    ("run/crew.h", "plugin"),
    ("report/human.h", "plugin"),
    ("workloads/load/mixed.h", "another folder"),
])
def test_a_workload_sees_the_contract_only(tmp_path, include, why):
    target = include if include.startswith("workloads") else "harness/" + include
    finding = the_finding(tmp_path, {"workloads/sync/mutex.c": c_file(include), target: "/* Off limits. */\n"})
    assert finding.startswith("workloads/sync/mutex.c:2: ") and why in finding


def test_an_unknown_floor_is_found(tmp_path):
    assert "no known floor" in the_finding(tmp_path, {"harness/attic/old.c": c_file("base/error.h")})


def test_tests_may_include_and_name_anything(tmp_path):
    text = c_file("run/crew.h", "workloads/sync/mutex.h", body='const char *name = "mutex";\n')
    assert check(tmp_path, HARMLESS | {"harness/base/clock_test.c": text})[0] == 0


@pytest.mark.parametrize("body, word", [
    ('int is_it(const char *n) { return !strcmp(n, "mutex"); }\n', '"mutex"'),
    ("extern const struct sync sync_mutex;\n", "sync_mutex"),
    ('#define FALLBACK "mutex"\n', '"mutex"'),
    ('#define FALLBACKS "none,mutex,spin"\n', '"none,mutex,spin"'),
    ('static const char *job = "smoke";\n', '"smoke"'),
])
def test_the_harness_names_no_workload(tmp_path, body, word):
    files = HARMLESS | {"harness/cmd/run.c": c_file(body=body), "workloads/jobs/smoke.ini": ""}
    assert f"harness/cmd/run.c:2: names the workload {word};" in the_finding(tmp_path, files)


def test_words_for_enumerators_are_the_harness_s_own(tmp_path):
    said = c_file(body='static const char *const names[] = {\n    [A] = "lock", [VIOLATION_MUTEX] = "mutex",\n};\n')
    assert check(tmp_path, HARMLESS | {"harness/contract/words.c": said})[0] == 0


def test_rows_in_arrays_and_other_tables(tmp_path):
    rows = 'static const struct sync rows[] = {\n    {.name = "spin", .options = {{.name = "backoff"}}},\n};\n' \
           'static const struct option options[] = {\n    {.name = "rate"},\n};\n'
    said = c_file(body='const char *a = "backoff", *b = "rate", *c = "a mutex";\nconst char *d = "spin";\n')
    files = HARMLESS | {"workloads/sync/spin.c": c_file("contract/sync.h", body=rows), "harness/cmd/run.c": said}
    assert 'harness/cmd/run.c:3: names the workload "spin";' in the_finding(tmp_path, files)


def test_a_circle_of_headers_is_found(tmp_path):
    files = {f"harness/base/{a}.h": f'/* {a}. */\n#include "base/{b}.h"\n' for a, b in ("ab", "bc", "ca")}
    finding = the_finding(tmp_path, files)
    assert "harness/base/a.h -> harness/base/b.h -> harness/base/c.h -> harness/base/a.h" in finding


def test_a_header_reached_twice_is_no_circle(tmp_path):
    files = {f"harness/base/{a}.h": f'/* {a}. */\n#include "base/{b}.h"\n' for a, b in ("ac", "bc")}
    files["harness/base/c.h"] = '/* c. */\n#include "base/d.h"\n'
    files["harness/base/d.h"] = "/* d. */\n"
    files["harness/base/e.h"] = '/* e. */\n#include "base/a.h"\n#include "base/b.h"\n'
    assert check(tmp_path, files)[0] == 0


@pytest.mark.parametrize("first", ["#include <stdio.h>\n", "/*\n * The clock. */\n", "/* clock.c */\n",
                                   "\n/* The clock. */\n"])
def test_a_c_file_starts_with_a_sentence(tmp_path, first):
    assert "clock.c:1: its first line" in the_finding(tmp_path, {"harness/base/clock.c": first})


@pytest.mark.parametrize("first", ["/* The clock, by which all waits. */\n", "// Waiting by the clock.\n",
                                   "/* The clock: what it costs. Waiting is in wait.c. */\n"])
def test_sentences_that_will_do(tmp_path, first):
    assert check(tmp_path, {"harness/base/clock.c": first})[0] == 0


def test_a_header_starts_with_a_comment(tmp_path):
    assert "clock.h:1: does not start" in the_finding(tmp_path, {"harness/base/clock.h": "#ifndef CLOCK_H\n#endif\n"})


@pytest.mark.parametrize("lines, findings", [(60, 0), (61, 1)])
def test_functions_are_measured_from_brace_to_brace(tmp_path, lines, findings):
    body = function(10, "short_one") + "\n" + function(lines)
    status, found = check(tmp_path, {"harness/base/clock.c": c_file(body=body)})
    assert status == findings
    if findings:
        assert "harness/base/clock.c:17: long_one has 61 lines, over 60;" in found[0]


@pytest.mark.parametrize("opening, name", [
    ("int in_one_line(void) {\n", "in_one_line"),
    ("START_TEST(of_check)\n{\n", "of_check"),
    ("__attribute__((noinline)) static int with_attribute(void)\n{\n", "with_attribute"),
])
def test_the_name_of_a_long_function(tmp_path, opening, name):
    finding = the_finding(tmp_path, {"harness/base/clock.c": c_file(body=opening + "    f();\n" * 70 + "}\n")})
    assert f" {name} has 72 lines" in finding


def test_long_tables_are_no_functions(tmp_path):
    table = "static const int table[] = {\n" + "    1,\n" * 100 + "};\n"
    struct = "struct facts\n{\n" + "    int a;\n" * 100 + "};\n"
    assert check(tmp_path, {"harness/base/clock.c": c_file(body=table + struct)})[0] == 0


def test_a_function_that_never_ends_in_column_0(tmp_path):
    finding = the_finding(tmp_path, {"harness/base/clock.c": c_file(body="int f(void)\n{\n    return 1; }\n")})
    assert "clock.c:3: f has no closing brace in column 0" in finding


@pytest.mark.parametrize("lines, findings", [(450, 0), (451, 1)])
def test_long_files_are_found(tmp_path, lines, findings):
    text = "/* The clock, at length. */\n" + "int a;\n" * (lines - 1)
    status, found = check(tmp_path, {"harness/base/clock.c": text})
    assert status == findings
    if findings:
        assert found[0].startswith("harness/base/clock.c:451: the file has 451 lines, over 450;")


def test_an_empty_tree_is_no_success(tmp_path):
    assert "proves nothing" in "".join(check(tmp_path, {})[1])
    assert check(tmp_path, {})[0] == 1


def test_wrong_usage():
    done = subprocess.run([str(LAYERS), "a", "b"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "ci/layers [ROOT]" in done.stderr
