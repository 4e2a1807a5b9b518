"""The contents page of the charts, in the order of the report: a new chart is one file and one row here."""

from dataclasses import dataclass
from types import ModuleType

import chart_bandwidth
import chart_course
import chart_crash
import chart_detection
import chart_distribution
import chart_fairness
import chart_grid
import chart_handoff
import chart_heat
import chart_latency
import chart_layout
import chart_lifecycle
import chart_recovery
import chart_round_trip
import chart_scaling
import chart_sighting
import chart_tears
import chart_throughput
import chart_time
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
    Row("tears", "verdicts", "Where records tear",
        "How often a torn read split at each place of the record, counted over the evidence that was kept; rules stand at the "
        "ends of cache lines of 64 bytes, heavy ones at the ends of pages.",
        chart_tears),
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
    Row("distribution", "details", "Latency, how it is spread",
        "The share of operations in each step of latency: two humps are two ways through, the fast one and the one by way of the "
        "kernel.",
        chart_distribution),
    Row("fairness", "trade-offs", "Fairness of the workers",
        "A dot for each worker of each trial: its operations over the mean of its role, 1 is a fair share. Jain's index, the median "
        "over the trials, is 1 where all got the same and 1/n where one got all.",
        chart_fairness),
    Row("time", "details", "Over time",
        "Operations per second from one interval to the next, of the first trial of each; what is shaded, a fault was at work. The "
        "triangle at the top is the moment of the longest wait.",
        chart_time),
    Row("course", "details", "Latency over time",
        "How long was waited from one interval to the next: in the middle, at the 99th percentile and at the most, of one trial "
        "of each; what is shaded, a fault was at work.",
        chart_course),
    Row("heat", "details", "Latency over time, as a heat map",
        "Time to the right, latency upwards; the darker a cell (on a dark page: the brighter), the more of the timed operations ended "
        "there. A bar above the map and a shade mark the times in which a fault was at work; where nothing is drawn, nothing ended.",
        chart_heat),
    Row("bandwidth", "trade-offs", "Size against bandwidth",
        "Bytes that came out whole, in a second, by the size of one record or message.",
        chart_bandwidth),
    Row("round-trip", "trade-offs", "There and back",
        "The time from before a message is filled until the answer has been verified. A ring that spins asks no kernel; a channel of the "
        "kernel also wakes whoever waits. Each time holds one reading of the clock (stamp_ns in the record's meter).",
        chart_round_trip),
    Row("scaling", "trade-offs", "Scalability, fitted",
        "The universal scalability law through the medians, with the 95 % interval of the fit over resampled repeats. It is drawn "
        "half as far again as was measured, and not a step further.",
        chart_scaling),
    Row("layout", "trade-offs", "Which layout",
        "Each choice of how crew and memory lie against the first of its kind, all else being equal: right of the line it is faster. "
        "What this machine has not is N/A, with the reason below.",
        chart_layout),
    Row("handoff", "details", "Hand-off from core to core",
        "The median time of a message from the CPU of the row to that of the column.",
        chart_handoff),
    Row("sighting", "details", "How fast a change is seen",
        "The time from the change until each child had seen it.",
        chart_sighting),
    Row("lifecycle", "details", "What the life of a region costs",
        "The time of each step from opening a region to removing it.",
        chart_lifecycle),
)
