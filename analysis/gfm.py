"""Writes GitHub's markdown: text in which nothing is markup, and tables."""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~&$@])")


def escape(words):
    """The words as one line in which nothing is markup."""
    plain = "".join(character if character.isprintable() else " " for character in str(words))
    return _SPECIAL.sub(r"\\\1", plain)


def code(words):
    """The words as code; a backtick in them asks for longer fences."""
    plain = "".join(character if character.isprintable() else " " for character in str(words))
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    space = " " if "`" in plain else ""
    return f"{fence}{space}{plain}{space}{fence}"


def table(headings, rows, right=()):
    """The lines of a table; the columns named in `right` are set to the right."""
    rule = ["---:" if heading in right else "---" for heading in headings]
    return [_row(map(escape, headings)), _row(rule), *(_row(map(escape, cells)) for cells in rows)]


def _row(cells):
    return "| " + " | ".join(cells) + " |"
