"""A comparison for programs: as records, as a table of values, and as cases of a test run."""

import csv
import io
import json
import math

import cases
import compare_words
import points
import style
from comparison import BETTER, FEW, SAME, UNDECIDED, WORSE
from conditions import point_fields


def _number(value):
    """JSON has no infinity and no NaN."""
    return value if value is not None and math.isfinite(value) else None


def _side(run):
    build = run.header.get("build")
    record = {"id": run.header.get("id"), "version": run.header.get("version"), "records": run.path,
              "hostname": run.host.get("hostname")}
    return {**record, "build": build} if isinstance(build, dict) else record


def _change_record(one):
    measured, interval = one.change, one.change.interval
    return {"type": "change", "metric": one.metric.name, "unit": one.metric.unit,
            "higher_is_better": one.metric.higher_is_better, "load": one.load, "sync": one.sync,
            "point": point_fields(one.point) if one.point else None, "conditions": one.conditions,
            "n_a": measured.n_a, "n_b": measured.n_b, "a": _number(measured.a), "b": _number(measured.b),
            "ratio": measured.ratio, "low": interval.low if interval else None, "high": interval.high if interval else None,
            "p": one.p, "effect": measured.effect, "says": one.says, "why": one.why}


def _verdicts_record(verdict):
    return {"type": "verdicts", "load": verdict.point.load, "sync": verdict.point.sync, "point": point_fields(verdict.point),
            "a": dict(points.verdict_counts(verdict.a)), "b": dict(points.verdict_counts(verdict.b)),
            "says": verdict.says, "why": verdict.why}


def all_records(found):
    """The records of a comparison, in their order."""
    terms = found.terms
    yield {"type": "comparison", "schema": "shmoo/1", "a": _side(found.a), "b": _side(found.b), "paired": found.paired,
           "threshold": terms.threshold, "confidence": terms.confidence, "metrics": list(terms.metrics),
           "only_a": [point_fields(point) for point in found.only_a],
           "only_b": [point_fields(point) for point in found.only_b], "notes": compare_words.left_out(found)}
    yield from map(_verdicts_record, found.verdicts)
    yield from map(_change_record, found.judgements)
    yield {"type": "conclusion", "exit_status": found.status, "text": compare_words.conclusion(found),
           "verdicts_worse": sum(verdict.says == WORSE for verdict in found.verdicts),
           "judgements": len(found.judgements), "worse": found.count(WORSE), "better": found.count(BETTER),
           "no_change": found.count(SAME), "undecided": found.count(UNDECIDED), "too_few": found.count(FEW)}


def jsonl(found):
    """One record a line."""
    return "".join(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in all_records(found))


CSV_COLUMNS = ("load", "sync", "fault", "writers", "readers", "size", "conditions", "metric", "unit", "n_a", "n_b", "a", "b",
               "ratio", "low", "high", "p", "effect", "says", "why")


def csv_table(found):
    """One line a judgement, RFC 4180, with a header."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for one in found.judgements:
        record = _change_record(one)
        record = {**(record["point"] or {}), **record}
        writer.writerow(["" if record.get(column) is None else record.get(column) for column in CSV_COLUMNS])
    return out.getvalue()


def all_cases(found):
    """A case for each condition's verdicts, and one for each judgement; what is undecided was skipped, not passed."""
    words = compare_words.conditions_of(found)
    return [_verdict_case(verdict, words) for verdict in found.verdicts] + [_change_case(one, words) for one in found.judgements]


def _verdict_case(verdict, words):
    case = cases.Case("shmoo.compare.verdicts", f"{verdict.point.load} {verdict.point.sync} {words(verdict.point)}",
                      says=verdict.says)
    if verdict.says == WORSE:
        case.state, case.kind, case.message = cases.FAILURE, "verdict", verdict.why
        replay = next((trial.replay for trial in verdict.b if not trial.as_expected and trial.replay), "")
        case.facts = {"why": verdict.why, "A": _counted(verdict.a), "B": _counted(verdict.b), "replay": replay}
    return case


def _counted(trials):
    return ", ".join(f"{number} {word}" for word, number in points.verdict_counts(trials))


def _change_case(one, words):
    where = words(one.point) if one.point else f"all {one.conditions} together"
    case = cases.Case(f"shmoo.compare.{one.metric.name}", f"{one.load} {one.sync} {where} {one.metric.name}", says=one.says)
    measured, interval = one.change, one.change.interval
    if one.says == WORSE:
        between = f", between {interval.low:.3f} and {interval.high:.3f}" if interval else ""
        case.state, case.kind = cases.FAILURE, "regression"
        case.message = f"{one.metric.title}: {style.share(one.loss)} worse, B/A {measured.ratio:.3f}{between}"
        case.facts = {"figure": one.metric.title, "ratio": f"{measured.ratio:.4f}", "interval": between.removeprefix(", "),
                      "p": compare_words.probability(one.p), "effect": f"{measured.effect:.3f}",
                      "repeats": f"{measured.n_a} and {measured.n_b}"}
    elif one.says in (UNDECIDED, FEW):
        case.state, case.message = cases.SKIPPED, f"{one.says}: {one.why}"
    return case


def junit(found):
    """JUnit XML."""
    return cases.junit(all_cases(found), "shmoo compare", timestamp=found.b.header.get("started"))


def tap(found):
    """TAP 14."""
    return cases.tap(all_cases(found))
