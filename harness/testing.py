"""What the command-line tests share: starting shmoo, reading its records, and a census of what a test leaves behind."""
import itertools
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = Path(os.environ.get("SHMOO") or ROOT / "build" / "shmoo").resolve()
SHM = Path("/dev/shm")
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

# A trial that ends after a few operations, and is clean on the slowest machine.
QUICK = ("--sync", "mutex", "--ops", "50", "--min-exposure", "0")
# One that goes on until somebody ends it.
ENDLESS = ("--sync", "mutex", "--duration", "120s", "--quiet")
PATIENCE_S = 60

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
needs_two_cpus = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="nothing meets on a single CPU")
BINARY = PROGRAM.read_bytes() if PROGRAM.is_file() else b""
SANITIZED = b"__asan_init" in BINARY or b"__tsan_init" in BINARY or b"__ubsan_handle" in BINARY


def needs_shm(mebibytes):
    """For what must find so much room in /dev/shm: a container's has 64 MiB as a rule."""
    place = os.statvfs(SHM)
    return pytest.mark.skipif(place.f_bavail * place.f_frsize < mebibytes << 20, reason=f"/dev/shm has no {mebibytes} MiB free")


# For what takes many seconds and reaches no code that shorter tests do not reach as well.
not_sanitized = pytest.mark.skipif(SANITIZED, reason="takes long: once, in the ordinary build, is enough")

_marks = itertools.count()


def pytest_collection_modifyitems(config, items):
    """Under a sanitizer, of the cases of one test the first: the others take its time and hardly reach other code.

    SHMOO_ALL_CASES in the environment keeps them all. Each folder's conftest.py imports this; it finds nothing more to drop when
    it is called again.
    """
    if not SANITIZED or os.environ.get("SHMOO_ALL_CASES"):
        return
    cases = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], item)
    kept = set(cases.values())
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]



class Shmoo:
    """Starts the program in a folder of its own, and knows afterwards what it has started."""

    def __init__(self, cwd):
        self.cwd = cwd
        self.started = []
        self.mark = f"SHMOO_TEST={os.getpid()}.{next(_marks)}"

    def start(self, *arguments, wrap=(), program=PROGRAM, environment=None, **options):
        """A Popen of the program; `wrap` is a command that ends in exec, so that the pid stays the same."""
        variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "POSIXLY_CORRECT")}
        variables.update([self.mark.split("=", 1)], **(environment or {}))
        settings = {"cwd": self.cwd, "env": variables, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                    "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen([*wrap, program, *arguments], **settings)
        self.started.append(process)
        return process

    def finish(self, process, timeout=PATIENCE_S):
        """Waits for a process, which must end in time: its CompletedProcess, with text whose line ends are kept."""
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"{process.args} did not end within {timeout} s: {out!r} {err!r}")
        texts = [(stream or b"").decode("utf-8", "surrogateescape") for stream in (out, err)]
        return subprocess.CompletedProcess(process.args, process.returncode, *texts)

    def __call__(self, *arguments, timeout=PATIENCE_S, **options):
        """Runs the program to its end."""
        return self.finish(self.start(*arguments, **options), timeout)

    def quick(self, *arguments, **options):
        return self("run", *QUICK, *arguments, **options)

    def processes(self):
        """Living processes that carry this runner's mark: what it started, and their workers, whoever adopted them."""
        return [pid for pid in all_pids() if self.mark.encode() in environment_of(pid)]

    def objects(self, folder=SHM):
        """Objects whose names say that one of the started processes has made them."""
        pids = {process.pid for process in self.started}
        return [name for name in shm_objects(folder) if maker_of(name) in pids]

    def end(self):
        """Ends and reaps what still runs: (processes, objects) that a finished test should not have left."""
        running = [process for process in self.started if process.poll() is None]
        wait_until(lambda: running or not self.processes(), 10)
        left = self.processes(), self.objects()
        for process in running:
            process.kill()
            process.communicate()
        for pid in self.processes():
            os.kill(pid, 9)
        for name in left[1]:
            (SHM / name).unlink(missing_ok=True)
        return left


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def environment_of(pid):
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def stat_of(pid):
    """The fields of /proc/PID/stat from the state on; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def children_of(pid):
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in listed.read_text(encoding="ascii").split()]
    except OSError:  # it has ended, or this kernel keeps no such list
        return [child for child in all_pids() if stat_of(child)[1:2] == [str(pid)]]


def is_alive(pid):
    return stat_of(pid)[:1] not in ([], ["Z"], ["X"])


def has_computed(pid, ticks=1):
    """Has it used CPU time? A worker has little before its gate opens, even where each page costs it more than usual."""
    fields = stat_of(pid)
    return len(fields) > 12 and int(fields[11]) + int(fields[12]) > ticks


def listed_syncs(family, expected):
    """Names of the syncs of a family from which this verdict is expected, as `shmoo list` has them."""
    listed = subprocess.run([PROGRAM, "list", "sync"], capture_output=True, text=True,
                            check=False).stdout if BINARY else ""
    rows = [line.split() for line in listed.splitlines()]
    return [row[0] for row in rows if row[1] == family and row[3] == expected]


def wait_until(condition, seconds):
    """The condition's value once it is true; its last value when the time is over."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


