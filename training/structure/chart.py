"""Draws how the choices of a search settled, as SVG: a row for each stage, a column for each axis."""

from collections.abc import Sequence

from training.charts.style import FIRST_COOL, Look, svg, text
from training.structure.record import Record
from training.structure.space import AXES

_WIDE, _HIGH, _GAP, _TOP = 150, 90, 40, 74
_TEXT = 12.0  # height of a line of text in pixels


def chart(title: str, record: Record) -> str:
    """Draw the probability of every option against steps; a line ends with its option's name."""
    stages = len(record.space.widths)
    width, height = _GAP + len(AXES) * (_WIDE + _GAP), _TOP + stages * (_HIGH + _GAP)
    said = f"probability of each option, 0 to 1, over steps 0 to {record.rows[-1]['step']}"
    parts = [text(_GAP, 24, title, kind="head"), text(_GAP, 42, said, kind="soft")]
    for stage in range(stages):
        for column, axis in enumerate(AXES):
            left, top = _GAP + column * (_WIDE + _GAP), _TOP + stage * (_HIGH + _GAP)
            parts.append(f'<rect class="grid" x="{left}" y="{top}" width="{_WIDE}" height="{_HIGH}"/>')
            parts.append(text(left, top - 6, f"stage {stage + 1}, {axis}"))
            parts += _lines(record, stage, axis, left, top)
    return svg(width, height, title, parts)


def _lines(record: Record, stage: int, axis: str, left: float, top: float) -> list[str]:
    last = record.rows[-1]["step"]
    ends = [top + _HIGH * (1 - one) for one in record.rows[-1]["stages"][stage][axis]]
    names = _apart(ends, top, top + _HIGH)
    parts = []
    for place, option in enumerate(record.space.options(stage, axis)):
        points = [
            (left + _WIDE * row["step"] / last, top + _HIGH * (1 - row["stages"][stage][axis][place]))
            for row in record.rows
        ]
        way = "L".join(f"{across:.1f} {down:.1f}" for across, down in points)
        name = text(left + _WIDE + 4, names[place] + 4, _named(axis, option), kind="name")
        look = Look(FIRST_COOL + place)
        parts.append(f'<g class="s {look.classes}"><path class="l" d="M{way}"/>{name}</g>')
    return parts


def _apart(places: Sequence[float], top: float, bottom: float) -> list[float]:
    """Move the names of lines that end at these places apart: in the same order, without overlaps."""
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
