"""The recommendation in words and as records: who serves what best, with the figures behind it."""

import points
import recommend
import style
from conditions import point_fields
from recommend import ALONE, CLEAR, FEW, NOBODY, POPULATION, TIE

MOST_FLIPS = 12
AXES = {"hold_ns": ("hold", style.duration), "think_ns": ("think", style.duration), "rate": ("rate", style.rate),
        "size": ("size", style.size), "ops_limit": ("limit", style.count), "sampling": ("one timed in", style.count)}


class Namer:
    """Names conditions, as far as they differ within a load."""

    def __init__(self, found):
        self.settings = points.SettingsNamer([choice.condition for choice in found.choices])

    def words(self, condition):
        """The conditions of a point but for load and primitive: 2w2r 64 B fault kill."""
        parts = [points.population(condition), style.size(condition.size)]
        if condition.fault not in (points.NO_FAULT, ""):
            parts.append(f"fault {condition.fault}")
        return " ".join(parts + [word for word in self.settings.words(condition) if word])


def cell(choice):
    """Who is best, with the figure: mutex 5.2 M; ties say so."""
    if choice is None:
        return ""
    if choice.says == NOBODY:
        return "nobody: " + objections(choice)
    first = choice.figures[0]
    figure = choice.criterion.metric.write(first.value)
    if choice.says == FEW:
        return f"too few repeats ({min(figure.n for figure in choice.figures)})"
    if choice.says == ALONE:
        return f"{first.sync} {figure} (no other)"
    if choice.says == CLEAR:
        second = choice.figures[1]
        return f"{first.sync} {figure}; next {second.sync}, {_loss(second)}"
    return f"tie: {points.named_list(choice.best)}, {figure}"


def _loss(figure):
    interval = figure.loss_interval
    between = f" ({amount(max(0.0, interval.low))} to {amount(interval.high)})" if interval else ""
    return f"{amount(max(0.0, figure.loss))} worse{between}"


def amount(loss):
    """A relative loss: 12 %, or 3.5 times where it is that much."""
    return style.share(loss) if loss < 1 else f"{1 + loss:.3g} times"


def objections(choice):
    """Why nobody, or who not: names with the same reason stand together."""
    reasons = {}
    for sync, why in choice.excluded.items():
        reasons.setdefault(why, []).append(sync)
    return "; ".join(f"{points.named_list(names)} {why}" for why, names in reasons.items()) or "nothing was measured"


def table(found):
    """(headings, rows): a row for each condition, a column for each criterion."""
    namer = Namer(found)
    rows = {}
    for choice in found.choices:
        rows.setdefault(choice.condition, {})[choice.criterion.name] = choice
    headings = ["load", "conditions", *(criterion.words for criterion in recommend.CRITERIA)]
    return headings, [[condition.load, namer.words(condition), *(cell(row.get(criterion.name)) for criterion in recommend.CRITERIA)]
                      for condition, row in rows.items()]


def sentences(found):
    """What it comes to, load by load."""
    namer = Namer(found)
    return [_summary(summary, namer) for summary in found.summaries] + _unproven(found) + _elsewhere(found)


def _summary(summary, namer):
    of = f"of {style.plural(summary.conditions, 'condition')}"
    start = f"{summary.load}, {summary.criterion.words}: "
    if summary.everywhere:
        best = f"{points.named_list(summary.everywhere)} {'is' if len(summary.everywhere) == 1 else 'are'} best, or as good, {_all(summary)}"
    else:
        best = "best, or as good: " + points.named_list([f"{sync} in {count}" for sync, count in summary.wins.items()], 4) + f" {of}"
    if summary.safest is None:
        return start + best + ". Nobody was measured everywhere."
    if summary.safest in summary.everywhere:
        return start + best + "."
    return start + best + (f". Never far behind: {summary.safest}, at worst {amount(max(0.0, summary.worst_loss))} worse, at "
                           f"{namer.words(summary.worst_at)}.")


def _all(summary):
    return "in the only condition" if summary.conditions == 1 else f"in all {summary.conditions} conditions"


def _unproven(found):
    few = sum(choice.says == FEW for choice in found.choices)
    if not few:
        return []
    return [f"{style.plural(few, 'choice')} left open: below {recommend.FEWEST} repeats no uncertainty can be told."]


