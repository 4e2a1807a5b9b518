"""Tells what a run came to: the headline, what broke and with which evidence, what could not be judged."""

import re
import signal
from collections import Counter
from dataclasses import dataclass, field

import points
import style

MOST_GROUPS = 40
MOST_EVIDENCE = 4
MOST_REPLAYS = 5
MOST_REASONS = 3
BYTES_A_LINE = 16
MOST_BYTE_LINES = 6
# Words that say nothing about the primitive, because the trial did not get to try it.
UNJUDGED = ("INCONCLUSIVE", "UNSUPPORTED")

EXIT_STATUS = {
    0: "everything was as expected",
    1: "an unexpected verdict or a failed check",
    2: "the command line could not be used",
    3: "the environment could not run it",
    4: "nothing ran, or only inconclusive trials",
    5: "a threshold or a comparison failed",
}


def exit_status_words(status):
    """The exit status with its meaning."""
    if not isinstance(status, int):
        return "unknown: the run did not write its end record"
    if status > 128:
        try:
            return f"{status}: ended by {signal.Signals(status - 128).name}"
        except ValueError:
            return f"{status}: ended by signal {status - 128}"
    return f"{status}: {EXIT_STATUS.get(status, 'a status that this report does not know')}"


@dataclass
class Chip:
    """How many trials have one verdict, and how many of them were not expected to."""

    word: str
    look: style.VerdictLook
    count: int
    unexpected: int

    @property
    def remark(self):
        """What stands behind the count: whether it was expected."""
        if self.count == self.unexpected == 1:
            return "(unexpected)"
        if self.unexpected:
            return f"({'all' if self.unexpected == self.count else f'{self.unexpected:,}'} unexpected)"
        return "" if self.word == "CLEAN" else "(as expected)"


@dataclass
class Headline:
    """The verdict on the whole run; `state` is good, bad or unsure."""

    state: str
    words: str
    chips: list
    exit_status: str
    banners: list


def headline(run):
    """The headline of a run."""
    judged = run.judged
    unexpected = sum(1 for trial in judged if not trial.as_expected)
    chips = [Chip(word, style.verdict_look(word), count,
                  sum(1 for trial in judged if trial.verdict == word and not trial.as_expected))
             for word, count in points.verdict_counts(judged)]
    told = all(trial.verdict in UNJUDGED for trial in judged)
    banners = _banners(run)
    if unexpected:
        state, words = "bad", (f"The trial came out unexpected: {judged[0].verdict}" if len(judged) == 1
                               else f"{unexpected:,} of {len(judged):,} trials came out unexpected")
    elif told:
        state, words = "unsure", "Nothing is proven: no trial could be judged"
    else:
        state = "unsure" if banners else "good"
        words = ("The trial came out as expected" if len(judged) == 1
                 else f"All {len(judged):,} trials came out as expected")
        words += ", as far as the run got" if banners else ""
    status = run.end.get("exit_status") if run.end else None
    return Headline(state, words, chips, exit_status_words(status), banners)


def _banners(run):
    """Sentences about what is missing from the run."""
    sentences = []
    end = run.end or {}
    planned = end.get("trials_planned") or run.header.get("trials")
    if end.get("interrupted"):
        sentences.append(f"The run was interrupted by {end['interrupted']}.")
    if isinstance(planned, int) and planned != len(run.judged):
        sentences.append(f"The plan holds {style.plural(planned, 'trial')}, and {len(run.judged):,} have a verdict.")
    sentences += [f"Trial {trial.number} ({_place(trial)}) was cut short by {trial.interrupted}."
                  for trial in run.judged if trial.interrupted]
    sentences += [f"Trial {trial.number} ({_place(trial)}) began and has no verdict." + _replay(trial)
                  for trial in run.trials.values() if trial.verdict is None][:5]
    sentences += [f"{warning[0].upper()}{warning[1:]}." for warning in run.warnings]
    return sentences


