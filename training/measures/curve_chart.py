"""A chart, as self-contained SVG, of the accuracy that inner steps gain."""

from collections.abc import Sequence

from training.charts.line_figure import Line, LineFigure, Panel
from training.charts.line_figure import Point as Mark
from training.charts.style import FIRST_COOL, Look
from training.measures.curves import Point

_NONE = Mark(0, 0.0)  # no inner step: gains are counted from here


def chart(title: str, points: Sequence[Point]) -> str:
    """Draw gains against inner steps, one line for each number of shots; rings where each task chose its own.

    The x axis has 0, the measured numbers of steps, evenly spaced, and "chosen". Gains are in percentage points.
    """
    numbers = sorted({point.steps for point in points if point.steps is not None})
    places: dict[int | None, int] = {number: place for place, number in enumerate([0, *numbers, None])}
    looks = {
        f"{shots}-shot": (shots, FIRST_COOL + place)
        for place, shots in enumerate(sorted({point.shots for point in points}))
    }
    lines = []
    for name, (shots, look) in looks.items():
        marks = {
            point.steps: Mark(places[point.steps], 100 * point.gain, 100 * point.interval)
            for point in points
            if point.shots == shots
        }
        fixed = [marks[number] for number in numbers if number in marks]
        lines.append(Line(name, Look(look), (_NONE, *fixed)))
        if None in marks:
            lines.append(Line(name, Look(look, hollow=True), (marks[None],)))
    labels = ("0", *map(str, numbers), "chosen")
    figure = LineFigure(
        title,
        (Panel(title, tuple(lines), "inner steps", labels),),
        "accuracy gained, in percent",
        size=(720, 340),
        meanings=tuple((name, Look(look)) for name, (_, look) in looks.items()),
    )
    return figure.draw()
