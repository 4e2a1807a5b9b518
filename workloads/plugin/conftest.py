"""What the tests of plugins share: compiling one, by one line, outside of every include path but the header's."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "harness"))

# pytest finds fixtures by their being imported
from testing import PROGRAM, census, private_shm_fixture, pytest_collection_modifyitems, shmoo_fixture  # noqa: E402, F401


@pytest.fixture(name="build", scope="session")
def build_fixture(tmp_path_factory):
    """Compiles a file of the zoo, or a text, to a shared object; each only once."""
    folder = tmp_path_factory.mktemp("plugins")
    made = {}

    def build(source, *flags, name=None):
        key = (source, flags)
        if key in made:
            return made[key]
        target = folder / f"{name or f'plugin{len(made)}'}.so"
        path = HERE / "zoo" / source if "\n" not in source else target.with_suffix(".c")
        if "\n" in source:
            path.write_text(source, encoding="utf-8")
        compiler = os.environ.get("CXX", "c++") if path.suffix == ".cc" else os.environ.get("CC", "cc")
        include = PROGRAM.parent / "include"  # where make has put the header, beside the program
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", *flags, f"-I{include}", "-o", target, path], check=True)
        made[key] = target
        return target

    return build
