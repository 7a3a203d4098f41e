"""Views: a few fixed small changes of an image, over which a backbone averages its features.

A drawing that leans, or is a little wider, is still the same character. Features averaged over a few such
changes depend less on how one example happens to lean (augmentation at test time, Krizhevsky et al. 2012,
section 4.1). The changes are constants of the learner, so features still depend on the image alone.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

_MOST = 3  # bound on |shear|, |stretch| and |zoom|: scaled more than 20-fold (e^3), an image is a streak or a dot


class View(NamedTuple):
    """One small change.

    Attributes:
        rotation: in degrees, anticlockwise.
        shear: tangent of the angle by which verticals lean to the right.
        stretch: half the logarithm of the factor by which the image's height grows relative to its width.
        mirror: whether left and right are swapped: fine for photos, but it makes another character of a drawing.
        zoom: logarithm of the enlargement; what falls outside the image is cut off.
    """

    rotation: float
    shear: float
    stretch: float
    mirror: bool = False
    zoom: float = 0.0


def views_of(values: Iterable[Sequence[float]]) -> tuple[View, ...]:
    """Read views from lists of 3 to 5 numbers, as on a card or in a recipe; missing ones at the end are 0.

    Raises:
        ValueError: for too few or too many numbers, or a change that makes an image unrecognisable.
    """
    views = tuple(
        View(float(rotation), float(shear), float(stretch), bool(mirror), float(zoom))
        for rotation, shear, stretch, mirror, zoom in (_whole(one) for one in values)
    )
    for view in views:
        small = all(abs(one) <= _MOST for one in (view.shear, view.stretch, view.zoom))  # false for NaN
        if not small or not math.isfinite(view.rotation):
            raise ValueError(
                f"a view's rotation is a number, its shear, stretch and zoom at most {_MOST}: {view}"
            )
    return views


def in_views(images: Tensor, weights: Tensor | None, views: tuple[View, ...]) -> tuple[Tensor, Tensor | None]:
    """Show images as ``see`` does, and give each view its image's weight; without views both are as they were.

    Args:
        images: ``[T, B, C, H, W]``.
        weights: ``[T, B]``, or None.
        views: V of them, or none.
    """
    if not views:
        return images, weights
    return see(images, views), None if weights is None else weights.repeat_interleave(len(views), 1)


def see(images: Tensor, views: tuple[View, ...]) -> Tensor:
    """Render each image in every view; beyond its border, the border's colour continues.

    Args:
        images: ``[T, B, C, H, W]``, the learner's input.
        views: V of them.

    Returns:
        ``[T, B * V, C, H, W]``, the views of one image next to each other.
    """
    # All images and channels are passed as channels, so that sampling positions are computed once for each view.
    flat = images.flatten(0, 2)
    grid = _grid(views, *images.shape[3:]).to(images)
    every = flat.expand(len(views), *flat.shape)
    seen = torch.nn.functional.grid_sample(every, grid, padding_mode="border", align_corners=False)
    return seen.view(len(views), *images.shape).movedim(0, 2).flatten(1, 2)


def _whole(numbers: Sequence[float]) -> Sequence[float]:
    few, most = 3, len(View._fields)
    if not few <= len(numbers) <= most:
        raise ValueError(f"a view is {few} to {most} numbers ({', '.join(View._fields)}), not {list(numbers)}")
    return [*numbers, *[0] * (most - len(numbers))]


def averaged(features: Tensor, views: tuple[View, ...], *, unit: bool) -> Tensor:
    """Average features ``[..., B * V, D]`` over each image's views; ``unit`` normalises before and after."""
    features = _unit(features) if unit else features
    if not views:
        return features
    features = features.unflatten(-2, (-1, len(views))).mean(-2)
    return _unit(features) if unit else features


def _unit(features: Tensor) -> Tensor:
    wide = features.to(torch.promote_types(features.dtype, torch.float32))
    return torch.nn.functional.normalize(wide, dim=-1)


@cache
def _grid(views: tuple[View, ...], height: int, width: int) -> Tensor:
    """The position in the image of each pixel of each view, double ``[V, H, W, 2]``."""
    matrices = torch.stack([_matrix(*view) for view in views])
    return torch.nn.functional.affine_grid(matrices, [len(views), 1, height, width], align_corners=False)


def _matrix(rotation: float, shear: float, stretch: float, mirror: bool, zoom: float) -> Tensor:
    """``[2, 3]`` from output to input coordinates: rotation times [[1, shear], [0, 1]] times the scaling."""
    angle = math.radians(rotation)
    cos, sin = math.cos(angle), math.sin(angle)
    wide, high = math.exp(stretch - zoom), math.exp(-stretch - zoom)
    if mirror:
        wide = -wide
    return torch.tensor(
        [[cos * wide, (cos * shear - sin) * high, 0], [sin * wide, (sin * shear + cos) * high, 0]],
        dtype=torch.float64,
    )