def wait_for_workers(process, count, busy=True, ticks=1):
    """The pids of a run's workers, once all are there and, if they are to be busy, one is at work."""
    def ready():
        workers = children_of(process.pid)
        at_work = not busy or any(has_computed(pid, ticks) for pid in workers)
        return sorted(workers) if len(workers) == count and at_work else None
    workers = wait_until(ready, 30)
    assert workers, f"the crew of {count} did not come under way: {children_of(process.pid)}, {process.poll()}"
    return workers


def shm_objects(folder=SHM):
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def maker_of(name):
    """The pid in an object's name, as shmoo gives them; None for other people's objects."""
    found = re.match(r"(?:sem\.)?shmoo(?:-check)?\.(\d+)\.", name)
    return int(found[1]) if found else None


def read_records(text):
    """The records of a run, one JSON object a line; any other line fails the test."""
    return [json.loads(line) for line in text.split("\n") if line]


def valid(found):
    """The records, each of which must be as results/schema.json has it; unchecked where there is no jsonschema."""
    try:
        import jsonschema
    except ImportError:
        return found
    schema = json.loads((ROOT / "results" / "schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    for record in found:
        validator.validate(record)
    return found


def records(folder, kind=None):
    found = read_records((Path(folder) / "run.jsonl").read_text(encoding="utf-8"))
    return [record for record in found if kind in (None, record["type"])]


def verdicts(folder):
    return records(folder, "verdict")


def one_line(text):
    """The only line of a message, which must be one."""
    assert text.count("\n") == 1 and text.endswith("\n"), f"one line was expected: {text!r}"
    return text[:-1]


@pytest.fixture(name="shmoo")
def shmoo_fixture(tmp_path):
    assert os.access(PROGRAM, os.X_OK), f"{PROGRAM} is not there: run make first, or set SHMOO"
    return Shmoo(tmp_path)


@pytest.fixture(autouse=True)
def census(shmoo):
    """Fails a test that leaves processes or objects behind."""
    before = set(shm_objects())
    yield
    processes, objects = shmoo.end()
    assert not processes, f"processes were left behind: {processes}"
    assert not set(objects) - before, f"objects were left behind in {SHM}: {objects}"


class PrivateShm:
    """A mount namespace with a /dev/shm of its own, held open by a sleeping process."""

    entered = False  # has it been seen that one can be entered here?

    def __init__(self, cwd, setup):
        own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        script = f"{setup} && echo ready && exec sleep 600"
        self.holder = subprocess.Popen(["unshare", "--mount", *own_user, "sh", "-c", script], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
        self.ready = self.holder.stdout.readline() == "ready\n"
        into = ["--user", "--preserve-credentials"] if own_user else []
        self.enter = ["nsenter", f"--target={self.holder.pid}", *into, "--mount", f"--wdns={cwd}", "--"]
        self.folder = Path(f"/proc/{self.holder.pid}/root/dev/shm")

    def end(self):
        self.holder.kill()
        return self.holder.communicate()[1]


@pytest.fixture(name="private_shm")
def private_shm_fixture(tmp_path):
    """Makes private /dev/shm's from a shell command that mounts one; skips where namespaces are not to be had."""
    made = []

    def make(setup="mount -t tmpfs -o size=64m tmpfs /dev/shm"):
        place = PrivateShm(tmp_path, setup)
        made.append(place)
        if not place.ready:
            pytest.skip(f"no private mount namespace with that here: {place.end().strip()}")
        if not PrivateShm.entered:
            probe = subprocess.run([*place.enter, "true"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
            if probe.returncode:
                pytest.skip(f"a private mount namespace cannot be entered here: {probe.stderr.strip()}")
            PrivateShm.entered = True
        return place

    yield make
    for place in made:
        place.end()
