"""The one reader of run.jsonl: streams the records of a run and keeps per trial and per point what reports need.

    run = records.read("results/latest")        # a run's folder, or its run.jsonl
    for point, data in run.points.items():      # a point is a trial without its repeat and its seed
        data.trials, data.histograms["acquire", "writer"]

What a run holds of its workers, intervals and evidence is reduced while reading, so that memory follows the number of
trials and not the number of lines. The fields are those of results/README.md.
"""

import json
import os
import re
from collections import Counter
from dataclasses import dataclass, field

from conditions import FIELDS, INTEGER, NUMBER, TEXT, Point, unknown
from histogram import Distribution, Histogram, merged

MAJOR_VERSION = 1
RECORDS_NAME = "run.jsonl"
# Evidence kept per trial: the page shows a few, and the file holds them all.
EVIDENCE_KEPT = 4


class DataError(Exception):
    """The input is not a run that can be read; the message says why and what to do."""


class Malformed(Exception):
    """A record lacks a field, or holds a value of the wrong type."""


@dataclass(slots=True)
class Crew:
    """The workers of one trial, reduced: their operations by role, CPU time, and how those ended that failed.

    `ops` holds a list of each role's operations in the order of the workers. `cpu_s` and `involuntary` are sums over
    the workers, None if one of them lacks the figure. `casualties` counts (role, phase, exit) of every worker that did
    not exit with status 0.
    """

    workers: int = 0
    ops: dict = field(default_factory=dict)
    cpu_s: float | None = 0.0
    involuntary: int | None = 0
    casualties: Counter = field(default_factory=Counter)

    def fairness(self):
        """Least over most operations among workers of the same role, the worst role; None without workers."""
        shares = [min(ops) / max(ops) for ops in self.ops.values() if max(ops)]
        return min(shares) if shares else None

    def jain(self):
        """Jain's index of the workers of one role, the worst role: 1 where all did the same, 1/n where one did all."""
        indices = [sum(ops) ** 2 / (len(ops) * sum(value * value for value in ops))
                   for ops in self.ops.values() if max(ops)]
        return min(indices) if indices else None


@dataclass(slots=True)
class Latency:
    """What one trial's merged histogram says; a percentile without enough samples beyond it is None."""

    count: int
    p50: float | None
    p99: float | None
    max: int | None


@dataclass(slots=True)
class Death:
    """What became of the others when a fault had killed somebody on purpose; times are None where there was none."""

    outcome: str
    recovery_s: float | None = None
    data: str | None = None


@dataclass(slots=True)
class Trial:
    """One trial with its verdict; `verdict` is None when the run was killed while it was under way."""

    number: int
    point: Point
    repeat: int
    seed: int | None
    expect: str | None
    sampling: int | None = None
    replay: str | None = None
    duration_s: float | None = None
    verdict: str | None = None
    as_expected: bool | None = None
    reason: str = ""
    ops: int = 0
    seconds: float | None = None
    ops_per_s: float | None = None
    violations: int = 0
    kinds: dict = field(default_factory=dict)
    exposure: dict = field(default_factory=dict)
    interrupted: str | None = None
    family: str | None = None
    found_s: float | None = None
    hunted: bool = False
    crew: Crew = field(default_factory=Crew)
    evidence: list = field(default_factory=list)
    faults: int = 0
    fault_words: tuple = ()
    fault_parameter: float | None = None
    death: Death | None = None
    acquire: Latency | None = None
    # By name, merged over the roles; only where the reader was asked to keep them.
    distributions: dict = field(default_factory=dict)


@dataclass(slots=True)
class PointData:
    """The judged trials of one point, and their histograms added up by (name, role)."""

    trials: list = field(default_factory=list)
    histograms: dict = field(default_factory=dict)

    def histogram(self, name):
        """The histogram of this name, merged over the roles; None if there is none."""
        return _of_name(self.histograms, name)


@dataclass
class Run:
    """Everything a report is made of."""

    path: str
    header: dict
    host: dict = field(default_factory=dict)
    end: dict | None = None
    trials: dict = field(default_factory=dict)
    points: dict = field(default_factory=dict)
    warnings: list = field(default_factory=list)
    truncated: bool = False
    bytes: int = 0

    @property
    def folder(self):
        return os.path.dirname(os.path.abspath(self.path))

    @property
    def judged(self):
        """The trials that have a verdict, in the order in which they ran."""
        return [trial for trial in self.trials.values() if trial.verdict is not None]


