#!/usr/bin/python3
"""Writes a run.jsonl that looks like a real one, for tests and for looking at charts without a machine to measure.

    synthetic.py FOLDER --trials 500        a folder with a run of about so many trials
"""

import argparse
import json
import os
from dataclasses import dataclass

import numpy


SUB_BITS, COURSE_SUB_BITS, COURSE_STEPS = 5, 2, 156
STEPS = (("open", 2000), ("size", 450), ("map", 1100), ("use", 1800), ("unmap", 3000), ("close", 300), ("unlink", 7000))
# Operations per second of one process alone, and the median wait when others want the same.
SPEED = {"none": (17e6, 12), "semaphore": (2.8e6, 230), "semaphore-named": (2.7e6, 240), "mutex": (5.2e6, 90),
         "mutex-robust": (4.3e6, 120), "rwlock": (3.5e6, 150), "spin": (7.8e6, 60)}
# What a verdict repeats of its trial.
REPEATED = ("trial", "load", "sync", "fault", "writers", "readers", "size", "repeat", "seed", "expect")
METER = {"clock": "TSC", "stamp_ns": 14.6, "empty_ns": 10, "step_ns": 10.015, "loop_ns": 3.6, "timing_ns": 57, "sampling": 64,
         "timing_share": 0.015}
LIFECYCLE = {"open_ns": 21000, "size_ns": 900, "reserve_ns": 2100, "map_ns": 1800, "use_ns": 200000000,
             "unmap_ns": 5200, "close_ns": 700, "unlink_ns": 8100, "reserved_by": "posix_fallocate"}
# What becomes of the survivors of a death, by the verdict.
OUTCOMES = {"CLEAN": "recovered", "CORRUPT": "corrupt", "WEDGED": "wedged", "CRASHED": "aborted"}
COURSES = ("acquire", "response", "sighting")
KINDS = ("torn", "lost", "overlap", "stale", "back")


@dataclass(frozen=True)
class Recipe:
    """What the generated run is to contain."""

    loads: tuple = ("snapshot",)
    syncs: tuple = ("none", "semaphore", "mutex", "spin")
    faults: tuple = ("none",)
    populations: tuple = ((1, 0), (2, 0), (2, 2), (4, 4))
    sizes: tuple = (64,)
    repeats: int = 3
    # Verdict words by primitive; a tuple is taken in turn over the trials. What is not named is as expected.
    verdicts: tuple = ()
    unmeasured: tuple = ()
    rate: float | None = None
    samples: int = 3000
    # A cache line's way between two CPUs and back.
    line_ns: int | None = 100
    workers: bool = True
    intervals: int = 3
    # Of latencies over time, in 0.2 s; 0: the run has none.
    course: int = 20
    # None: whole; "end": no end record; "cut": the last line ends in the middle; "open": killed during a trial.
    ending: str | None = None
    interrupted: str | None = None
    schema: str = "shmoo/1"
    hostname: str = "bench-01"
    seed: int = 7
    run_id: str = "20250102T030405Z-4242"
    # Factors of the speed by primitive, and how far repeats are apart (of the logarithm).
    speeds: tuple = ()
    noise: float = 0.08
    # (pairing, side) of a run that was interleaved with another one.
    build: tuple | None = None
    # More fields: of the host record, and of every trial; a function is called with the trial.
    host: tuple = ()
    fields: tuple = ()


def steps_of(values, sub_bits=SUB_BITS):
    """The histogram steps of an array of values, by the definition of low()."""
    steps = 1 << sub_bits
    values = numpy.asarray(values, dtype=numpy.int64)
    bits = numpy.floor(numpy.log2(numpy.maximum(values, 1))).astype(numpy.int64)
    exponent = numpy.maximum(bits - sub_bits, 0)
    return numpy.where(values < steps, values, exponent * steps + (values >> exponent))


