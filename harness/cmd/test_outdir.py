"""The folder of a run: its name, results/latest, folders that cannot be used, and standard streams that are closed."""
import os
import subprocess

import pytest
from testing import NOBODY, QUICK, needs_root, one_line, read_records, records, verdicts

STRANGE_NAMES = ["with space", " both ends ", "naïve-ünïcode-日本", "back\\slash", "quote\"'s", "$HOME;`x`&|<>*?",
                 "--looks-like-an-option",
                 "tab\there", "deep/er/and/deeper", "trailing/", "./a/../b", "x" * 200, "%s%n%d", "#hash", "[brackets]"]


def is_whole(folder):
    found = records(folder)
    return found[0]["type"] == "run" and found[-1]["type"] == "end"


def replays(shmoo, folder):
    """Does the plan.ini of a finished run give the same trials?"""
    seeds = [trial["seed"] for trial in records(folder, "trial")]
    done = shmoo("run", str(folder / "plan.ini"), "--dry-run")
    return done.returncode == 0 and [int(line.split()[-1]) for line in done.stdout.splitlines()] == seeds


def test_default_folder_is_named_after_the_run_and_latest_points_at_it(shmoo):
    for _ in range(2):
        assert shmoo.quick().returncode == 0
        latest = shmoo.cwd / "results" / "latest"
        assert latest.is_symlink() and not os.path.isabs(os.readlink(latest))
        assert latest.resolve().parent == shmoo.cwd / "results" / "runs"
        run = records(latest)[0]
        assert run["id"] == latest.resolve().name
        assert run["id"].endswith(f"-{shmoo.started[-1].pid}")
    assert len(list((shmoo.cwd / "results" / "runs").iterdir())) == 2


def test_a_folder_of_ones_own_leaves_results_alone(shmoo):
    assert shmoo.quick("--out", "mine").returncode == 0
    assert sorted(p.name for p in shmoo.cwd.iterdir()) == ["mine"]
    assert sorted(p.name for p in (shmoo.cwd / "mine").iterdir()) == ["plan.ini", "run.jsonl"]


def test_something_else_called_latest_is_not_destroyed(shmoo):
    kept = shmoo.cwd / "results" / "latest" / "kept"
    kept.mkdir(parents=True)
    done = shmoo.quick()
    assert done.returncode == 0
    assert kept.is_dir() and not kept.parent.is_symlink()
    assert "results/latest" in done.stderr


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_strange_names_are_taken_literally(shmoo, name):
    done = shmoo.quick(f"--out={name}")
    assert done.returncode == 0
    assert is_whole(shmoo.cwd / name)
    assert records(shmoo.cwd / name)[0]["command"][-1] == f"--out={name}"


@pytest.mark.parametrize("name", ["plain", "with space", "x" * 200, "line\nbreak", "semi;colon"],
                         ids=["plain", "space", "long", "line break", "semicolon"])
def test_a_plan_can_be_run_again_whatever_its_folder_is_called(shmoo, name):
    assert shmoo.quick("--out", name, "--repeat", "2").returncode == 0
    assert replays(shmoo, shmoo.cwd / name)


def test_a_name_that_is_not_utf8_leaves_valid_records(shmoo):
    done = shmoo.quick("--out", os.fsdecode(b"caf\xe9"))
    assert done.returncode == 0
    assert is_whole(shmoo.cwd / os.fsdecode(b"caf\xe9"))


def test_an_existing_empty_folder_is_used(shmoo):
    (shmoo.cwd / "o").mkdir()
    assert shmoo.quick("--out", "o").returncode == 0
    assert is_whole(shmoo.cwd / "o")


def test_a_folder_that_holds_a_run_is_not_touched(shmoo):
    shmoo.quick("--out", "o", "--seed", "1")
    before = {path.name: path.read_bytes() for path in (shmoo.cwd / "o").iterdir()}
    done = shmoo.quick("--out", "o", "--seed", "2")
    assert (done.returncode, done.stdout) == (3, "")
    assert "run.jsonl" in one_line(done.stderr) and "--out" in done.stderr
    assert {path.name: path.read_bytes() for path in (shmoo.cwd / "o").iterdir()} == before


def test_a_plan_of_ones_own_is_not_overwritten(shmoo):
    plan = shmoo.cwd / "plan.ini"
    plan.write_text("; mine\n[x]\nsync = mutex\nops = 50\nmin-exposure = 0\n", encoding="utf-8")
    before = plan.read_bytes()
    shmoo("run", "plan.ini", "--out", ".")
    assert plan.read_bytes() == before


