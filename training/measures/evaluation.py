"""Measures a learner on tasks of classes that training never saw, inductively."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from models.confidence import Confidence, familiarity
from models.conv4 import Params
from models.heads import prototypes
from models.images.preprocessing import Preprocessing
from models.learner import Learner
from training.datasets.class_images import ClassImages
from training.tasks.episodes import EpisodeSampler

_Z95 = 1.959964
_IMAGES_AT_ONCE = 1000
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
    """

    ways: int
    shots: int
    queries: int
    episodes: int
    seed: int
    within_group: bool = False

    def describe(self) -> str:
        """The protocol in the field's words."""
        where = " within one group" if self.within_group else ""
        return f"{self.ways}-way {self.shots}-shot{where}"


@dataclass(frozen=True)
class Measured:
    """Answers on ``episodes`` tasks.

    Attributes:
        accuracies: of each task, ``[E]``.
        logits: of each query, ``[E, Q, N]``.
        labels: of each query, ``[E, Q]``.
        familiarities: of each query to its nearest class mean, ``[E, Q]`` (see ``models.confidence``).
    """

    accuracies: Tensor
    logits: Tensor
    labels: Tensor
    familiarities: Tensor

    @property
    def accuracy(self) -> float:
        """Mean over tasks."""
        return float(self.accuracies.mean())

    @property
    def interval(self) -> float:
        """Half width of the mean's 95% interval, over tasks."""
        return float(_Z95 * self.accuracies.std() / math.sqrt(len(self.accuracies)))

    def calibration_error(self, confidence: Confidence) -> float:
        """Expected calibration error over 15 equal bins of confidence (Guo et al. 2017, eq. 3)."""
        probability, answer = confidence.probabilities(self.logits).max(-1)
        right = (answer == self.labels).double().flatten()
        probability = probability.flatten()
        bins = (probability * _BINS).long().clamp_max(_BINS - 1)
        gaps = torch.zeros(_BINS, dtype=torch.float64).index_add_(0, bins, right - probability)
        return float(gaps.abs().sum() / len(right))


def measure(
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    classes: ClassImages,
    protocol: Protocol,
    *,
    inner_steps: int | None = None,
    progress: bool = False,
) -> Measured:
    """Adapt to each task's support set and answer its queries; no query informs another's answer.

    Args:
        learner: the composition.
        phi: its parameters.
        preprocessing: for the levels that ``classes`` holds.
        classes: that training never saw.
        protocol: of the tasks.
        inner_steps: None for the learner's own number; 0 not to adapt.
        progress: show a bar.
    """
    sampler = EpisodeSampler(
        classes,
        ways=protocol.ways,
        shots=protocol.shots,
        queries=protocol.queries,
        seed=protocol.seed,
        within_group=float(protocol.within_group),
    )
    at_once = max(1, _IMAGES_AT_ONCE // (protocol.ways * (protocol.shots + protocol.queries)))
    parts: list[tuple[Tensor, ...]] = []
    bar = tqdm(total=protocol.episodes, desc=protocol.describe(), unit="task", disable=not progress, leave=False)
    device = next(iter(phi.values())).device
    with bar, torch.no_grad():
        kept = _embedded(learner, phi, preprocessing, classes) if learner.keeps_features else None
        for first in range(0, protocol.episodes, at_once):
            numbers = range(first, min(first + at_once, protocol.episodes))
            batch = sampler.episodes(numbers).to(device)
            if kept is None:
                batch = batch.map_images(preprocessing.normalise)
                theta = learner.adapt(phi, batch.support, steps=inner_steps)
                of_support = learner.features(theta, batch.support.images)
                features = learner.features(theta, batch.query_images)
            else:
                of_support = kept[batch.support_places]
                theta = learner.adapt(phi, batch.support, features=of_support, steps=inner_steps)
                features = kept[batch.query_places]
            logits = learner.logits(theta, features)
            right = (logits.argmax(-1) == batch.query_labels).double().mean(1)
            found = (
                right,
                logits,
                batch.query_labels,
                familiarity(features, prototypes(of_support, batch.support)),
            )
            parts.append(tuple(one.cpu() for one in found))
            bar.update(len(right))
    accuracies, logits, labels, familiarities = (torch.cat(column) for column in zip(*parts, strict=True))
    return Measured(accuracies, logits, labels, familiarities)


def _embedded(learner: Learner, phi: Params, preprocessing: Preprocessing, classes: ClassImages) -> Tensor:
    """Features ``[M, D]`` of all images: many tasks ask for each of them."""
    device = next(iter(phi.values())).device
    chunks = (chunk.to(device) for chunk in classes.images.split(_IMAGES_AT_ONCE // 4))
    return torch.cat([learner.embed(phi, preprocessing.normalise(chunk)[None])[0] for chunk in chunks])
