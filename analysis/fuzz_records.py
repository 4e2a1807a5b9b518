#!/usr/bin/python3
"""Feeds the reader of records with damaged lines: it must read them or refuse them in words, and do nothing else.

    fuzz_records.py [LINES [SEED]]        LINES: damaged lines in all, 100000 unless given

Each line is one of a run's, damaged at random: bytes, structure, or values that no shmoo writes. It is read among the
undamaged lines of that run. Exit status: 0 no finding, 1 one, which is printed with what repeats it, 2 usage.
"""
import copy
import json
import math
import os
import pickle
import random
import sys
import tempfile
import time

import compare
import comparison
import metrics
import records
import report
import synthetic

# One in so many of what is taken is put on a page, and one is compared: that costs a hundred times what reading does.
PAGE_EVERY = 256
# A word on standard error after so many lines.
TELL_EVERY = 1_000_000
# A refusal is read by people: longer than this nobody reads.
MESSAGE_MOST = 1000
# Values that no shmoo writes, or hardly ever.
ODD = (None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -2**63, 10**40, 10**400, 0.5, -0.0, 1e308, 1e-320, "", "x",
       "none", "shmoo/1", "\ud800", "\x00", "<b>&\"'", "é" * 300, "9" * 5000, [], {}, [None], [[0, 1]], [[0, -1]],
       [[-1, 1]], [[2**70, 1]], [[0, 2**70]], [[0.5, 1]], [["0", 1]], [[0]], [[0, 1, 2]], {"": 1}, {"x": None}, {"x": 1e308},
       ["x"] * 50)


def damage_bytes(dice, line):
    """The line with a few bytes changed, put in, taken out or cut off."""
    damaged = bytearray(line)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(damaged)) if damaged else 0
        kind = dice.randrange(5)
        if kind == 0 and damaged:
            damaged[place] ^= 1 << dice.randrange(8)
        elif kind == 1:
            damaged[place:place] = bytes(dice.choices(b'{}[]",:\\0123456789.eE+-\xff\x00\x80 \rntu', k=dice.randint(1, 8)))
        elif kind == 2:
            del damaged[place:place + dice.randint(1, 20)]
        elif kind == 3:
            damaged[place:place] = damaged[place:place + dice.randint(1, 200)] * dice.randint(1, 3)
        else:
            del damaged[place:]
    return bytes(damaged).replace(b"\n", b" ") + (b"\n" if dice.randrange(8) else b"")


def places_of(value, found):
    """Every (container, key) in a decoded record."""
    for key in value if isinstance(value, dict) else range(len(value)):
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            places_of(value[key], found)
    return found


def damage_values(dice, line, others):
    """The line with a few values changed for odd ones or for another line's, or left out."""
    record = json.loads(line)
    for _ in range(dice.randint(1, 3)):
        places = places_of(record, [])
        if not places:
            break
        container, key = dice.choice(places)
        kind = dice.randrange(4)
        if kind == 0:
            del container[key]
        elif kind == 1 and isinstance(container, dict):
            other = dice.choice(others)
            container[key] = copy.deepcopy(other[dice.choice(list(other))])
        else:
            container[key] = copy.deepcopy(dice.choice(ODD))
    return (json.dumps(record, ensure_ascii=bool(dice.randrange(2))).encode("utf-8", "surrogatepass") + b"\n")


def damage_structure(dice, line):
    """Something that is JSON, and no record; or hardly any more."""
    deep = dice.randint(1, 3000)
    return dice.choice((b"[" * deep, b'{"a":' * deep + b"\n", b"null\n", b"[]\n", b'"type"\n', b"{}\n",
                        b"\xef\xbb\xbf" + line, line.rstrip() + line, b"\n", b"\x00" * 50 + b"\n", line.rstrip() + b",\n",
                        b'{"type":"run","type":"trial"}\n', b'{"type":' + b"9" * 5000 + b"}\n",
                        line.replace(b":", b': NaN, "x":', 1)))


# Compared by every figure there is.
ALL = comparison.Terms(metrics=metrics.NAMES)


class Finding(Exception):
    """The reader did something else than reading or refusing."""


def judge_refusal(error):
    message = str(error)
    if not message or len(message) > MESSAGE_MOST:
        raise Finding(f"a message of {len(message)} characters: {message[:200]}")
    if "\n" in message:
        raise Finding(f"a message of several lines: {message!r}")
    message.encode("utf-8")