def _elsewhere(found):
    if not found.elsewhere:
        return []
    return [f"{style.plural(found.elsewhere, 'trial')} left out: in them the CPUs were three times as far from each other, or as near, as "
            "in the others of their condition."]


def axis_words(axis, choice):
    """The value of an axis at a choice's condition."""
    condition = choice.condition
    if axis == POPULATION:
        return points.population(condition)
    value = recommend.axes_of(condition).get(axis)
    word, write = AXES.get(axis, (axis.replace("_", " "), str))
    return f"{word} {write(value)}" if value else f"no {word}"


def flip_sentences(found):
    """(the flips in words, how many were left out); the most costly first."""
    namer = Namer(found)
    order = sorted(found.flips, key=lambda flip: -(flip.cost or 0))
    return [_flip(flip, namer) for flip in order[:MOST_FLIPS]], max(0, len(order) - MOST_FLIPS)


def _flip(flip, namer):
    before, after = flip.before.figures[0].sync, flip.after.figures[0].sync
    cost = f"; {before} would be {amount(flip.cost)} worse there" if flip.cost else f"; {before} was not measured there"
    return (f"{flip.before.condition.load}, {flip.criterion.words}: from {before} at {axis_words(flip.axis, flip.before)} to {after} at "
            f"{axis_words(flip.axis, flip.after)} ({namer.words(flip.after.condition)}){cost}.")


def survival_table(found):
    """(headings, rows) of what became of survivors."""
    headings = ["sync", "deaths", "went on, data whole", "95 % interval", "data torn", "otherwise"]
    return headings, [[row.sync, style.count(row.deaths), style.share(row.recovered / row.deaths),
                       f"{style.share(row.interval.low)} - {style.share(row.interval.high)}", style.count(row.torn),
                       points.named_list([f"{outcome} {count}" for outcome, count in sorted(row.outcomes.items(), key=lambda item: -item[1])
                                          if outcome != "recovered"])] for row in found.survivals]


def survival_sentence(found):
    """Who outlives its users' deaths."""
    if not found.survivals:
        return ""
    holds = [row.sync for row in found.survivals if row.holds]
    if not holds:
        return "No primitive outlived every death of a user."
    least = min(row.interval.low for row in found.survivals if row.holds)
    return (f"Outlived every death of a user: {points.named_list(holds, 12)}; at 95 % each does so in at least "
            f"{style.share(least)} of such cases.")


def _interval(interval):
    return {"low": interval.low, "high": interval.high} if interval else {"low": None, "high": None}


def _figure(figure, choice):
    loss = figure.loss_interval
    return {"sync": figure.sync, "value": figure.value, **_interval(figure.interval), "repeats": figure.n, "loss": figure.loss,
            "loss_low": loss.low if loss else None, "loss_high": loss.high if loss else None, "as_good_as_best": figure.tied and
            choice.says in (CLEAR, TIE, ALONE)}


def _condition(condition):
    return {name: value for name, value in point_fields(condition).items() if name != "sync"}


def all_records(found):
    """The recommendation as records."""
    for choice in found.choices:
        metric = choice.criterion.metric
        yield {"type": "recommendation", "criterion": choice.criterion.name, "metric": metric.name, "unit": metric.unit,
               "higher_is_better": metric.higher_is_better, "condition": _condition(choice.condition), "says": choice.says,
               "best": choice.best if choice.says in (CLEAR, TIE, ALONE) else [],
               "figures": [_figure(figure, choice) for figure in choice.figures], "excluded": choice.excluded}
    for flip in found.flips:
        yield {"type": "flip", "criterion": flip.criterion.name, "axis": flip.axis, "before": _condition(flip.before.condition),
               "after": _condition(flip.after.condition), "best_before": flip.before.best, "best_after": flip.after.best,
               "loss_of_staying": flip.cost}
    for summary in found.summaries:
        yield {"type": "summary", "load": summary.load, "criterion": summary.criterion.name, "conditions": summary.conditions,
               "best_in": summary.wins, "safest": summary.safest, "worst_loss": summary.worst_loss,
               "worst_at": _condition(summary.worst_at) if summary.worst_at else None}
    for row in found.survivals:
        yield {"type": "survival", "sync": row.sync, "deaths": row.deaths, "recovered": row.recovered, "torn": row.torn,
               "outcomes": row.outcomes, **_interval(row.interval)}
