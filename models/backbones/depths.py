"""Features of several depths of a network, side by side.

The last maps of a network that was trained to tell some classes apart know best what tells those apart; the maps
before them still hold more of what other classes differ in (Yosinski et al. 2014, section 4.1; Adler et al. 2020,
section 3, join representations of several depths to adapt to few examples). An image has gone through all of them
anyway, so they cost nothing but the room for more numbers.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_MOST = 100  # of a weight: beside maps of more, the last ones are lost in rounding


class Depth(NamedTuple):
    """One of a network's maps before the last ones.

    Attributes:
        layer: the convolution, by its name, whose normalised and rectified maps are meant; the last one of a
            stage stands for what the stage gives.
        weight: how long this part of the features is, where that of the last maps is 1.
    """

    layer: str
    weight: float


def depths_of(values: Iterable[Sequence[str | float]]) -> tuple[Depth, ...]:
    """Read pairs of layer and weight, as a card or a recipe lists them.

    Raises:
        ValueError: for something else, a weight that is not between 0 and 100, or a layer that is named twice.
    """
    depths = []
    for one in values:
        if len(one) != len(Depth._fields) or not isinstance(one[0], str) or not 0 < float(one[1]) <= _MOST:
            raise ValueError(f"earlier lists pairs of a layer and a weight above 0, up to {_MOST}, not {one!r}")
        depths.append(Depth(one[0], float(one[1])))
    if len({one.layer for one in depths}) < len(depths):
        raise ValueError(f"earlier names a layer twice: {', '.join(one.layer for one in depths)}")
    return tuple(depths)


def joined(parts: Sequence[Tensor], weights: Sequence[float] | None = None) -> Tensor:
    """Lay features ``[..., D_i]`` of length 1 side by side, as ``[..., sum of D_i]`` of length 1.

    Args:
        parts: at least one.
        weights: the length of each before all are made one, so that squared distances are the parts', weighted by
            the squares of these; None for equal ones.
    """
    if len(parts) == 1:
        return parts[0]
    weights = weights or [1.0] * len(parts)
    whole = sum(weight**2 for weight in weights) ** 0.5
    return torch.cat([part * (weight / whole) for part, weight in zip(parts, weights, strict=True)], -1)


def away_from(centre: Tensor, features: Tensor, widths: Sequence[int], weights: Sequence[float]) -> Tensor:
    """The directions in which features ``[B, D]`` lie from a centre ``[D]``, of each part by itself.

    Args:
        centre: where they lie on average.
        features: as ``joined`` gives them.
        widths: D_i of each part.
        weights: as ``joined`` takes them.
    """
    parts = zip(features.split(list(widths), -1), centre.split(list(widths)), strict=True)
    return joined([torch.nn.functional.normalize(part - mean, dim=-1) for part, mean in parts], weights)
