"""Draws characters in different hands: with their own slant, proportions, wobble and pen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.datasets.stroke_programmes import CLASSES_PER_ALPHABET, MOST_STROKES, Programme
from training.datasets.stroke_shapes import POINTS
from training.hashed_noise import Floats, uniform

_KNOTS = 5  # along a stroke, at which its wobble is drawn
_OF_HAND, _OF_EXAMPLE = 3, 4
_HAND_NORMALS, _STROKE_NORMALS = 10, 2 * _KNOTS + 6


@dataclass(frozen=True)
class Drawn:
    """B drawn examples, with all their S strokes in one array.

    Attributes:
        strokes: ``[S, POINTS, 2]``, points (x, y) on a sheet that is 1 wide and high, y downwards.
        image: int64 ``[S]``, the index in 0..B - 1 of the example that each stroke belongs to.
        radius: ``[B]``, half the pen's width, on the scale of the sheet.
        ink: ``[B]``, how dark the ink is, in 0..1.
    """

    strokes: Floats
    image: NDArray[np.int64]
    radius: Floats
    ink: Floats


def draw(
    programmes: Sequence[Programme],
    seed: int,
    classes: NDArray[np.int64],
    examples: NDArray[np.int64],
) -> Drawn:
    """Draw example ``examples[b]`` of the character ``programmes[b]``, whose index is ``classes[b]``.

    Example e of every character of an alphabet is drawn by the same hand, as in Omniglot. Random numbers are sums
    of uniform ones, and everything is computed element by element with sums and products only, so an example is
    the same bit for bit whatever else is drawn with it.
    """
    count = len(programmes)
    strokes, present, parents, joints = _stacked(programmes)
    seeds = np.full(count, seed)
    alphabets = classes // CLASSES_PER_ALPHABET
    hand = _normals(np.stack([seeds, np.full(count, _OF_HAND), alphabets, examples], 1), _HAND_NORMALS)
    own = _normals(
        np.stack([seeds, np.full(count, _OF_EXAMPLE), classes, examples], 1),
        _HAND_NORMALS + MOST_STROKES * _STROKE_NORMALS,
    )
    # A hand keeps its manner, but never draws twice in quite the same way.
    manner = 0.8 * hand + 0.6 * own[:, :_HAND_NORMALS]
    looseness = np.maximum(1 + 0.3 * manner[:, 0], 0.3)
    changes = own[:, _HAND_NORMALS:].reshape(count, MOST_STROKES, _STROKE_NORMALS)
    placed = _redrawn(strokes, parents, joints, changes * looseness[:, None, None])
    placed = _affine(placed, manner)
    which, stroke = np.nonzero(present)
    return Drawn(
        strokes=placed[which, stroke],
        image=which,
        radius=0.021 * np.maximum(1 + 0.13 * manner[:, 7], 0.6),
        ink=np.minimum(1.0, 0.98 + 0.03 * manner[:, 8]),
    )


def _redrawn(strokes: Floats, parents: NDArray[np.int64], joints: NDArray[np.int64], noise: Floats) -> Floats:
    """Vary strokes ``[B, n, POINTS, 2]``; a joined one follows the point of its redrawn parent that it meets."""
    rows = np.arange(len(strokes))
    redrawn = np.zeros_like(strokes)
    for index in range(strokes.shape[1]):
        change = noise[:, index]
        original = strokes[:, index]
        own, at = joints[:, index].T
        pivot = original[rows, own]
        turn, wide, high = 0.1 * change[:, 0], 0.13 * change[:, 1], 0.13 * change[:, 2]
        x, y = (original - pivot[:, None]).transpose(2, 0, 1)
        across, along = x * (1 + wide)[:, None], y * (1 + high)[:, None]
        points = np.stack([across - y * turn[:, None], along + x * turn[:, None]], 2)
        # The wobble grows with the stroke's extent: a hand does not shake more over a short stroke.
        extent = np.minimum(0.25 + 0.75 * np.abs(points).max((1, 2)), 1.0)
        knots = change[:, 6:].reshape(-1, _KNOTS, 2) * (0.038 * extent)[:, None, None]
        points += _along(knots)
        parent = np.maximum(parents[:, index], 0)
        joined = (parents[:, index] >= 0)[:, None]
        moved = np.where(joined, redrawn[rows, parent, at] - strokes[rows, parent, at], 0.0)
        gap = np.where(joined, 0.025, 0.04) * change[:, 3:5]
        redrawn[:, index] = points + (pivot + moved + gap)[:, None]
    return redrawn


def _affine(strokes: Floats, manner: Floats) -> Floats:
    """Give each character its size, proportions, slant, a small turn and its place on the sheet."""
    size = 0.62 * np.maximum(1 + 0.15 * manner[:, 1], 0.55)
    aspect, slant, turn = 0.1 * manner[:, 2], 0.13 * manner[:, 3], 0.05 * manner[:, 4]
    matrix = size * np.stack([1 + aspect, turn - slant, -turn, 1 - aspect])
    xx, xy, yx, yy = matrix[..., None, None]
    right, down = (0.5 + 0.045 * manner[:, 5:7].T)[..., None, None]
    x, y = strokes[..., 0], strokes[..., 1]
    return np.stack([x * xx + y * xy + right, x * yx + y * yy + down], 3)


def _stacked(
    programmes: Sequence[Programme],
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Programmes as arrays of strokes, which are present, parents and joints, padded to ``MOST_STROKES``."""
    count, most = len(programmes), MOST_STROKES
    strokes = np.zeros((count, most, POINTS, 2))
    present = np.zeros((count, most), dtype=bool)
    parents = np.full((count, most), -1)
    joints = np.zeros((count, most, 2), dtype=np.int64)
    for row, entry in enumerate(programmes):
        length = len(entry.strokes)
        strokes[row, :length], present[row, :length] = entry.strokes, True
        parents[row, :length], joints[row, :length] = entry.parents, entry.joints
    return strokes, present, parents, joints


def _normals(places: NDArray[np.int64], count: int) -> Floats:
    """Nearly normal numbers ``[B, count]``: scaled sums of four uniform ones, never beyond 3.5 deviations."""
    parts = uniform(places, 4 * count).reshape(len(places), 4, count)
    result: Floats = (parts[:, 0] + parts[:, 1] + parts[:, 2] + parts[:, 3] - 2.0) * 3.0**0.5
    return result


def _along(knots: Floats) -> Floats:
    """Interpolate displacements at knots ``[B, k, 2]`` along a stroke by a cubic B-spline: ``[B, POINTS, 2]``."""
    position = np.linspace(0, _KNOTS - 1, POINTS)
    distance = np.abs(position[:, None] - np.arange(_KNOTS))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    basis = np.where(distance < 1, near, far)  # [POINTS, k]
    spread = np.zeros((len(knots), POINTS, 2))
    for knot in range(_KNOTS):
        spread += basis[:, knot, None] * knots[:, None, knot]
    return spread