def judge_run(run):
    """What was taken can be reckoned with, and some of it put on a page."""
    if run.bytes % PAGE_EVERY == 0:
        report.page_text(run, []).encode("utf-8", "replace")
    if run.bytes % PAGE_EVERY == 1:
        found = comparison.compare(run, run, ALL)
        for write in compare.FORMATS.values():
            write(found).encode("utf-8", "replace")
    for trial in run.judged:
        if trial.acquire is not None:
            values = [v for v in (trial.acquire.p50, trial.acquire.p99, trial.acquire.max) if v is not None]
            if any(math.isnan(value) for value in values):
                raise Finding(f"a latency that is no number: {trial.acquire}")
        trial.crew.fairness()
    for data in run.points.values():
        for name in {name for name, _ in data.histograms}:
            data.histogram(name)


def warn(message):
    message.encode("utf-8")


def readers_of(lines):
    """The reader as it is before each line, pickled: what comes before a damaged line need not be read again each time."""
    reader, states = records._Reader("run.jsonl", warn, metrics.LATENCIES), []
    for number, line in enumerate(lines, 1):
        states.append(pickle.dumps(reader, pickle.HIGHEST_PROTOCOL))
        reader.line(number, line)
    return states


def attempt(state, damaged, lines, place):
    """Reads a run with a damaged line in this place; True if the reader took it. Anything but reading and refusing is raised."""
    reader = pickle.loads(state)
    try:
        for number, line in enumerate((damaged, *lines[place + 1:]), place + 1):
            reader.line(number, line)
        judge_run(reader.finish())
        return True
    except records.DataError as error:
        judge_refusal(error)
        return False


# Runs of one trial are read fastest; one of several has more to agree with.
RECIPES = tuple({"syncs": (sync,), "faults": (fault,)} for sync in ("none", "mutex") for fault in ("none", "die:inside:kill:2")
                ) + ({"syncs": ("none", "mutex"), "faults": ("none", "die:inside:kill:2")},)


def base_lines(recipe):
    """The lines of a small run, with all that such a run can hold."""
    with tempfile.TemporaryDirectory() as folder:
        synthetic.write(folder, synthetic.Recipe(populations=((1, 1),), repeats=1, samples=40, intervals=1, rate=1000.0, **recipe))
        with open(os.path.join(folder, records.RECORDS_NAME), "rb") as file:
            return file.readlines()


def run(count, seed):
    """Damages `count` lines; the number taken. Stops at the first finding."""
    bases = [base_lines(recipe) for recipe in RECIPES]
    states = [readers_of(lines) for lines in bases]
    others = [json.loads(line) for lines in bases for line in lines]
    taken = 0
    for number in range(count):
        dice = random.Random(f"{seed}/{number}")
        base = dice.randrange(len(bases))
        lines = bases[base]
        place = dice.randrange(len(lines))
        kind = dice.randrange(20)
        if kind == 0:
            damaged = damage_structure(dice, lines[place])
        elif kind < 8:
            damaged = damage_bytes(dice, lines[place])
        else:
            damaged = damage_values(dice, lines[place], others)
        try:
            taken += attempt(states[base][place], damaged, lines, place)
        except Exception as error:
            sys.stderr.write(f"finding in line {number} of seed {seed} ({type(error).__name__}: {str(error)[:300]!r}), "
                             f"which is\n{damaged[:2000]!r}\n")
            raise
        if number % TELL_EVERY == TELL_EVERY - 1:
            sys.stderr.write(f"{number + 1} of {count} lines of seed {seed}\n")
    return taken


def main(arguments):
    """Returns the exit status."""
    if len(arguments) > 2 or not all(word.isdigit() for word in arguments):
        sys.stderr.write(__doc__)
        return 2
    count, seed = int(arguments[0]) if arguments else 100000, int(arguments[1]) if len(arguments) > 1 else 1
    start = time.monotonic()
    taken = run(count, seed)
    seconds = time.monotonic() - start
    print(f"{count} damaged lines of seed {seed} in {seconds:.0f} s ({count / max(seconds, 0.001):.0f} a second): "
          f"{taken} were read, {count - taken} refused in words; no finding")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
