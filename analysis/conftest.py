"""Fixtures that the tests share: generated runs, and the report command."""

import os
import shutil
import subprocess
import sys

import pytest

# The tests leave nothing in the tree.
sys.dont_write_bytecode = True

import records
import synthetic

HERE = os.path.dirname(os.path.abspath(__file__))


def pytest_unconfigure():
    """Removes what was compiled of this very file before it could say that nothing is to be kept."""
    shutil.rmtree(os.path.join(HERE, "__pycache__"), ignore_errors=True)


@pytest.fixture
def run_of(tmp_path):
    """A function that writes a run from a recipe's parameters and reads it."""
    def make(**parameters):
        return records.read(synthetic.write(str(tmp_path / "run"), synthetic.Recipe(**parameters)))
    return make


@pytest.fixture
def folder_of(tmp_path):
    """A function that writes a run from a recipe's parameters and returns its folder."""
    def make(**parameters):
        folder = tmp_path / "run"
        synthetic.write(str(folder), synthetic.Recipe(**parameters))
        return folder
    return make


def command(script):
    """A function that runs a script of this folder as a command: (status, stdout, stderr)."""
    def run(*arguments, **environment):
        line = ["/usr/bin/python3", "-B", os.path.join(HERE, script), *map(str, arguments)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment})
        return done.returncode, done.stdout, done.stderr
    return run


@pytest.fixture
def report():
    """The report command."""
    return command("report.py")
