"""Answers on tasks of one kind, and the figures computed from them."""

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
    """The tasks to measure on.

    Attributes:
        ways: classes of a task.
        shots: support examples of a class.
        queries: query examples of a class.
        episodes: number of tasks.
        seed: by which tasks are drawn.
        within_group: whether each task's classes come from one group (alphabet).
        strangers: further classes drawn with each task, without support examples; their queries are of unknown
            classes.
        same_drawers: whether a task takes one drawing of each class from each of its drawers, as Lake's one-shot
            runs do.
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
        """The size of the tasks, without strangers."""
        return TaskSize.of(self.ways, self.shots)

    @property
    def where(self) -> str:
        """What a task's images have in common, as words to append to others; empty if nothing."""
        group = " within one group" if self.within_group else ""
        return f"{group}, same drawers" if self.same_drawers else group

    def describe(self) -> str:
        """Name the tasks as the field does, for example ``5-way 1-shot within one group``."""
        return f"{self.ways}-way {self.shots}-shot{self.where}"


@dataclass(frozen=True)
class Measured:
    """Answers on E tasks of N ways, with Q queries each besides those of strangers.

    Attributes:
        protocol: of the tasks.
        accuracies: double ``[E]``, in 0..1.
        logits: of the queries, ``[E, Q, N]``.
        labels: of the queries, int64 ``[E, Q]``.
        class_ids: the class of the data set that each label stands for, int64 ``[E, N]``.
        familiarities: of the queries with the task's classes, ``[E, Q]`` (see ``models.confidence.familiarity``).
        strange: likewise of the strangers' queries, ``[E, strangers * queries]``.
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
        """Mean accuracy over tasks."""
        return float(self.accuracies.mean())

    @property
    def interval(self) -> float:
        """Half the width of the mean accuracy's 95% interval over tasks."""
        return interval_95(self.accuracies)

    def gain_over(self, other: Self) -> tuple[float, float]:
        """Mean accuracy gained over another learner on the same tasks, and half the width of its 95% interval.

        Raises:
            ValueError: if the tasks are not the same.
        """
        self._check_same_tasks(other)
        gains = self.accuracies - other.accuracies
        return float(gains.mean()), interval_95(gains)

    def shared_mistakes(self, other: Self) -> tuple[float, float]:
        """Shares of the wrong answers where another learner is wrong, too, and where it gives the same answer.

        Both are 0 if no answer is wrong.

        Raises:
            ValueError: if the tasks are not the same.
        """
        self._check_same_tasks(other)
        answers, others = self.logits.argmax(-1), other.logits.argmax(-1)
        wrong = answers != self.labels
        too = wrong & (others != self.labels)
        of = max(1, int(wrong.sum()))
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
        """How well strangers' queries are told from known ones, of which a share ``keep_known`` is to be kept."""
        threshold = confidence.known_above(self.protocol.size, keep_known)
        known, strange = self.familiarities.flatten().double(), self.strange.flatten().double()
        return UnknownMeasured(
            auroc=_auroc(known, strange),
            kept=float((known >= threshold).double().mean()),
            flagged=float((strange < threshold).double().mean()),
        )

    def estimates(self, confidence: Confidence) -> "EstimatesMeasured":
        """How well the accuracies are estimated from the support sets alone."""
        found = [one for geometry in self.geometry for one in confidence.expectation.estimates(geometry)]
        rows = [(one.accuracy, one.low, one.high) for one in found]
        expected, low, high = torch.tensor(rows, dtype=torch.float64).unbind(1)
        # Estimates are rounded, and an accuracy at an end of its interval counts as held.
        held = (self.accuracies >= low - 1e-4) & (self.accuracies <= high + 1e-4)
        return EstimatesMeasured(
            coverage=float(held.double().mean()),
            width=float((high - low).mean()),
            error=float((expected - self.accuracies).abs().mean()),
        )


@dataclass(frozen=True)
class UnknownMeasured:
    """How well queries of unknown classes are recognised; known classes are a task's own.

    Attributes:
        auroc: probability that a query of a known class is more familiar than one of an unknown class.
        kept: share of the queries of known classes that are accepted as known.
        flagged: share of the queries of unknown classes that are flagged unknown.
    """

    auroc: float
    kept: float
    flagged: float


@dataclass(frozen=True)
class EstimatesMeasured:
    """How well accuracies are estimated from support sets.

    Attributes:
        coverage: share of the tasks whose measured accuracy lies in its estimated interval.
        width: mean width of the intervals, in 0..1.
        error: mean absolute difference of expected and measured accuracy.
    """

    coverage: float
    width: float
    error: float


def interval_95(of_tasks: Tensor) -> float:
    """Half the width of the 95% interval of the mean of one value per task, ``[E]``; NaN for a single task."""
    return float(_Z95 * of_tasks.std() / math.sqrt(len(of_tasks)))


def _auroc(positive: Tensor, negative: Tensor) -> float:
    """Area under the ROC curve: the share of pairs in the right order, ties counting half (Mann-Whitney)."""
    ordered = negative.sort().values
    below = torch.searchsorted(ordered, positive, right=False) + torch.searchsorted(ordered, positive, right=True)
    return float(below.double().mean() / (2 * len(negative)))
