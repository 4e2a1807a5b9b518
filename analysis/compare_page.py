"""Makes the page of a comparison: what it came to, the chart of B against A, every judgement, the verdicts, the two sides."""

import shlex

import chart_compare
import charts
import compare_words
import comparison
import output
import page
import plot
import points
import style
import tables

ROW = charts.Row("compare", "figures", "B against A",
                 "Each row is a condition, or, in bold, all conditions of a primitive under a load taken together: the median "
                 "one. A hollow mark is undecided.", chart_compare)
STATES = {comparison.STATUS_SAME: "good", comparison.STATUS_NOTHING: "unsure"}


def write(found, out):
    """Draws the chart, and writes the page and the chart's files."""
    out = output.page_path(out)
    chart = chart_compare.build(found, chart_compare.looks_of(found), compare_words.conditions_of(found))
    built = [(ROW, chart)] if chart.panels else []
    plot.draw(chart.panels)
    page.write(out, text(found, built), built)


def text(found, built):
    """The whole page as a string."""
    words = compare_words.conditions_of(found)
    state = STATES.get(found.status, "bad")
    if state == "good" and found.count(comparison.UNDECIDED, comparison.FEW):
        state = "unsure"
    return page.render(
        "compare.html.j2", state=state, conclusion=compare_words.conclusion(found), method=compare_words.method(found),
        summaries=[compare_words.verdict_summary(found), compare_words.summary(found)],
        notes=compare_words.left_out(found),
        charts=[page.chart_entry(row, chart) for row, chart in built],
        judgements=_judgements(found, words), verdicts=_verdicts(found, words), sides=[_side(name, run) for name, run in
                                                                                       (("A", found.a), ("B", found.b))],
        schema=found.b.header["schema"], status=found.status)


def _judgements(found, words):
    """Every judgement as a table."""
    headings = [(words, "n" if words in compare_words.RIGHT else "") for words in compare_words.HEADINGS]
    rows = []
    for one, cells in zip(found.judgements, compare_words.rows(found, every=True)[0]):
        values = dict(zip(compare_words.HEADINGS, cells))
        sorted_by = {"A": one.change.a, "B": one.change.b, "B/A": one.change.ratio, "p": one.p, "effect": one.change.effect}
        rows.append([tables.Cell(cell, None if name not in sorted_by else "" if not cell else f"{sorted_by[name]:.6g}",
                                 "n" if name in compare_words.RIGHT else "") for name, cell in values.items()])
        rows[-1][-1].kind = {comparison.WORSE: "v v-corrupt loud", comparison.BETTER: "v v-clean"}.get(one.says, "wrap")
    return tables.Table("judgements", headings, rows)


def _verdicts(found, words):
    """The verdicts of both sides as a table, the changed ones first."""
    order = sorted(found.verdicts, key=lambda verdict: verdict.says == comparison.SAME)
    rows = [[tables.Cell(verdict.point.load), tables.Cell(verdict.point.sync), tables.Cell(words(verdict.point)),
             tables.verdict_cell(verdict.a), tables.verdict_cell(verdict.b),
             tables.Cell(verdict.says + (f": {verdict.why}" if verdict.why else ""), None,
                         "v v-corrupt loud" if verdict.says == comparison.WORSE else "")] for verdict in order]
    return tables.Table("verdicts", [(words, "") for words in ("load", "sync", "conditions", "A", "B", "says")], rows)


def _side(name, run):
    command = run.header.get("command")
    return {"name": name, "words": compare_words.build_words(run), "records": run.path, "size": style.size(run.bytes),
            "command": shlex.join(str(word) for word in command) if isinstance(command, list) else "not recorded",
            "host": tables.host_rows(run.host), "warnings": run.warnings, "trials": style.plural(len(run.judged), "trial"),
            "points": style.plural(len(run.points), "condition"), "population": points.named_list(points.loads(run))}
