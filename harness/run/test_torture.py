"""The torture of the harness in small: some kills leave nothing, and what is left is told."""
import os
import subprocess

import pytest
from testing import PROGRAM, ROOT

TORTURE = ROOT / "ci" / "torture"


@pytest.fixture(name="torture")
def torture_fixture(tmp_path):
    """Runs ci/torture; what it keeps of a finding goes with the test."""
    def run(*arguments, program=PROGRAM):
        environment = {**os.environ, "SHMOO": str(program), "TMPDIR": str(tmp_path)}
        return subprocess.run([TORTURE, *arguments], env=environment, capture_output=True, text=True, timeout=200, check=False)
    return run


def test_some_kills_leave_nothing(torture):
    done = torture("8", "7")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith("torture: 8 kills of seed 7 in ") and "nothing was touched" in done.stdout


@pytest.mark.parametrize("broken,said", [
    ('[ "$1" = gc ] && exit 0', "gc --own left"),
    ('[ "$1" = gc ] && rm -f /dev/shm/psm_*_decoy', "somebody else"),
    ('[ "$2" = --load ] && { sleep 30 </dev/null >/dev/null 2>&1 & }', "there are still"),
], ids=["leaves objects", "takes other people's", "leaves processes"])
def test_what_may_not_happen_is_told(torture, private_shm, tmp_path, broken, said):
    private_shm()  # else the broken collector could touch what is others'
    program = tmp_path / "shmoo"
    program.write_text(f'#!/bin/sh\n{broken}\nexec {PROGRAM} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    done = torture("40", "7", program=program)
    assert done.returncode == 1, done.stdout
    assert said in done.stdout and "again: ci/torture --only" in done.stdout


@pytest.mark.parametrize("arguments", [("many",), ("1", "2", "3"), ("--only", "1"), ("-1",)], ids=" ".join)
def test_wrong_words_are_explained(torture, arguments):
    done = torture(*arguments)
    assert (done.returncode, done.stdout) == (2, "") and "COUNT" in done.stderr


def test_without_the_program_it_says_so(torture, tmp_path):
    done = torture("1", program=tmp_path / "shmoo")
    assert done.returncode == 3 and "make" in done.stderr
