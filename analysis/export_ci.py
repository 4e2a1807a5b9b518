"""Writes a run as cases of a test run: JUnit XML and TAP, with the names and states that `shmoo run --format` gives them."""

import cases
import points
import style
from conditions import NO_FAULT

SKIPPING = "UNSUPPORTED"


def title(trial):
    """A trial's name: counter mutex 2w+2r 64 B fault stop:5."""
    point = trial.point
    fault = f" fault {point.fault}" if point.fault not in (NO_FAULT, "") else ""
    return f"{point.load} {point.sync} {point.writers}w+{point.readers}r {style.size(point.size)}{fault}"


def case_of(trial):
    """A trial as a case."""
    case = cases.Case(f"shmoo.{trial.job or 'run'}", f"{trial.number} {title(trial)} repeat {trial.repeat}", kind=trial.verdict,
                      seconds=trial.seconds or 0.0, says=trial.verdict)
    if trial.verdict == SKIPPING or (trial.verdict == "INCONCLUSIVE" and trial.as_expected):
        case.state, case.message = cases.SKIPPED, trial.reason
    elif not trial.as_expected:
        case.state = cases.ERROR if trial.verdict == "ERROR" else cases.FAILURE
        case.message = f"{trial.verdict}, expected {trial.expect}: {trial.reason}"
        case.facts = {"verdict": trial.verdict, "expected": trial.expect, "reason": trial.reason, "replay": trial.replay}
    return case


def planned(run):
    """How many trials there should be, as far as the run says."""
    told = (run.end or {}).get("trials_planned") or run.header.get("trials")
    return told if isinstance(told, int) else len(run.judged)


def all_cases(run):
    """A case for each trial with a verdict; one more where the run did not come to its end."""
    found = [case_of(trial) for trial in run.judged]
    if planned(run) > len(run.judged) or run.end is None:
        missing = f"{style.plural(len(run.judged), 'trial')} of {planned(run)} came to a verdict"
        why = points.named_list(run.warnings) if run.warnings else "the run was ended early"
        found.append(cases.Case("shmoo.run", "all trials of the plan", cases.ERROR, f"{missing}: {why}", "incomplete",
                                facts={"missing": missing, "why": why}))
    return found


def junit(run):
    """JUnit XML."""
    seconds = (run.end or {}).get("seconds")
    return cases.junit(all_cases(run), "shmoo", seconds if isinstance(seconds, (int, float)) else 0.0, run.header.get("started"))


def tap(run):
    """TAP 14; what is missing at the end is a bail-out there."""
    found = [case_of(trial) for trial in run.judged]
    for case in found:
        # The points of TAP have numbers of their own.
        case.name = case.name.partition(" ")[2]
    return cases.tap(found, planned(run))