def _replay(trial):
    return f" To run it alone: {trial.replay}" if trial.replay else ""


def _place(trial):
    point = trial.point
    words = f"{point.sync}, {point.load}, {points.population(point)}, {style.size(point.size)}"
    return words + (f", fault {point.fault}" if point.fault not in (points.NO_FAULT, "") else "")


@dataclass
class Evidence:
    """One violation, ready to be shown."""

    kind: str
    text: str
    finder: str
    facts: list
    lines: list


@dataclass
class Failure:
    """The trials of one primitive under one load and fault that share a verdict."""

    word: str
    look: style.VerdictLook
    expected: bool
    expect: str
    sync: str
    load: str
    fault: str
    trials: list
    where: str = ""
    disturbances: int = 0
    idle: int = 0
    kinds: list = field(default_factory=list)
    reasons: list = field(default_factory=list)
    evidence: list = field(default_factory=list)
    casualties: list = field(default_factory=list)
    replays: list = field(default_factory=list)
    more_replays: int = 0

    @property
    def judgement(self):
        """Whether that was expected, and if not, what was."""
        if self.expected:
            return "As expected."
        if self.expect != self.word:
            return f"Unexpected: {self.expect} was expected."
        idle = f", {style.plural(self.idle, 'worker')} did nothing" if self.idle else ""
        return f"Unexpected, although {self.word} was the expected verdict: it does not count as proof{idle}."


def failures(run):
    """(groups to show, number of groups left out): what broke, the unexpected first."""
    found = {}
    for trial in run.judged:
        if trial.verdict in UNJUDGED or (trial.as_expected and trial.verdict == "CLEAN"):
            continue
        key = bool(trial.as_expected), trial.verdict, trial.point.sync, trial.point.load, trial.point.fault
        found.setdefault(key, []).append(trial)
    order = sorted(found, key=lambda key: (key[0], style.severity(key[1])))
    return [_failure(key, found[key]) for key in order[:MOST_GROUPS]], max(0, len(order) - MOST_GROUPS)


def _failure(key, trials):
    expected, word, sync, load, fault = key
    group = Failure(word, style.verdict_look(word), expected,
                    points.named_list(sorted({trial.expect or "?" for trial in trials})),
                    sync, load, "" if fault == points.NO_FAULT else fault, trials)
    conditions = dict.fromkeys(f"{points.population(trial.point)} {style.size(trial.point.size)}" for trial in trials)
    group.where = points.named_list(conditions, 8)
    kinds = Counter()
    for trial in trials:
        kinds.update(trial.kinds)
    group.kinds = kinds.most_common()
    group.reasons = _common((trial.reason for trial in trials if trial.reason), MOST_REASONS)
    group.evidence = [_evidence(trial, record) for trial, record in _telling(trials)]
    group.disturbances = sum(trial.faults for trial in trials)
    group.idle = int(sum(trial.exposure.get("idle_workers", 0) for trial in trials))
    group.casualties = _casualties(trials)
    replays = [trial for trial in trials if trial.replay]
    group.replays = [(trial.number, trial.replay) for trial in replays[:MOST_REPLAYS]]
    group.more_replays = len(replays) - len(group.replays)
    return group


def _without_numbers(words):
    """What sentences have in common that differ in their figures only."""
    return re.sub(r"\d+(\.\d+)?", "0", words)


def _common(sentences, most):
    """(sentence, how often) of the most frequent; the first stands for all that differ from it in figures only."""
    counts, first = Counter(), {}
    for sentence in sentences:
        kind = _without_numbers(sentence)
        counts[kind] += 1
        first.setdefault(kind, sentence)
    return [(first[kind], number) for kind, number in counts.most_common(most)]


def _casualties(trials):
    """How many workers did not end well, in which role, phase and manner, the most frequent first."""
    total = Counter()
    for trial in trials:
        total.update(trial.crew.casualties)
    return [f"{style.plural(number, role)} while {phase or 'in an unknown phase'}: {ending}"
            for (role, phase, ending), number in total.most_common(MOST_REASONS)]


