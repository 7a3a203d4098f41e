"""What inner steps gain: accuracy by their number and by shots, and where tasks choose the number themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from models.backbones.backbone import Params
from models.initialization import Initialization
from models.learner import RATES
from training.datasets.class_images import ClassImages
from training.measures.evaluation import embedded, measure
from training.measures.measured import Measured, Protocol


@dataclass(frozen=True)
class Point:
    """Accuracy after some inner steps, over the tasks of one size.

    Attributes:
        shots: support examples of a class.
        steps: inner steps of every task, or None if each task chose its own number by its held-out examples.
        accuracy: mean over tasks, in 0..1.
        gain: mean over tasks of the accuracy minus that without inner steps.
        interval: half the width of the gain's 95 % interval.
        worst: the lowest gain of any task.
    """

    shots: int
    steps: int | None
    accuracy: float
    gain: float
    interval: float
    worst: float


def curves(
    initialization: Initialization,
    classes: ClassImages,
    protocol: Protocol,
    shots: Sequence[int],
    steps: Sequence[int],
    rate: float | None = None,
) -> Iterator[Point]:
    """Measure each number of inner steps on the same tasks.

    Args:
        initialization: the one to adapt.
        classes: classes that training never saw.
        protocol: of the tasks; its shots are replaced.
        shots: support examples of a class, with one curve for each.
        steps: numbers of inner steps to measure, without 0, from which gains are counted.
        rate: used instead of the learned inner rates; None for these.

    Yields:
        For each of ``shots``, a point for each of ``steps``, then one whose ``steps`` is None.

    Raises:
        ValueError: for a learner that takes no inner steps.
        DataError: if classes, groups or images do not suffice.
    """
    if initialization.learner.rule.moves == "nothing":
        raise ValueError(
            f"{initialization.name} {initialization.version} moves nothing when it adapts: it has no inner steps"
        )
    phi = _with_rate(initialization, rate)
    preprocessing = initialization.preprocessing
    protocols = [replace(protocol, shots=of_class) for of_class in shots]
    features = embedded(initialization.learner, phi, preprocessing, classes, protocols=protocols, progress=True)
    rule = initialization.learner.rule
    most = max([rule.steps, *steps])
    budgeted = replace(initialization.learner, rule=replace(rule, steps=most, budget="held-out"))
    if rule.rates == "layer-step":
        phi = {name: _longer(value, most) if name.startswith(RATES) else value for name, value in phi.items()}
    for of_shots in protocols:

        def after(number: int | None, of_shots: Protocol = of_shots) -> Measured:
            return measure(budgeted, phi, preprocessing, classes, of_shots, inner_steps=number, features=features)

        start = after(0)
        for number in (*steps, None):
            yield _point(of_shots.shots, number, start, after(number))


def _point(shots: int, steps: int | None, start: Measured, found: Measured) -> Point:
    gains = found.accuracies - start.accuracies
    gained = replace(found, accuracies=gains)
    return Point(shots, steps, found.accuracy, gained.accuracy, gained.interval, float(gains.min()))


def _with_rate(initialization: Initialization, rate: float | None) -> Params:
    phi = initialization.phi
    if rate is None:
        return phi
    # Besides its one rate, the curvature's part of phi holds matrices, which are no rates.
    rates = f"{RATES}rate" if initialization.learner.rule.rates == "curvature" else RATES
    return {
        name: torch.full_like(value, rate) if name.startswith(rates) else value for name, value in phi.items()
    }


def _longer(rates: torch.Tensor, steps: int) -> torch.Tensor:
    """Extend rates ``[K, ...]`` of K learned steps to ``steps``: later steps keep the last one's rate."""
    return torch.cat([rates, rates[-1:].expand(max(0, steps - len(rates)))])
