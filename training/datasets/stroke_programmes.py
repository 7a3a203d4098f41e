"""Invents characters: a class is a programme of one to five strokes in the style of its alphabet."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.datasets.stroke_shapes import PLAIN, POINTS, SHAPES, Draws, dot, evenly
from training.hashed_noise import Floats, uniform

CLASSES_PER_ALPHABET = 25
MOST_STROKES = 5
_STROKE_COUNTS = np.array([0.12, 0.32, 0.3, 0.17, 0.09])
_SHAPES = tuple(SHAPES)
_CANDIDATES = 4  # positions tried for each stroke after the first
# Besides the seed and an index, these keep the random numbers of classes and alphabets apart.
_OF_CLASS, _OF_ALPHABET = 1, 2


@dataclass(frozen=True)
class Programme:
    """One character.

    Attributes:
        strokes: ``[n, POINTS, 2]``, points (x, y) with y downwards, centred at 0 and within -0.5..0.5.
        parents: ``[n]``, the index of the earlier stroke that a stroke is joined to, or -1.
        joints: ``[n, 2]``, for a joined stroke, the indices of its own point and of its parent's point that meet.
    """

    strokes: Floats
    parents: NDArray[np.int64]
    joints: NDArray[np.int64]


@dataclass(frozen=True)
class _Style:
    """What the characters of an alphabet have in common.

    Attributes:
        weights: how frequent each shape is, relative to the others.
        directions: how frequent each of the eight directions is, likewise.
        flow: probability that the pen goes on to another shape without being lifted.
        strictness: from 0, where angles are arbitrary, to 1, where they stay close to multiples of 45 degrees.
        density: above 0, characters have more strokes; below 0, fewer.
        shared: strokes that recur, each in its own direction and size.
        sharing: probability that a stroke is one of these.
    """

    weights: Floats
    directions: Floats
    flow: float
    strictness: float
    density: float
    shared: tuple[Floats, ...]
    sharing: float


def programme(seed: int, index: int) -> Programme:
    """Invent the character of an index, which depends on the seed and the index alone."""
    style = _style(seed, index // CLASSES_PER_ALPHABET)
    draws = Draws(uniform(np.array([[seed, _OF_CLASS, index]]), 400)[0])
    tilt = np.exp(style.density * np.arange(MOST_STROKES))
    count = 1 + draws.index(_STROKE_COUNTS * tilt)
    strokes = [_stroke(style, draws, first=True, alone=count == 1)]
    parents, joints = [-1], [(0, 0)]
    for _ in range(count - 1):
        points = _stroke(style, draws, first=False, alone=False)
        tried = [_placed(points, strokes, draws) for _ in range(_CANDIDATES)]
        best = max(tried, key=lambda candidate: _room(candidate[0], strokes))
        strokes.append(best[0])
        parents.append(best[1])
        joints.append(best[2])
    drawn = np.stack(strokes)
    low, high = drawn.min((0, 1)), drawn.max((0, 1))
    drawn = (drawn - (low + high) / 2) / max(float((high - low).max()), 0.2)
    return Programme(drawn, np.array(parents), np.array(joints))


@lru_cache(maxsize=256)
def _style(seed: int, alphabet: int) -> _Style:
    draws = Draws(uniform(np.array([[seed, _OF_ALPHABET, alphabet]]), 200)[0])
    # Squares of uniform numbers: in each alphabet some shapes are frequent and others rare.
    weights = np.array([weight * draws.between(0.05, 1) ** 2 for weight in SHAPES.values()])
    # Horizontal and vertical strokes are more frequent than slanting ones.
    directions = np.array([draws.between(0.1, 1) ** 2 / (1 + turn % 2) for turn in range(8)])
    flow, strictness = draws.between(0, 0.6), draws.between(0.3, 1)
    density, sharing = draws.between(-0.4, 0.35), draws.between(0, 0.5)
    bare = _Style(weights, directions, flow, strictness, density, (), 0.0)
    shared = tuple(_stroke(bare, draws, first=False, alone=False) for _ in range(3))
    return _Style(weights, directions, flow, strictness, density, shared, sharing)


def _stroke(style: _Style, draws: Draws, *, first: bool, alone: bool) -> Floats:
    """Draw a stroke from the origin in its direction and size; one that is ``alone`` must make up a character."""
    if style.shared and not alone and draws.between(0, 1) < style.sharing:
        return style.shared[draws.index(np.ones(len(style.shared)))]
    index, points = _piece(style, draws)
    while first and _SHAPES[index] is dot:
        index, points = _piece(style, draws)
    if _SHAPES[index] is dot:
        return evenly(points)
    if draws.between(0, 1) < style.flow or (alone and index < PLAIN):
        for _ in range(2 if draws.between(0, 1) < style.flow else 1):
            _, more = _piece(style, draws)
            points = np.concatenate([points, points[-1] + draws.between(0.4, 1) * more])
    extent = float((points.max(0) - points.min(0)).max())
    size = draws.between(0.6, 1.0) if first else draws.between(0.25, 0.85)
    return evenly(points * (size / max(extent, 0.3)))


def _piece(style: _Style, draws: Draws) -> tuple[int, Floats]:
    """Draw a shape; return its index and its points, turned to the direction that it takes."""
    index = draws.index(style.weights)
    points = _SHAPES[index](draws)
    spread = (1 - 0.8 * style.strictness) * math.pi / 8
    angle = draws.index(style.directions) * math.pi / 4 + draws.between(-spread, spread)
    cos, sin = math.cos(angle), math.sin(angle)
    turned = [points[:, 0] * cos - points[:, 1] * sin, points[:, 0] * sin + points[:, 1] * cos]
    return index, np.stack(turned, 1)


def _placed(points: Floats, strokes: list[Floats], draws: Draws) -> tuple[Floats, int, tuple[int, int]]:
    """Place a stroke, mostly joined to an earlier one: at an end of that, its middle or anywhere.

    Returns:
        Its points, the index of the stroke that it is joined to, or -1, and the indices of the points that meet.
    """
    parent = draws.index(np.ones(len(strokes)))
    kind = draws.between(0, 1)
    own, at = 0, draws.index(np.ones(POINTS))
    if kind < 0.3:
        at = POINTS - 1
    elif kind < 0.42:
        at = 0
    elif kind < 0.56:
        at = POINTS // 2
    elif kind < 0.72:
        own = POINTS // 2 + round(draws.between(-4, 4))  # a crossing
    elif kind > 0.82:
        everything = np.concatenate(strokes)
        low, high = everything.min(0) - 0.15, everything.max(0) + 0.15
        centre = np.array([draws.between(low[axis], high[axis]) for axis in range(2)])
        return points - points.mean(0) + centre, -1, (0, 0)
    return points - points[own] + strokes[parent][at], parent, (own, at)


def _room(points: Floats, strokes: list[Floats]) -> float:
    """Score a position: higher away from the ink that is there, lower where it makes the character sprawl."""
    there = np.concatenate(strokes)
    apart = np.abs(points[::3, None] - there[None, ::2]).max(-1).min(1)
    everything = np.concatenate([there, points])
    extent = everything.max(0) - everything.min(0)
    return float(np.minimum(apart, 0.2).mean() - 0.6 * max(0.0, float(extent.max()) - 1.1))
