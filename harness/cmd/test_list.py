"""shmoo list: every row once, in curated order, with names that shmoo run takes."""
import pytest
from testing import one_line

KINDS = ("sync", "load", "fault", "check", "finding", "job")


def rows_of(shmoo, *kinds):
    done = shmoo("list", *kinds)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split(maxsplit=1) for line in done.stdout.splitlines()]


def names_of(shmoo, kind):
    return [row[0] for row in rows_of(shmoo, kind)]


@pytest.mark.parametrize("kind,first,needed", [
    ("sync", "none", {"none", "semaphore", "mutex", "spin"}),
    ("load", "counter", {"counter", "snapshot", "quit", "lifecycle"}),
    ("fault", "none", {"none", "yield", "delay", "stop", "kill"}), ("job", None, {"smoke", "soak", "tradeoffs"}),
])
def test_what_the_contract_names_is_there_once_with_a_summary(shmoo, kind, first, needed):
    rows = rows_of(shmoo, kind)
    names = [row[0] for row in rows]
    assert needed <= set(names) and len(names) == len(set(names))
    assert first is None or names[0] == first
    assert all(len(row) == 2 and len(row[1]) > 10 for row in rows)


def test_the_four_named_syncs_come_before_what_is_broken_on_purpose(shmoo):
    names = names_of(shmoo, "sync")
    broken = [names.index(name) for name in names if name.startswith("busted-")]
    assert broken and max(names.index(name) for name in ("none", "semaphore", "mutex", "spin")) < min(broken)


def test_without_a_kind_all_are_listed_under_headings(shmoo):
    text = shmoo("list").stdout
    assert [line for line in text.splitlines() if line.endswith(":") and " " not in line] == [f"{kind}:"
                                                                                              for kind in KINDS]
    for kind in KINDS:
        assert shmoo("list", kind).stdout in text


def test_several_kinds_are_listed_in_the_order_that_was_asked_for(shmoo):
    both = shmoo("list", "load", "sync").stdout
    assert both == shmoo("list", "load").stdout + shmoo("list", "sync").stdout


@pytest.mark.parametrize("kind,option", [("sync", "--sync"), ("load", "--load"), ("fault", "--fault")])
def test_every_listed_name_can_be_run(shmoo, kind, option):
    for name in names_of(shmoo, kind):
        done = shmoo("run", option, name, "--dry-run")
        assert done.returncode == 0
        assert name == "none" and kind == "fault" or f"{option} {name}" in done.stdout


def test_every_listed_job_can_be_run(shmoo):
    for name in names_of(shmoo, "job"):
        for job in (name, f"{name}.ini"):
            assert shmoo("run", job, "--dry-run").returncode == 0


@pytest.mark.parametrize("sync", ["none", "mutex", "busted-forgetful"])
def test_what_is_listed_as_expected_is_what_a_trial_expects(shmoo, sync):
    listed = dict(rows_of(shmoo, "sync"))[sync].split()
    wanted = listed[listed.index("expected") + 1]
    done = shmoo("run", "--sync", sync, "--load", "counter", "--dry-run", "--expect", wanted)
    assert done.returncode == 0 and f"--expect {wanted}" in done.stdout


def test_an_unknown_kind_lists_nothing(shmoo):
    done = shmoo("list", "sync", "bogus")
    assert (done.returncode, done.stdout) == (2, "")
    assert "bogus" in one_line(done.stderr)


@pytest.mark.parametrize("arguments", [("--", "sync"), ("sync", "--")])
def test_a_double_dash_ends_the_options(shmoo, arguments):
    done = shmoo("list", *arguments)
    assert (done.returncode, done.stdout) == (0, shmoo("list", "sync").stdout)


def test_help_is_given_wherever_it_is_asked_for(shmoo):
    done = shmoo("list", "sync", "--help")
    assert (done.returncode, done.stdout[:6]) == (0, "Usage:")


def test_an_unreadable_folder_or_shm_does_not_matter(shmoo, private_shm):
    place = private_shm("mount -t tmpfs tmpfs /dev")
    done = shmoo("list", wrap=place.enter)
    assert (done.returncode, done.stdout) == (0, shmoo("list").stdout)
