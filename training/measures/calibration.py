"""Fits the confidence that a card holds, on validation tasks alone."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.confidence import KEPT, Confidence
from models.images.preprocessing import Preprocessing
from models.learner import Learner
from models.task_size import BySize, terms_of
from training.datasets.class_images import ClassImages
from training.measures.alike_classes import of_each
from training.measures.evaluation import measure
from training.measures.expectation_fit import fit_expectation
from training.measures.inherited import Inherited, too_few_wrong
from training.measures.measured import Measured, Protocol
from training.measures.regressions import linear_weights, weights_of

CALIBRATION_SEED = 40_000  # not that of the tasks that chose phi, nor of those that are reported
QUERIES = 15  # of a class, by which the accuracy is measured that an estimate's interval should contain
_WAYS, _SHOTS = (2, 5, 10, 20), (1, 2, 3, 5, 10)
_FEWER = 5  # times as many tasks of a size have different classes as have classes that are one and the same


def calibrate(
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    classes: ClassImages,
    tasks: int,
    *,
    features: Tensor | None,
    inherited: Inherited | None = None,
) -> Confidence:
    """Fit confidence on tasks of each size that the classes allow, within groups and across them.

    Args:
        learner: the composition.
        phi: its parameters.
        preprocessing: for the levels that ``classes`` holds.
        classes: the validation classes.
        tasks: tasks of each size.
        features: of all images, ``[M, D]``; None to compute them (see ``measure``).
        inherited: what is returned instead, if there is any, where too few answers are wrong.
    """

    def measured(of: ClassImages, protocol: Protocol, known: Tensor | None) -> Measured:
        return measure(learner, phi, preprocessing, of, protocol, features=known, progress=True)

    fitted = [measured(classes, protocol, features) for protocol in protocols(classes, tasks)]
    if inherited is not None and too_few_wrong(fitted, int(classes.counts.sum())):
        return inherited.confidence
    alike = [
        measured(some, protocol, known)
        for some, known in of_each(classes, features, CALIBRATION_SEED)
        for protocol in protocols(some, max(1, tasks // _FEWER))
        if protocol.within_group
    ]
    return fit_confidence(fitted, alike)


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


def fit_confidence(fitted: Sequence[Measured], alike: Sequence[Measured] = ()) -> Confidence:
    """Fit temperature, familiarity thresholds and expected accuracy.

    Each protocol counts the same for the first two.

    Args:
        fitted: answers on tasks of several sizes; at least one with several shots.
        alike: for the expected accuracy, answers on tasks of which some classes are one and the same.
    """
    return Confidence(
        log_temperature=_fit_temperature(fitted),
        familiar=_fit_familiar(fitted),
        expectation=fit_expectation(fitted, alike),
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
