"""Lets the tests in this folder find harness/testing.py and its fixtures."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "harness"))

# pytest finds fixtures by their being imported
from testing import census, private_shm_fixture, pytest_collection_modifyitems, shmoo_fixture  # noqa: E402, F401