@pytest.mark.parametrize("name", ["file", "file/below", "dangling"])
def test_something_else_of_that_name_is_status_3(shmoo, name):
    (shmoo.cwd / "file").write_text("kept", encoding="utf-8")
    (shmoo.cwd / "dangling").symlink_to("nowhere")
    done = shmoo.quick("--out", name)
    assert (done.returncode, done.stdout) == (3, "")
    assert name in one_line(done.stderr)
    assert (shmoo.cwd / "file").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("name", ["y" * 300, ("y" * 199 + "/") * 25 + "end", "y" * 5000], ids=["part", "path", "both"])
def test_a_name_that_is_too_long_is_refused_before_the_work(shmoo, name):
    done = shmoo.quick("--out", name)
    assert (done.returncode in (2, 3), done.stdout) == (True, "")
    assert "too long" in one_line(done.stderr)
    assert not list(shmoo.cwd.iterdir())


@needs_root
def test_a_folder_without_permission_is_status_3(shmoo):
    for path in (*shmoo.cwd.parents, shmoo.cwd):
        if os.stat(path).st_uid == os.geteuid() and path.stat().st_mode & 0o111 != 0o111:
            path.chmod(path.stat().st_mode | 0o111)
    done = shmoo.quick(wrap=NOBODY)
    assert (done.returncode, done.stdout) == (3, "")
    assert "EACCES" in one_line(done.stderr) and "--out" in done.stderr


def test_a_deleted_working_folder_is_status_3_and_an_absolute_out_helps(shmoo):
    gone = shmoo.cwd / "gone"
    def vanish(*arguments):
        gone.mkdir()
        return shmoo.quick(*arguments, wrap=["sh", "-c", f"cd '{gone}' && rmdir '{gone}' && exec \"$@\"", "sh"])
    done = vanish()
    assert (done.returncode, done.stdout) == (3, "")
    assert one_line(done.stderr)
    assert vanish("--out", str(shmoo.cwd / "o")).returncode == 0
    assert is_whole(shmoo.cwd / "o")


def test_two_runs_into_one_folder_do_not_mix(shmoo):
    both = [shmoo.start("run", *QUICK, "--repeat", "5", "--out", "o", "--quiet") for _ in range(2)]
    statuses = sorted(shmoo.finish(process).returncode for process in both)
    assert statuses == [0, 3]
    assert is_whole(shmoo.cwd / "o") and len(verdicts(shmoo.cwd / "o")) == 5
    assert replays(shmoo, shmoo.cwd / "o")


@pytest.mark.parametrize("closed", ["0", "2", "02"])
def test_with_these_streams_closed_the_run_is_whole(shmoo, closed):
    redirections = " ".join(f"{descriptor}>&-" for descriptor in closed)
    done = shmoo.quick("--out", "o", "--format", "jsonl", wrap=["sh", "-c", f'exec "$@" {redirections}', "sh"])
    assert done.returncode == 0
    assert is_whole(shmoo.cwd / "o")
    assert read_records(done.stdout) == records(shmoo.cwd / "o")


@pytest.mark.parametrize("closed", ["1", "01", "12", "012"])
def test_a_closed_standard_output_is_status_3_and_spoils_no_file(shmoo, closed):
    redirections = " ".join(f"{descriptor}>&-" for descriptor in closed)
    done = shmoo.quick("--out", "o", wrap=["sh", "-c", f'exec "$@" {redirections}', "sh"])
    assert done.returncode == 3
    assert "2" in closed or "standard output" in done.stderr
    if (shmoo.cwd / "o" / "run.jsonl").exists():
        assert records(shmoo.cwd / "o")[0]["type"] == "run"


def test_a_full_disc_is_status_3_and_what_was_measured_stays_readable(shmoo, private_shm):
    (shmoo.cwd / "disc").mkdir()
    place = private_shm(f"mount -t tmpfs -o size=32k tmpfs '{shmoo.cwd}/disc'")
    done = shmoo("run", *QUICK, "--repeat", "200", "--out", "disc/o", "--quiet", wrap=place.enter)
    assert done.returncode == 3
    assert "ENOSPC" in done.stderr and "disc/o/run.jsonl" in done.stderr
    text = subprocess.run([*place.enter, "cat", "disc/o/run.jsonl"], capture_output=True, text=True, check=True).stdout
    whole = read_records(text[:text.rindex("\n")])
    assert [r["type"] for r in whole[:3]] == ["run", "host", "trial"]
    assert any(r["type"] == "verdict" for r in whole)
