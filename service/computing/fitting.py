"""Turns a handful of labelled images into a classifier: for one task, or for several callers' tasks as one batch.

Before anything is computed, examples and classes are put into an order that depends on the images' bytes alone,
so neither the order of an upload nor the names of the classes can change a bit of an answer. Copies of an image
within a class are one example: as several they would pass for evidence that there is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan

import torch
from torch import Tensor

from models.expectation import Estimate
from models.initialization import Initialization
from models.learner import Theta
from models.support import Support
from models.support_geometry import LeftOutLabels, SupportGeometry
from service.computing.classifier import AT_ONCE, Check, Classifier, Known, LeftOut
from service.computing.sharing import Through, directly
from service.problems import Problem


@dataclass(frozen=True)
class Shot:
    """A support example as fitting sees it.

    Attributes:
        label: its class's label.
        filename: as the caller named it.
        identity: the stored example's id, None where nothing is kept.
        digest: sha256 of the file, in hexadecimal, which orders and identifies it.
        input: preprocessed pixels, float ``[C, H, W]``, or, if ``embedded``, features ``[D]`` under phi.
        embedded: whether ``input`` holds features.
    """

    label: str
    filename: str
    identity: str | None
    digest: str
    input: Tensor
    embedded: bool = False


def embed(
    initialization: Initialization, tasks: Sequence[Sequence[Shot]], check: Check, through: Through = directly
) -> list[list[Shot]]:
    """Replace pixels by features where the learner's features do not depend on the task.

    Pixels and new features are copied, as a view of a batch would keep all of it in memory. ``check`` is called
    before each batch, and ``through`` computes its features.
    """
    if not initialization.learner.keeps_features:
        return [[replace(shot, input=shot.input.clone()) for shot in shots] for shots in tasks]
    pixels = [shot.input for shots in tasks for shot in shots if not shot.embedded]
    features: list[Tensor] = []
    operations = initialization.learner.backbone.operations
    for first in range(0, len(pixels), AT_ONCE):
        check()
        images = torch.stack(pixels[first : first + AT_ONCE])
        features += through(initialization.embedding, images, operations).unbind()
    found = iter(features)
    return [
        [shot if shot.embedded else replace(shot, input=next(found).clone(), embedded=True) for shot in shots]
        for shots in tasks
    ]


def fit(initialization: Initialization, shots: Sequence[Shot], check: Check) -> Classifier:
    """Adapt an initialization to one support set; raises a 422 Problem if it diverges.

    ``check`` is called before each batch of images and each inner step; what it raises ends the work.
    """
    (fitted,) = fit_together(initialization, embed(initialization, [shots], check), check)
    if isinstance(fitted, Problem):
        raise fitted
    return fitted


def fit_together(
    initialization: Initialization, tasks: Sequence[Sequence[Shot]], check: Check
) -> list[Classifier | Problem]:
    """Adapt an initialization to several support sets as one batch of tasks, independent of each other.

    Args:
        initialization: its phi is only read.
        tasks: each task's examples as ``embed`` gives them, in any order, of at least two classes; of copies
            within a class, one is taken.
        check: called before each inner step; what it raises ends the whole batch.

    Returns:
        A classifier for each task, or a 422 Problem in its place if the adaptation diverged.
    """
    learner = initialization.learner
    ordered = [_canonical(shots) for shots in tasks]
    support, inputs = _padded(ordered)
    known = inputs if learner.keeps_features else None
    with torch.no_grad():
        theta = learner.adapt(initialization.phi, support, features=known, on_step=lambda _: check())
        features = learner.features(theta, support.images) if known is None else known
        parted = learner.split(initialization.phi, theta)
        means = initialization.cohort.means(features, support)
        geometry, expectation = SupportGeometry.of(features, support), initialization.confidence.expectation
        estimates, judged = expectation.estimates(geometry), geometry.left_out_labels(expectation.sharpness)
    return [
        _classifier(
            initialization,
            labels,
            shots,
            of_task,
            of_shots[: len(shots)],
            of_classes[: len(labels)].clone(),
            estimate,
            LeftOutLabels(*labels_judged),
        )
        for (labels, shots), of_task, of_shots, of_classes, estimate, *labels_judged in zip(
            ordered, parted, features, means, estimates, *judged, strict=True
        )
    ]


def _padded(ordered: Sequence[tuple[tuple[str, ...], list[Shot]]]) -> tuple[Support, Tensor]:
    """Pad tasks to the largest, as one batched support set; give it with its inputs, images or features."""
    first = ordered[0][1][0]
    shape = (len(ordered), max(len(shots) for _, shots in ordered))
    inputs = first.input.new_zeros(*shape, *first.input.shape)
    numbers, weights = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape)
    for task, (labels, shots) in enumerate(ordered):
        inputs[task, : len(shots)] = torch.stack([shot.input for shot in shots])
        numbers[task, : len(shots)] = torch.tensor([labels.index(shot.label) for shot in shots])
        weights[task, : len(shots)] = 1
    images = inputs[..., :0] if first.embedded else inputs
    return Support(images, numbers, weights, torch.tensor([len(labels) for labels, _ in ordered])), inputs


def _classifier(
    initialization: Initialization,
    labels: tuple[str, ...],
    shots: Sequence[Shot],
    theta: Theta,
    features: Tensor,
    means: Tensor,
    estimate: Estimate,
    judged: LeftOutLabels,
) -> Classifier | Problem:
    """Complete one task's theta with its examples' features ``[S, D]``, class means ``[N, D]`` and estimate.

    ``judged`` are the labels of its examples, and of those that pad them.
    """
    theta = Theta.from_tensors(theta.tensors())
    moved = theta.tensors() if initialization.learner.rule.moves_body else theta.head
    if not all(bool(value.isfinite().all()) for value in (*moved.values(), features)):
        return Problem(
            422,
            f"adapting {initialization.name} to these examples gave numbers that are not finite; "
            "try another model or other examples",
            title="Adaptation diverged",
            field="support",
        )
    known = tuple(Known(shot.label, shot.filename, shot.identity) for shot in shots)
    return Classifier(
        model=initialization.name,
        version=initialization.version,
        learner=initialization.learner,
        preprocessing=initialization.preprocessing,
        confidence=initialization.confidence,
        labels=labels,
        known=known,
        directions=torch.nn.functional.normalize(features, dim=1),
        means=means,
        cohort=initialization.cohort,
        theta=theta,
        embedding=initialization.embedding if initialization.learner.keeps_features else None,
        estimate=estimate,
        left_out=_left_out(known, labels, judged),
    )


def _left_out(known: Sequence[Known], labels: Sequence[str], judged: LeftOutLabels) -> tuple[LeftOut, ...]:
    of_each = zip(known, *(one[: len(known)].tolist() for one in judged), strict=True)
    found = [
        LeftOut(one, own, labels[likeliest], doubtful)
        for one, own, likeliest, doubtful in of_each
        if not isnan(own)
    ]
    return tuple(sorted(found, key=lambda one: one.probability))


def _canonical(shots: Sequence[Shot]) -> tuple[tuple[str, ...], list[Shot]]:
    """Order different examples by their bytes and classes by their examples; names and labels only break ties."""
    classes: dict[str, dict[str, Shot]] = {}
    for shot in sorted(shots, key=lambda one: (one.digest, one.filename, one.identity or "")):
        classes.setdefault(shot.label, {}).setdefault(shot.digest, shot)
    labels = sorted(classes, key=lambda label: (list(classes[label]), label))
    return tuple(labels), [shot for label in labels for shot in classes[label].values()]
