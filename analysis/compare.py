#!/usr/bin/python3
"""Compares two runs: conditions paired, verdicts and figures judged, and said in the format that is asked for.

    compare.py results/runs/A results/runs/B          the table on standard output
    compare.py results/runs/AB                        the two sides of an interleaved run
"""

import argparse
import os
import sys

STATUS_USAGE, STATUS_ENVIRONMENT = 2, 3
SIDES = ("baseline", "candidate")

try:
    import compare_page
    import compare_records
    import compare_words
    import comparison
    import hosts
    import metrics
    import output
    import plot
    import points
    import records
    import stats
    import style
except ImportError as error:
    print(f"shmoo compare: {error}: apt install python3-numpy python3-scipy python3-jinja2, and start it with /usr/bin/python3",
          file=sys.stderr)
    sys.exit(STATUS_ENVIRONMENT)

FORMATS = {"human": compare_words.human, "jsonl": compare_records.jsonl, "markdown": compare_words.markdown,
           "junit": compare_records.junit, "tap": compare_records.tap, "csv": compare_records.csv_table}
# These can be shortened; the others hold everything.
SHORTENED = ("human", "markdown")


def warn(message):
    """One line on standard error."""
    print(f"shmoo compare: {plot.printable(str(message))}", file=sys.stderr)


def portion(text):
    """A share as it is written: 5%, 0.05, or 5 for the same."""
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write 5% or 0.05") from None
    value = value / 100 if text.endswith("%") or value >= 1 else value
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 100 %")
    return value


def confidence(text):
    """A confidence from 50 % on."""
    value = portion(text)
    if value < 0.5:
        raise argparse.ArgumentTypeError(f"{text!r} is less sure than a coin")
    return value


def metric_list(text):
    """Names of metrics with commas between them."""
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in metrics.NAMES:
            raise argparse.ArgumentTypeError(f"there is no metric {name!r}; valid: {', '.join(metrics.NAMES)}")
    return names


def parse(arguments):
    """The options; argparse itself leaves with status 2 where they make no sense."""
    terms = comparison.Terms()
    parser = argparse.ArgumentParser(
        prog="shmoo compare", description="Compares run B against run A, condition by condition.",
        epilog="Exit status: 0 nothing got worse, 1 a verdict got worse, 2 usage, or runs that cannot be compared, 3 the "
        "environment lacks something, 4 nothing could be compared, 5 a figure got worse.")
    parser.add_argument("runs", metavar="RUN", nargs="+", help="A and B: a run's folder, or its run.jsonl; or one folder that "
                        "`shmoo run --against` has made")
    parser.add_argument("--threshold", type=portion, default=terms.threshold, metavar="SHARE",
                        help="what counts as a change: 5%% unless given")
    parser.add_argument("--confidence", type=confidence, default=terms.confidence, metavar="SHARE",
                        help="how sure it must be that no judgement is a false alarm: 99%% unless given")
    parser.add_argument("--metric", type=metric_list, default=terms.metrics, metavar="NAME,..",
                        help=f"what is compared, of {', '.join(metrics.NAMES)}: {','.join(terms.metrics)} unless given")
    parser.add_argument("--format", choices=tuple(FORMATS), default="human", help="of standard output")
    parser.add_argument("--out", metavar="FILE", help="writes a page with charts as well; the charts go to charts/ beside it")
    parser.add_argument("--all", action="store_true", help="shows every judgement, however many there are")
    parser.add_argument("--any-host", action="store_true", help="compares runs of unlike machines all the same")
    options = parser.parse_args(arguments)
    if len(options.runs) > 2:
        parser.error("two runs are compared; join others with `shmoo merge` first")
    return options


def sides(arguments):
    """The two runs that are meant, as paths."""
    if len(arguments) == 2:
        return arguments
    folders = [os.path.join(arguments[0], side) for side in SIDES]
    if not all(map(os.path.isdir, folders)):
        raise records.DataError(f"{arguments[0]}: compared with what? Name two runs, or a folder of `shmoo run --against`, which "
                                f"holds {SIDES[0]}/ and {SIDES[1]}/")
    return folders


def check_hosts(a, b, any_host):
    """Refuses unlike machines, and tells what else differs."""
    unlike = hosts.differences(a.host, b.host)
    told = [f"{words} ({value_a} and {value_b})" for words, value_a, value_b, _ in unlike]
    if any(forbids for *_, forbids in unlike) and not any_host:
        raise records.DataError(f"the runs are of unlike machines, so that their speeds say nothing about the builds: they differ "
                                f"in {points.named_list(told)}. Run both on one machine, best with `shmoo run --against`; "
                                f"--any-host compares all the same")
    return [f"the runs differ in {points.named_list(told)}"] if told else []


# So many times as far are two CPUs only where they have been moved, or others were taken.
MOVED = 2


def check_runs(found):
    """What somebody who trusts the result should know about the two runs."""
    notes = []
    a, b = found.a.header, found.b.header
    if a.get("id") == b.get("id") and a.get("seed") == b.get("seed"):
        notes.append("A and B are the same run")
    loads = [run.host.get("load1") for run in (found.a, found.b)]
    if not found.paired and None not in loads and abs(loads[0] - loads[1]) > max(1.0, 0.5 * min(loads)):
        notes.append(f"the machine's load average was {loads[0]:.3g} when A began and {loads[1]:.3g} when B did: speeds differ for that "
                     "alone; `shmoo run --against` is made for busy machines")
    ways = [stats.median(known) if (known := [trial.line_ns for trial in run.judged if trial.line_ns]) else None
            for run in (found.a, found.b)]
    if not found.paired and None not in ways and max(ways) > MOVED * min(ways):
        notes.append(f"a cache line took {style.duration(ways[0])} from one worker's CPU to another's and back when A ran and "
                     f"{style.duration(ways[1])} when B did: contended speeds differ for that alone; `shmoo run --against` runs both at "
                     "one time")
    unknown = sorted({name for run in (found.a, found.b) for trial in run.judged for name, _ in trial.point.extra})
    if unknown:
        notes.append(f"conditions that this version does not know were told apart by their values: {points.named_list(unknown)}")
    return notes


def run(options):
    """Compares and writes; returns the exit status."""
    a, b = (records.read(path, warn, keep=metrics.LATENCIES) for path in sides(options.runs))
    host_notes = check_hosts(a, b, options.any_host)
    found = comparison.compare(a, b, comparison.Terms(options.threshold, options.confidence, options.metric))
    found.notes = host_notes + check_runs(found) + found.notes
    for note in compare_words.left_out(found):
        warn(note)
    if options.out:
        compare_page.write(found, options.out)
    write = FORMATS[options.format]
    output.put(write(found, options.all) if options.format in SHORTENED else write(found))
    return found.status


def main(arguments=None):
    """Returns the exit status."""
    return output.guarded(lambda: run(parse(arguments)), warn, (records.DataError, output.UsageProblem), (output.EnvironmentProblem, plot.PlotError))


if __name__ == "__main__":
    sys.exit(main())
