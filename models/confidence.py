"""How far an answer can be trusted: calibrated probabilities, items of no class, expected accuracy."""

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from models.expectation import Expectation
from models.task_size import BySize, TaskSize

# Shares of known items to keep, for which the card has the familiarity that so many exceed.
KEPT = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.999)
KEEP_KNOWN = 0.95  # unless a request says otherwise
_MOST_WEIGHT = 100.0  # of a term of log(temperature): far beyond any that is fitted
_MOST_LOGARITHM = 300.0  # of a temperature, either way: of more, exp or the quotient could no longer be taken
_SHARPNESS = 10.0  # of cosines as logits, where items are told from strangers


@dataclass(frozen=True)
class Confidence:
    """Fitted on validation tasks, kept in the card.

    Attributes:
        log_temperature: of what divides the logits (Guo et al. 2017, eq. 9), by a task's size.
        familiar: for each share in ``KEPT``, the familiarity that as many queries of known classes exceed, by a
            task's size.
        expectation: the accuracy to expect.
    """

    log_temperature: BySize
    familiar: tuple[BySize, ...]
    expectation: Expectation

    def __post_init__(self) -> None:
        """Refuse values that would silently spoil every answer."""
        if not all(abs(value) < _MOST_WEIGHT for value in self.log_temperature.as_dict().values()):
            raise ValueError(f"the temperature's weights must be numbers of a few, not {self.log_temperature}")
        if len(self.familiar) != len(KEPT):
            raise ValueError(f"confidence needs {len(KEPT)} familiarities, not {len(self.familiar)}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from ``as_dict``'s answer."""
        familiar = values["familiar"]
        if [one["kept"] for one in familiar] != list(KEPT):
            raise ValueError(f"familiarities must be those of {list(KEPT)}")
        return cls(
            log_temperature=BySize.from_dict(values["log_temperature"]),
            familiar=tuple(BySize.from_dict({k: v for k, v in one.items() if k != "kept"}) for one in familiar),
            expectation=Expectation.from_dict(values["expectation"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the settings as JSON values."""
        return {
            "log_temperature": self.log_temperature.as_dict(),
            "familiar": [{"kept": kept, **one.as_dict()} for kept, one in zip(KEPT, self.familiar, strict=True)],
            "expectation": self.expectation.as_dict(),
        }

    def temperature(self, size: TaskSize) -> float:
        """What divides the logits of tasks of this size."""
        return math.exp(min(max(self.log_temperature.at(size), -_MOST_LOGARITHM), _MOST_LOGARITHM))

    def probabilities(self, logits: Tensor, size: TaskSize) -> Tensor:
        """Probabilities ``[..., N]`` of logits ``[..., N]``, in double precision so that they sum to 1."""
        return torch.softmax(logits.double() / self.temperature(size), dim=-1)

    def known_above(self, size: TaskSize, keep_known: float = KEEP_KNOWN) -> float:
        """The familiarity below which an item fits none of the classes.

        Args:
            size: of the task.
            keep_known: share of items of known classes that are to be told known, between the ends of ``KEPT``.

        Raises:
            ValueError: for a share beyond them, about which the card says nothing.
        """
        if not KEPT[0] <= keep_known <= KEPT[-1]:
            raise ValueError(
                f"the share of known items to keep must be {KEPT[0]} to {KEPT[-1]}, not {keep_known}"
            )
        upper = bisect.bisect_left(KEPT, keep_known)
        if KEPT[upper] == keep_known:
            return self.familiar[upper].at(size)
        # Between two shares, on the scale of what is lost: from 1 % to 0.1 % the familiarity falls by as much as
        # from 10 % to 1 %.
        near, far, here = (math.log(1 - share) for share in (KEPT[upper - 1], KEPT[upper], keep_known))
        part = (here - near) / (far - near)
        return (1 - part) * self.familiar[upper - 1].at(size) + part * self.familiar[upper].at(size)


def familiarity(features: Tensor, prototypes: Tensor, strangers: Tensor | None = None) -> Tensor:
    """How much each query looks like the task's classes, ``[..., Q]``.

    Without strangers it is the cosine similarity to the class mean most like it. With them, means of classes that
    are none of the task's, it is the logarithm of how much likelier the query is of the task's classes than of
    those, cosines being taken about the strangers' mean (as speakers are verified against a cohort, Auckenthaler
    et al. 2000): some images look like everything, and others like nothing.

    Args:
        features: ``[..., Q, D]``, as ``models.cohort`` sees them, like all means here.
        prototypes: ``[..., N, D]``.
        strangers: ``[K, D]``, or None.
    """
    if strangers is None:
        return _cosines(features, prototypes).amax(-1)
    middle = strangers.mean(0)
    own, others = (_cosines(features - middle, means - middle) for means in (prototypes, strangers))
    return (_SHARPNESS * own).logsumexp(-1) - (_SHARPNESS * others).logsumexp(-1)


def _cosines(features: Tensor, means: Tensor) -> Tensor:
    unit_features = torch.nn.functional.normalize(features, dim=-1)
    unit_means = torch.nn.functional.normalize(means, dim=-1)
    return unit_features @ unit_means.transpose(-1, -2)
