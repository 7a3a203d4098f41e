"""The accuracy to expect on a task's queries, estimated from its support set alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor

from models.overlap import Overlap
from models.support_geometry import SupportGeometry
from models.task_size import TaskSize, terms_of

_FLOOR = 0.003  # added before taking logarithms, so that the tiniest numbers hardly differ
_NARROWEST = 0.02  # least distance to an interval's end, as ``stretched``: 0.02 at accuracy 0.5, 0.0004 at 1
_WIDEST = math.pi / 2  # the whole scale of ``stretched``
_MOST_WEIGHT = 1000.0  # bound on the weights, far beyond any that is fitted
_DIGITS = 4
# Factor of log(ways) beyond the tasks of the fit. Of fits on tasks of up to 5 ways, a factor of 1 expected too
# little on 10 and 20 ways with several examples, and 0 too much with one; 0.5 came within 0.06 of the truth.
_BEYOND = 0.5


@dataclass(frozen=True)
class Estimate:
    """An accuracy in 0..1, and the interval that holds it, measured on 15 queries a class, in 95 of 100 cases."""

    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Expected:
    """Weights of one formula for a task's expected accuracy, fitted on validation tasks.

    Attributes:
        accuracy: weights of the terms of ``hints``; the weighted sum is the logit of the expected accuracy.
        below: weights of the terms of ``interval_terms``; the weighted sum is the logarithm of the distance from
            the expected accuracy down to the interval's lower end, both on the scale of ``stretched``.
        above: likewise for the upper end.
        most_ways: the largest number of classes in the tasks of the fit. Beyond it, log(ways) counts half for the
            accuracy, and no further for the interval, which extrapolation would narrow without any evidence.
        overlap: how classes that may be one and the same lower the accuracy; None if the card does not tell.
    """

    accuracy: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]
    most_ways: int
    overlap: Overlap | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for values that would silently spoil every estimate."""
        weights = (*self.accuracy, *self.below, *self.above)
        if not all(abs(weight) < _MOST_WEIGHT for weight in weights):
            raise ValueError(f"the weights of an expected accuracy must be numbers of a few, not {weights}")
        if not self.most_ways >= 2:
            raise ValueError(
                f"an expected accuracy is fitted on tasks of 2 classes or more, not {self.most_ways}"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from what ``asdict`` returned (JSON turns tuples into lists)."""
        weights = {name: tuple(float(one) for one in values[name]) for name in ("accuracy", "below", "above")}
        overlap = values.get("overlap")
        return cls(
            **weights,
            most_ways=int(values["most_ways"]),
            overlap=None if overlap is None else Overlap.from_dict(overlap),
        )

    def by_hints(self, hints: Tensor) -> Tensor:
        """Expected accuracies ``[T]`` of tasks with hints ``[T, H]``, before ``overlap`` lowers them."""
        beyond = (hints[:, 1] - math.log(self.most_ways)).clamp_min(0)
        given = torch.cat([hints[:, :1], (hints[:, 1] - (1 - _BEYOND) * beyond)[:, None], hints[:, 2:]], 1)
        return (given @ torch.tensor(self.accuracy, dtype=torch.float64)).sigmoid()

    def accuracies(self, hints: Tensor, geometry: SupportGeometry) -> Tensor:
        """Expected accuracies ``[T]`` of tasks with hints ``[T, H]``."""
        expected = self.by_hints(hints)
        return expected if self.overlap is None else self.overlap.lowered(expected, geometry)

    def intervals(self, hints: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
        """Both ends, each ``[T]``, of the intervals about expected accuracies of tasks with hints ``[T, H]``."""
        terms = interval_terms(hints, expected)
        terms[:, 1].clamp_(max=math.log(self.most_ways))
        centre = stretched(expected)
        below, above = (
            (terms @ torch.tensor(weights, dtype=torch.float64)).exp().clamp(_NARROWEST, _WIDEST)
            for weights in (self.below, self.above)
        )
        return _shrunk(centre - below), _shrunk(centre + above)

    def estimates(self, hints: Tensor, geometry: SupportGeometry) -> tuple[Tensor, Tensor, Tensor]:
        """Expected accuracies of T tasks, and both ends of their intervals, each ``[T]``."""
        expected = self.accuracies(hints, geometry)
        return expected, *self.intervals(hints, expected)


@dataclass(frozen=True)
class Expectation:
    """How to estimate a task's accuracy; kept in the card.

    Attributes:
        sharpness: the factor that makes softmax(-sharpness * squared distance to each class mean) approximate the
            probability of each class.
        of_means: for tasks in which some class has a single example; uses the size and how close class means lie.
        of_left_out: for all other tasks; also uses how well left-out examples are classified by the class means
            of the rest.
    """

    sharpness: float
    of_means: Expected
    of_left_out: Expected

    def __post_init__(self) -> None:
        """Raise ValueError for wrong numbers of weights, or a sharpness that is not positive."""
        for expected, terms in ((self.of_means, 4), (self.of_left_out, 5)):
            if (len(expected.accuracy), len(expected.below), len(expected.above)) != (terms, 4, 4):
                raise ValueError(f"an expected accuracy takes {terms}, 4 and 4 weights, not {expected}")
        if not self.sharpness > 0:
            raise ValueError(f"the sharpness must be positive, not {self.sharpness}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from what ``as_dict`` returned."""
        return cls(
            float(values["sharpness"]),
            Expected.from_dict(values["of_means"]),
            Expected.from_dict(values["of_left_out"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the weights as JSON values."""
        return asdict(self)

    def estimates(self, geometry: SupportGeometry) -> list[Estimate]:
        """The accuracy to expect of each of T tasks, rounded to the digits that such an estimate can support."""
        several = geometry.has_others
        by_means = self.of_means.estimates(hints(geometry, self.sharpness, left_out=False), geometry)
        by_left_out = self.of_left_out.estimates(hints(geometry, self.sharpness, left_out=True), geometry)
        chosen = [
            torch.where(several, measured, supposed)
            for measured, supposed in zip(by_left_out, by_means, strict=True)
        ]
        return [Estimate(*(round(value, _DIGITS) for value in row)) for row in torch.stack(chosen, 1).tolist()]


def hints(geometry: SupportGeometry, sharpness: float, *, left_out: bool) -> Tensor:
    """What support sets reveal about the accuracy to come, double ``[T, 4]``, or ``[T, 5]`` with ``left_out``.

    The terms are 1, log(ways), the scarcity, the logarithm of the crowding and, with ``left_out``, that of the
    error on left-out examples. The error is taken at half the sharpness: with few examples, probabilities that
    stay away from 0 and 1 are more informative.
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
    """What an interval's width depends on, ``[T, 4]``: 1, log(ways), scarcity and log(expected error)."""
    return torch.cat([hints_[:, :3], (1 - expected + _FLOOR).log()[:, None]], 1)


def stretched(accuracy: Tensor) -> Tensor:
    """Map accuracies to 0..pi/2, a scale on which binomial noise varies alike everywhere (Anscombe 1948)."""
    return accuracy.clamp(0, 1).sqrt().asin()


def _shrunk(value: Tensor) -> Tensor:
    """The inverse of ``stretched``."""
    return value.clamp(0, math.pi / 2).sin().square()
