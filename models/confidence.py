"""How far an answer can be trusted: calibrated probabilities, items of no class, expected accuracy."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor

_Z95 = 1.959964  # two-sided 95% quantile of the normal distribution


@dataclass(frozen=True)
class Estimate:
    """An accuracy in 0..1 with the interval that holds it in 95 of 100 cases."""

    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Expected:
    """Accuracy over validation tasks of one size: their mean, and the range of 95% of single tasks."""

    ways: int
    shots: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Confidence:
    """Fitted on validation tasks, kept in the card.

    Attributes:
        temperature: divides the logits (Guo et al. 2017, eq. 9).
        known_above: an item whose cosine similarity to every class mean is lower fits none of the classes;
            the similarity that 95% of the queries of known classes exceed.
        expected: what validation tasks of several sizes reached.
    """

    temperature: float
    known_above: float
    expected: tuple[Expected, ...]

    def __post_init__(self) -> None:
        """Refuse values that would silently spoil every answer."""
        if not self.temperature > 0:
            raise ValueError(f"the temperature must be positive, not {self.temperature}")
        if not self.expected:
            raise ValueError("confidence needs the expected accuracy of at least one size of task")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from ``as_dict``'s answer."""
        return cls(
            temperature=float(values["temperature"]),
            known_above=float(values["known_above"]),
            expected=tuple(Expected(**entry) for entry in values["expected"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the settings as JSON values."""
        return asdict(self)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities ``[..., N]`` of logits ``[..., N]``, in double precision so that they sum to 1."""
        return torch.softmax(logits.double() / self.temperature, dim=-1)

    def unknown(self, features: Tensor, prototypes: Tensor) -> Tensor:
        """Which of the queries fit none of the classes, bool ``[..., Q]`` (see ``familiarity``)."""
        return familiarity(features, prototypes) < self.known_above

    def expected_accuracy(self, ways: int, shots: float) -> Estimate:
        """What validation tasks nearest in size (on logarithmic scales) reached; shots may be a mean."""

        def distance(entry: Expected) -> float:
            size = torch.tensor([ways / entry.ways, shots / entry.shots], dtype=torch.float64)
            return float(size.log().abs().sum())

        nearest = min(self.expected, key=distance)
        return Estimate(nearest.accuracy, nearest.low, nearest.high)


def familiarity(features: Tensor, prototypes: Tensor) -> Tensor:
    """Cosine similarity of each query to the class mean most like it, ``[..., Q]``.

    Args:
        features: ``[..., Q, D]``.
        prototypes: ``[..., N, D]``.
    """
    unit_features = torch.nn.functional.normalize(features, dim=-1)
    unit_prototypes = torch.nn.functional.normalize(prototypes, dim=-1)
    return (unit_features @ unit_prototypes.transpose(-1, -2)).amax(-1)


def leave_one_out(features: Tensor, labels: Tensor) -> Estimate | None:
    """Estimate a task's accuracy from its support set: class each example by the means of all others.

    Args:
        features: ``[S, D]`` of the support images.
        labels: ``[S]``, 0..N-1.

    Returns:
        The mean over classes with its Wilson interval, or None where a class has a single example.
    """
    counts = torch.bincount(labels)
    if int(counts.min()) < 2:
        return None
    one_hot = torch.nn.functional.one_hot(labels).to(features.dtype)
    sums = one_hot.T @ features
    distances = torch.cdist(features, sums / counts[:, None])
    own_means = (sums[labels] - features) / (counts[labels] - 1)[:, None]
    distances[torch.arange(len(labels)), labels] = (features - own_means).norm(dim=1)
    right = (distances.argmin(1) == labels).double()
    accuracy = float(((one_hot.double().T @ right) / counts).mean())
    return Estimate(accuracy, *_wilson(accuracy, len(labels)))


def _wilson(share: float, trials: int) -> tuple[float, float]:
    """The 95% interval of a proportion (Wilson 1927)."""
    spread = _Z95**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = (_Z95 / (1 + spread)) * ((share * (1 - share) + spread / 4) / trials) ** 0.5
    # Rounding must not put the interval's end inside of the share.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
