"""How wide words come out in a chart, and what of them fits: by the letters of DejaVu Sans, the widest font that a page falls back to."""

import unicodedata

import style

# Parts of the font's size, rounded up; of bold letters a tenth more.
_WIDTHS = {letter: width for width, letters in (
    (0.36, " .,:;/|'\\ijlfIJ·"), (0.43, "-!()[]rt"), (0.72, "ABCKRVXZ"), (0.8, "DGHNOQUw&"), (0.84, "+=<>^~#✗✓"), (1.0, "mMW@%…"))
    for letter in letters}
_OTHERS, _FOREIGN, _FULL, BOLD = 0.64, 0.8, 1.05, 1.1


def _letter(letter):
    if letter.isascii():
        return _OTHERS
    return _FULL if unicodedata.east_asian_width(letter) in "WF" else _FOREIGN


def text_width(words, size=style.FONT_SIZE):
    """About how wide the words are, in pixels; rather more than less."""
    return size * sum(_WIDTHS.get(letter) or _letter(letter) for letter in words)


def fitting(words, room, size=style.FONT_SIZE, bold=False):
    """The words, their middle left out where they would be wider than so many pixels."""
    size *= BOLD if bold else 1
    limit, shown = len(words), words
    while text_width(shown, size) > room and limit > 1:
        limit -= 1
        shown = style.ellipsis(words, limit)
    return shown
