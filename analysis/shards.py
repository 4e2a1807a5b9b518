"""The shards of a merge: finds in run files which trials of which runs they hold, and takes each of them once.

    found = Shards(note)
    found.add("results/runs/A"); found.add("merged")
    for part in found.parts(): part.trials        # every run that was met, each trial in the most complete form

A run is told from others by its id, its seed and the host's name; a trial by its run and its number there. Merging what
was merged before changes nothing: a merged file says of each trial where it comes from.
"""

import hashlib
import json
from dataclasses import dataclass, field

import hosts
from conditions import INTEGER, TEXT
from lines import DataError, Decoder, Malformed, check_schema, file_lines, maybe, need, records_path

# What merging itself has put into a record, and what it changes: no part of what was measured.
OF_THE_MERGE = frozenset(("trial", "host", "origin"))
# Made by a merge, and made anew by the next one.
MADE = frozenset(("total",))


@dataclass
class Block:
    """The lines of one trial in one file: where they lie, and whether they end in a verdict."""

    path: str
    start: int
    length: int = 0
    whole: bool = False

    def records(self):
        """The records, read again."""
        with open(self.path, "rb") as file:
            file.seek(self.start)
            for line in file.read(self.length).splitlines():
                if line.strip():
                    yield json.loads(line)

    def digest(self):
        """What was measured, whatever number the trial has in this file."""
        digest = hashlib.sha256()
        for record in self.records():
            kept = {key: value for key, value in record.items() if key not in OF_THE_MERGE}
            digest.update(json.dumps(kept, sort_keys=True).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


@dataclass
class Part:
    """One run that trials come from: its own records of beginning, host and end, and its trials by their numbers there."""

    header: dict
    host: dict = field(default_factory=dict)
    end: dict | None = None
    trials: dict = field(default_factory=dict)

    @property
    def key(self):
        return run_key(self.header, self.host)


def run_key(header, host):
    """What tells a run from all others; sorts by time."""
    return (str(header.get("started")), str(header.get("id")), str(header.get("seed")), str(host.get("hostname")))


class Shards:
    """All that was found so far."""

    def __init__(self, note=lambda message: None):
        self.note, self.found = note, {}

    def add(self, run):
        """Adds the trials of a run's folder or file; DataError if it cannot be used."""
        path = records_path(run)
        _Indexer(self, path).read()

    def parts(self):
        """The runs that have trials, in the order of their beginnings."""
        return [self.found[key] for key in sorted(self.found) if self.found[key].trials]

    def take_part(self, part):
        """Notes a run; what is known of it already is kept, and the end is taken from whoever has it."""
        known = self.found.setdefault(part.key, part)
        if known.end is None:
            known.end = part.end
        elif part.end is not None and part.end != known.end:
            raise DataError(f"run {part.header.get('id')} has two different ends in the files that were named: one of them was changed; "
                            "name the original only")
        return known

    def take_trial(self, part, number, block):
        """Notes a trial's block; of two, the one with a verdict. DataError if they say different things."""
        known = part.trials.get(number)
        if known is None or (block.whole and not known.whole):
            part.trials[number] = block
        elif block.whole == known.whole and block.digest() != known.digest():
            if block.whole:
                raise DataError(f"trial {number} of run {part.header.get('id')} is not the same in {known.path} and in {block.path}: one of "
                                "them was changed; name the original only")
            # Two halves of a trial that was cut off: the larger one, whichever came first.
            part.trials[number] = max(known, block, key=lambda half: (half.length, half.digest()))


class _Indexer:
    """One pass over one file: a run, several put together, or what a merge has made."""

    def __init__(self, shards, path):
        self.shards, self.path = shards, path
        self.decoder = Decoder(path, lambda message: shards.note(f"{path}: {message}"))
        self.part = None     # the run that is being read, of a file that is no merge
        self.parts = {}      # of a merge: its runs by the numbers that it gives them
        self.merged = False
        self.open = None     # (part, number there, block) of the trial that is being read
        self.trials = 0

    def read(self):
        place = 0
        for number, line in file_lines(self.path):
            record = self.decoder.record(number, line)
            if record is not None:
                try:
                    self._record(record, place, len(line))
                except (Malformed, ValueError, TypeError, KeyError) as error:
                    raise DataError(f"{self.path}: line {number}: {error}") from None
            place += len(line)
        self._close()
        if self.part is None and not self.merged:
            raise DataError(f"{self.path}: holds no records; the run was stopped before it had written its first line")
        if not self.trials:
            self.shards.note(f"{self.path}: holds no trial, and is left out")

    def _record(self, record, place, length):
        kind = record["type"]
        if kind == "run":
            self._run(record)
        elif self.part is None and not self.merged:
            raise Malformed("it comes before any `run` record, so its schema is unknown")
        elif kind == "part":
            self._part(record)
        elif kind == "host":
            self._host(record)
        elif kind == "end":
            self._end(record)
        elif kind == "trial":
            self._trial(record, place, length)
        elif kind not in MADE and self.open and record.get("trial") == self.open[3]:
            self._more(record, place, length)

    def _run(self, record):
        check_schema(record)
        self._close()
        self.merged = isinstance(record.get("merged"), int)
        self.part = None if self.merged else Part(record)

    def _host(self, record):
        if self.part is not None and not self.part.host:
            self.part.host = record

    def _end(self, record):
        self._close()
        if self.part is not None:
            self.part.end = record
            self.shards.take_part(self.part)

    def _part(self, record):
        part = Part(need(record, "run", (dict,)), need(record, "host", (dict,)), maybe(record, "end", (dict,)))
        self.parts[need(record, "part", INTEGER)] = self.shards.take_part(part)

    def _trial(self, record, place, length):
        self._close()
        number = need(record, "trial", INTEGER)
        if self.merged:
            origin = need(record, "origin", (dict,))
            part, own = self.parts.get(origin.get("part")), origin.get("trial")
            if part is None or not isinstance(own, int):
                raise Malformed(f"trial {number} of a merged run does not say which of its runs it comes from")
        else:
            part, own = self.shards.take_part(self.part), number
        self.open = part, own, Block(self.path, place, length), number
        self.trials += 1

    def _more(self, record, place, length):
        block = self.open[2]
        block.length = place + length - block.start
        if record["type"] == "verdict":
            need(record, "verdict", TEXT)
            block.whole = True
            self._close()

    def _close(self):
        if self.open:
            part, own, block, _ = self.open
            self.shards.take_trial(part, own, block)
        self.open = None


def label_hosts(parts, by_name=True):
    """For each part the name of its host, in this order; hosts of one name that differ are told apart by a hash."""
    identities = [hosts.identity(part.host, by_name) for part in parts]
    names = [str(part.host.get("hostname") or "unknown") if by_name else "host" for part in parts]
    several = {name for name in names if len({other for other, owner in zip(identities, names) if owner == name}) > 1}
    return [f"{name}-{identity}" if name in several or not by_name else name for name, identity in zip(names, identities)]
