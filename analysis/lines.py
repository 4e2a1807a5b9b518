"""The lines of a run.jsonl: finds the file, decodes each line, tells a damaged one from one that was cut off at the end.

    decoder = Decoder(path, note)
    for number, line in file_lines(path):
        record = decoder.record(number, line)
"""

import json
import os

from conditions import TEXT

MAJOR_VERSION = 1
RECORDS_NAME = "run.jsonl"


class DataError(Exception):
    """The input is not a run that can be read; the message says why and what to do."""


class Malformed(Exception):
    """A record lacks a field, or holds a value of the wrong type."""


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
_DIGITS = bytes.maketrans(b"0123456789", b"0" * 10)
_LONG_NUMBER = b"0" * DIGITS_MOST
_decode = json.JSONDecoder(parse_constant=_reject_constant).decode
# Slower: only for lines with a long number or an exponent in them, or what looks like one in a text.
_decode_large = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite, parse_int=_countable).decode


def _decoded(line):
    digits = line.translate(_DIGITS)
    large = b"0e" in digits or b"0E" in digits or _LONG_NUMBER in digits
    return (_decode_large if large else _decode)(line.decode("utf-8"))

_MISSING = object()


def of_kind(value, kinds):
    """Is the value, which was JSON, of one of these types? True and False are no numbers."""
    return type(value) in kinds


def need(record, key, kinds):
    """A field that must be there; Malformed if it is absent or of another type."""
    value = record.get(key, _MISSING)
    if type(value) in kinds:
        return value
    if value is _MISSING:
        raise Malformed(f"a `{record.get('type')}` record lacks `{key}`")
    raise Malformed(f"`{key}` of a `{record.get('type')}` record is {ellipsis_json(value)}")


def maybe(record, key, kinds):
    """A field that may be absent or null, and is None then; Malformed if it is of another type."""
    value = record.get(key)
    if value is not None and type(value) not in kinds:
        raise Malformed(f"`{key}` of a `{record.get('type')}` record is {ellipsis_json(value)}")
    return value


def ellipsis_json(value):
    """The value as JSON, short enough for a message."""
    written = json.dumps(value)
    return written if len(written) <= 40 else written[:37] + "..."


class Decoder:
    """Decodes the lines of one file. `note` is called with what is odd but harmless."""

    def __init__(self, path, note):
        self.path, self.note, self.truncated = path, note, False

    def record(self, number, line):
        """The record of a line; None for an empty line, and for the half one that a killed harness leaves at the end."""
        if not line.strip():
            return None
        try:
            record = _decoded(line)
        except (ValueError, RecursionError) as error:
            if line.endswith(b"\n"):
                raise DataError(f"{self.path}: line {number} is no JSON ({_short(error)}); the file is damaged: "
                                f"keep the lines before it (head -n {number - 1}) to report what they hold") from None
            self.truncated = True
            self.note(f"line {number} ends in the middle: the run was killed or is still going on; "
                      f"everything before that line is used")
            return None
        if not isinstance(record, dict) or not isinstance(record.get("type"), str):
            raise DataError(f"{self.path}: line {number} is no record: it has no \"type\"")
        return record


def file_lines(path):
    """(number, bytes) of each line of a file; DataError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            yield from enumerate(file, 1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def check_schema(record):
    """Malformed, if a `run` record is of a version that is not known here."""
    schema = need(record, "schema", TEXT)
    name, _, version = schema.partition("/")
    if name != "shmoo" or version.partition(".")[0] != str(MAJOR_VERSION):
        raise Malformed(f"its schema is {ellipsis_json(schema)}, and this reader knows shmoo/{MAJOR_VERSION} only; "
                        "use the report of the shmoo that wrote it")


def _short(error):
    message = str(error)
    return message if len(message) <= 60 else message[:57] + "..."
