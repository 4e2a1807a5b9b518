"""Writes a run as the summary page of a CI job, in GitHub's markdown: verdict first, what broke, what it came to, how to run it again."""

import gfm
import points
import recommend
import recommend_words
import stats
import story
import style

# A step's summary may have 1 MiB; nobody reads that much.
MOST_ROWS, MOST_BROKEN, MOST_REPLAYS, MOST_REASONS = 40, 12, 3, 3
STATE_GLYPHS = {"good": "✓", "bad": "✗", "unsure": "?"}


def text(run):
    """The page."""
    headline = story.headline(run)
    lines = [f"## {STATE_GLYPHS[headline.state]} shmoo: {gfm.escape(headline.words)}", ""]
    lines += gfm.table(("verdict", "trials", "unexpected"), [(f"{chip.look.glyph} {chip.word}", style.count(chip.count), style.count(chip.unexpected))
                                                             for chip in headline.chips], right=("trials", "unexpected"))
    for words in headline.banners:
        lines += ["", f"> {gfm.escape(words)}"]
    lines += [*_broken(run), *_recommendation(run), *_figures(run), *_run(run, headline)]
    return "\n".join(lines) + "\n"


def _broken(run):
    """What was not expected, each with its reasons and the line that runs it again."""
    groups, _ = story.failures(run)
    odd = [group for group in groups if not group.expected]
    lines = ["", "### What broke", ""] if odd else []
    for group in odd[:MOST_BROKEN]:
        fault = f", fault {group.fault}" if group.fault else ""
        lines.append(f"- **{gfm.escape(group.word)}** {gfm.escape(group.sync)} under load {gfm.escape(group.load + fault)}: "
                     f"{style.plural(len(group.trials), 'trial')}. {gfm.escape(group.judgement)}")
        lines += [f"  - {gfm.escape(words)}" for words, _ in group.reasons[:MOST_REASONS]]
        lines += [f"  - {gfm.code(line)}" for _, line in group.replays[:MOST_REPLAYS]]
    if len(odd) > MOST_BROKEN:
        lines.append(f"- {style.plural(len(odd) - MOST_BROKEN, 'more group')}; the report has them.")
    return lines


def _recommendation(run):
    found = recommend.recommend(run)
    lines = []
    if found.choices:
        lines += ["", "### Which primitive", "", *(f"- {gfm.escape(words)}" for words in recommend_words.sentences(found)), ""]
        headings, rows = recommend_words.table(found)
        lines += _cut(headings, rows)
        flips, left = recommend_words.flip_sentences(found)
        lines += ["", "Where it flips:", "", *(f"- {gfm.escape(words)}" for words in flips)] if flips else []
        lines += [f"- {style.plural(left, 'more flip')}."] if left else []
    if found.survivals:
        headings, rows = recommend_words.survival_table(found)
        lines += ["", "### Who outlives a death", "", gfm.escape(recommend_words.survival_sentence(found)), "", *_cut(headings, rows)]
    return lines


def _figures(run):
    """The throughput of each point, with its interval."""
    namer, rows = points.SettingsNamer(run.points), []
    for point, data in run.points.items():
        middle = stats.middle(points.rates(data.trials))
        if middle:
            interval = f"{style.metric(middle.interval.low)} - {style.metric(middle.interval.high)}" if middle.interval else "N/A"
            word, number = points.leading(data.trials)
            where = " ".join([points.population(point), style.size(point.size), *(words for words in namer.words(point) if words)])
            rows.append((point.load, point.sync, point.fault, where, f"{style.verdict_look(word).glyph} {word} {number}/{len(data.trials)}",
                         style.rate(middle.median), interval))
    headings = ("load", "sync", "fault", "conditions", "verdict", "throughput", "95 % interval")
    return ["", "<details><summary>Throughput</summary>", "", *_cut(headings, rows, ("throughput", "95 % interval")), "", "</details>"] if rows else []


def _cut(headings, rows, right=()):
    """A table, of which so many rows are shown."""
    left = [f"\n{style.plural(len(rows) - MOST_ROWS, 'more row')}; the report has them."] if len(rows) > MOST_ROWS else []
    return gfm.table(headings, rows[:MOST_ROWS], right) + left


def _run(run, headline):
    host = run.host
    facts = [f"shmoo {run.header.get('version')}", run.header.get("started"), host.get("hostname"), host.get("cpu_model"), host.get("kernel"),
             f"exit status {headline.exit_status}"]
    return ["", gfm.escape(" · ".join(str(fact) for fact in facts if fact))]