def histogram(trial, name, role, values, worker=0, at_s=0.1):
    """A histogram record of these values."""
    values = numpy.asarray(values, dtype=numpy.int64)
    indices, counts = numpy.unique(steps_of(values), return_counts=True)
    return {"type": "histogram", "trial": trial, "name": name, "role": role, "unit": "ns", "count": int(values.size),
            "sum": int(values.sum()), "min": int(values.min()), "max": int(values.max()), "max_worker": worker,
            "max_at_s": at_s, "sub_bits": SUB_BITS, "relative_error": 2.0 ** -(SUB_BITS + 1),
            "buckets": [[int(index), int(number)] for index, number in zip(indices, counts)]}


def course(trial, name, role, values, intervals):
    """A course record of these values, which ended one after the other over 0.2 s."""
    values = numpy.asarray(values, dtype=numpy.int64)
    places = numpy.arange(values.size) * intervals // values.size
    steps = numpy.minimum(steps_of(values, COURSE_SUB_BITS), COURSE_STEPS - 1)
    found, counts = numpy.unique(places * COURSE_STEPS + steps, return_counts=True)
    rows = {}
    for key, number in zip(found.tolist(), counts.tolist()):
        rows.setdefault(key // COURSE_STEPS, []).extend((key % COURSE_STEPS, number))
    return {"type": "course", "trial": trial, "name": name, "role": role, "unit": "ns", "sub_bits": COURSE_SUB_BITS,
            "relative_error": 2.0 ** -(COURSE_SUB_BITS + 1), "interval_s": 0.2 / intervals, "workers": 1,
            "intervals": [[place, int(values[places == place].max()), rows[place]] for place in sorted(rows)]}


class Generator:
    """Yields the records of a recipe, in the order of a real run."""

    def __init__(self, recipe):
        self.recipe = recipe
        self.random = numpy.random.Generator(numpy.random.PCG64(recipe.seed))
        self.verdicts, self.speeds = dict(recipe.verdicts), dict(recipe.speeds)
        self.rate = 0.0
        self.counts = {}
        self.unexpected = 0
        self.turns = {}

    def plan(self):
        """The trials as dicts, interleaved over the repeats."""
        recipe = self.recipe
        points = [(load, sync, fault, population, size) for load in recipe.loads for fault in recipe.faults
                  for size in recipe.sizes for population in recipe.populations for sync in recipe.syncs]
        for repeat in range(1, recipe.repeats + 1):
            for load, sync, fault, (writers, readers), size in points:
                yield {"load": load, "sync": sync, "fault": fault, "writers": writers, "readers": readers, "size": size,
                       "repeat": repeat}

    def records(self):
        """All records of the run."""
        plan = list(self.plan())
        yield self._run(len(plan))
        yield self._host()
        at_s = 0.0
        for number, point in enumerate(plan, 1):
            trial = self._trial(number, point, at_s)
            yield trial
            if self.recipe.ending == "open" and number == len(plan):
                return
            yield from self._results(trial)
            at_s += 0.25
        if self.recipe.ending != "end":
            yield self._end(len(plan), at_s)

    def _run(self, trials):
        build = {} if not self.recipe.build else {"build": {
            "pairing": self.recipe.build[0], "side": self.recipe.build[1], "path": f"/builds/{self.recipe.build[1]}"}}
        return {"type": "run", "schema": self.recipe.schema, "id": self.recipe.run_id, "version": "0.9.0", **build,
                "command": ["shmoo", "run", "--load", ",".join(self.recipe.loads),
                            "--sync", ",".join(self.recipe.syncs)],
                "cwd": "/home/user/project", "started": "2025-01-02T03:04:05Z", "seed": self.recipe.seed,
                "trials": trials, "clock": {"name": "CLOCK_MONOTONIC", "cost_ns": 21.5, "resolution_ns": 1}}

    def _host(self):
        return {"type": "host", "hostname": self.recipe.hostname, "os": "Debian GNU/Linux 12",
                "kernel": "6.1.0-18-amd64", "machine": "x86_64", "cpu_model": "Example CPU 3000", "cores": 2,
                "threads": 2, "numa_nodes": 1, "allowed_cpus": "0-1", "memory_bytes": 8 << 30, "page_bytes": 4096,
                "libc": "glibc 2.36", "compiler": "gcc 12.2.0", "clocksource": "tsc", "governor": None,
                "load1": 0.31, "virtual": True,
                "shm": {"path": "/dev/shm", "filesystem": "tmpfs", "size_bytes": 4 << 30, "free_bytes": 4 << 30,
                        "inodes": 1000000, "inodes_free": 999990}, **dict(self.recipe.host)}

    def _trial(self, number, point, at_s):
        broken = point["sync"] == "none"
        replay = " ".join(f"--{key} {value}" for key, value in point.items() if key != "repeat")
        return {"type": "trial", "trial": number, "job": "command-line", **point,
                **_fault_parts(point["fault"]), "family": "lock", "seed": self.recipe.seed * 100000 + number, "duration_s": 0.2, "ops_limit": None, "hold_ns": 0,
                "think_ns": 0, "rate": self.recipe.rate, "pin": "none", "expect": "CORRUPT" if broken else "CLEAN",
                "sampling": 64, "at_s": round(at_s, 3),
                "replay": f"shmoo run {replay} --seed {self.recipe.seed * 100000 + number}",
                **{name: value(point) if callable(value) else value for name, value in self.recipe.fields}}

    def _word(self, trial):
        words = self.verdicts.get(trial["sync"], trial["expect"])
        if isinstance(words, str):
            return words
        turn = self.turns[trial["sync"]] = self.turns.get(trial["sync"], -1) + 1
        return words[turn % len(words)]

    def _results(self, trial):
        word = self._word(trial)
        self.rate = self._ops(trial)
        idle = word in ("UNSUPPORTED", "ERROR")
        if not idle:
            if self.recipe.workers:
                yield from self._workers(trial, word)
            yield from self._intervals(trial)
            yield from self._histograms(trial)
            if trial["fault"] != "none":
                yield {"type": "fault", "trial": trial["trial"], "at_s": 0.1, "fault": trial["fault"], "worker": 0,
                       "detail": "worker 0 was stopped for 5 ms"}
        if word == "CORRUPT":
            yield from self._violations(trial)
        yield self._verdict(trial, word, idle)

    def _ops(self, trial):
        crew = trial["writers"] + trial["readers"]
        alone, _ = SPEED.get(trial["sync"], (3e6, 200))
        factor = self.speeds.get(trial["sync"], 1.0) * self.random.lognormal(0, self.recipe.noise)
        return alone / (1 + 0.35 * (crew - 1)) * factor

    def _workers(self, trial, word):
        crew = trial["writers"] + trial["readers"]
        each = int(self.rate * 0.2 / crew)
        for index in range(crew):
            stuck = word == "WEDGED" and index == 0
            ending = "killed by SIGBUS" if word == "CRASHED" else "exited 0"
            ops = int(each * self.random.uniform(0.8, 1.2))
            yield {"type": "worker", "trial": trial["trial"], "worker": index,
                   "role": "writer" if index < trial["writers"] else "reader", "pid": 5000 + index,
                   "cpus": str(index % 2),
                   "ops": ops, "start_s": 0.0001, "end_s": 0.2, "handoffs": int(ops * 0.4), "contended": ops // 200,
                   "preempted": ops // 9000, "sampled": ops // 64, "violations": 3 if word == "CORRUPT" else 0,
                   "voluntary_switches": 12, "involuntary_switches": 4, "user_s": 0.09, "system_s": 0.01,
                   "phase": "acquiring" if stuck else "done",
                   "exit": "ended by the watchdog" if stuck else ending}

    def _intervals(self, trial):
        for number in range(self.recipe.intervals):
            yield {"type": "interval", "trial": trial["trial"], "at_s": 0.05 * (number + 1), "seconds": 0.05,
                   "ops": 90000, "inside": 1, "acquiring": 1}

    def _histograms(self, trial):
        if trial["load"] == "lifecycle":
            names = [(name, centre, 0.4) for name, centre in STEPS]
        elif trial["load"] == "quit":
            names = [("sighting", 33000, 0.7)]
        else:
            _, wait = SPEED.get(trial["sync"], (3e6, 200))
            names = [("response" if trial["rate"] else "acquire", wait, 0.8), ("hold", 40, 0.3)]
        crew = trial["writers"] + trial["readers"]
        for role, number in (("writer", trial["writers"]), ("reader", trial["readers"])):
            if number and not (trial["load"] == "quit" and role == "writer"):
                for name, centre, width in names:
                    samples = number if name == "sighting" else self.recipe.samples
                    times = self._times(centre * (1 + 0.3 * crew), width, samples)
                    yield histogram(trial["trial"], name, role, times)
                    if name in COURSES and self.recipe.course:
                        yield course(trial["trial"], name, role, times, self.recipe.course)

    def _times(self, centre, width, samples):
        """Log-normal times, one in two hundred of them from a far tail."""
        times = centre * self.random.lognormal(0, width, samples)
        slow = self.random.random(samples) < 0.005
        times[slow] *= self.random.uniform(20, 2000, int(slow.sum()))
        return numpy.maximum(times, 1)

    def _violations(self, trial):
        for number in range(3):
            kind = KINDS[int(self.random.integers(len(KINDS)))]
            offset = 8 * int(self.random.integers(1, max(2, trial["size"] // 8)))
            version = int(self.random.integers(100, 100000))
            yield {"type": "violation", "trial": trial["trial"], "worker": number, "role": "writer",
                   "at_s": 0.013 * (number + 1), "kind": kind, "offset": offset,
                   "expected": {"version": version, "writer": 0},
                   "found": {"version": version - 1, "writer": 1}, "bytes": bytes(range(48)).hex(),
                   "bytes_at": max(0, offset - 16),
                   "text": f"{kind}: version {version} of writer 0 up to byte {offset}, "
                           f"version {version - 1} of writer 1 from there on"}

    def _verdict(self, trial, word, idle):
        expected = word == trial["expect"]
        self.counts[word] = self.counts.get(word, 0) + 1
        self.unexpected += not expected
        rate = self.rate
        ops = 0 if idle else int(rate * 0.2)
        record = {"type": "verdict", **{key: trial[key] for key in REPEATED}, "verdict": word, "as_expected": expected,
                  "reason": _reason(word), "ops": ops,
                  "writer_ops": ops * trial["writers"] // max(1, trial["writers"] + trial["readers"]),
                  "reader_ops": ops * trial["readers"] // max(1, trial["writers"] + trial["readers"])}
        unmeasured = idle or trial["sync"] in self.recipe.unmeasured
        record |= {"ops_per_s": None if unmeasured else round(rate, 1), "window_s": 0 if unmeasured else 0.19,
                   "violations": 17 if word == "CORRUPT" else 0,
                   "violations_by_kind": {"torn": 12, "lost": 5} if word == "CORRUPT" else {},
                   "exposure": {"handoffs": int(ops * 0.4), "contended": _contended(ops, trial),
                                "preempted": ops // 9000, "sampled": ops // 64,
                                "overlaps": 2 if word == "CORRUPT" else 0, "idle_workers": 0}}
        if not idle:
            record |= {"meter": METER | {"timed": ops // 64, "line_ns": self.recipe.line_ns}, "seconds": 0.2, "lifecycle": LIFECYCLE,
                       "crew": {"fork_ns": 310000, "ready_ns": 420000, "reap_ns": 150000}}
        if trial["load"] == "verify":
            found = word in ("CORRUPT", "WEDGED", "CRASHED")
            record |= {"slices": {"run": 20, "exposed": 18},
                       "found_s": round(0.01 * trial["repeat"] * len(trial["sync"]), 4) if found else None}
        if trial["fault"].startswith("die:"):
            record |= self._death(trial, word)
        if self.recipe.interrupted and trial["trial"] == len(list(self.plan())):
            record["interrupted"] = self.recipe.interrupted
        return record

    def _death(self, trial, word):
        if word not in OUTCOMES:
            return {"outcome": "inconclusive"}
        lost = word == "WEDGED" and trial["sync"].startswith("semaphore")
        came = word in ("CLEAN", "CORRUPT")
        record = {"outcome": "permit lost" if lost else OUTCOMES[word], "dead_worker": 0, "death_s": 0.01, "recovered": 0,
                  "recovery_s": round(float(self.random.lognormal(-10, 1)), 9) if came else None}
        return record | ({} if word == "CRASHED" else {"data_after_death": "torn" if word == "CORRUPT" else "whole"})

    def _end(self, trials, seconds):
        status = 1 if self.unexpected else 0
        record = {"type": "end", "trials_done": trials, "trials_planned": trials,
                  "as_expected": trials - self.unexpected, "unexpected": self.unexpected, "verdicts": self.counts,
                  "seconds": round(seconds, 3), "exit_status": status}
        if self.recipe.interrupted:
            record |= {"interrupted": self.recipe.interrupted, "exit_status": 130}
        return record


def _fault_parts(text):
    """A fault taken apart, as a trial record has it."""
    name, *words = text.split(":")
    numbers = [float(word) for word in words if word.isdigit()]
    return {"fault_name": name, "fault_words": [word for word in words if not word.isdigit()],
            "fault_parameter": numbers[0] if numbers else None}


def _contended(ops, trial):
    """Among the sampled operations, those that found another process there: none alone, most in a crowd."""
    others = trial["writers"] + trial["readers"] - 1
    return int(ops / 64 * others / (others + 2))


def _reason(word):
    return {"CLEAN": "no violation, and the exposure suffices",
            "CORRUPT": "17 violations, the first one torn",
            "WEDGED": "worker 0 has waited for 2 s while its lock had no living owner",
            "CRASHED": "worker 0 was killed by SIGBUS",
            "INCONCLUSIVE": "3 hand-offs, and 100 are asked for",
            "UNSUPPORTED": "the C library has no robust mutex between processes",
            "ERROR": "shm_open /shmoo-4242-1: EMFILE, raise the limit with ulimit -n"}[word]


def change(folder, in_place):
    """Changes each record of FOLDER/run.jsonl by a function."""
    path = os.path.join(folder, "run.jsonl")
    with open(path, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            in_place(record)
            file.write(json.dumps(record) + "\n")


def write(folder, recipe):
    """Writes FOLDER/run.jsonl and a plan.ini; returns the path of run.jsonl."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "run.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for record in Generator(recipe).records():
            line = json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n"
            file.write(line)
    if recipe.ending == "cut":
        with open(path, "rb+") as file:
            file.truncate(os.path.getsize(path) - len(line.encode()) // 2)
    with open(os.path.join(folder, "plan.ini"), "w", encoding="utf-8") as file:
        file.write(f"[plan]\nload = {', '.join(recipe.loads)}\nsync = {', '.join(recipe.syncs)}\n"
                   f"repeat = {recipe.repeats}\n")
    return path


def recipe_of(trials):
    """A varied recipe of about so many trials."""
    syncs = tuple(SPEED)
    populations = ((1, 0), (1, 1), (2, 0), (2, 2), (4, 4), (8, 8), (1, 8), (8, 1), (16, 0), (32, 32))
    loads = ("snapshot", "counter", "queue", "ring")
    sizes = (8, 64, 512, 4096)
    repeats = max(1, min(5, trials // 40))
    wanted = max(1, trials // (repeats * len(syncs)))
    loads = loads[:max(1, min(4, wanted // 40))]
    sizes = sizes[:max(1, min(4, wanted // (len(loads) * 8)))]
    populations = populations[:max(1, min(10, round(wanted / (len(loads) * len(sizes)))))]
    return Recipe(loads=loads, syncs=syncs, populations=populations, sizes=sizes, repeats=repeats, intervals=20)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--trials", type=int, default=100)
    options = parser.parse_args()
    print(write(options.folder, recipe_of(options.trials)))


if __name__ == "__main__":
    main()
