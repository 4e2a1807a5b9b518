"""A comparison in words: the table of a terminal, and the same as markdown."""

import comparison
import plot
import points
import style
from comparison import BETTER, FEW, SAME, UNDECIDED, WEAKER, WORSE
from gfm import escape, table

# Up to so many rows are shown whole; of more, those that changed and those of several conditions taken together.
MOST_ROWS = 40
LOUD = {WORSE: "WORSE", BETTER: "better"}


def conditions_of(found):
    """A function that names a point's conditions beside load and primitive: 2w2r 64 B fault kill."""
    namer = points.SettingsNamer([verdict.point for verdict in found.verdicts] + found.only_a + found.only_b)

    def words(point):
        parts = [points.population(point), style.size(point.size)]
        if point.fault not in (points.NO_FAULT, ""):
            parts.append(f"fault {point.fault}")
        return " ".join(parts + [word for word in namer.words(point) if word])
    return words


HEADINGS = ("load", "sync", "conditions", "figure", "A", "B", "B/A", "95 % interval", "p", "effect", "says")
RIGHT = frozenset(("A", "B", "B/A", "p", "effect"))


def rows(found, every=False):
    """(cells of each judgement to be shown, number of those left out)."""
    shown = found.judgements
    if not every and len(shown) > MOST_ROWS:
        shown = [one for one in shown if one.says in LOUD or one.point is None]
    words = conditions_of(found)
    return [_cells(one, words) for one in shown], len(found.judgements) - len(shown)


def _cells(one, words):
    measured, interval = one.change, one.change.interval
    where = words(one.point) if one.point else f"all {one.conditions} together"
    figures = [one.metric.write(value) if one.point else "" for value in (measured.a, measured.b)]
    return [one.load, one.sync, where, one.metric.name, *figures, _ratio(measured.ratio),
            f"{_ratio(interval.low)} - {_ratio(interval.high)}" if interval else "",
            "" if one.p is None else probability(one.p), f"{measured.effect:+.2f}",
            LOUD.get(one.says, one.says) + (f": {one.why}" if one.why else "")]


def _ratio(value):
    if value > 1e6 or value < 1e-6:
        return "> 1e6" if value > 1 else "< 1e-6"
    return f"{value:.3f}" if 0.1 <= value < 10 else f"{value:.3g}"


def probability(p):
    """A p that has been adjusted for all judgements."""
    return "< 1e-6" if p < 1e-6 else f"{p:.2g}"


def build_words(run):
    """What a side is: its version, its run, its machine."""
    build, host = run.header.get("build"), run.host
    binary = [build["path"]] if isinstance(build, dict) and isinstance(build.get("path"), str) else []
    return ", ".join([f"shmoo {run.header.get('version')}", *binary, f"run {run.header.get('id')}",
                      *(str(host[key]) for key in ("cpu_model", "kernel") if host.get(key))])


def method(found):
    """How the comparison was made, in a sentence."""
    terms = found.terms
    how = "interleaved trial by trial, compared in pairs" if found.paired else \
        "two runs, one after the other: what changed on the machine between them counts as a change of the build"
    return (f"{how}; a change counts from {style.share(terms.threshold)} on; {style.share(terms.confidence)} sure that none of "
            f"the {style.plural(len(found.judgements), 'judgement')} is a false alarm")


def verdict_lines(found, words):
    """One line for each condition whose verdicts differ in kind."""
    return [f"{verdict.point.load} {verdict.point.sync} {words(verdict.point)}: {verdict.says.upper()}: {verdict.why}"
            for verdict in found.verdicts if verdict.says != SAME]


def verdict_summary(found):
    """The verdicts in one line."""
    counts = [(sum(verdict.says == says for verdict in found.verdicts), words) for says, words in
              ((WORSE, "got worse"), (WEAKER, "prove less"), (BETTER, "got better"), (SAME, "are as good"))]
    return f"verdicts: of {style.plural(len(found.verdicts), 'condition')} " + \
        ", ".join(f"{number} {words}" for number, words in counts if number)


