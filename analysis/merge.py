#!/usr/bin/python3
"""Merges runs into one: shards of a plan, repeats from several machines, what was merged before; each trial counts once.

    merge.py results/runs/A results/runs/B --out whole         writes whole/run.jsonl, prints the folder

The same trials make the same file, byte for byte, in whatever order and grouping they were merged.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections import Counter

STATUS_USAGE, STATUS_ENVIRONMENT = 2, 3
RUNS_FOLDER = os.path.join("results", "runs")
UNDECIDED = frozenset(("INCONCLUSIVE", "UNSUPPORTED"))

try:
    import output
    import plot
    import shards
    import totals
    from lines import RECORDS_NAME, DataError, Malformed
except ImportError as error:
    print(f"shmoo merge: {error}: apt install python3-numpy, and start it with /usr/bin/python3", file=sys.stderr)
    sys.exit(STATUS_ENVIRONMENT)


def warn(message):
    """One line on standard error."""
    print(f"shmoo merge: {plot.printable(str(message))}", file=sys.stderr)


def parse(arguments):
    """The options; argparse itself leaves with status 2 where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="shmoo merge", description="Merges runs into one, in which each trial counts once, and groups them by host.",
        epilog="Exit status: 0 the run is written, 2 usage, or runs that cannot be merged, 3 the environment lacks something.")
    parser.add_argument("runs", metavar="RUN", nargs="+", help="a run's folder, or its run.jsonl; one that was merged before, too")
    parser.add_argument("--out", metavar="DIR", help=f"the folder of the merged run (default: {RUNS_FOLDER}/merge-HASH)")
    parser.add_argument("--any-hostname", action="store_true", help="takes hosts that differ only in their names for one: containers")
    return parser.parse_args(arguments)


class Merged:
    """The records of the merged run, in their order; counts while they pass."""

    def __init__(self, parts, by_name):
        self.parts, self.labels = parts, shards.label_hosts(parts, by_name)
        self.several = len(set(self.labels)) > 1
        self.totals, self.verdicts = totals.Totals(), Counter()
        self.as_expected = 0
        self.id = "merge-" + self._hash()

    def _hash(self):
        """Follows from which trials there are, and from nothing else."""
        digest = hashlib.sha256()
        for part, label in zip(self.parts, self.labels):
            numbers = [(number, part.trials[number].whole) for number in sorted(part.trials)]
            digest.update(json.dumps([part.key, label if self.several else "", numbers]).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:12]

    def records(self):
        """All records."""
        yield self._run()
        yield from self._hosts()
        for number, part in enumerate(self.parts, 1):
            yield {"type": "part", "part": number, "run": part.header, "host": part.host, "end": part.end}
        yield from self._trials()
        yield from self.totals.records()
        yield self._end()

    def _run(self):
        first = self.parts[0].header
        versions = sorted({str(part.header.get("version")) for part in self.parts})
        return {"type": "run", "schema": "shmoo/1", "id": self.id, "version": "+".join(versions),
                "command": ["shmoo", "merge", *(str(part.header.get("id")) for part in self.parts)],
                "cwd": first.get("cwd"), "started": first.get("started"), "seed": first.get("seed"),
                "trials": sum(map(self._planned, self.parts)), "clock": first.get("clock"), "merged": len(self.parts)}

    @staticmethod
    def _planned(part):
        planned = part.header.get("trials")
        return max(planned, len(part.trials)) if isinstance(planned, int) else len(part.trials)

    def _hosts(self):
        seen = {}
        for part, label in zip(self.parts, self.labels):
            seen.setdefault(label, part.host)
        for label, host in seen.items():
            if host:
                yield {**host, "type": "host", **({"label": label} if self.several else {})}

    def _trials(self):
        number = 0
        for place, (part, label) in enumerate(zip(self.parts, self.labels), 1):
            for own in sorted(part.trials):
                number += 1
                for record in part.trials[own].records():
                    record = self._renumbered(record, number, place, own, label)
                    self._count(record, part.trials[own].path, own)
                    yield record

    def _count(self, record, path, own):
        """Adds it up; DataError where its figures are none."""
        try:
            self.totals.add(record)
        except (Malformed, ValueError, TypeError, KeyError, OverflowError) as error:
            raise DataError(f"{path}: a `{record['type']}` record of trial {own} does not add up: {error}; the file is damaged") from error

    def _renumbered(self, record, number, place, own, label):
        record = {key: value for key, value in record.items() if key not in shards.OF_THE_MERGE}
        record = {"type": record.pop("type"), "trial": number, **record}
        if record["type"] == "trial":
            build = self.parts[place - 1].header.get("build")
            pairing = {"pairing": build.get("pairing")} if isinstance(build, dict) else {}
            record["origin"] = {"part": place, "trial": own, **pairing}
            if self.several:
                record["host"] = label
        if record["type"] == "verdict":
            self.verdicts[str(record.get("verdict"))] += 1
            self.as_expected += bool(record.get("as_expected"))
        return record

    def _end(self):
        done = sum(self.verdicts.values())
        ends = [part.end for part in self.parts if part.end]
        signals = [end["interrupted"] for end in ends if end.get("interrupted")]
        record = {"type": "end", "trials_done": done, "trials_planned": sum(map(self._planned, self.parts)),
                  "as_expected": self.as_expected, "unexpected": done - self.as_expected, "verdicts": dict(sorted(self.verdicts.items())),
                  "seconds": round(sum(totals.number(end.get("seconds")) for end in ends), 9), "exit_status": self._status(ends, done)}
        return {**record, "interrupted": signals[0]} if signals else record

    def _status(self, ends, done):
        """That of an interrupted run if one was; else as one run of all these trials would have it."""
        interrupted = [end["exit_status"] for end in ends if end.get("interrupted") and isinstance(end.get("exit_status"), int)]
        if interrupted:
            return interrupted[0]
        if done == sum(self.verdicts[word] for word in UNDECIDED):
            return 4
        return 1 if done - self.as_expected else 0


