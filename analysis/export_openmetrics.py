"""Writes a run as OpenMetrics text: counters and histograms of each point, for whatever scrapes or is pushed them."""

import points
import stats
from conditions import point_fields

EXPOSURE = (("handoffs", "Operations that found the trace of another process."),
            ("contended", "Timed requests that found another process there."), ("sampled", "Operations that were timed."))
# Steps of histograms are cut at powers of two: there the cumulated counts are exact.
LARGEST_POWER = 63


class Text:
    """Collects the lines; families in the order in which they are begun."""

    def __init__(self):
        self.lines = []

    def family(self, name, kind, help_text, unit=None):
        """Begins a family."""
        self.lines.append(f"# TYPE {name} {kind}")
        if unit:
            self.lines.append(f"# UNIT {name} {unit}")
        self.lines.append(f"# HELP {name} {_escaped(help_text)}")

    def sample(self, name, labels, value):
        """One sample of the family that was begun last."""
        inner = ",".join(f'{key}="{_escaped(str(word))}"' for key, word in labels.items())
        self.lines.append(f"{name}{{{inner}}} {_number(value)}" if inner else f"{name} {_number(value)}")

    def whole(self):
        """All of it, with its end."""
        return "\n".join([*self.lines, "# EOF"]) + "\n"


def _escaped(words):
    return words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", " ")


def _number(value):
    return str(value) if isinstance(value, int) else repr(float(value))


def _labels(point):
    """The conditions as labels; what no label may be called is left out of the name."""
    return {"".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name): value
            for name, value in point_fields(point).items()}


def text(run):
    """The run as OpenMetrics."""
    out = Text()
    found = [(_labels(point), data) for point, data in run.points.items()]
    _info(out, run)
    _verdicts(out, found)
    _counters(out, found)
    _throughput(out, found)
    _gauge(out, found, "shmoo_jain_index", "Fairness of the workers of the worst role: 1 is even.", "jain")
    _cpu(out, found)
    _latencies(out, found)
    return out.whole()


def _info(out, run):
    header, host = run.header, run.host
    facts = {"run": header.get("id"), "version": header.get("version"), "started": header.get("started"),
             "hostname": host.get("hostname"), "cpu_model": host.get("cpu_model"), "kernel": host.get("kernel")}
    out.family("shmoo_run", "info", "The run that these figures are of.")
    out.sample("shmoo_run_info", {name: value for name, value in facts.items() if value is not None}, 1)
    out.family("shmoo_run_complete", "gauge", "1 if the run came to its end, 0 if it was killed or is going on.")
    out.sample("shmoo_run_complete", {}, int(run.end is not None))


def _verdicts(out, found):
    out.family("shmoo_trials", "gauge", "Trials by their verdicts, and whether these were expected.")
    for labels, data in found:
        counts = {}
        for trial in data.trials:
            key = trial.verdict, bool(trial.as_expected)
            counts[key] = counts.get(key, 0) + 1
        for (verdict, expected), count in sorted(counts.items()):
            out.sample("shmoo_trials", {**labels, "verdict": verdict, "expected": str(expected).lower()}, count)


def _counters(out, found):
    out.family("shmoo_operations", "counter", "Whole operations of the crews.")
    for labels, data in found:
        out.sample("shmoo_operations_total", labels, sum(trial.ops for trial in data.trials))
    out.family("shmoo_violations", "counter", "Violations that the oracles found, by kind.")
    for labels, data in found:
        kinds = {}
        for trial in data.trials:
            for kind, count in trial.kinds.items():
                kinds[kind] = kinds.get(kind, 0) + count
        for kind, count in sorted(kinds.items()):
            out.sample("shmoo_violations_total", {**labels, "kind": kind}, count)
    for name, words in EXPOSURE:
        out.family(f"shmoo_{name}", "counter", words)
        for labels, data in found:
            out.sample(f"shmoo_{name}_total", labels, sum(trial.exposure.get(name, 0) for trial in data.trials))


def _throughput(out, found):
    name = "shmoo_throughput_operations_per_second"
    out.family(name, "gauge", "Median of the trials' throughput, and its 95 % interval; none where something broke.")
    for labels, data in found:
        middle = stats.middle(points.rates(data.trials)) if not points.broken(data.trials) else None
        if middle:
            out.sample(name, {**labels, "statistic": "median"}, middle.median)
            if middle.interval:
                out.sample(name, {**labels, "statistic": "low"}, middle.interval.low)
                out.sample(name, {**labels, "statistic": "high"}, middle.interval.high)


def _gauge(out, found, name, words, of):
    out.family(name, "gauge", words)
    for labels, data in found:
        middle = stats.middle([getattr(trial.crew, of)() for trial in data.trials])
        if middle:
            out.sample(name, labels, middle.median)


def _cpu(out, found):
    out.family("shmoo_cpu_seconds", "counter", "CPU time that the crews spent.", "seconds")
    for labels, data in found:
        spent = [trial.crew.cpu_s for trial in data.trials if trial.crew.workers and trial.crew.cpu_s is not None]
        if spent:
            out.sample("shmoo_cpu_seconds_total", labels, float(sum(spent)))


def _latencies(out, found):
    out.family("shmoo_latency_seconds", "histogram", "Distributions of the trials, added up, by name and role.", "seconds")
    for labels, data in found:
        for (name, role), histogram in data.histograms.items():
            _histogram(out, {**labels, "histogram": name, "role": role}, histogram)


def _histogram(out, labels, histogram):
    """Cumulated counts up to each power of two that lies within the values."""
    total, indices = 0, sorted(histogram.counts)
    steps = 1 << histogram.sub_bits
    for power in range(LARGEST_POWER):
        # The first step of 2^power; every value of a smaller step is smaller than that.
        beyond = (1 << power) if (1 << power) < steps else (power - histogram.sub_bits + 1) * steps
        while indices and indices[0] < beyond:
            total += histogram.counts[indices.pop(0)]
        if total:
            out.sample("shmoo_latency_seconds_bucket", {**labels, "le": repr(((1 << power) - 1) / 1e9)}, total)
        if not indices:
            break
    out.sample("shmoo_latency_seconds_bucket", {**labels, "le": "+Inf"}, histogram.count)
    out.sample("shmoo_latency_seconds_count", labels, histogram.count)
    out.sample("shmoo_latency_seconds_sum", labels, histogram.sum / 1e9)
