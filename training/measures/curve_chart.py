"""Curves of accuracy gained by inner steps as an SVG, which a page shows as it is."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from training.measures.curves import Point

_WIDTH, _HEIGHT, _MARGIN = 460, 300, 56
_TEXT = 13  # pixels that a line of text takes
_COLOURS = (
    *("#1b6ca8", "#c8553d", "#3a7d44", "#8a5a9e", "#b8860b"),
    *("#0e7490", "#be185d", "#4d7c0f", "#334155", "#7c2d12"),
)


def chart(title: str, points: Sequence[Point]) -> str:
    """Draw gain in percent against steps, a line a number of shots; rings where tasks chose by themselves.

    The x axis counts the measured numbers of steps, evenly spaced, and ends with "chosen".
    """
    numbers = sorted({point.steps for point in points if point.steps is not None})
    places: dict[int | None, int] = {number: place for place, number in enumerate([0, *numbers])}
    places[None] = len(places)
    ends = [100 * (point.gain + side * point.interval) for point in points for side in (-1, 1)]
    low, high = min([*ends, -0.1]), max([*ends, 0.1])

    def x(steps: int | None) -> float:
        return _MARGIN + places[steps] * (_WIDTH - 2 * _MARGIN) / max(1, len(places) - 1)

    def y(gain: float) -> float:
        return _HEIGHT - _MARGIN - (gain - low) * (_HEIGHT - 2 * _MARGIN) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>',
        _text(_WIDTH / 2, 20, title, "middle"),
        _text(_WIDTH / 2, _HEIGHT - 12, "inner steps", "middle"),
        _text(8, 38, "accuracy gained, in percent", "start"),
        f'<path d="M{_MARGIN} {y(0):.1f}H{_WIDTH - _MARGIN}" stroke="#999"/>',
    ]
    far = [value for value in (low, high) if abs(y(value) - y(0)) >= _TEXT]  # so that no label lies on another
    for value in (0.0, *far):
        parts.append(_text(_MARGIN - 6, y(value) + 4, f"{value:+.2f}", "end"))
    for steps in places:
        parts.append(_text(x(steps), _HEIGHT - _MARGIN + 18, "chosen" if steps is None else str(steps), "middle"))
    for index, shots in enumerate(sorted({point.shots for point in points})):
        colour = _COLOURS[index % len(_COLOURS)]
        of_shots = [point for point in points if point.shots == shots]
        measured = sorted((point.steps, point.gain) for point in of_shots if point.steps is not None)
        line = [(x(0), y(0.0)), *((x(steps), y(100 * gain)) for steps, gain in measured)]
        path = "M" + "L".join(f"{across:.1f} {up:.1f}" for across, up in line)
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in of_shots:
            across, up, half = x(point.steps) + 2 * index, y(100 * point.gain), 100 * point.interval
            parts.append(
                f'<path d="M{across:.1f} {y(100 * point.gain - half):.1f}V{y(100 * point.gain + half):.1f}" '
                f'stroke="{colour}" opacity="0.5"/>'
            )
            if point.steps is None:
                parts.append(f'<circle cx="{across:.1f}" cy="{up:.1f}" r="4" fill="none" stroke="{colour}"/>')
        parts.append(_text(_WIDTH - _MARGIN + 6, 40 + 14 * index, f"{shots}-shot", "start", colour))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