def write(folder, merged):
    """Writes FOLDER/run.jsonl so that nobody ever sees half of it; what is there already must be the same."""
    path = os.path.join(folder, RECORDS_NAME)
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".shmoo-merge-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:  # a lone surrogate, as JSON has it
            for record in merged.records():
                file.write(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n")
        if os.path.exists(path) and not same(path, temporary):
            raise output.EnvironmentProblem(f"output folder {folder} holds another {RECORDS_NAME} already: choose another --out, or move "
                                            "it away first")
        output.give(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def same(one, other):
    """Do the two files hold the same bytes?"""
    if os.path.getsize(one) != os.path.getsize(other):
        return False
    with open(one, "rb") as left, open(other, "rb") as right:
        while chunk := left.read(1 << 20):
            if chunk != right.read(len(chunk)):
                return False
    return True


def run(options):
    """Merges; returns the exit status."""
    found = shards.Shards(warn)
    for name in options.runs:
        found.add(name)
    parts = found.parts()
    if not parts:
        raise DataError("none of the runs that were named holds a trial; there is nothing to merge")
    merged = Merged(parts, not options.any_hostname)
    folder = options.out or os.path.join(RUNS_FOLDER, merged.id)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise output.UsageProblem(f"{folder}: is no folder; --out names the folder of the merged run")
    try:
        write(folder, merged)
    except OSError as error:
        raise output.EnvironmentProblem(f"{error.filename or folder}: {error.strerror}; choose another folder with --out") from error
    output.put(folder + "\n")
    return 0


def main(arguments=None):
    """Returns the exit status."""
    return output.guarded(lambda: run(parse(arguments)), warn, (DataError, output.UsageProblem), (output.EnvironmentProblem,))


if __name__ == "__main__":
    sys.exit(main())
