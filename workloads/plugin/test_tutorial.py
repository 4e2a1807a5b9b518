"""The tutorial, done from a clean folder: its own commands, with what they say about their exit status."""
import os
import re
import subprocess
from pathlib import Path

import pytest
from testing import PROGRAM, ROOT, needs_two_cpus, not_sanitized

TUTORIAL = ROOT / "workloads" / "plugin" / "README.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
STATUS = re.compile(r"# exit status (\d+)$")


def commands():
    """(command, expected exit status) of each line; a here-document belongs to its command."""
    for block in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
        lines = iter(block.splitlines())
        for line in lines:
            command = line
            if "<<'END'" in line:
                for more in lines:
                    command += "\n" + more
                    if more == "END":
                        break
            found = STATUS.search(line)
            yield command, int(found[1]) if found else 0


@pytest.fixture(name="prefix")
def prefix_fixture(tmp_path):
    """Program, header and examples, installed by make from what is built."""
    build = PROGRAM.parent
    if not (build / "obj").is_dir():
        pytest.skip(f"{PROGRAM} does not lie in a build folder that make install could take it from")
    prefix = tmp_path / "prefix"
    subprocess.run(["make", "--old-file", str(PROGRAM), "install", f"BUILD={build}", f"PREFIX={prefix}"], cwd=ROOT,
                   check=True, capture_output=True)
    return prefix


@needs_two_cpus
@not_sanitized
def test_the_tutorial_does_what_it_says(tmp_path, prefix):
    folder = tmp_path / "clean"
    folder.mkdir()
    place = {"PATH": f"{prefix}/bin:{os.environ['PATH']}", "C_INCLUDE_PATH": f"{prefix}/include", "HOME": str(folder)}
    found = list(commands())
    assert sum("shmoo run" in command for command, _ in found) >= 6
    assert {status for _, status in found} == {0, 1}
    for command, expected in found:
        command = command.replace("/usr/local", str(prefix))
        done = subprocess.run(["bash", "-ec", command], cwd=folder, env=place, capture_output=True, text=True, timeout=120, check=False)
        # a busy machine may leave too little exposure for a verdict
        assert done.returncode in ((0, 4) if expected == 0 else (expected,)), (command, done.stdout, done.stderr)
    assert "an exchange until it succeeds" in subprocess.run(
        ["shmoo", "list", "--plugin", "mine.so", "sync"], cwd=folder, env=place, capture_output=True, text=True,
        check=True).stdout


def test_the_header_needs_nothing_but_the_c_library(prefix):
    text = (prefix / "include" / "shmoo" / "plugin.h").read_text(encoding="utf-8")
    assert set(re.findall(r"^#include (.*)$", text, re.M)) == {"<stdbool.h>", "<stddef.h>", "<stdint.h>"}


@pytest.mark.parametrize("line", [
    "cc -std=c99 -Wall -Wextra -Werror", "cc -std=c17 -pedantic-errors -Wall -Wextra -Werror -fvisibility=hidden -flto"])
@pytest.mark.parametrize("name", ["lock", "cell", "queue"])
def test_examples_build_with_strict_compilers(tmp_path, prefix, line, name):
    source = prefix / "share" / "shmoo" / "plugin" / f"{name}.c"
    subprocess.run([*line.split(), "-O2", "-D_DEFAULT_SOURCE", f"-I{prefix}/include", "-shared", "-fPIC", "-o", f"{name}.so", source],
                   cwd=tmp_path, check=True)
