"""How large a task is, and numbers that depend on it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor

_PLENTY = 1 / 50  # added to the scarcity before taking its logarithm (see ``BySize``)


@dataclass(frozen=True)
class TaskSize:
    """A task's number of classes, and how few examples they have.

    Attributes:
        ways: N, the number of classes.
        scarcity: mean over classes of 1 / examples: 1 for one-shot tasks, 0.2 for five-shot ones. The variance of
            a class mean is proportional to it.
    """

    ways: int
    scarcity: float

    @classmethod
    def of(cls, ways: int, shots: int) -> Self:
        """The size of a task with ``shots`` examples in each class."""
        return cls(ways, 1 / shots)

    @classmethod
    def of_counts(cls, counts: Sequence[int]) -> Self:
        """The size of a task with these numbers of examples in its classes."""
        return cls(len(counts), sum(1 / count for count in counts) / len(counts))

    @property
    def terms(self) -> tuple[float, float, float, float, float]:
        """What ``BySize`` weighs: 1, log(ways), the scarcity, its square, and log(scarcity + 1/50)."""
        return 1.0, math.log(self.ways), self.scarcity, self.scarcity**2, math.log(self.scarcity + _PLENTY)


@dataclass(frozen=True)
class BySize:
    """A number that depends on a task's size.

    For N ways and scarcity s it is constant + ways * log(N) + scarcity * s + squared * s^2 + logarithm *
    log(s + 1/50), each attribute being the weight of its term. Without the last term, the temperature of a head
    whose metric depends on the shots was too high at 2 shots and too low at 5; the 1/50 lets the number level off
    beyond the shots of the fit.
    """

    constant: float
    ways: float = 0.0
    scarcity: float = 0.0
    squared: float = 0.0
    logarithm: float = 0.0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from what ``as_dict`` returned."""
        return cls(**{name: float(value) for name, value in values.items()})

    def at(self, size: TaskSize) -> float:
        """The number for tasks of this size."""
        weights = (self.constant, self.ways, self.scarcity, self.squared, self.logarithm)
        return sum(weight * term for weight, term in zip(weights, size.terms, strict=True))

    def as_dict(self) -> dict[str, float]:
        """Return the weights as JSON values."""
        return asdict(self)


def terms_of(sizes: Sequence[TaskSize]) -> Tensor:
    """The terms of several sizes, double ``[K, 5]``."""
    return torch.tensor([size.terms for size in sizes], dtype=torch.float64)
