"""The checks checked: a system that does one thing wrong fails the check that names it, and ci/mutants finds out which."""
import os
import re
import subprocess
from pathlib import Path

import pytest
from testing import PROGRAM, ROOT, SANITIZED, read_records

LIBRARY = Path(os.environ.get("MUTANTS") or ROOT / "build" / "mutants.so").resolve()
TABLE = ROOT / "workloads" / "check" / "MUTANTS.md"

pytestmark = [pytest.mark.skipif(SANITIZED, reason="the sanitizers' own library must come first"),
              pytest.mark.skipif(not LIBRARY.is_file(), reason=f"{LIBRARY} is not built")]

# Of each interface something, with a check that is about it. All of them: make mutants.
NOTICED = {
    "open-ignores-excl": "open/exclusive-refuses",
    "open-excl-in-two-steps": "open/exclusive-has-one-winner",
    "open-ignores-trunc": "open/trunc-empties",
    "open-ignores-umask": "access/umask-clears-bits",
    "open-is-kept-on-exec": "open/close-on-exec",
    "open-starts-with-page": "open/starts-empty",
    "open-gives-copy": "name/one-object-for-all",
    "unlink-does-nothing": "unlink/name-goes-at-once",
    "unlink-zeroes": "unlink/descriptor-keeps-object",
    "truncate-rounds-up": "size/exact",
    "truncate-keeps-rest-of-page": "size/shrinks-for-good",
    "truncate-last-byte-is-stale": "size/grows-with-zeros",
    "reserve-clears": "capacity/fallocate-keeps-data",
    "close-closes-duplicates": "inherit/duplicates-count",
    "close-unmaps": "map/survives-close",
    "stat-has-a-link": "unlink/no-links-left",
    "lock-is-always-granted": "guard/record-locks",
    "seal-does-nothing": "guard/seals-on-size",
    "map-shared-is-private": "map/stores-are-shared",
    "map-private-is-shared": "map/private-stays-private",
    "map-ignores-offset": "map/offsets-count",
    "unmap-first-page-only": "map/unmapped-is-gone",
    "protect-does-nothing": "map/protection-changes",
    "fork-makes-private": "inherit/fork-shares",
    "kill-zeroes": "persist/sigkill-keeps-data",
    "exit-unlinks": "persist/exit-keeps-data",
    "exec-truncates": "persist/exec-keeps-data",
    "kill-zeroes-late": "persist/sigkill-leaves-descriptor",
    "message-copies": "message/same-description",
    "fault-address-is-of-page": "size/empty-maps-and-faults",
    "robust-list-lost": "mutex/robust-after-exit",
    "robust-death-is-hidden-by-trylock": "mutex/death-told-by-trylock",
    "consistent-does-nothing": "mutex/robust-after-kill",
    "mutex-unlock-by-anyone": "mutex/excludes-processes",
    "sem-post-counts-twice": "semaphore/counts",
    "sem-open-resets": "semaphore/named-persists",
    "kill-returns-permit": "semaphore/permit-dies-with-holder",
    "cond-broadcast-does-nothing": "cond/broadcast-wakes-all",
    "wrlock-shares": "rwlock/writers-exclude",
    "spin-trylock-always-succeeds": "spin/between-processes",
    "barrier-all-are-serial": "barrier/between-processes",
    "shm_open-EEXIST-as-EACCES": "open/exclusive-refuses",
    "mmap-EACCES-as-EPERM": "map/read-only-is-kept",
}


def outcomes(shmoo, mutant, *checks):
    done = shmoo("check", "--format", "jsonl", *checks, environment={"LD_PRELOAD": str(LIBRARY), "SHMOO_MUTANT": mutant})
    return done, {r["id"]: r for r in read_records(done.stdout) if r["type"] == "check"}


@pytest.mark.parametrize("mutant,check", NOTICED.items())
def test_a_system_that_does_wrong_fails_the_check_that_names_it(shmoo, mutant, check):
    done, records = outcomes(shmoo, mutant, check)
    if records[check]["outcome"] == "UNSUPPORTED":
        pytest.skip(records[check]["reason"])
    assert (records[check]["outcome"], done.returncode) == ("FAIL", 1)
    assert records[check]["expected"] and records[check]["observed"]


def test_without_a_mistake_the_library_changes_nothing(shmoo):
    _, records = outcomes(shmoo, "", *set(NOTICED.values()))
    assert {r["id"]: r["observed"] for r in records.values() if r["outcome"] not in ("PASS", "UNSUPPORTED", "DEVIATES")} == {}


def test_an_unknown_mistake_is_told(shmoo):
    done = shmoo("check", "name/dot", environment={"LD_PRELOAD": str(LIBRARY), "SHMOO_MUTANT": "no-such-thing"})
    assert done.returncode == 2 and "no-such-thing" in done.stderr


def mutants(*arguments):
    return subprocess.run([ROOT / "ci" / "mutants", "--jobs", "2", *arguments], capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "SHMOO": str(PROGRAM), "MUTANTS": str(LIBRARY)})


def test_who_notices_is_told():
    done = mutants("--checks", "size/exact", "--checks", "name/dot", "truncate-rounds-up", "truncate-rounds-down")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^truncate-rounds-up +1 +0 .*size/exact", done.stdout, re.M)
    assert "2 mutants: 2 noticed, 0 not" in done.stdout


def test_what_nobody_notices_must_be_listed_and_nothing_else(tmp_path):
    listed = tmp_path / "listed"
    arguments = ("--checks", "name/dot", "--listed", listed, "truncate-rounds-up")
    listed.write_text("", encoding="utf-8")
    done = mutants(*arguments)
    assert done.returncode == 1 and "mutant truncate-rounds-up: nobody notices it, and it is not listed" in done.stderr
    listed.write_text("# why\nmutant truncate-rounds-up  one check is too few\n", encoding="utf-8")
    done = mutants(*arguments)
    assert done.returncode == 0 and "one check is too few" in done.stdout, done.stderr
    done = mutants("--checks", "size/exact", *arguments[2:])
    assert done.returncode == 1 and "it is listed, but somebody notices it" in done.stderr
    listed.write_text("mutant truncate-rounds-up\n", encoding="utf-8")
    assert mutants(*arguments).returncode == 1


def test_a_name_that_does_not_exist_must_not_be_listed(tmp_path):
    listed = tmp_path / "listed"
    listed.write_text("mutant no-such-mutant  because\n", encoding="utf-8")
    done = mutants("--checks", "size/exact", "--listed", listed, "truncate-rounds-up")
    assert done.returncode == 1 and "there is no such mutant" in done.stderr
    assert mutants("no-such-mutant").returncode == 2


def test_the_table_names_every_mutant_once():
    rows = (ROOT / "workloads" / "check" / "mutants").glob("rows_*.h")
    text = "".join(path.read_text(encoding="utf-8") for path in rows)
    names = [name.replace("_", "-") for name in re.findall(r"^MUTANT\((\w+),", text, re.M)]
    names += ["-".join(parts[:2]) + "-as-" + parts[2] for parts in re.findall(r"^WRONG\((\w+), (\w+), (\w+)\)", text, re.M)]
    named = re.findall(r"^\| [^|]+ \| [^|]+ \| `([^`]+)` \|", TABLE.read_text(encoding="utf-8"), re.M)
    assert sorted(named) == sorted(name.replace("_", "-") for name in names), "run: make mutants TABLE=1"
