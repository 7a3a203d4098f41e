"""Features from several depths of a network, side by side.

The last maps of a network are specialised in the classes that it was trained on; earlier maps retain more of what
distinguishes other classes (Yosinski et al. 2014, section 4.1; Adler et al. 2020, section 3, join representations
of several depths to adapt to few examples). The forward pass computes them anyway, so they cost nothing but
memory for longer features.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_MOST = 100  # bound on a weight, beyond which the last maps would be lost in rounding


class Depth(NamedTuple):
    """Maps of an earlier layer that contribute to the features.

    Attributes:
        layer: name of the convolution whose normalised and rectified maps are meant; for the last one of a stage,
            the stage's output.
        weight: length of this part of the features, relative to the part from the last maps.
    """

    layer: str
    weight: float


def depths_of(values: Iterable[Sequence[str | float]]) -> tuple[Depth, ...]:
    """Read pairs of layer and weight, as a card or a recipe lists them.

    Raises:
        ValueError: for anything else, a weight that is not above 0 and up to 100, or a layer named twice.
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
        weights: relative lengths of the parts in the result, so that its squared distances are those of the
            parts, weighted by the squares of these numbers; None for equal ones.
    """
    if len(parts) == 1:
        return parts[0]
    weights = weights or [1.0] * len(parts)
    whole = sum(weight**2 for weight in weights) ** 0.5
    return torch.cat([part * (weight / whole) for part, weight in zip(parts, weights, strict=True)], -1)


def away_from(centre: Tensor, features: Tensor, widths: Sequence[int], weights: Sequence[float]) -> Tensor:
    """Subtract a centre ``[D]`` from features ``[B, D]`` and scale each part to its length again.

    Args:
        centre: the mean of such features.
        features: as ``joined`` returned them.
        widths: D_i of each part.
        weights: as ``joined`` takes them.
    """
    parts = zip(features.split(list(widths), -1), centre.split(list(widths)), strict=True)
    return joined([torch.nn.functional.normalize(part - mean, dim=-1) for part, mean in parts], weights)
