"""Whether a task's classes may be one and the same: how far apart they lie, measured by images of one class."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from models.support_geometry import SupportGeometry

_MOST = 1000.0  # bound on each number but the variance, far beyond any that is fitted


@dataclass(frozen=True)
class Overlap:
    """Lowers the accuracy to expect where classes lie as close as parts of one class do.

    The means of n and of m images of one class lie ``variance * (1/n + 1/m)`` apart, as squared distances go on
    average. What exceeds this, in units of the variance, is the *gap* of two classes: on average 0 for two halves
    of one class, whatever the shots. With few images a gap is uncertain, and is drawn towards the mean gap of the
    task's pairs of classes (as means are in Efron and Morris 1975). Classes i and j count as one and the same by
    a share s_ij, which falls with their gap. A query of class i is taken for each such class as often as for i,
    so of accuracy a, ``(a + (1 - a) * mean_j s_ij) / (1 + sum_j s_ij)`` remains. If all are one, that is chance.

    Attributes:
        variance: mean squared distance of an image from the mean of its class.
        closeness: the gap at which two classes count half.
        softness: the gap over which that share falls from 1/2 to 1/4, about.
        caution: how strongly gaps are drawn towards their mean; 0 leaves them as they are.
    """

    variance: float
    closeness: float
    softness: float
    caution: float

    def __post_init__(self) -> None:
        """Raise ValueError for values that would silently spoil every estimate."""
        free_of_scale = (self.closeness, self.softness, self.caution)  # a variance is as large as features are
        if not (all(abs(value) < _MOST for value in free_of_scale) and math.isfinite(self.variance)):
            raise ValueError(f"an overlap takes numbers of a few, not {self}")
        if not (self.variance > 0 and self.softness > 0 and self.caution >= 0):
            raise ValueError(
                f"an overlap's variance and softness must be positive, its caution not negative: {self}"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from what ``asdict`` returned."""
        return cls(**{name: float(values[name]) for name in ("variance", "closeness", "softness", "caution")})

    def lowered(self, accuracy: Tensor, geometry: SupportGeometry) -> Tensor:
        """The accuracy to expect, ``[T]``, if that of T tasks would otherwise be ``accuracy``."""
        closeness, softness, caution = (
            torch.tensor(one, dtype=torch.float64) for one in (self.closeness, self.softness, self.caution)
        )
        return lowered(accuracy, *gaps(geometry, self.variance), closeness, softness, caution)


def gaps(geometry: SupportGeometry, variance: float) -> tuple[Tensor, Tensor]:
    """The gap of each pair of classes, and its uncertainty ``(1/n + 1/m) / 2``, each double ``[T, N, N]``.

    Gaps are infinite from a class to itself, and where a task lacks either class.
    """
    each = 1 / geometry.support.membership().double().sum(1).clamp_min(1)
    both = each[:, :, None] + each[:, None, :]
    return geometry.between / variance - both, both / 2


def lowered(
    accuracy: Tensor, gap: Tensor, uncertainty: Tensor, closeness: Tensor, softness: Tensor, caution: Tensor
) -> Tensor:
    """What remains of accuracies ``[T]``, by the formula and the numbers of ``Overlap``; differentiable in all.

    Args:
        accuracy: ``[T]``.
        gap: as ``gaps`` returns it, like ``uncertainty``.
        uncertainty: of the gaps.
        closeness: as an attribute of ``Overlap``, ``[]``; like the following.
        softness: positive.
        caution: not negative.
    """
    no_pair = gap.isinf()
    finite = gap.masked_fill(no_pair, 0)
    others = (~no_pair).sum(2)  # [T, N]
    mean = finite.sum((1, 2)) / others.sum(1)
    believed = mean[:, None, None] + (finite - mean[:, None, None]) / (1 + (caution * uncertainty).square())
    same = ((closeness - believed) / softness).sigmoid().masked_fill(no_pair, 0).sum(2)
    there = others > 0
    of_classes = (accuracy[:, None] + (1 - accuracy[:, None]) * same / others.clamp_min(1)) / (1 + same)
    remaining: Tensor = of_classes.masked_fill(~there, 0).sum(1) / there.sum(1)
    return remaining
