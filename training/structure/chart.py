"""How the choices of a search settled, as an SVG: a row of the picture a stage, a column an axis."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from training.structure.record import Record
from training.structure.space import AXES

_WIDE, _HIGH, _GAP, _TOP = 150, 90, 34, 58
_TEXT = 10.0  # pixels that a line of text takes
_COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8a5a9e", "#b8860b", "#4a4a4a")


def chart(title: str, record: Record) -> str:
    """Draw the probability of every option against steps; a line ends with its option's name."""
    stages = len(record.space.widths)
    width, height = _GAP + len(AXES) * (_WIDE + _GAP), _TOP + stages * (_HIGH + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="10"><rect width="100%" height="100%" fill="white"/>',
        _text(width / 2, 16, title, "middle"),
        _text(width / 2, 32, f"probability of each option, steps 0 to {record.rows[-1]['step']}", "middle"),
    ]
    for stage in range(stages):
        for column, axis in enumerate(AXES):
            left, top = _GAP + column * (_WIDE + _GAP), _TOP + stage * (_HIGH + _GAP)
            parts.append(
                f'<rect x="{left}" y="{top}" width="{_WIDE}" height="{_HIGH}" fill="none" stroke="#bbb"/>'
            )
            parts.append(_text(left, top - 4, f"stage {stage + 1}, {axis}", "start"))
            parts += _lines(record, stage, axis, left, top)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _lines(record: Record, stage: int, axis: str, left: float, top: float) -> list[str]:
    last = record.rows[-1]["step"]
    ends = [top + _HIGH * (1 - one) for one in record.rows[-1]["stages"][stage][axis]]
    names = _apart(ends, top, top + _HIGH)
    parts = []
    for place, option in enumerate(record.space.options(stage, axis)):
        colour = _COLOURS[place % len(_COLOURS)]
        points = [
            (left + _WIDE * row["step"] / last, top + _HIGH * (1 - row["stages"][stage][axis][place]))
            for row in record.rows
        ]
        path = "M" + "L".join(f"{across:.1f} {down:.1f}" for across, down in points)
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(_text(left + _WIDE + 2, names[place] + 3, _named(axis, option), "start", colour))
    return parts


def _apart(places: Sequence[float], top: float, bottom: float) -> list[float]:
    """Where names of lines that end at these places are read: in their order, none on another."""
    order = sorted(range(len(places)), key=lambda index: (places[index], index))
    found = list(places)
    for rank, index in enumerate(order):
        above = found[order[rank - 1]] + _TEXT if rank else top
        found[index] = max(found[index], above)
    for rank, index in reversed(list(enumerate(order))):
        below = found[order[rank + 1]] - _TEXT if rank + 1 < len(order) else bottom
        found[index] = min(found[index], below)
    return found


def _named(axis: str, option: int) -> str:
    if axis == "skip":
        return "yes" if option else "no"
    return "each" if axis == "groups" and not option else str(option)


def _text(x: float, y: float, text: Any, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(str(text))}</text>'
