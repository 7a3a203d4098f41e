"""The accuracy to expect of a task, from its support set alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor

from models.support_geometry import SupportGeometry
from models.task_size import TaskSize, terms_of

_FLOOR = 0.003  # added to small numbers before their logarithm, which then says no more of the tiniest ones
_DIGITS = 4


@dataclass(frozen=True)
class Estimate:
    """An accuracy in 0..1 with the interval that holds it in 95 of 100 cases."""

    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Expected:
    """Weights of one way to expect a task's accuracy, fitted on validation tasks.

    Attributes:
        accuracy: of the terms of ``hints``; their weighted sum is the logit of the expected accuracy.
        low: of 1, log(ways), scarcity and log(expected error); their weighted sum is how far the interval's lower
            end lies from the expected accuracy, both on the scale of ``stretched``.
        high: the same of the upper end.
    """

    accuracy: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from ``asdict``'s answer (JSON gives lists for tuples)."""
        return cls(**{name: tuple(float(weight) for weight in weights) for name, weights in values.items()})

    def accuracies(self, hints: Tensor) -> Tensor:
        """Expected accuracies ``[T]`` of tasks with hints ``[T, H]``."""
        return (hints @ torch.tensor(self.accuracy, dtype=torch.float64)).sigmoid()

    def intervals(self, hints: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Expected accuracies of the same tasks with the ends of their intervals, each ``[T]``."""
        expected = self.accuracies(hints)
        terms = interval_terms(hints, expected)
        centre = stretched(expected)
        low, high = (terms @ torch.tensor(weights, dtype=torch.float64) for weights in (self.low, self.high))
        return expected, _shrunk(centre + low.clamp_max(0)), _shrunk(centre + high.clamp_min(0))


@dataclass(frozen=True)
class Expectation:
    """How to expect a task's accuracy, kept in the card.

    Attributes:
        sharpness: of distances between features: softmax(-sharpness * squared distance to each class mean) is
            about the probability of each class.
        of_means: for tasks where a class has a single example: by size, and by how close class means lie.
        of_left_out: for others: also by how well each example is told by the class means of all others.
    """

    sharpness: float
    of_means: Expected
    of_left_out: Expected

    def __post_init__(self) -> None:
        """Refuse weights that fit no hints."""
        for expected, terms in ((self.of_means, 4), (self.of_left_out, 5)):
            if (len(expected.accuracy), len(expected.low), len(expected.high)) != (terms, 4, 4):
                raise ValueError(f"an expected accuracy takes {terms}, 4 and 4 weights, not {expected}")
        if not self.sharpness > 0:
            raise ValueError(f"the sharpness must be positive, not {self.sharpness}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from ``as_dict``'s answer."""
        return cls(
            float(values["sharpness"]),
            Expected.from_dict(values["of_means"]),
            Expected.from_dict(values["of_left_out"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the weights as JSON values."""
        return asdict(self)

    def estimates(self, geometry: SupportGeometry) -> list[Estimate]:
        """What to expect of each of T tasks, rounded to what such an estimate can tell."""
        several = geometry.has_others
        by_means = self.of_means.intervals(hints(geometry, self.sharpness, left_out=False))
        by_left_out = self.of_left_out.intervals(hints(geometry, self.sharpness, left_out=True))
        chosen = [
            torch.where(several, measured, supposed)
            for measured, supposed in zip(by_left_out, by_means, strict=True)
        ]
        return [Estimate(*(round(value, _DIGITS) for value in row)) for row in torch.stack(chosen, 1).tolist()]


def hints(geometry: SupportGeometry, sharpness: float, *, left_out: bool) -> Tensor:
    """What a support set tells of the accuracy to come, double ``[T, 4]``, or ``[T, 5]`` with ``left_out``.

    1, log(ways), scarcity, the logarithm of the crowding and that of the error of left-out examples, the last at
    half the sharpness: probabilities that stay away from 0 and 1 tell more by few examples.
    """
    terms = terms_of(sizes(geometry))[:, :3]
    columns = [(geometry.crowding(sharpness) + _FLOOR).log()]
    if left_out:
        columns.append((geometry.left_out_error(sharpness / 2) + _FLOOR).log())
    return torch.cat([terms, torch.stack(columns, 1)], 1)


def sizes(geometry: SupportGeometry) -> Sequence[TaskSize]:
    """The size of each of the tasks."""
    counts = geometry.support.membership().sum(1).tolist()
    return [TaskSize.of_counts([int(count) for count in task if count > 0]) for task in counts]


def interval_terms(hints_: Tensor, expected: Tensor) -> Tensor:
    """What the width of an interval depends on, ``[T, 4]``: the size, and the logarithm of the expected error."""
    return torch.cat([hints_[:, :3], (1 - expected + _FLOOR).log()[:, None]], 1)


def stretched(accuracy: Tensor) -> Tensor:
    """Accuracies on a scale where the noise of counting is alike everywhere (Anscombe 1948), 0..pi/2."""
    return accuracy.clamp(0, 1).sqrt().asin()


def _shrunk(value: Tensor) -> Tensor:
    """Back from the scale of ``stretched``."""
    return value.clamp(0, math.pi / 2).sin().square()
