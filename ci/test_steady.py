"""Tests of ci/steady: what passes the second time is told, what fails twice or is a sanitizer's finding fails."""
import os
import subprocess
from pathlib import Path

import pytest

STEADY = Path(__file__).parent / "steady"


def steady(tmp_path, script, **environment):
    """The run of a shell script, which finds in $1 a file that counts its runs, a byte each."""
    (tmp_path / "script").write_text(f'printf x >>"$1"\n{script}\n', encoding="ascii")
    return subprocess.run([STEADY, "sh", str(tmp_path / "script"), str(tmp_path / "runs")], capture_output=True, text=True, check=False,
                          env=os.environ | {"UNSTEADY": str(tmp_path / "unsteady")} | environment)


def runs(tmp_path):
    return len((tmp_path / "runs").read_text(encoding="ascii"))


SECOND_TIME = '[ "$(cat "$1")" != x ]'


def test_what_passes_is_run_once(tmp_path):
    done = steady(tmp_path, "echo fine")
    assert (done.returncode, runs(tmp_path), done.stdout) == (0, 1, "fine\n")
    assert not (tmp_path / "unsteady").exists()


def test_what_passes_the_second_time_passes_and_is_told(tmp_path):
    done = steady(tmp_path, SECOND_TIME)
    assert (done.returncode, runs(tmp_path)) == (0, 2)
    assert "UNSTEADY, passed the second time only: sh" in done.stdout
    assert (tmp_path / "unsteady").read_text(encoding="utf-8").startswith("sh ")


@pytest.mark.parametrize("script, environment, times", [
    ("exit 7", {}, 2),
    (f"{SECOND_TIME} || exit 7", {"ONCE": "1"}, 1),
    (f"{SECOND_TIME} || {{ echo 'ERROR: AddressSanitizer: heap-use-after-free'; exit 7; }}", {}, 1),
    (f"{SECOND_TIME} || {{ echo 'a.c:1: runtime error: overflow' >&2; exit 7; }}", {}, 1),
])
def test_what_fails_keeps_its_status(tmp_path, script, environment, times):
    done = steady(tmp_path, script, **environment)
    assert (done.returncode, runs(tmp_path)) == (7, times)
    assert not (tmp_path / "unsteady").exists()


def test_no_command_is_a_usage_error():
    assert subprocess.run([STEADY], capture_output=True, check=False).returncode == 2
