"""Sick machines for the tests of the doctor: what they share. A machine is healthy or sick in a mount namespace of its own, in
which files of /proc and /sys say what the test wants, and a filter may refuse system calls; the findings of the one are held
against those of the other.
"""
import errno
import platform
import shlex
import sys
from pathlib import Path

from testing import read_records, valid

MOUNT = "mount -t tmpfs -o mode=1777,{} tmpfs /dev/shm"
HEALTHY = MOUNT.format("size=256m")

# What depends on the moment, and may come and go between two looks.
WEATHER = {"cpu-load", "cpu-steal", "memory-room", "memory-kills", "memory-available", "memory-swap"}


def records_of(shmoo, *options, status=None, **settings):
    """The findings, by their ids, and the facts of a diagnosis, by theirs."""
    done = shmoo("doctor", "--format", "jsonl", *options, **settings)
    assert done.stderr == "", done.stderr
    found = valid(read_records(done.stdout))
    findings = {r["id"]: r for r in found if r["type"] == "finding"}
    assert done.returncode == found[-1]["exit_status"] == any(r["severity"] != "note" for r in findings.values())
    assert status in (None, done.returncode)
    return findings, {r["id"]: r["text"] for r in found if r["type"] == "fact"}


def diagnosed(shmoo, *options, **settings):
    """The findings alone."""
    return records_of(shmoo, *options, **settings)[0]


def difference(healthy, sick, finding):
    """Fails unless the sick machine has this finding more than the healthy one, and no other more or less; the finding."""
    weather = WEATHER - {finding}
    more, less = set(sick) - set(healthy) - weather, set(healthy) - set(sick) - weather
    assert more == {finding} and not less, (sorted(more), sorted(less), sick.get(finding))
    record = sick[finding]
    assert record["evidence"] and record["consequence"] and record["fix"]
    return record


def laid_over(files):
    """Shell commands that lay these texts over files, which must be there, or over what a folder holds: {"/path": "text"}; a
    path that ends in a slash stands for an empty folder laid over that one, before the files are made in it."""
    lines = ["mount -t tmpfs tmpfs /mnt"]
    folders = [path for path in files if path.endswith("/")]
    lines += [f"mount -t tmpfs -o mode=755 tmpfs {path}" for path in folders]
    for number, (path, text) in enumerate(files.items()):
        if path.endswith("/"):
            continue
        if any(path.startswith(folder) for folder in folders):
            lines.append(f"mkdir -p {Path(path).parent} && printf %s {shlex.quote(text)} > {path}")
        else:
            lines.append(f"printf %s {shlex.quote(text)} > /mnt/{number} && mount --bind /mnt/{number} {path}")
    return " && ".join(lines)


# ---- system calls that are refused ----

NUMBERS = {
    "x86_64": {"fallocate": 285, "memfd_create": 319, "pidfd_open": 434, "ftruncate": 77, "madvise": 28, "set_robust_list": 273,
               "fcntl": 72, "mmap": 9},
    "aarch64": {"fallocate": 47, "memfd_create": 279, "pidfd_open": 434, "ftruncate": 46, "madvise": 233, "set_robust_list": 99,
                "fcntl": 25, "mmap": 222},
}.get(platform.machine(), {})

FILTER = r"""
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
load, equal, give = 0x20, 0x15, 0x06
code = []
for rule in sys.argv[1].split():
    number, argument, value, error = (int(word) for word in rule.split(":"))
    code += [(load, 0, 0, 0), (equal, 0, 3 if argument >= 0 else 1, number)]
    if argument >= 0:
        code += [(load, 0, 0, 16 + 8 * argument), (equal, 0, 1, value)]
    code.append((give, 0, 0, 0x00050000 | error))
code.append((give, 0, 0, 0x7fff0000))
text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(text))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
os.execvp(sys.argv[2], sys.argv[2:])
"""


def refused(*rules):
    """A command that runs another, whose system calls fail as the rules say: ("madvise", 2, 23, "EINVAL") for those with the
    value 23 in argument 2, ("fallocate", "ENOSYS") for all; None where this machine's numbers are not known."""
    words = []
    for name, *condition, error in rules:
        if name not in NUMBERS:
            return None
        argument, value = condition or (-1, 0)
        words.append(f"{NUMBERS[name]}:{argument}:{value}:{getattr(errno, error)}")
    return [sys.executable, "-c", FILTER, " ".join(words)]
