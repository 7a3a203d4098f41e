"""Pictures of different commands look alike, light and dark."""

import re

import pytest

from tests.training.tiny_run import noisy_classes
from training.charts.style import svg
from training.measures import curve_chart, curves, mistakes, mistakes_chart
from training.structure import chart as structure_chart
from training.structure.record import Record
from training.structure.space import Space


def _structure():
    space = Space(1, 16, (1, 3), ((4, 8),), (1,), (False, True))
    record = Record(space, 1000)
    for step in (0, 1):
        record.add(step, 1000.0, space.probabilities(space.undecided()))
    return structure_chart.chart("a", record)


def _mistakes():
    classes = noisy_classes(2, seed=0)
    pair = mistakes.MistakenPair(*classes.classes, 1, 2)
    return mistakes_chart.chart("a", [pair], classes, drawings=True)


def _curves():
    return curve_chart.chart("a", [curves.Point(1, steps, 0.9, 0.1, 0.01, 0.0) for steps in (1, None)])


@pytest.mark.parametrize("drawn", [_curves, _mistakes, _structure])
def test_a_picture_has_the_style_of_all_and_no_colour_of_its_own(drawn):
    whole = svg(1, 1, "a", [])
    style = whole[whole.index("<style>") : whole.index("</style>")]
    assert "prefers-color-scheme: dark" in style
    head, _, own = drawn().partition(style)
    assert "font" not in head
    assert own
    assert not re.findall(r'(?:fill|stroke|font-size)="', own), "which the dark style could not change"
