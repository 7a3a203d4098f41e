"""Panels of lines with intervals, under one legend."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from training.charts.axes import Axis, categories, linear
from training.charts.style import Look, escape, legend, marker, svg, text

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 30, 46
_MARGIN = 14
_ASIDE = 4.0


@dataclass(frozen=True)
class Point:
    """One value.

    Attributes:
        x: the index of its label, or a number if the panel has no labels.
        y: the value.
        half: half the width of its 95 % interval; 0 for no interval.
    """

    x: float
    y: float
    half: float = 0.0


@dataclass(frozen=True)
class Line:
    """One contender's values, from left to right.

    Attributes:
        name: in the legend and tooltips.
        look: its colour and marker.
        points: at least one.
        marked: whether points have markers and intervals.
    """

    name: str
    look: Look
    points: tuple[Point, ...]
    marked: bool = True


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: shown above it.
        lines: drawn in it.
        x_label: shown below it.
        labels: of the x axis; empty if its values are numbers.
        between: names of two lines, the gap between which is shaded in the second one's colour.
    """

    title: str
    lines: tuple[Line, ...]
    x_label: str
    labels: tuple[str, ...] = ()
    between: tuple[str, str] | None = None


@dataclass(frozen=True)
class LineFigure:
    """Panels in rows.

    Attributes:
        title: read out to those who cannot see the figure.
        panels: in reading order.
        y_label: of all panels.
        columns: panels in a row.
        size: width and height of a panel in pixels, axes and labels included.
        one_scale: whether all panels have the same y axis.
        unit: follows the values in tooltips.
        ceiling: where y axes end at the latest; values above it are drawn at the upper edge.
        meanings: entries of the legend, if not the lines' names and looks.
    """

    title: str
    panels: tuple[Panel, ...]
    y_label: str
    columns: int = 2
    size: tuple[float, float] = (440, 300)
    one_scale: bool = False
    unit: str = " %"
    ceiling: float = math.inf
    meanings: tuple[tuple[str, Look], ...] = ()

    def draw(self) -> str:
        """Return the SVG."""
        width, height = self.size
        columns = min(self.columns, len(self.panels))
        total = columns * width + 2 * _MARGIN
        entries = {line.name: line.look for panel in self.panels for line in panel.lines}
        parts, taken = legend(self.meanings or list(entries.items()), _MARGIN + 8, 22, total - 2 * _MARGIN)
        top = 26 + taken
        parts.append(text(_MARGIN, top + 4, self.y_label, kind="soft"))
        for number, panel in enumerate(self.panels):
            row, column = divmod(number, columns)
            parts += self._panel(panel, _MARGIN + column * width, top + 4 + row * height)
        rows = -(-len(self.panels) // columns)
        return svg(total, top + 4 + rows * height + _MARGIN / 2, self.title, parts)

    def _panel(self, panel: Panel, left: float, top: float) -> list[str]:
        width, height = self.size
        x = self._x_axis(panel, left + _LEFT, left + width - _RIGHT)
        y = self._y_axis(self.panels if self.one_scale else (panel,), top + height - _BOTTOM, top + _TOP)
        parts = [text(left + _LEFT, top + 18, panel.title, kind="head")]
        for value, label in y.ticks:
            parts.append(f'<path class="grid" d="M{x.start:.1f} {y.place(value):.1f}H{x.end:.1f}"/>')
            parts.append(text(x.start - 7, y.place(value) + 4, label, anchor="end", kind="soft"))
        parts.append(f'<path class="axis" d="M{x.start:.1f} {y.start:.1f}H{x.end:.1f}"/>')
        for value, label in x.ticks:
            parts.append(text(x.place(value), y.start + 17, label, anchor="middle", kind="soft"))
        parts.append(text((x.start + x.end) / 2, y.start + 35, panel.x_label, anchor="middle", kind="soft"))
        if panel.between:
            parts += self._shaded(panel, x, y)
        for number, line in enumerate(panel.lines):
            # Lines with labels share their x values: shifted sideways, no interval hides another.
            aside = _ASIDE * (number - (len(panel.lines) - 1) / 2) if panel.labels and line.marked else 0.0
            parts += self._line(line, panel, x, y, aside)
        return parts

    def _line(self, line: Line, panel: Panel, x: Axis, y: Axis, aside: float) -> list[str]:
        parts = [f'<g class="s {line.look.classes}">']
        way = "L".join(f"{x.place(point.x) + aside:.1f} {y.place(point.y):.1f}" for point in line.points)
        parts.append(f'<path class="l" d="M{way}"><title>{escape(line.name)}</title></path>')
        for point in line.points:
            across = x.place(point.x) + aside
            if point.half and line.marked:
                low, high = y.place(point.y - point.half), y.place(point.y + point.half)
                caps = f"m-3 0h6M{across - 3:.1f} {low:.1f}h6"
                parts.append(f'<path class="i" d="M{across:.1f} {low:.1f}V{high:.1f}{caps}"/>')
            if line.marked:
                where = panel.labels[int(point.x)] if panel.labels else f"{point.x:g}"
                half = f" ± {point.half:.2f}" if point.half else ""
                tip = f"{line.name}, {panel.x_label} {where}: {point.y:.2f}{half}{self.unit}"
                parts.append(marker(across, y.place(point.y), line.look, tip))
        return [*parts, "</g>"]

    def _shaded(self, panel: Panel, x: Axis, y: Axis) -> list[str]:
        by_name = {line.name: line for line in panel.lines}
        upper, lower = (by_name[name] for name in panel.between or ())
        there = [(x.place(point.x), y.place(point.y)) for point in upper.points]
        back = [(x.place(point.x), y.place(point.y)) for point in reversed(lower.points)]
        way = "L".join(f"{across:.1f} {up:.1f}" for across, up in (*there, *back))
        return [f'<g class="{lower.look.classes}"><path class="band" d="M{way}Z"/></g>']

    def _x_axis(self, panel: Panel, start: float, end: float) -> Axis:
        if panel.labels:
            return categories(panel.labels, start, end)
        return linear([0.0, *(point.x for line in panel.lines for point in line.points)], start, end, about=4)

    def _y_axis(self, panels: Sequence[Panel], start: float, end: float) -> Axis:
        points = [point for panel in panels for line in panel.lines for point in line.points]
        ends = [point.y + side * point.half for point in points for side in (-1, 1)]
        return linear([min(one, self.ceiling) for one in ends], start, end, most=self.ceiling)