def summary(found):
    """The figures in one line."""
    if not found.judgements:
        return "figures: none could be compared"
    counts = [(found.count(says), words) for says, words in
              ((WORSE, "worse"), (BETTER, "better"), (SAME, "no change"), (UNDECIDED, "undecided"), (FEW, "too few repeats"))]
    return f"figures: of {style.plural(len(found.judgements), 'judgement')} " + \
        ", ".join(f"{number} {words}" for number, words in counts if number)


def conclusion(found):
    """What it comes to, in a sentence."""
    if not found.verdicts:
        return "nothing was compared: the runs have no condition in common"
    if found.status == comparison.STATUS_VERDICT:
        return "B is WORSE: verdicts got worse"
    if found.status == comparison.STATUS_WORSE:
        worst = max((one for one in found.judgements if one.says == WORSE), key=lambda one: one.loss)
        return f"B is WORSE: {worst.load} {worst.sync} by up to {style.share(worst.loss)} ({worst.metric.title})"
    if found.count(UNDECIDED, FEW) and not found.count(SAME, BETTER):
        return "nothing can be said about speed: more repeats are needed, or a quieter machine"
    left = found.count(UNDECIDED, FEW)
    return "nothing got worse" + (f", as far as it can be told: {left} of {len(found.judgements)} are undecided" if left else "")


def left_out(found):
    """Sentences about what was not compared."""
    sentences = list(found.notes)
    for name, lone in (("A", found.only_a), ("B", found.only_b)):
        if lone:
            words = conditions_of(found)
            sentences.append(f"{style.plural(len(lone), 'condition')} only in {name}: " + points.named_list(
                [f"{point.load} {point.sync} {words(point)}" for point in lone], 4))
    if found.unsound:
        sentences.append(f"at {style.plural(found.unsound, 'condition')} no figures were compared: the data did not stay whole there, "
                         "or no trial came to its end")
    return sentences


def human(found, every=False):
    """The comparison for a terminal."""
    words = conditions_of(found)
    cells, hidden = rows(found, every)
    lines = [f"A  {build_words(found.a)}", f"B  {build_words(found.b)}", method(found), ""]
    lines += verdict_lines(found, words)
    lines += _aligned(cells) if cells else []
    if hidden:
        lines.append(f"({style.plural(hidden, 'more judgement')}, none of which says that something changed; --all shows them)")
    lines += [verdict_summary(found), summary(found), conclusion(found)]
    return "\n".join(map(plot.printable, lines)) + "\n"


def _aligned(cells):
    widths = [max(len(row[column]) for row in [HEADINGS, *cells]) for column in range(len(HEADINGS))]
    return ["  ".join(word.rjust(width) if heading in RIGHT else word.ljust(width)
                      for word, width, heading in zip(row, widths, HEADINGS)).rstrip() for row in [HEADINGS, *cells]]


def markdown(found, every=False):
    """The comparison for the summary page of a CI job."""
    words = conditions_of(found)
    cells, hidden = rows(found, every)
    mark = {comparison.STATUS_SAME: "✓", comparison.STATUS_NOTHING: "?"}.get(found.status, "✗")
    lines = [f"### {mark} {escape(conclusion(found))}", "", f"- A: {escape(build_words(found.a))}",
             f"- B: {escape(build_words(found.b))}", f"- {escape(method(found))}", f"- {escape(verdict_summary(found))}",
             f"- {escape(summary(found))}", *(f"- {escape(note)}" for note in left_out(found)), ""]
    changed = [f"- {escape(line)}" for line in verdict_lines(found, words)]
    lines += changed + [""] if changed else []
    if cells:
        lines += table(HEADINGS, cells, RIGHT)
    if hidden:
        lines += ["", f"{style.plural(hidden, 'more judgement')} left out, none of which says that something changed."]
    return "\n".join(lines).rstrip() + "\n"


