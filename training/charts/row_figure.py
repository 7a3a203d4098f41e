"""One row per contender, with points along a common axis, for example before and after, or costs."""

import math
from dataclasses import dataclass

from training.charts.axes import Axis, linear, logarithmic
from training.charts.style import NEUTRAL, Look, legend, marker, svg, text

_NAMES, _RIGHT, _HEAD, _FOOT, _ROW, _MARGIN = 222, 20, 30, 46, 28, 14
_APART = 10.0  # pixels downwards from a row's first point to its last, so that no interval hides another


@dataclass(frozen=True)
class Mark:
    """A point of a row.

    Attributes:
        value: along the axis.
        half: half the width of its 95 % interval; 0 for no interval.
        hollow: whether it is drawn as a ring.
        tip: its tooltip.
    """

    value: float
    half: float
    hollow: bool
    tip: str


@dataclass(frozen=True)
class Row:
    """One contender's points, joined by a line; a single point is joined to the start of the axis.

    Attributes:
        name: shown to the left of it.
        look: its colour and marker.
        marks: its points, at least one.
    """

    name: str
    look: Look
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Rows:
    """One axis with its rows.

    Attributes:
        title: shown above it.
        rows: from the top.
        x_label: shown below it.
        log: whether its axis is logarithmic.
        ceiling: where a linear axis ends at the latest.
    """

    title: str
    rows: tuple[Row, ...]
    x_label: str
    log: bool = False
    ceiling: float = math.inf


@dataclass(frozen=True)
class RowFigure:
    """Several axes, one below the other.

    Attributes:
        title: read out to those who cannot see the figure.
        groups: the axes with their rows, from the top.
        meanings: of a filled point and of a ring, for the legend; None for no legend.
        width: of the drawing, in pixels.
    """

    title: str
    groups: tuple[Rows, ...]
    meanings: tuple[str, str] | None = None
    width: float = 820

    def draw(self) -> str:
        """Return the SVG."""
        parts: list[str] = []
        top = 6.0
        if self.meanings:
            filled, ring = self.meanings
            entries = [(ring, Look(self._shared, hollow=True)), (filled, Look(self._shared))]
            parts, taken = legend(entries, _MARGIN + 8, 22, self.width)
            top = 16 + taken
        for group in self.groups:
            parts += self._group(group, top)
            top += _HEAD + _ROW * len(group.rows) + _FOOT
        return svg(self.width, top, self.title, parts)

    @property
    def _shared(self) -> int:
        """Index of the look that all rows share; that of the neutral look if they differ."""
        indices = {row.look.index for group in self.groups for row in group.rows}
        return indices.pop() if len(indices) == 1 else NEUTRAL

    def _group(self, group: Rows, top: float) -> list[str]:
        axis = self._axis(group)
        bottom = top + _HEAD + _ROW * len(group.rows)
        parts = [text(_MARGIN, top + 18, group.title, kind="head")]
        for value, label in axis.ticks:
            parts.append(f'<path class="grid" d="M{axis.place(value):.1f} {top + _HEAD:.1f}V{bottom:.1f}"/>')
            parts.append(text(axis.place(value), bottom + 16, label, anchor="middle", kind="soft"))
        parts.append(text((axis.start + axis.end) / 2, bottom + 34, group.x_label, anchor="middle", kind="soft"))
        for number, row in enumerate(group.rows):
            parts += _row(row, axis, top + _HEAD + _ROW * (number + 0.5))
        return parts

    def _axis(self, group: Rows) -> Axis:
        start, end = _MARGIN + _NAMES, self.width - _RIGHT - _MARGIN
        marks = [mark for row in group.rows for mark in row.marks]
        if group.log:
            return logarithmic([mark.value for mark in marks], start, end)
        ends = [mark.value + side * mark.half for mark in marks for side in (-1, 1)]
        return linear(ends, start, end, about=7, most=group.ceiling)


def _row(row: Row, axis: Axis, middle: float) -> list[str]:
    last = len(row.marks) - 1
    places = [
        (axis.place(mark.value), middle + (_APART * (number / last - 0.5) if last else 0.0))
        for number, mark in enumerate(row.marks)
    ]
    parts = [text(_MARGIN + _NAMES - 14, middle + 4, row.name, anchor="end"), f'<g class="s {row.look.classes}">']
    if last:
        parts.append(f'<path class="l" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in places)}"/>')
    else:
        parts.append(f'<path class="i" d="M{axis.start:.1f} {middle:.1f}H{places[0][0]:.1f}"/>')
    for mark, (x, y) in zip(row.marks, places, strict=True):
        if mark.half:
            low, high = axis.place(mark.value - mark.half), axis.place(mark.value + mark.half)
            parts.append(f'<path class="i" d="M{low:.1f} {y:.1f}H{high:.1f}m0-4v8M{low:.1f} {y - 4:.1f}v8"/>')
        look = Look(row.look.index, hollow=mark.hollow)
        parts.append(f'<g class="{look.classes}">{marker(x, y, look, mark.tip)}</g>')
    return [*parts, "</g>"]