def records_path(run):
    """The run.jsonl of a run's folder, or the file itself; DataError if there is none."""
    path = os.path.join(run, RECORDS_NAME) if os.path.isdir(run) else run
    if os.path.isfile(path):
        return path
    if os.path.isfile(os.path.join(run, "candidate", RECORDS_NAME)):
        raise DataError(f"{run}: this folder holds two runs, of two builds: compare them with `shmoo compare {run}`, or name one, "
                        f"{os.path.join(run, 'candidate')}")
    if os.path.isdir(run):
        raise DataError(f"{run}: this folder holds no {RECORDS_NAME}; name a folder that `shmoo run` made")
    raise DataError(f"{run}: no such run; name a run's folder (results/latest, results/runs/ID) or its {RECORDS_NAME}")


def read(run, warn=lambda message: None, keep=()):
    """Reads a run; DataError if it cannot be used. `warn` is called with each thing that is odd but harmless.

    Histograms are added up by point; of those named in `keep` each trial keeps its own distribution as well.
    """
    path = records_path(run)
    reader = _Reader(path, warn, keep)
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                reader.line(number, line)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return reader.finish()


def _reject_constant(word):
    raise ValueError(f"{word} is no JSON value")


def _finite(word):
    value = float(word)
    if abs(value) > LARGEST:
        raise ValueError(f"{word} is beyond all numbers")
    return value


def _countable(word):
    if len(word) > DIGITS_MOST:
        raise ValueError(f"a number of {len(word)} digits")
    return int(word)


# Nothing that a run counts or measures is as large: it can be reckoned with, in any unit.
DIGITS_MOST = 40
LARGEST = 1e40
_LONG_NUMBER = re.compile(rb"\d{%d}" % DIGITS_MOST)
_decode = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite).decode
# Slower: only for lines with a long number in them, or in a text.
_decode_long = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite, parse_int=_countable).decode

_MISSING = object()


def _of_kind(value, kinds):
    return isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)


def need(record, key, kinds):
    """A field that must be there; Malformed if it is absent or of another type."""
    value = record.get(key, _MISSING)
    if value is _MISSING:
        raise Malformed(f"a `{record.get('type')}` record lacks `{key}`")
    if not _of_kind(value, kinds):
        raise Malformed(f"`{key}` of a `{record.get('type')}` record is {ellipsis_json(value)}")
    return value


def maybe(record, key, kinds):
    """A field that may be absent or null, and is None then; Malformed if it is of another type."""
    value = record.get(key)
    if value is not None and not _of_kind(value, kinds):
        raise Malformed(f"`{key}` of a `{record.get('type')}` record is {ellipsis_json(value)}")
    return value


def ellipsis_json(value):
    """The value as JSON, short enough for a message."""
    written = json.dumps(value)
    return written if len(written) <= 40 else written[:37] + "..."


def _point(record):
    values = {field.name: _condition(record, field) for field in FIELDS}
    # A verdict repeats some conditions only, and has fields of its own.
    return Point(**values, extra=unknown(record) if record["type"] == "trial" else ())


def _condition(record, field):
    if field.needed:
        return need(record, field.name, field.kinds)
    value = maybe(record, field.name, field.kinds)
    return field.absent if value is None else value


def _trial(record):
    return Trial(number=need(record, "trial", INTEGER), point=_point(record), repeat=need(record, "repeat", INTEGER),
                 seed=maybe(record, "seed", INTEGER), expect=maybe(record, "expect", TEXT),
                 sampling=maybe(record, "sampling", INTEGER), family=maybe(record, "family", TEXT),
                 replay=maybe(record, "replay", TEXT), duration_s=maybe(record, "duration_s", NUMBER),
                 fault_parameter=maybe(record, "fault_parameter", NUMBER),
                 fault_words=tuple(word for word in maybe(record, "fault_words", (list,)) or () if isinstance(word, str)))


def _death(record):
    outcome = maybe(record, "outcome", TEXT)
    if outcome is None:
        return None
    return Death(outcome, maybe(record, "recovery_s", NUMBER), maybe(record, "data_after_death", TEXT))


