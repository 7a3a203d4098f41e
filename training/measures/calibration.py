"""Fits the confidence that a card holds, on validation tasks alone."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.confidence import KEPT, Confidence
from models.expectation import Expectation, Expected, hints, hints_of_chance, interval_terms, stretched
from models.images.preprocessing import Preprocessing
from models.learner import Learner
from models.support_geometry import SupportGeometry
from models.task_size import BySize, TaskSize, terms_of
from training.datasets.class_images import ClassImages
from training.measures.evaluation import measure
from training.measures.measured import Measured, Protocol
from training.measures.regressions import (
    falling_logistic_weights,
    linear_weights,
    minimised,
    quantile_weights,
    weights_of,
)

CALIBRATION_SEED = 40_000  # not that of the tasks that chose phi, nor of those that are reported
QUERIES = 15  # of a class, by which the accuracy is measured that an estimate's interval should contain
_WAYS, _SHOTS = (2, 5, 10, 20), (1, 2, 3, 5, 10)
_TAIL = 0.025  # share of the tasks on either side of an estimate's interval


def calibrate(
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    classes: ClassImages,
    tasks: int,
    *,
    features: Tensor | None,
) -> Confidence:
    """Fit confidence on tasks of each size that the classes allow, within groups and across them.

    Args:
        learner: the composition.
        phi: its parameters.
        preprocessing: for the levels that ``classes`` holds.
        classes: the validation classes.
        tasks: tasks of each size.
        features: of all images, ``[M, D]``; None to compute them (see ``measure``).
    """
    return fit_confidence(
        [
            measure(learner, phi, preprocessing, classes, protocol, features=features, progress=True)
            for protocol in protocols(classes, tasks)
        ]
    )


def protocols(classes: ClassImages, tasks: int) -> Iterator[Protocol]:
    """The protocols to fit on: 2 to 20 ways and 1 to 10 shots, as far as there are classes and images."""
    largest_group = max(classes.groups.count(group) for group in set(classes.groups))
    fewest = int(classes.counts.min())
    for within_group in (False, True):
        most_ways = largest_group if within_group else len(classes)
        if within_group and largest_group == len(classes):
            continue  # one group: the tasks within it are those across
        for ways in (ways for ways in _WAYS if ways <= most_ways):
            for shots in (shots for shots in _SHOTS if shots < fewest):
                queries = min(QUERIES, fewest - shots)
                yield Protocol(ways, shots, queries, tasks, CALIBRATION_SEED, within_group)


def fit_confidence(fitted: Sequence[Measured]) -> Confidence:
    """Fit temperature, familiarity thresholds and expected accuracy.

    Each protocol counts the same for the first two, each task for the third.

    Args:
        fitted: answers on tasks of several sizes; at least one with several shots.
    """
    return Confidence(
        log_temperature=_fit_temperature(fitted),
        familiar=_fit_familiar(fitted),
        expectation=_fit_expectation(fitted),
    )


def _by_size(weights: Tensor) -> BySize:
    return BySize(*weights.tolist())


def _fit_temperature(fitted: Sequence[Measured]) -> BySize:
    data = [(entry.logits.flatten(0, 1).double(), entry.labels.flatten()) for entry in fitted]
    terms = terms_of([entry.protocol.size for entry in fitted])

    def loss(given: Tensor, weights: Tensor) -> Tensor:
        losses = [
            torch.nn.functional.cross_entropy(logits * scale, labels)
            for (logits, labels), scale in zip(data, (-given @ weights).exp(), strict=True)
        ]
        return torch.stack(losses).mean()

    return _by_size(weights_of(terms, loss))


def _fit_familiar(fitted: Sequence[Measured]) -> tuple[BySize, ...]:
    terms = terms_of([entry.protocol.size for entry in fitted])
    lost = 1 - torch.tensor(KEPT, dtype=torch.float64)
    thresholds = torch.stack([entry.familiarities.flatten().double().quantile(lost) for entry in fitted])
    return tuple(_by_size(linear_weights(terms, of_share)) for of_share in thresholds.unbind(1))


def _fit_expectation(fitted: Sequence[Measured]) -> Expectation:
    several = [entry for entry in fitted if entry.protocol.shots > 1]
    sharpness = _fit_sharpness([one for entry in several for one in entry.geometry])
    return Expectation(
        sharpness=sharpness,
        of_means=_fit_expected(fitted, sharpness, left_out=False),
        of_left_out=_fit_expected(several, sharpness, left_out=True),
    )


def _fit_sharpness(geometries: Sequence[SupportGeometry]) -> float:
    """Fit the sharpness by which left-out examples most likely have their own class; batches count the same."""

    def loss(log_sharpness: Tensor) -> Tensor:
        losses = [
            torch.nn.functional.cross_entropy(
                one.left_out_logits(1.0).flatten(0, 1) * log_sharpness.exp(), one.support.labels.flatten()
            )
            for one in geometries
        ]
        return torch.stack(losses).mean()

    return float(minimised(loss, 1).exp())


def _fit_expected(fitted: Sequence[Measured], sharpness: float, *, left_out: bool) -> Expected:
    given = torch.cat([hints(one, sharpness, left_out=left_out) for entry in fitted for one in entry.geometry])
    reached = torch.cat([entry.accuracies for entry in fitted])
    sizes = [entry.protocol.size for entry in fitted]
    weights = _fit_accuracy(
        given, reached, sizes, sum(entry.labels.numel() for entry in fitted), left_out=left_out
    )
    expected = (given @ weights).sigmoid()
    terms, off = interval_terms(given, expected), stretched(reached) - stretched(expected)
    return Expected(
        accuracy=tuple(weights.tolist()),
        below=tuple(quantile_weights(terms, -off, 1 - _TAIL).tolist()),
        above=tuple(quantile_weights(terms, off, 1 - _TAIL).tolist()),
        most_ways=max(size.ways for size in sizes),
    )


def _fit_accuracy(
    given: Tensor, reached: Tensor, sizes: Sequence[TaskSize], answers: int, *, left_out: bool
) -> Tensor:
    """Fit weights ``[H]`` that predict accuracies ``[K]`` from hints ``[K, H]``, but never with certainty.

    If none of the ``answers`` answers to all tasks was wrong, that does not mean that none ever is: half of one
    is taken to be. One more task, spread over all sizes, has classes that are all alike: if no measured task was
    hard, it shows by which hints a hard one is recognised.
    """
    alike = torch.stack([hints_of_chance(size, left_out=left_out) for size in sizes])
    chance = torch.tensor([1 / size.ways for size in sizes], dtype=torch.float64)
    counts = torch.cat([torch.ones_like(reached), torch.full_like(chance, 1 / len(sizes))])
    shares = torch.cat([reached.clamp_max(1 - 0.5 / answers), chance])
    return falling_logistic_weights(torch.cat([given, alike]), shares, counts / counts.mean())
