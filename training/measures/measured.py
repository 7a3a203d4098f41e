"""What was measured on tasks of one kind, and the figures that follow from it."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from models.confidence import KEEP_KNOWN, Confidence
from models.support_geometry import SupportGeometry
from models.task_size import TaskSize

_Z95 = 1.959964
_BINS = 15


@dataclass(frozen=True)
class Protocol:
    """What is measured.

    Attributes:
        ways: classes of a task.
        shots: support examples of a class.
        queries: query examples of a class.
        episodes: tasks.
        seed: of their draw.
        within_group: draw each task's classes from one group (alphabet).
        strangers: further classes, drawn along with a task's own, whose queries fit none of these.
        same_drawers: of each drawer in a task, take one drawing of each class, as Lake's one-shot runs do.
    """

    ways: int
    shots: int
    queries: int
    episodes: int
    seed: int
    within_group: bool = False
    strangers: int = 0
    same_drawers: bool = False

    @property
    def size(self) -> TaskSize:
        """Of the tasks."""
        return TaskSize.of(self.ways, self.shots)

    @property
    def where(self) -> str:
        """What is alike among a task's images, in words to follow others; empty where nothing is."""
        group = " within one group" if self.within_group else ""
        return f"{group}, same drawers" if self.same_drawers else group

    def describe(self) -> str:
        """The protocol in the field's words."""
        return f"{self.ways}-way {self.shots}-shot{self.where}"


@dataclass(frozen=True)
class Measured:
    """Answers on ``episodes`` tasks.

    Attributes:
        protocol: of the tasks.
        accuracies: of each task, ``[E]``.
        logits: of each query, ``[E, Q, N]``.
        labels: of each query, ``[E, Q]``.
        class_ids: which class of the data set each label stands for, ``[E, N]``.
        familiarities: of each query to its nearest class mean, ``[E, Q]`` (see ``models.confidence``).
        strange: the same of the strangers' queries, ``[E, strangers * queries]``.
        geometry: of the support sets, one for each batch of tasks, in order.
        outline: of the classes that tasks were drawn from (see ``ClassImages``).
    """

    protocol: Protocol
    accuracies: Tensor
    logits: Tensor
    labels: Tensor
    class_ids: Tensor
    familiarities: Tensor
    strange: Tensor
    geometry: tuple[SupportGeometry, ...]
    outline: str

    @property
    def accuracy(self) -> float:
        """Mean over tasks."""
        return float(self.accuracies.mean())

    @property
    def interval(self) -> float:
        """Half width of the mean's 95% interval, over tasks."""
        return interval_95(self.accuracies)

    def gain_over(self, other: Self) -> tuple[float, float]:
        """Mean difference of accuracy to another learner's on the same tasks, and half of its 95% interval.

        Raises:
            ValueError: where the tasks are not the same.
        """
        self._check_same_tasks(other)
        gains = self.accuracies - other.accuracies
        return float(gains.mean()), float(_Z95 * gains.std() / math.sqrt(len(gains)))

    def shared_mistakes(self, other: Self) -> tuple[float, float]:
        """Share of the wrong answers that another learner has wrong, too, and that it has wrong alike.

        Raises:
            ValueError: where the tasks are not the same.
        """
        self._check_same_tasks(other)
        answers, others = self.logits.argmax(-1), other.logits.argmax(-1)
        wrong = answers != self.labels
        too = wrong & (others != self.labels)
        of = max(1, int(wrong.sum()))  # none of none are shared
        return int(too.sum()) / of, int((too & (answers == others)).sum()) / of

    def _check_same_tasks(self, other: Self) -> None:
        same = (
            self.protocol == other.protocol
            and self.outline == other.outline
            and torch.equal(self.class_ids, other.class_ids)
            and torch.equal(self.labels, other.labels)
        )
        if not same:
            raise ValueError("only answers on the same tasks can be compared task by task")

    def calibration_error(self, confidence: Confidence) -> float:
        """Expected calibration error over 15 equal bins of confidence (Guo et al. 2017, eq. 3)."""
        probability, answer = confidence.probabilities(self.logits, self.protocol.size).max(-1)
        right = (answer == self.labels).double().flatten()
        probability = probability.flatten()
        bins = (probability * _BINS).long().clamp_max(_BINS - 1)
        gaps = torch.zeros(_BINS, dtype=torch.float64).index_add_(0, bins, right - probability)
        return float(gaps.abs().sum() / len(right))

    def unknown(self, confidence: Confidence, keep_known: float = KEEP_KNOWN) -> "UnknownMeasured":
        """How well the strangers' queries are told from those of a task's own classes."""
        threshold = confidence.known_above(self.protocol.size, keep_known)
        known, strange = self.familiarities.flatten().double(), self.strange.flatten().double()
        return UnknownMeasured(
            auroc=_auroc(known, strange),
            kept=float((known >= threshold).double().mean()),
            flagged=float((strange < threshold).double().mean()),
        )

    def estimates(self, confidence: Confidence) -> "EstimatesMeasured":
        """How well the accuracies could be told from the support sets alone."""
        found = [one for geometry in self.geometry for one in confidence.expectation.estimates(geometry)]
        rows = [(one.accuracy, one.low, one.high) for one in found]
        expected, low, high = torch.tensor(rows, dtype=torch.float64).unbind(1)
        # Estimates are rounded; an accuracy that lies on an end is held.
        held = (self.accuracies >= low - 1e-4) & (self.accuracies <= high + 1e-4)
        return EstimatesMeasured(
            coverage=float(held.double().mean()),
            width=float((high - low).mean()),
            error=float((expected - self.accuracies).abs().mean()),
        )


@dataclass(frozen=True)
class UnknownMeasured:
    """How well items of no class are told.

    Attributes:
        auroc: probability that a query of a known class is more familiar than one of no class.
        kept: share of the queries of known classes that are told known.
        flagged: share of the queries of no class that are told unknown.
    """

    auroc: float
    kept: float
    flagged: float


@dataclass(frozen=True)
class EstimatesMeasured:
    """How well accuracies are told from support sets.

    Attributes:
        coverage: share of the tasks whose accuracy lies in its interval.
        width: mean width of the intervals.
        error: mean distance of the expected from the measured accuracy.
    """

    coverage: float
    width: float
    error: float


def interval_95(of_tasks: Tensor) -> float:
    """Half width of the 95% interval of the mean of one value a task, ``[E]``."""
    return float(_Z95 * of_tasks.std() / math.sqrt(len(of_tasks)))


def _auroc(positive: Tensor, negative: Tensor) -> float:
    """Area under the receiver's curve: the share of pairs in the right order, ties by half (Mann-Whitney)."""
    ordered = negative.sort().values
    below = torch.searchsorted(ordered, positive, right=False) + torch.searchsorted(ordered, positive, right=True)
    return float(below.double().mean() / (2 * len(negative)))
