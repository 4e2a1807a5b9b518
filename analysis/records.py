"""The one reader of run.jsonl: streams the records of a run and keeps per trial and per point what reports need.

    run = records.read("results/latest")        # a run's folder, or its run.jsonl
    for point, data in run.points.items():      # a point is a trial without its repeat and its seed
        data.trials, data.histograms["acquire", "writer"]

What a run holds of its workers, intervals and evidence is reduced while reading, so that memory follows the number of
trials and not the number of lines. The fields are those of results/README.md.
"""

from conditions import FIELDS, INTEGER, NUMBER, TEXT, Point, unknown
from course import Course, added
from histogram import Distribution, Histogram
from lines import RECORDS_NAME, DataError, Decoder, Malformed, check_schema, file_lines, maybe, need, of_kind, records_path
from model import Death, Latency, PointData, Run, Trial, of_name

# Evidence kept per trial: the page shows a few, and the file holds them all.
EVIDENCE_KEPT = 4
WINDOWS_KEPT, INTERVALS_KEPT, TEARS_KEPT = 200, 2000, 64


def read(run, warn=lambda message: None, keep=()):
    """Reads a run; DataError if it cannot be used. `warn` is called with each thing that is odd but harmless.

    Histograms are added up by point; of those named in `keep` each trial keeps its own distribution as well.
    """
    path = records_path(run)
    reader = _Reader(path, warn, keep)
    for number, line in file_lines(path):
        reader.line(number, line)
    return reader.finish()


def point_of(record):
    """The conditions of a `trial` or `verdict` record."""
    values = {field.name: _condition(record, field) for field in FIELDS}
    # A verdict repeats some conditions only, and has fields of its own.
    return Point(**values, extra=unknown(record) if record["type"] == "trial" else ())


def _condition(record, field):
    if field.needed:
        return need(record, field.name, field.kinds)
    value = maybe(record, field.name, field.kinds)
    return field.absent if value is None else value


