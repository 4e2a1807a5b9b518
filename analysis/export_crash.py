"""Writes the crash matrix as tables in GitHub's markdown: what became of the survivors, how soon, and what lay torn."""

import chart_words
import crash
import gfm
import style


def text(run):
    """The tables; a sentence if nobody was killed on purpose."""
    blocks = crash.blocks(run)
    if not blocks:
        return "Nobody was killed on purpose in this run.\n"
    lines = [_legend(blocks), ""]
    for block in blocks:
        lines += [f"## {gfm.escape(block.title)}", "", *_matrix(block), ""]
        for kind, blows in block.sweeps().items():
            lines += [*_sweep(block, kind, blows), ""]
    return "\n".join(lines[:-1]) + "\n"


def _cells(blocks):
    return [cell for block in blocks for row in block.cells.values() for cell in row.values()]


def _legend(blocks):
    """What the glyphs mean, and what the columns do not say."""
    met = {outcome for cell in _cells(blocks) for outcome, _ in cell.outcomes}
    glyphs = ", ".join(f"{crash.look_of(outcome)[1]} {outcome}" for outcome in crash.OUTCOMES if outcome in met)
    trials = sum(len(cell.trials) for cell in _cells(blocks))
    odd = sum(cell.odd for cell in _cells(blocks))
    verdicts = "each verdict was as expected" if not odd else f"{style.plural(odd, 'verdict')} not as expected, marked (!)"
    return (f"{gfm.escape(glyphs)}. {style.plural(trials, 'trial')}, {verdicts}. A glyph alone stands for all trials of its cell, with a number "
            "for so many of them. Next acquisition: from the death until somebody else had the primitive, the median of all trials in "
            "which somebody had (least to most).")


def _matrix(block):
    columns = block.matrix()
    headings = ["sync", *map(_name, columns), "next acquisition"]
    return gfm.table(headings, [(sync, *(_outcomes(row.get(blow)) for blow in columns), _times(block, sync)) for sync, row in block.cells.items()])


def _name(blow):
    """A blow as its column's head."""
    number = "" if blow.number is None else f" {blow.number:g}"
    return f"{blow.place} {blow.manner_words}{number}"


def _outcomes(cell):
    if not cell:
        return ""
    found = [(crash.look_of(outcome)[1], count) for outcome, count in cell.outcomes]
    words = found[0][0] if len(found) == 1 else " ".join(f"{glyph}{count}" for glyph, count in found)
    return f"{words} (!)" if cell.odd else words


def _times(block, sync):
    killed = block.pooled(sync, [blow for blow in block.blows if blow.kills])
    return crash.spread(killed.times) if killed else ""


def _sweep(block, kind, blows):
    """The share of trials whose data were torn, of those in which somebody could look, for each number."""
    place, manner, others = kind
    what = chart_words.WHAT.get(place, "at")
    head = f"Torn, of those looked at; {' '.join((place, manner, *others))}, by the number of {what}"
    rows = []
    for sync, row in block.cells.items():
        cells = [row.get(blow) for blow in blows]
        if any(cells):
            whole = block.pooled(sync, blows)
            share = style.share(whole.torn / whole.looked_at) if whole.looked_at else "–"
            rows.append((sync, *(chart_words.torn_words(cell) if cell else "" for cell in cells), share))
    return [gfm.escape(head) + ":", "", *gfm.table(["sync", *(f"{blow.number:g}" for blow in blows), "all"], rows)]
