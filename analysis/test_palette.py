"""Checks the colours as those see them who lack one kind of cone: simulated after Machado, Oliveira and Fernandes (2009)."""

import itertools

import numpy
import pytest

import style

# For linear RGB, full severity.
SIGHTS = {
    "all cones": numpy.eye(3),
    "protanopia": numpy.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": numpy.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": numpy.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
TO_XYZ = numpy.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE = numpy.array([0.95047, 1.0, 1.08883])
# Two colours so far apart in CIELAB are told apart side by side; a step of a scale may be smaller than that of two names.
APART, STEP = 12, 5


def lab(colour, sight):
    """CIELAB of a colour as it is seen."""
    parts = numpy.array([int(colour[place:place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = numpy.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = TO_XYZ @ numpy.clip(SIGHTS[sight] @ linear, 0, 1) / WHITE
    roots = numpy.where(seen > 216 / 24389, numpy.cbrt(seen), (24389 / 27 * seen + 16) / 116)
    return numpy.array([116 * roots[1] - 16, 500 * (roots[0] - roots[1]), 200 * (roots[1] - roots[2])])


def distance(one, other, sight):
    return float(numpy.linalg.norm(lab(one, sight) - lab(other, sight)))


def test_the_simulation_keeps_grey_and_confuses_what_it_should():
    for sight in SIGHTS:
        assert distance("#808080", "#808080", sight) == 0 and abs(lab("#808080", sight)[1:]).max() < 1
    assert distance("#c00000", "#607000", "deuteranopia") < distance("#c00000", "#607000", "all cones") / 2
    assert lab("#ffffff", "all cones") == pytest.approx([100, 0, 0], abs=0.01)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("ground", ["light", "dark"])
def test_primitives_are_told_apart_by_colour_or_by_dash_and_shape(sight, ground):
    looks = style.looks_for([*style.FIXED_LOOKS, *(f"lock-{number}" for number in range(12))])
    for (name, one), (other_name, other) in itertools.combinations(looks.items(), 2):
        colours = distance(getattr(one.colour, ground), getattr(other.colour, ground), sight) >= APART
        assert colours or (one.dash, one.shape) != (other.dash, other.shape), (name, other_name)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("ground, direction", [("light", -1), ("dark", 1)])
def test_a_map_grows_darker_or_brighter_from_step_to_step(sight, ground, direction):
    paper = lab(getattr(style.PAPER, ground), sight)[0]
    lightness = [paper] + [lab(getattr(colour, ground), sight)[0] for colour in style.HEAT]
    assert min(direction * numpy.diff(lightness)) >= STEP, lightness


@pytest.mark.parametrize("sight", SIGHTS)
def test_clean_is_told_from_each_failure(sight):
    """By colour as well as by its glyph: what was not expected has loud grounds."""
    for word in ("CORRUPT", "WEDGED", "CRASHED"):
        for ground in ("light", "dark"):
            assert distance(getattr(style.VERDICTS["CLEAN"].loud, ground), getattr(style.VERDICTS[word].loud, ground), sight) >= APART, word