class _Reader:
    """The state of one pass over the lines."""

    def __init__(self, path, warn, keep=()):
        self.run = Run(path=path, header={})
        self.warn, self.keep = warn, keep
        # Histograms of the trial that is being read, by trial and (name, role): they count once its verdict is there.
        self.pending = {}
        # By histogram's name: reports merge them over roles and trials.
        self.sub_bits = {}
        # What has no entry here is ignored: later minor versions may add types.
        self.handlers = {"run": self._run, "host": self._host, "trial": self._trial, "worker": self._worker,
                         "histogram": self._histogram, "fault": self._fault, "violation": self._violation,
                         "verdict": self._verdict, "end": self._end}

    def line(self, number, line):
        """Takes one line; what follows a line without its end is known only after the file's last one."""
        self.run.bytes += len(line)
        if not line.strip():
            return
        try:
            record = (_decode_long if _LONG_NUMBER.search(line) else _decode)(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            if line.endswith(b"\n"):
                raise DataError(f"{self.run.path}: line {number} is no JSON ({_short(error)}); the file is damaged: "
                                f"keep the lines before it (head -n {number - 1}) to report what they hold") from None
            self._truncated(number)
            return
        self._record(number, record)

    def _truncated(self, number):
        self.run.truncated = True
        self._note(f"line {number} ends in the middle: the run was killed or is still going on; "
                   f"everything before that line is used")

    def _note(self, message):
        self.run.warnings.append(message)
        self.warn(f"{self.run.path}: {message}")

    def _record(self, number, record):
        if not isinstance(record, dict) or not isinstance(record.get("type"), str):
            raise DataError(f"{self.run.path}: line {number} is no record: it has no \"type\"")
        if not self.run.header and record["type"] != "run":
            raise DataError(f"{self.run.path}: line {number} comes before any `run` record, so its schema is unknown; "
                            f"is this the {RECORDS_NAME} of `shmoo run`?")
        handler = self.handlers.get(record["type"])
        if not handler:
            return
        try:
            handler(record)
        except (Malformed, ValueError, TypeError, KeyError, OverflowError) as error:
            raise DataError(f"{self.run.path}: line {number}: {error}") from None

    def _run(self, record):
        if self.run.header:
            raise Malformed("a second `run` record: this file is several runs put together; "
                            "report each by itself, or join them with `shmoo merge`")
        schema = need(record, "schema", TEXT)
        name, _, version = schema.partition("/")
        if name != "shmoo" or version.partition(".")[0] != str(MAJOR_VERSION):
            raise Malformed(f"its schema is {ellipsis_json(schema)}, and this reader knows shmoo/{MAJOR_VERSION} only; "
                            "use the report of the shmoo that wrote it")
        self.run.header = record

    def _host(self, record):
        self.run.host = record

    def _trial(self, record):
        trial = _trial(record)
        if trial.number in self.run.trials:
            raise Malformed(f"trial {trial.number} begins a second time")
        self.run.trials[trial.number] = trial
        # Trials run one after the other: what an earlier one left without a verdict will never count.
        self.pending = {}

    def _of_trial(self, record):
        number = need(record, "trial", INTEGER)
        if number not in self.run.trials:
            raise Malformed(f"a `{record['type']}` record of trial {number}, which has no `trial` record")
        return self.run.trials[number]

    def _worker(self, record):
        crew = self._of_trial(record).crew
        role, ops = need(record, "role", TEXT), need(record, "ops", INTEGER)
        crew.workers += 1
        crew.ops.setdefault(role, []).append(ops)
        crew.cpu_s = _sum_known(crew.cpu_s, maybe(record, "user_s", NUMBER), maybe(record, "system_s", NUMBER))
        crew.involuntary = _sum_known(crew.involuntary, maybe(record, "involuntary_switches", INTEGER))
        ending = maybe(record, "exit", TEXT)
        if ending not in (None, "exited 0"):
            crew.casualties[role, maybe(record, "phase", TEXT), ending] += 1

    def _histogram(self, record):
        trial = self._of_trial(record)
        key = need(record, "name", TEXT), need(record, "role", TEXT)
        histogram = Histogram(need(record, "sub_bits", INTEGER))
        if self.sub_bits.setdefault(key[0], histogram.sub_bits) != histogram.sub_bits:
            raise Malformed(f"a histogram `{key[0]}` has sub_bits {histogram.sub_bits}, and an earlier one "
                            f"{self.sub_bits[key[0]]}: they do not merge")
        where = trial.number, maybe(record, "max_worker", INTEGER), maybe(record, "max_at_s", NUMBER)
        count = need(record, "count", INTEGER)
        if count < 1:
            return
        histogram.add(need(record, "buckets", (list,)), count, need(record, "sum", NUMBER),
                      need(record, "min", NUMBER), need(record, "max", NUMBER), where)
        _add(self.pending.setdefault(trial.number, {}), key, histogram)

    def _fault(self, record):
        self._of_trial(record).faults += 1

    def _violation(self, record):
        evidence = self._of_trial(record).evidence
        if len(evidence) < EVIDENCE_KEPT:
            need(record, "kind", TEXT)
            evidence.append(record)

    def _verdict(self, record):
        number = need(record, "trial", INTEGER)
        trial = self.run.trials.get(number)
        if trial is None:
            trial = self.run.trials[number] = _trial(record)
        if trial.verdict is not None:
            raise Malformed(f"a second verdict of trial {number}")
        trial.verdict = need(record, "verdict", TEXT)
        trial.as_expected = need(record, "as_expected", (bool,))
        trial.reason = maybe(record, "reason", TEXT) or ""
        trial.ops = need(record, "ops", INTEGER)
        trial.seconds = maybe(record, "seconds", NUMBER)
        trial.ops_per_s = maybe(record, "ops_per_s", NUMBER)
        trial.violations = need(record, "violations", INTEGER)
        trial.kinds = _numbers(maybe(record, "violations_by_kind", (dict,)))
        trial.exposure = _numbers(maybe(record, "exposure", (dict,)))
        trial.interrupted = maybe(record, "interrupted", TEXT)
        trial.found_s = maybe(record, "found_s", NUMBER)
        trial.hunted = maybe(record, "slices", (dict,)) is not None
        trial.death = _death(record)
        self._settle(trial)

    def _settle(self, trial):
        """Adds a judged trial and its histograms to its point."""
        data = self.run.points.setdefault(trial.point, PointData())
        data.trials.append(trial)
        histograms = self.pending.pop(trial.number, {})
        trial.acquire = _latency(_of_name(histograms, "acquire"))
        for name in self.keep:
            histogram = _of_name(histograms, name)
            if histogram is not None:
                trial.distributions[name] = Distribution.of(histogram)
        for key, histogram in histograms.items():
            _add(data.histograms, key, histogram)

    def _end(self, record):
        maybe(record, "trials_done", INTEGER)
        self.run.end = record

    def finish(self):
        """The run, once the last line is read; DataError if it holds nothing that a report could show."""
        run = self.run
        if not run.header:
            raise DataError(f"{run.path}: holds no records; the run was stopped before it had written its first line")
        if not run.points:
            raise DataError(f"{run.path}: holds no verdict: the run ended before its first trial did; "
                            "there is nothing to report, run it again")
        if run.end is None:
            self._note("there is no end record: the run was killed or is still going on")
        elif maybe(run.end, "trials_done", INTEGER) not in (None, len(run.judged)):
            self._note(f"the end record counts {run.end['trials_done']} trials, "
                       f"the file holds {len(run.judged)} verdicts")
        return run


def _sum_known(*values):
    """The sum; None where one of the values is not known."""
    return None if None in values else sum(values)


def _numbers(record):
    """The numeric fields of an object that may be absent."""
    return {key: value for key, value in (record or {}).items() if _of_kind(value, NUMBER)}


def _add(histograms, key, histogram):
    if key in histograms:
        histograms[key].merge(histogram)
    else:
        histograms[key] = histogram


def _of_name(histograms, name):
    """The histogram of this name, merged over the roles; None if there is none."""
    return merged(found for (found_name, _), found in histograms.items() if found_name == name)


def _latency(histogram):
    if histogram is None or not histogram.count:
        return None
    p50, p99 = histogram.percentiles([0.5, 0.99])
    return Latency(histogram.count, p50 if histogram.supports(0.5) else None,
                   p99 if histogram.supports(0.99) else None, histogram.max)


def _short(error):
    message = str(error)
    return message if len(message) <= 60 else message[:57] + "..."
