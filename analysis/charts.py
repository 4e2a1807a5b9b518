"""The contents page of the charts, in the order of the report: a new chart is one file and one row here."""

from dataclasses import dataclass
from types import ModuleType

import chart_crash
import chart_detection
import chart_grid
import chart_latency
import chart_lifecycle
import chart_recovery
import chart_sighting
import chart_throughput
import chart_words


@dataclass(frozen=True)
class Row:
    """A chart: the section of the page it belongs to, its heading, how to read it, and the module with its build()."""

    key: str
    section: str
    heading: str
    reading: str
    module: ModuleType


CHARTS = (
    Row("grid", "verdicts", "The shmoo grid",
        "Rows are primitives, columns the conditions. A quiet cell is what was expected of that primitive, a loud one "
        "with a heavy outline is not.",
        chart_grid),
    Row("detection", "verdicts", "Time to detection",
        "How long a hunt took to find what is broken: a dot for each try, a bar at the median, and a mark at the right edge "
        "for each try that found nothing.",
        chart_detection),
    Row("crash", "crashes", "The crash matrix",
        "What became of the others when a process was killed: rows are primitives, columns the place and the manner of the "
        "death. A quiet cell is what was expected of that primitive, a loud one with a heavy outline is not.",
        chart_crash),
    Row("words", "crashes", "What a dead writer leaves",
        "The writer was killed at each place of its work in turn: the share of trials in which the data were torn.",
        chart_words),
    Row("recovery", "crashes", "How soon the others go on",
        "The time from a death until another process had the primitive: a dot for each death, a bar at the median of those who "
        "died holding it. A time far below that of a wake-up is that of somebody who was at it anyway.",
        chart_recovery),
    Row("throughput", "trade-offs", "Throughput against population",
        "Lines run through the medians of the repeats, dots are the repeats themselves, bars the interval of the "
        "median.",
        chart_throughput),
    Row("latency", "trade-offs", "Latency, out to the tail",
        "Each further nine of the horizontal axis gets the same room: what happens to one operation in a thousand is "
        "as wide as what happens to one in ten.",
        chart_latency),
    Row("sighting", "trade-offs", "How fast a change is seen",
        "The time from the change until each child had seen it.",
        chart_sighting),
    Row("lifecycle", "trade-offs", "What the life of a region costs",
        "The time of each step from opening a region to removing it.",
        chart_lifecycle),
)
