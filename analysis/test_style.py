"""Checks numbers with units, and that every primitive has a look of its own."""

import pytest

import style


@pytest.mark.parametrize("value, words", [
    (0, "0"), (5, "5"), (999, "999"), (999.6, "1 k"), (1000, "1 k"), (1234, "1.23 k"), (12_345_678, "12.3 M"),
    (2e9, "2 G"),
    (0.25, "0.25")])
def test_metric(value, words):
    assert style.metric(value) == words


@pytest.mark.parametrize("value, words", [
    (None, "N/A"), (0, "0 ns"), (21.5, "21.5 ns"), (999.9, "1 us"), (1500, "1.5 us"), (2_000_000, "2 ms"),
    (3.25e9, "3.25 s")])
def test_duration(value, words):
    assert style.duration(value) == words


@pytest.mark.parametrize("value, words", [(None, "N/A"), (64, "64 B"), (1024, "1 KiB"), (1536, "1.5 KiB"),
                                          (1 << 20, "1 MiB")])
def test_size(value, words):
    assert style.size(value) == words


def test_what_was_not_measured_is_not_zero():
    assert style.rate(None) == style.share(None) == style.count(None) == "N/A"
    assert style.rate(0.0) == "0 ops/s"


def test_share():
    assert style.share(0) == "0 %"
    assert style.share(0.412) == "41.2 %"
    assert style.share(0.00002) == "< 0.1 %"


def test_percentile_names():
    assert [style.percentile_name(value) for value in (0.5, 0.99, 0.9999)] == ["50 %", "99 %", "99.99 %"]


def test_ellipsis_keeps_both_ends():
    assert style.ellipsis("short", 10) == "short"
    assert style.ellipsis("abcdefghijklmnop", 8) == "abcd…nop"
    assert len(style.ellipsis("x" * 100, 20)) == 20


def test_fixed_primitives_always_look_the_same():
    alone, among = style.looks_for(["mutex"]), style.looks_for(["zebra", "mutex", "spin", "aardvark"])
    assert alone["mutex"] == among["mutex"] == style.FIXED_LOOKS["mutex"]


@pytest.mark.parametrize("number", [1, 12, 13, 60, 200])
def test_no_two_primitives_of_a_report_look_alike(number):
    names = [f"lock-{index}" for index in range(number)] + list(style.FIXED_LOOKS)
    looks = style.looks_for(names)
    assert len(set(looks.values())) == len(names)


def test_looks_do_not_depend_on_the_order_of_names():
    names = [f"lock-{index}" for index in range(30)]
    assert style.looks_for(names) == style.looks_for(names[::-1])


def test_every_colour_is_one_token():
    colours = list(style._all_colours())
    assert len({colour.light for colour in colours}) == len({colour.token for colour in colours}) == len(style.COLOURS)


def luminance(colour):
    parts = [int(colour[place:place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_lines_and_their_labels_can_be_read_on_both_grounds():
    looks = [*style.FIXED_LOOKS.values(), *style.SCALE_LOOKS, *style.looks_for([f"x{n}" for n in range(12)]).values()]
    for look in looks:
        assert contrast(look.colour.light, style.PAPER.light) >= 3
        assert contrast(look.colour.dark, style.PAPER.dark) >= 4.5


@pytest.mark.parametrize("word", [*style.VERDICTS, "UNHEARD-OF"])
def test_verdicts_can_be_read_on_both_grounds(word):
    look = style.verdict_look(word)
    for ground, ink in ((look.soft, look.on_soft), (look.loud, style.ON_LOUD)):
        assert contrast(ground.light, ink.light) >= 4.5
        assert contrast(ground.dark, ink.dark) >= 4.5


def test_every_verdict_has_its_own_glyph():
    assert len({look.glyph for look in style.VERDICTS.values()}) == len(style.VERDICTS) == len(style.SEVERITY)