def _telling(trials):
    """A few violations, as different in kind and trial as can be had."""
    every = [(trial, record) for trial in trials for record in trial.evidence]
    seen, first, rest = set(), [], []
    for trial, record in every:
        (rest if record.get("kind") in seen else first).append((trial, record))
        seen.add(record.get("kind"))
    return (first + rest)[:MOST_EVIDENCE]


def _evidence(trial, record):
    facts = []
    for name in ("expected", "found"):
        words = version_words(record.get(name))
        if words:
            facts.append((name, words))
    if isinstance(record.get("offset"), int):
        facts.append(("offset", f"byte {record['offset']} of {trial.point.size}"))
    finder = f"trial {trial.number}, {_finder(record)}"
    if isinstance(record.get("at_s"), (int, float)):
        finder += f", after {style.duration(record['at_s'] * 1e9)}"
    text = record.get("text")
    text = text.removeprefix(record["kind"] + ": ") if isinstance(text, str) else ""
    return Evidence(record["kind"], text, finder, facts, hex_lines(record))


def _finder(record):
    """Who found a violation: a worker of the crew, or the harness, which has no index."""
    role, worker = record.get("role"), record.get("worker")
    if isinstance(worker, int) and worker >= 0:
        return f"{role or 'worker'} {worker}"
    return f"the {role or 'harness'}"


def version_words(value):
    """What `expected` or `found` of a violation says: version 7 of writer 1."""
    if not isinstance(value, dict):
        return ""
    if "value" in value:
        return str(value["value"])
    if value.get("writer") == -1:
        return "the initial content"
    parts = [f"version {value['version']}"] if "version" in value else []
    if "writer" in value:
        parts.append(f"writer {value['writer']}")
    return " of ".join(parts)


def hex_lines(record):
    """(offset, bytes before the evidence, bytes from it on) for each line of the bytes that were read."""
    try:
        data = bytes.fromhex(record.get("bytes") or "")
    except (TypeError, ValueError):
        return []
    start = record.get("bytes_at") if isinstance(record.get("bytes_at"), int) else 0
    offset = record.get("offset") if isinstance(record.get("offset"), int) else None
    lines = []
    for place in range(0, min(len(data), BYTES_A_LINE * MOST_BYTE_LINES), BYTES_A_LINE):
        part = data[place:place + BYTES_A_LINE]
        split = len(part) if offset is None else min(len(part), max(0, offset - start - place))
        lines.append((f"{start + place:#06x}", part[:split].hex(" "), part[split:].hex(" ")))
    return lines


@dataclass
class Unjudged:
    """Trials that share a word that is no judgement, and the reason for it."""

    word: str
    look: style.VerdictLook
    sync: str
    load: str
    reason: str
    count: int
    unexpected: int
    where: str


def unjudged(run):
    """(rows to show, number left out): what could not be judged, and why."""
    found = {}
    for trial in run.judged:
        if trial.verdict in UNJUDGED:
            key = trial.verdict, trial.point.sync, trial.point.load, _without_numbers(trial.reason)
            found.setdefault(key, []).append(trial)
    rows = []
    for (word, sync, load, _), trials in found.items():
        reason = trials[0].reason
        where = dict.fromkeys(f"{points.population(trial.point)} {style.size(trial.point.size)}" for trial in trials)
        unexpected = sum(1 for trial in trials if not trial.as_expected)
        rows.append(Unjudged(word, style.verdict_look(word), sync, load, reason or "no reason was recorded",
                             len(trials), unexpected, points.named_list(where, 4)))
    rows.sort(key=lambda row: (-row.unexpected, style.severity(row.word)))
    return rows[:MOST_GROUPS], max(0, len(rows) - MOST_GROUPS)
