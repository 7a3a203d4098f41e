"""Fits how a task's accuracy is estimated from its support set, on validation tasks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy

from models.expectation import Expectation, Expected, hints, interval_terms, stretched
from models.overlap import Overlap, gaps, lowered
from models.support_geometry import SupportGeometry
from training.measures.measured import Measured
from training.measures.regressions import falling_weights, minimised, quantile_weights

_TAIL = 0.025  # share of the tasks on either side of an estimate's interval
_ALIKE = 0.05  # weight of all tasks with classes that are one and the same, relative to that of the others
_LEAST = 1e-9  # of an expected accuracy, or its distance to 1, before the logarithm is taken
_SOFTEST = 0.02  # of few tasks, a step may fit best, by which nearly equal tasks would be told far apart
_FIRST = (0.1, 0.1, 2.0)  # closeness, softness and caution that the fit starts from
_FURTHEST = 6.0  # the most that the logarithms of softness and caution may move, within what ``Overlap`` takes


def fit_expectation(fitted: Sequence[Measured], alike: Sequence[Measured]) -> Expectation:
    """Fit both formulas.

    Args:
        fitted: answers on tasks of several sizes, at least one of them with several shots.
        alike: on tasks of which some or all classes are one and the same (see ``alike_classes``); none if the
            data have too few images of a class.
    """
    several = [entry for entry in fitted if entry.protocol.shots > 1]
    sharpness = _fit_sharpness([one for entry in several for one in entry.geometry])
    variance = _variance([one for entry in several for one in entry.geometry])
    several_alike = [entry for entry in alike if entry.protocol.shots > 1]
    return Expectation(
        sharpness=sharpness,
        of_means=_fit_expected(fitted, alike, sharpness, variance, left_out=False),
        of_left_out=_fit_expected(several, several_alike, sharpness, variance, left_out=True),
    )


def _fit_sharpness(geometries: Sequence[SupportGeometry]) -> float:
    """Fit the sharpness by which left-out examples most likely have their own class; batches count the same."""

    def loss(log_sharpness: Tensor) -> Tensor:
        losses = [
            cross_entropy(
                one.left_out_logits(1.0).flatten(0, 1) * log_sharpness.exp(), one.support.labels.flatten()
            )
            for one in geometries
        ]
        return torch.stack(losses).mean()

    return float(minimised(loss, 1).exp())


def _variance(geometries: Sequence[SupportGeometry]) -> float:
    """The mean squared distance of an image from its class's mean, by tasks with equal shots of each class."""
    found = []
    for one in geometries:
        from_others = one.left_out.gather(2, one.support.labels[..., None])
        shots = one.support.weights.sum(1) / one.support.ways
        # From the mean of the others, it is larger by the scatter of that mean: n / (n - 1) times.
        found.append((from_others[..., 0] * ((shots - 1) / shots)[:, None]).mean(1))
    return float(torch.cat(found).mean().clamp_min(1e-6))


@dataclass(frozen=True)
class _Tasks:
    """What is known of tasks of one kind.

    Attributes:
        hints: ``[T, H]``.
        reached: their accuracies, ``[T]``.
        pairs: of their classes, as ``gaps`` returns them.
        importance: of each task.
    """

    hints: Tensor
    reached: Tensor
    pairs: tuple[Tensor, Tensor]
    importance: Tensor


def _fit_expected(
    fitted: Sequence[Measured], alike: Sequence[Measured], sharpness: float, variance: float, *, left_out: bool
) -> Expected:
    def tasks(entry: Measured, importance: float) -> _Tasks:
        told = torch.cat([hints(one, sharpness, left_out=left_out) for one in entry.geometry])
        gap, uncertainty = zip(*(gaps(one, variance) for one in entry.geometry), strict=True)
        weight = torch.full_like(entry.accuracies, importance)
        return _Tasks(told, entry.accuracies, (torch.cat(gap), torch.cat(uncertainty)), weight)

    usual = [tasks(one, 1.0) for one in fitted]
    # If no answer to all these tasks was wrong, that does not mean that none ever is: half of one is taken to be.
    most = 1 - 0.5 / sum(entry.labels.numel() for entry in fitted)
    asked = [replace(one, reached=one.reached.clamp_max(most)) for one in usual]
    each = _ALIKE * _number(fitted) / max(1, _number(alike))
    weights, overlap = _fit_accuracy(asked + [tasks(one, each) for one in alike], variance, any_alike=bool(alike))
    ways = max(entry.protocol.ways for entry in fitted)
    formula = Expected(weights, (0.0,) * 4, (0.0,) * 4, ways, overlap)
    geometries = [one for entry in fitted for one in entry.geometry]
    told, reached = torch.cat([one.hints for one in usual]), torch.cat([one.reached for one in usual])
    of_batches = told.split([len(one.support.ways) for one in geometries])
    expected = torch.cat([formula.accuracies(*one) for one in zip(of_batches, geometries, strict=True)])
    terms, off = interval_terms(told, expected), stretched(reached) - stretched(expected)
    return replace(
        formula,
        below=tuple(quantile_weights(terms, -off, 1 - _TAIL).tolist()),
        above=tuple(quantile_weights(terms, off, 1 - _TAIL).tolist()),
    )


def _fit_accuracy(
    tasks: Sequence[_Tasks], variance: float, *, any_alike: bool
) -> tuple[tuple[float, ...], Overlap | None]:
    """Fit the weights of the hints, and the overlap together with them: each makes up for the other."""
    reached, importance = torch.cat([one.reached for one in tasks]), torch.cat([one.importance for one in tasks])
    sizes = [len(one.reached) for one in tasks]

    def loss(given: Tensor, weights: Tensor, more: Tensor) -> Tensor:
        if not any_alike:
            return binary_cross_entropy_with_logits(given @ weights, reached)
        settings = _settings(more)
        usual = (given @ weights).sigmoid().split(sizes)
        expected = [lowered(one, *of.pairs, *settings) for one, of in zip(usual, tasks, strict=True)]
        shares = torch.cat(expected).clamp(_LEAST, 1 - _LEAST)
        return binary_cross_entropy(shares, reached, importance / importance.mean())

    weights, more = falling_weights(torch.cat([one.hints for one in tasks]), loss, 3 if any_alike else 0)
    overlap = Overlap(variance, *(float(one) for one in _settings(more))) if any_alike else None
    return tuple(weights.tolist()), overlap


def _settings(more: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Closeness, softness and caution from what the fit varies, all of which starts at 0."""
    closeness, softness, caution = _FIRST
    widely, cautiously = more[1:].clamp(-_FURTHEST, _FURTHEST).exp()
    return closeness + more[0], (softness * widely).clamp_min(_SOFTEST), caution * cautiously


def _number(entries: Sequence[Measured]) -> int:
    return sum(len(one.accuracies) for one in entries)
