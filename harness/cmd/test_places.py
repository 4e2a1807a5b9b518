"""Where the program finds its jobs and the analysis: in the tree, through a link, and installed elsewhere."""
import os
import shutil
import subprocess

import pytest
from testing import PROGRAM, ROOT, one_line


def jobs_of(done):
    assert (done.returncode, done.stderr) == (0, "")
    return {line.split()[0] for line in done.stdout.splitlines()}


@pytest.fixture(name="installed")
def installed_fixture(shmoo):
    """A copy of the program, installed by make from what is built, with none of the source tree near it."""
    build = PROGRAM.parent
    if not (build / "obj").is_dir():
        pytest.skip(f"{PROGRAM} does not lie in a build folder that make install could take it from")
    stage = shmoo.cwd / "stage area"
    subprocess.run(["make", "--old-file", str(PROGRAM), "install", f"BUILD={build}", "PREFIX=/usr",
                    f"DESTDIR={shmoo.cwd}/stage"], cwd=ROOT,
                   env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")}, capture_output=True,
                   text=True, check=True)
    (shmoo.cwd / "stage").rename(stage)
    return stage / "usr" / "bin" / "shmoo"


@pytest.mark.parametrize("folder", ["/", "/tmp", "/dev/shm", "/proc/self"])
def test_from_any_folder_the_jobs_are_found(shmoo, folder):
    assert jobs_of(shmoo("list", "job", cwd=folder)) >= {"smoke", "soak", "tradeoffs"}
    assert shmoo("run", "smoke", "--dry-run", cwd=folder).returncode == 0


def test_called_through_a_link_the_jobs_are_found(shmoo):
    (shmoo.cwd / "link").symlink_to(PROGRAM)
    assert jobs_of(shmoo("list", "job", program=shmoo.cwd / "link")) >= {"smoke"}


def test_called_by_a_relative_path_or_by_its_name_the_jobs_are_found(shmoo):
    assert jobs_of(shmoo("list", "job", program=os.path.relpath(PROGRAM, shmoo.cwd))) >= {"smoke"}
    path = {"PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    assert jobs_of(shmoo("list", "job", program=PROGRAM.name, wrap=["env"], environment=path)) >= {"smoke"}


def test_a_file_of_ones_own_goes_before_a_built_in_job(shmoo):
    (shmoo.cwd / "smoke").write_text("[mine]\nsync = mutex\n", encoding="utf-8")
    assert len(shmoo("run", "smoke", "--dry-run").stdout.splitlines()) == 1
    assert len(shmoo("run", "smoke.ini", "--dry-run").stdout.splitlines()) > 1


def test_a_copy_without_its_files_says_so(shmoo):
    copy = shmoo.cwd / "bin" / "shmoo"
    copy.parent.mkdir()
    shutil.copy2(PROGRAM, copy)
    if jobs_of(shmoo("list", "job", program=copy)):
        pytest.skip("shmoo is installed on this machine, and the copy finds those files")
    done = shmoo("run", "smoke", program=copy)
    assert (done.returncode, done.stdout) == (2, "")
    assert "smoke" in one_line(done.stderr)
    done = shmoo("report", ".", program=copy)
    assert (done.returncode, done.stdout) == (3, "")
    assert "install" in one_line(done.stderr)
    assert shmoo.quick("--out", "o", program=copy).returncode == 0


def test_an_installed_copy_has_its_jobs(shmoo, installed):
    assert jobs_of(shmoo("list", "job", program=installed)) >= {"smoke", "soak", "tradeoffs"}
    planned = [shmoo("run", "smoke", "--dry-run", "--seed", "1", program=program, cwd="/").stdout
               for program in (installed, PROGRAM)]
    assert planned[0] == planned[1] != ""


def test_an_installed_copy_runs(shmoo, installed):
    assert shmoo.quick("--out", "o", program=installed).returncode == 0


@pytest.mark.skipif(not (ROOT / "analysis" / "report.py").exists() or not shutil.which("gnuplot"),
                    reason="no report to be had here")
def test_an_installed_copy_makes_reports(shmoo, installed):
    assert shmoo.quick("--out", "o", program=installed).returncode == 0
    done = shmoo("report", "o", program=installed, timeout=120)
    assert done.returncode == 0, done.stderr
    assert one_line(done.stdout).endswith(".html")


def test_tests_are_not_installed(installed):
    files = [path.name for path in installed.parents[1].rglob("*") if path.is_file()]
    assert [name for name in files if "test" in name or name == "conftest.py"] == []


def test_what_is_installed_can_be_uninstalled(shmoo, installed):
    stage = installed.parents[2]
    target = shmoo.cwd / "stage"
    stage.rename(target)
    subprocess.run(["make", "uninstall", "PREFIX=/usr", f"DESTDIR={target}"], cwd=ROOT, capture_output=True, check=True)
    assert [path for path in target.rglob("*") if path.is_file()] == []