def _trial(record):
    return Trial(number=need(record, "trial", INTEGER), point=point_of(record), repeat=need(record, "repeat", INTEGER),
                 seed=maybe(record, "seed", INTEGER), expect=maybe(record, "expect", TEXT), job=maybe(record, "job", TEXT),
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
        self.decoder = Decoder(path, self._note)
        # Histograms of the trial that is being read, by trial and (name, role): they count once its verdict is there.
        self.pending = {}
        # The same of the courses.
        self.courses = {}
        # By histogram's name: reports merge them over roles and trials.
        self.sub_bits = {}
        # What has no entry here is ignored: later minor versions may add types.
        self.handlers = {"run": self._run, "host": self._host, "trial": self._trial, "worker": self._worker,
                         "interval": self._interval, "histogram": self._histogram, "course": self._course, "fault": self._fault,
                         "violation": self._violation,
                         "verdict": self._verdict, "end": self._end}

    def line(self, number, line):
        """Takes one line; what follows a line without its end is known only after the file's last one."""
        self.run.bytes += len(line)
        record = self.decoder.record(number, line)
        self.run.truncated = self.decoder.truncated
        if record is not None:
            self._record(number, record)

    def _note(self, message):
        self.run.warnings.append(message)
        self.warn(f"{self.run.path}: {message}")

    def _record(self, number, record):
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
        check_schema(record)
        self.run.header = record

    def _host(self, record):
        # What was merged may have several.
        self.run.hosts.append(record)
        self.run.host = self.run.hosts[0]

    def _trial(self, record):
        trial = _trial(record)
        if trial.number in self.run.trials:
            raise Malformed(f"trial {trial.number} begins a second time")
        trial.pair = self._pair(trial.number, maybe(record, "origin", (dict,)))
        self.run.trials[trial.number] = trial
        # Trials run one after the other: what an earlier one left without a verdict will never count.
        self.pending, self.courses = {}, {}

    def _pair(self, number, origin):
        """What the trial has in common with the one that it was interleaved with: the pairing, and its number there."""
        build = origin if origin else self.run.header.get("build")
        pairing = build.get("pairing") if isinstance(build, dict) else None
        own = origin.get("trial") if origin else number
        return (pairing, own) if isinstance(pairing, str) and isinstance(own, int) else None

    def _of_trial(self, record):
        number = need(record, "trial", INTEGER)
        if number not in self.run.trials:
            raise Malformed(f"a `{record['type']}` record of trial {number}, which has no `trial` record")
        return self.run.trials[number]

    def _worker(self, record):
        crew = self._of_trial(record).crew
        role, ops = need(record, "role", TEXT), need(record, "ops", INTEGER)
        crew.workers += 1
        crew.cpus.append(maybe(record, "cpus", TEXT))
        crew.ops.setdefault(role, []).append(ops)
        mapping = maybe(record, "map_ns", INTEGER)
        if mapping is not None:
            crew.map_ns.append(mapping)
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

    def _course(self, record):
        trial = self._of_trial(record)
        intervals = need(record, "intervals", (list,))
        data = self.run.points.get(trial.point)
        if data is not None and any(earlier.course is not None and earlier.course.tells for earlier in data.trials):
            return
        self.courses.setdefault(trial.number, []).append(Course.of(
            need(record, "name", TEXT), need(record, "sub_bits", INTEGER), need(record, "interval_s", NUMBER), intervals))

    def _fault(self, record):
        trial = self._of_trial(record)
        trial.faults += 1
        if len(trial.windows) < WINDOWS_KEPT and maybe(record, "at_s", NUMBER) is not None:
            trial.windows.append((record["at_s"], maybe(record, "until_s", NUMBER)))

    def _interval(self, record):
        trial = self._of_trial(record)
        trial.slice = maybe(record, "slice", TEXT)
        intervals = trial.intervals
        if len(intervals) < INTERVALS_KEPT and need(record, "seconds", NUMBER) > 0:
            intervals.append((need(record, "at_s", NUMBER), record["seconds"], need(record, "ops", INTEGER)))

    def _violation(self, record):
        trial = self._of_trial(record)
        evidence = trial.evidence
        if record.get("kind") == "torn" and len(trial.tears) < TEARS_KEPT and maybe(record, "offset", INTEGER) is not None:
            trial.tears.append(record["offset"])
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
        trial.bytes_per_s = maybe(maybe(record, "messages", (dict,)) or {}, "bytes_per_s", NUMBER)
        trial.window_s = maybe(record, "window_s", NUMBER)
        trial.calls_per_op = _numbers(maybe(record, "syscalls", (dict,))).get("per_op")
        switches = _numbers(maybe(record, "switches", (dict,)))
        trial.voluntary_per_op, trial.involuntary_per_op = (switches.get(f"{kind}_per_op") for kind in ("voluntary", "involuntary"))
        trial.minor_faults = _numbers(maybe(record, "page_faults", (dict,))).get("minor")
        trial.violations = need(record, "violations", INTEGER)
        trial.kinds = _numbers(maybe(record, "violations_by_kind", (dict,)))
        trial.exposure = _numbers(maybe(record, "exposure", (dict,)))
        trial.interrupted = maybe(record, "interrupted", TEXT)
        trial.found_s = maybe(record, "found_s", NUMBER)
        trial.hunted = maybe(record, "slices", (dict,)) is not None
        trial.death = _death(record)
        meter = maybe(record, "meter", (dict,)) or {}
        self.run.meter = self.run.meter or meter
        trial.line_ns = _numbers(meter).get("line_ns")
        self._settle(trial)

    def _settle(self, trial):
        """Adds a judged trial and its histograms to its point."""
        data = self.run.points.setdefault(trial.point, PointData())
        data.trials.append(trial)
        histograms = self.pending.pop(trial.number, {})
        acquire = of_name(histograms, "acquire")
        trial.acquire = _latency(acquire)
        if acquire is not None and acquire.max_where and acquire.max_where[2] is not None:
            trial.longest = acquire.max, acquire.max_where[2]
        trial.course = added(self.courses.pop(trial.number, ()))
        for name in self.keep:
            histogram = acquire if name == "acquire" else of_name(histograms, name)
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
    return {key: value for key, value in (record or {}).items() if of_kind(value, NUMBER)}


def _add(histograms, key, histogram):
    if key in histograms:
        histograms[key].merge(histogram)
    else:
        histograms[key] = histogram


def _latency(histogram):
    if histogram is None or not histogram.count:
        return None
    p50, p99 = histogram.percentiles([0.5, 0.99])
    return Latency(histogram.count, p50 if histogram.supports(0.5) else None,
                   p99 if histogram.supports(0.99) else None, histogram.max)
