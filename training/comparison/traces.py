"""Measures a learner after some numbers of inner steps, on tasks that are the same for all learners."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from models.backbones.backbone import Params
from models.images.preprocessing import Preprocessing
from models.learner import Learner, Theta, support_loss
from training.datasets.class_images import ClassImages
from training.measures.evaluation import embedded, sampler_of
from training.measures.measured import Protocol, interval_95
from training.progress import bar
from training.tasks.episode_batch import EpisodeBatch
from training.tasks.episodes import EpisodeSampler

PhiOf = Callable[[Sequence[int]], Params]
_IMAGES_AT_ONCE = 1000
_PATIENCE = 2.0  # seconds before a bar appears
_TIMED = 9  # tasks, of whose times the median is told


@dataclass(frozen=True)
class Subject:
    """What is measured: a learner with its phi.

    Attributes:
        learner: the composition.
        phi_of: gives phi for the tasks with these numbers: one for all, or one for each, with a task dimension.
        preprocessing: for the levels that the classes hold.
        device: where to compute.
    """

    learner: Learner
    phi_of: PhiOf
    preprocessing: Preprocessing
    device: torch.device

    def batch(self, sampler: EpisodeSampler, numbers: Sequence[int]) -> EpisodeBatch:
        """Draw the tasks of these numbers, ready for the network."""
        return sampler.episodes(numbers).map_images(self.preprocessing.normalise).to(self.device)


@dataclass(frozen=True)
class Trace:
    """What was measured, on E tasks.

    Attributes:
        steps: the P numbers of inner steps after which it was measured.
        right: right answers of each task, int64 ``[P, E]``.
        answers: number of queries of each task.
        support_loss: mean cross-entropy of the support sets, ``[P]``; empty if it was not asked for.
        query_loss: likewise, of the query sets.
    """

    steps: tuple[int, ...]
    right: Tensor
    answers: int
    support_loss: tuple[float, ...] = ()
    query_loss: tuple[float, ...] = ()

    @property
    def accuracies(self) -> Tensor:
        """Mean over tasks after each number of steps, ``[P]``."""
        return self.right.double().mean(1) / self.answers


def trace(
    subject: Subject, classes: ClassImages, protocol: Protocol, steps: Sequence[int], *, losses: bool = False
) -> Trace:
    """Adapt to each task's support set and answer its queries, each independently, after each of ``steps``.

    Args:
        subject: to measure; one whose inner rule moves nothing is measured after 0 steps, whatever is asked.
        classes: of the tasks.
        protocol: of the tasks.
        steps: numbers of inner steps, in rising order.
        losses: whether to measure support and query losses as well.

    Raises:
        DataError: if classes or images do not suffice for the tasks.
    """
    learner = subject.learner
    if learner.rule.moves == "nothing":
        steps = (0,)
    sampler = sampler_of(classes, protocol)
    at_once = max(1, _IMAGES_AT_ONCE // (protocol.ways * (protocol.shots + protocol.queries)))
    right: list[Tensor] = []
    of_losses: list[Tensor] = []
    shown = bar(protocol.episodes, protocol.describe(), "task", leave=False, delay=_PATIENCE)
    with shown, torch.no_grad():
        kept: Tensor | None = None
        if learner.keeps_features:
            kept = embedded(learner, subject.phi_of(()), subject.preprocessing, classes)
        for first in range(0, protocol.episodes, at_once):
            numbers = range(first, min(first + at_once, protocol.episodes))
            batch = subject.batch(sampler, numbers)
            of_support = None if kept is None else kept[batch.support_places]
            of_queries = None if kept is None else kept[batch.query_places]
            path = learner.path(subject.phi_of(numbers), batch.support, features=of_support, steps=steps[-1])
            found: list[Tensor] = []
            found_losses: list[Tensor] = []
            for step, theta in enumerate(path):
                if step not in steps:
                    continue
                logits = _logits(learner, theta, batch.query_images, of_queries)
                found.append((logits.argmax(-1) == batch.query_labels).sum(1).cpu())
                if losses:
                    own = _logits(learner, theta, batch.support.images, of_support)
                    found_losses.append(_both_losses(own, logits, batch).cpu())
            right.append(torch.stack(found))
            if losses:
                of_losses.append(torch.stack(found_losses))
            shown.update(len(numbers))
    answers = protocol.ways * protocol.queries
    together = torch.cat(right, 1)
    if not losses:
        return Trace(tuple(steps), together, answers)
    means = torch.cat(of_losses, 1).mean(1)
    return Trace(tuple(steps), together, answers, tuple(means[:, 0].tolist()), tuple(means[:, 1].tolist()))


def accuracy_of(found: Trace) -> dict[str, Any]:
    """Accuracy after the last measured step, with its interval and each task's right answers; as JSON values."""
    right = found.right[-1]
    of_tasks = right.double() / found.answers
    return {
        "accuracy": round(float(of_tasks.mean()), 6),
        "interval_95": round(interval_95(of_tasks), 6),
        "right": right.tolist(),
        "answers": found.answers,
    }


def seconds_of_a_task(subject: Subject, classes: ClassImages, protocol: Protocol, steps: int) -> float:
    """Median seconds to adapt to a single task and answer its queries, with nothing reused from earlier ones."""
    sampler, learner = sampler_of(classes, protocol), subject.learner
    spent = []
    for number in range(_TIMED + 1):
        batch, phi = subject.batch(sampler, [number]), subject.phi_of([number])
        start = time.perf_counter()
        with torch.no_grad():
            learner.predict(learner.adapt(phi, batch.support, steps=steps), batch.query_images).cpu()
        spent.append(time.perf_counter() - start)
    return median(spent[1:])  # the first one warms up


def _logits(learner: Learner, theta: Theta, images: Tensor, features: Tensor | None) -> Tensor:
    return learner.predict(theta, images) if features is None else learner.logits(theta, features)


def _both_losses(of_support: Tensor, of_queries: Tensor, batch: EpisodeBatch) -> Tensor:
    """Cross-entropy of each task's support and query set, ``[T, 2]``."""
    support = support_loss(of_support, batch.support.labels, batch.support.balanced_weights())
    queries = cross_entropy(of_queries.transpose(1, 2), batch.query_labels, reduction="none").mean(1)
    return torch.stack([support, queries], 1)
