"""The shapes of single pen strokes: lines, bows, hooks, loops and the like."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from training.hashed_noise import Floats

POINTS = 32  # of each stroke, at even distances along it


class Draws:
    """Random choices made one after another from given numbers in [0, 1)."""

    def __init__(self, uniform: Floats) -> None:
        self._rest = iter(uniform.tolist())

    def between(self, low: float, high: float) -> float:
        """A number uniformly between two."""
        value: float = low + (high - low) * next(self._rest)
        return value

    def sign(self) -> float:
        """1 or -1, equally likely."""
        return 1.0 if next(self._rest) < 0.5 else -1.0

    def index(self, weights: Floats) -> int:
        """An index with a chance in proportion to its weight."""
        target = next(self._rest) * float(weights.sum())
        return min(int(np.searchsorted(weights.cumsum(), target, side="right")), len(weights) - 1)


def line(draws: Draws) -> Floats:
    """A straight or nearly straight stroke."""
    return _bezier((0, 0), (0.5, draws.between(-0.06, 0.06)), (1, 0))


def bow(draws: Draws) -> Floats:
    """A bent stroke."""
    height = draws.sign() * draws.between(0.3, 0.8)
    return _bezier((0, 0), (draws.between(0.3, 0.7), height), (1, 0))


def arc(draws: Draws) -> Floats:
    """Part of an ellipse, from a third of it to most of it."""
    return _turning(draws, draws.between(2.2, 5.2), shrink=0.0)


def circle(draws: Draws) -> Floats:
    """A closed ellipse."""
    return 0.8 * _turning(draws, draws.between(6.0, 6.5), shrink=0.0)


def spiral(draws: Draws) -> Floats:
    """A spiral of more than one turn, inwards."""
    return _turning(draws, draws.between(7.5, 10.5), shrink=draws.between(0.5, 0.7))


def corner(draws: Draws) -> Floats:
    """Two straight pieces."""
    turn = draws.sign() * draws.between(0.9, 2.4)
    length = draws.between(0.4, 1.0)
    return _polyline([(0, 0), (1, 0), (1 + length * math.cos(turn), length * math.sin(turn))])


def zigzag(draws: Draws) -> Floats:
    """Three or four straight pieces, turning to and fro."""
    points, heading, turn = [(0.0, 0.0)], 0.0, draws.sign()
    for _ in range(3 if draws.between(0, 1) < 0.7 else 4):
        length = draws.between(0.45, 0.8)
        x, y = points[-1]
        points.append((x + length * math.cos(heading), y + length * math.sin(heading)))
        heading += turn * draws.between(1.7, 2.5)
        turn = -turn
    return _polyline(points)


def hook(draws: Draws) -> Floats:
    """A straight piece that ends in a half circle."""
    side, radius, sweep = draws.sign(), draws.between(0.15, 0.32), draws.between(1.8, 3.4)
    angle = np.linspace(0, sweep, 20)
    bend = np.stack([1 + radius * np.sin(angle), side * radius * (1 - np.cos(angle))], 1)
    return np.concatenate([[[0.0, 0.0]], bend])


def ess(draws: Draws) -> Floats:
    """A curve that bends one way and then the other."""
    height = draws.sign() * draws.between(0.5, 1.1)
    return _bezier((0, 0), (draws.between(0.1, 0.5), height), (draws.between(0.5, 0.9), -height), (1, 0))


def wave(draws: Draws) -> Floats:
    """Two or three arches."""
    along = np.linspace(0, 1, 40)
    height, arches = draws.sign() * draws.between(0.15, 0.3), draws.index(np.array([2.0, 1.0])) + 2
    smooth = np.sin(math.pi * arches * along)
    # The arches lie on one side, as in m and w, or alternate.
    return np.stack([along, height * (np.abs(smooth) * 1.4 if draws.between(0, 1) < 0.5 else smooth)], 1)


def loop(draws: Draws) -> Floats:
    """A stroke that crosses itself."""
    along = np.linspace(0, 1, 40)
    high, wide = draws.sign() * draws.between(0.25, 0.45), draws.between(0.3, 0.5)
    angle = 2 * math.pi * along
    return np.stack([along - wide * np.sin(angle), high * (1 - np.cos(angle))], 1)


def free(draws: Draws) -> Floats:
    """A cubic curve of any kind."""
    bends = [(draws.between(-0.3, 1.3), draws.between(-1.1, 1.1)) for _ in range(2)]
    return _bezier((0, 0), *bends, (draws.between(0.3, 1.0), draws.between(-0.3, 0.3)))


def dot(draws: Draws) -> Floats:
    """A touch of the pen."""
    return _polyline([(0, 0), (0.06, draws.between(-0.03, 0.03))])


# Roughly how often scripts use each shape; the first three are too plain to be a character on their own.
PLAIN = 3
SHAPES: dict[Callable[[Draws], Floats], float] = {
    line: 8.0,
    bow: 4.0,
    arc: 3.0,
    circle: 1.2,
    spiral: 0.3,
    corner: 2.0,
    zigzag: 0.8,
    hook: 2.0,
    ess: 1.2,
    wave: 0.7,
    loop: 0.8,
    free: 1.2,
    dot: 0.7,
}


def evenly(points: Floats) -> Floats:
    """Place ``POINTS`` points along a polyline ``[n, 2]`` at even distances, ``[POINTS, 2]``."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    travelled = np.concatenate([[0.0], steps.cumsum()])
    at = np.linspace(0, travelled[-1], POINTS)
    return np.stack([np.interp(at, travelled, column) for column in points.T], 1)


def _turning(draws: Draws, sweep: float, shrink: float) -> Floats:
    part = np.linspace(0, 1, 48)
    angle, radius = sweep * part, 0.5 * (1 - shrink * part)
    side, aspect = draws.sign(), draws.between(0.65, 1.35)
    points = np.stack([radius * np.sin(angle), side * aspect * (0.5 - radius * np.cos(angle))], 1)
    from_origin: Floats = points - points[0]
    return from_origin


def _bezier(*controls: tuple[float, float]) -> Floats:
    """A Bezier curve of any degree, by de Casteljau's construction."""
    level: list[Floats] = [np.array(control, dtype=np.float64) for control in controls]
    part = np.linspace(0, 1, 24)[:, None]
    while len(level) > 1:
        level = [(1 - part) * a + part * b for a, b in pairwise(level)]
    return level[0]


def _polyline(corners: list[tuple[float, float]]) -> Floats:
    return np.array(corners, dtype=np.float64)
