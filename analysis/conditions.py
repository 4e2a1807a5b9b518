"""The conditions of a trial: the one list of fields that must be equal before two trials count as repeats of each other.

A new axis is one row of FIELDS. A field of a `trial` record that stands neither there nor in NOT_CONDITIONS is taken
for an axis that this version does not know: what differs in it is never pooled and never compared.
"""

import json
from dataclasses import dataclass, make_dataclass

import style

INTEGER, NUMBER, TEXT = (int,), (int, float), (str,)
# What a fault column holds when nothing disturbs the crew.
NO_FAULT = "none"


@dataclass(frozen=True)
class Field:
    """One condition; where `word` is empty every panel and row of a table has a place of its own for it.

    `kinds` are the types of its values. What must be there has `needed`; of all others a record without the field
    means `absent`. `write` turns a value into words. Of `layout` it is how crew and memory lie: a choice to be made.
    """

    name: str
    kinds: tuple
    word: str = ""
    write: object = str
    needed: bool = False
    absent: object = None
    layout: bool = False


FIELDS = (
    Field("load", TEXT, needed=True),
    Field("sync", TEXT, needed=True),
    Field("fault", TEXT, needed=True),
    Field("writers", INTEGER, needed=True),
    Field("readers", INTEGER, needed=True),
    Field("size", INTEGER, needed=True),
    Field("hold_ns", NUMBER, "hold", style.duration),
    Field("think_ns", NUMBER, "think", style.duration),
    Field("rate", NUMBER, "rate", style.rate),
    Field("pin", TEXT, "pin", layout=True),
    Field("prefault", TEXT, "prefault", absent="fallocate", layout=True),
    Field("pages", TEXT, "pages", absent="system", layout=True),
    Field("address", TEXT, "address", absent="free", layout=True),
    Field("packing", TEXT, "packing", absent="usual", layout=True),
    Field("regions", TEXT, "regions", absent="one", layout=True),
    Field("ops_limit", INTEGER, "limit", style.count),
    Field("sampling", INTEGER, "one timed in", style.count),
    Field("history", INTEGER, "history", style.count),
    Field("host", TEXT, "host"),
)
# Fields of a `trial` record that say which trial it was, or whose primitive, not under which conditions it ran; or that `fault` says
# as well.
NOT_CONDITIONS = frozenset((
    "type", "trial", "job", "family", "repeat", "seed", "duration_s", "expect", "at_s", "replay", "control", "turn",
    "origin", "fault_name", "fault_words", "fault_parameter", "plugin"))
SETTINGS = tuple(field for field in FIELDS if field.word)
LAYOUT = tuple(field for field in FIELDS if field.layout)
CORE = tuple(field for field in FIELDS if not field.word)

Point = make_dataclass(
    "Point", [(field.name, object) if field.needed else (field.name, object, field.absent) for field in FIELDS]
    + [("extra", tuple, ())], frozen=True)
Point.__module__ = __name__  # where pickle finds it
Point.__doc__ = "All conditions of a trial; `extra` holds (name, value) of those that this version does not know."


def unknown(record):
    """(name, value) of the fields that are no known condition, in the order of their names; nested ones as JSON."""
    names = sorted(name for name in record if name not in _KNOWN)
    return tuple((name, _plain(record[name])) for name in names if record[name] is not None)


_KNOWN = frozenset(field.name for field in FIELDS) | NOT_CONDITIONS


def _plain(value):
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else value


def replaced(point, **values):
    """The same point with other values."""
    return Point(**{**vars(point), **values})


def point_fields(point):
    """The conditions of a point by name, without those that it has no value for."""
    known = {field.name: getattr(point, field.name) for field in FIELDS}
    return {name: value for name, value in {**known, **dict(point.extra)}.items() if value is not None}
