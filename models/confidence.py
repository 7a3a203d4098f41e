"""How far an answer can be trusted: calibrated probabilities, unknown items, expected accuracy."""

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from models.expectation import Expectation
from models.kernels.row_products import row_products
from models.task_size import BySize, TaskSize

# Shares of known items to keep; for each, the card holds the familiarity that this share of them exceeds.
KEPT = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.999)
KEEP_KNOWN = 0.95  # unless a request says otherwise
_MOST_WEIGHT = 100.0  # bound on the weights of log(temperature), far beyond any that is fitted
_MOST_LOGARITHM = 300.0  # bound on |log(temperature)|, beyond which exp or the division would overflow
_SHARPNESS = 10.0  # factor that turns cosines into logits, where queries are compared with strangers


@dataclass(frozen=True)
class Confidence:
    """Calibration fitted on validation tasks and kept in the card.

    Attributes:
        log_temperature: logarithm of the temperature that divides the logits (Guo et al. 2017, eq. 9), by a
            task's size.
        familiar: for each share in ``KEPT``, the familiarity that this share of the queries of known classes
            exceeds, by a task's size.
        expectation: how to estimate a task's accuracy.
    """

    log_temperature: BySize
    familiar: tuple[BySize, ...]
    expectation: Expectation

    def __post_init__(self) -> None:
        """Raise ValueError for values that would silently spoil every answer."""
        if not all(abs(value) < _MOST_WEIGHT for value in self.log_temperature.as_dict().values()):
            raise ValueError(f"the temperature's weights must be numbers of a few, not {self.log_temperature}")
        if len(self.familiar) != len(KEPT):
            raise ValueError(f"confidence needs {len(KEPT)} familiarities, not {len(self.familiar)}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from what ``as_dict`` returned; ValueError if the shares are not those of ``KEPT``."""
        familiar = values["familiar"]
        if [one["kept"] for one in familiar] != list(KEPT):
            raise ValueError(f"familiarities must be those of {list(KEPT)}")
        return cls(
            log_temperature=BySize.from_dict(values["log_temperature"]),
            familiar=tuple(BySize.from_dict({k: v for k, v in one.items() if k != "kept"}) for one in familiar),
            expectation=Expectation.from_dict(values["expectation"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return {
            "log_temperature": self.log_temperature.as_dict(),
            "familiar": [{"kept": kept, **one.as_dict()} for kept, one in zip(KEPT, self.familiar, strict=True)],
            "expectation": self.expectation.as_dict(),
        }

    def temperature(self, size: TaskSize) -> float:
        """The temperature that divides the logits of tasks of this size.

        With more classes than any task of the fit had, it is that of the most there were: tasks of 40 and 100
        classes were calibrated better so than by extrapolation from 10, and as well as by that from 20.
        """
        within = replace(size, ways=min(size.ways, self.expectation.of_means.most_ways))
        return math.exp(min(max(self.log_temperature.at(within), -_MOST_LOGARITHM), _MOST_LOGARITHM))

    def probabilities(self, logits: Tensor, size: TaskSize) -> Tensor:
        """Probabilities ``[..., N]`` of logits ``[..., N]``, in double precision so that they sum to 1."""
        return torch.softmax(logits.double() / self.temperature(size), dim=-1)

    def known_above(self, size: TaskSize, keep_known: float = KEEP_KNOWN) -> float:
        """The familiarity below which an item counts as unknown.

        Args:
            size: of the task.
            keep_known: the share of items of known classes to accept as known, within the range of ``KEPT``.

        Raises:
            ValueError: for a share outside that range, about which the card says nothing.
        """
        if not KEPT[0] <= keep_known <= KEPT[-1]:
            raise ValueError(
                f"the share of known items to keep must be {KEPT[0]} to {KEPT[-1]}, not {keep_known}"
            )
        upper = bisect.bisect_left(KEPT, keep_known)
        if KEPT[upper] == keep_known:
            return self._threshold(upper, size)
        # Interpolate in the logarithm of the share lost: the familiarity falls about as much from 1 % to 0.1 %
        # lost as from 10 % to 1 %.
        near, far, here = (math.log(1 - share) for share in (KEPT[upper - 1], KEPT[upper], keep_known))
        part = (here - near) / (far - near)
        return (1 - part) * self._threshold(upper - 1, size) + part * self._threshold(upper, size)

    def _threshold(self, place: int, size: TaskSize) -> float:
        """The familiarity for ``KEPT[place]``: to keep more never takes a higher one.

        Each share's was fitted by itself, so with many classes, where they are extrapolated, they may cross. That
        of the usual share stays. Unlike the temperature, they go on growing with the classes: held constant, that
        to keep half of the known items kept 99 % of them at five times the classes of the fit.
        """
        usual = KEPT.index(KEEP_KNOWN)
        if place <= usual:
            return max(one.at(size) for one in self.familiar[place : usual + 1])
        return min(one.at(size) for one in self.familiar[usual : place + 1])


def familiarity(features: Tensor, prototypes: Tensor, strangers: Tensor | None) -> Tensor:
    """How closely each query resembles the task's classes, ``[..., Q]``; higher is more familiar.

    Without strangers it is the cosine to the most similar class mean. With strangers, the means of classes
    outside the task, it is the log-ratio of the query's likelihood under the task's classes to that under the
    strangers, with cosines taken about the strangers' mean (as speakers are verified against a cohort,
    Auckenthaler et al. 2000). This corrects for images that resemble everything, or nothing.

    Args:
        features: ``[..., Q, D]``; like both sets of means, as ``models.cohort`` maps them.
        prototypes: the task's class means, ``[..., N, D]``.
        strangers: means of other classes, ``[K, D]``, or None.
    """
    if strangers is None:
        return _cosines(features, prototypes).amax(-1)
    middle = strangers.mean(0)
    own, others = (_cosines(features - middle, means - middle) for means in (prototypes, strangers))
    return (_SHARPNESS * own).logsumexp(-1) - (_SHARPNESS * others).logsumexp(-1)


def _cosines(features: Tensor, means: Tensor) -> Tensor:
    unit_features = torch.nn.functional.normalize(features, dim=-1)
    unit_means = torch.nn.functional.normalize(means, dim=-1)
    return row_products(unit_features, unit_means)
