"""How images of one class scatter about their mean, measured on training classes: a metric for class means.

Along directions in which images of one class differ much, a difference tells little; linear discriminant
analysis divides by that scatter (Fisher 1936; evened out as in Friedman 1989, eq. 18). A mean of few examples is
itself uncertain: the fewer, the more evenly directions count.

With W the scatter within classes, w the mean of its eigenvalues and n the examples of a class, distances are
taken in ``M = (W + a w / n)^-1``, or whatever n is in ``M = (W + a w)^-1``, scaled to a mean eigenvalue of 1.
Kept are the directions of the largest scatter; along all others it is taken as equal.

The means of training classes are kept as well. They are strangers to every later task (see
``models.confidence``), and tell where classes lie: a mean of few examples can be drawn to where those like it do
(``towards_strangers``).
"""

import torch
from torch import Tensor

from models.backbones.backbone import MOMENTS, Params
from models.support import Support

DIRECTIONS, SPREAD = f"directions.{MOMENTS}", f"spread.{MOMENTS}"
STRANGERS = f"strangers.{MOMENTS}"
_STRANGERS = 64  # classes: with 16 of them unknown photos were told less well (AUROC lower by 0.02)
_MOST = 64  # directions: 512 of 512 gained no more on validation tasks


def even(features: int) -> Params:
    """The scatter before it is measured: equal in all directions of ``features``, with room for what is found."""
    kept = min(_MOST, features - 1)
    return {
        DIRECTIONS: torch.eye(features, kept),
        SPREAD: torch.ones(kept + 1),
        STRANGERS: torch.zeros(_STRANGERS, features),
    }


def of_classes(features: Tensor, classes: Tensor) -> Params:
    """Measure it.

    Args:
        features: ``[M, D]``.
        classes: int64 ``[M]``, of which class each is; at least one class has two.

    Returns:
        Orthonormal ``directions.moments`` ``[D, k]``; the scatter along each, and last along any other,
        ``spread.moments`` ``[k + 1]``, relative to its mean over all directions; and ``strangers.moments``
        ``[64, D]``, the means of as many classes, or of all in turn where there are fewer.
    """
    wide = features.double()
    names, which = classes.unique(return_inverse=True)
    counts = which.bincount()[:, None]
    means = wide.new_zeros(len(names), wide.shape[1]).index_add_(0, which, wide) / counts
    centred = wide - means[which]
    values, vectors = torch.linalg.eigh(centred.T @ centred / (len(wide) - len(names)))
    kept = min(_MOST, wide.shape[1] - 1)
    largest, rest = values.flip(0)[:kept], values[: len(values) - kept].mean()
    spread = torch.cat([largest, rest[None]]) / values.mean()
    chosen = torch.arange(_STRANGERS, device=means.device) * len(names) // _STRANGERS
    return {
        DIRECTIONS: vectors.flip(1)[:, :kept].float().contiguous(),
        SPREAD: spread.float(),
        STRANGERS: means[chosen].float(),
    }


def towards_strangers(head: Params, centres: Tensor, support: Support, pull: float, sharpness: float) -> Tensor:
    """Draw class means ``[T, N, D]`` towards those of the training classes that they are like.

    A mean c of n examples becomes ``(n c + b s) / (n + b)``, s being the mean of training classes' means, each
    weighted by the softmax of its cosine to c, times the sharpness (Gidaris and Komodakis 2018, section 3.2, by
    attention that is learned; Yang et al. 2021, eq. 6, by the two nearest). Where no training classes were
    measured, it stays what it is.

    Args:
        head: a part of phi that holds their means, with or without a task dimension in front.
        centres: the means, 0 where a task has no such class.
        support: whose examples they are means of.
        pull: b above, in examples.
        sharpness: how much more those count that are more like it.
    """
    strangers = head[STRANGERS].to(centres)
    directions = torch.nn.functional.normalize(strangers, dim=-1)
    cosines = torch.nn.functional.normalize(centres, dim=-1) @ directions.transpose(-1, -2)
    alike = (sharpness * cosines).softmax(-1) @ strangers
    counts = (support.membership() > 0).sum(1)[..., None].to(centres)
    known = (counts > 0) & strangers.any()
    return centres + known * pull / (counts + pull) * (alike - centres)


def measured(
    head: Params, centres: Tensor, support: Support, shrinkage: float, *, by_shots: bool = True
) -> Tensor:
    """Multiply class means ``[T, N, D]`` by the metric that suits each task's number of examples.

    Args:
        head: a part of phi that holds the scatter, with or without a task dimension in front.
        centres: the means, 0 where a task has no such class.
        support: whose examples they are means of.
        shrinkage: a above.
        by_shots: whether it is divided by n.
    """
    spread = head[SPREAD].to(centres)
    gains = 1 / (spread + shrinkage * _uncertainty(centres, support, by_shots))  # [T, k + 1]
    return _weighed(head, centres, gains / _mean(gains, head), 1)


def seen(head: Params, features: Tensor, shrinkage: float) -> Tensor:
    """Features ``[..., D]`` where plain distances and cosines are those of ``measured`` without the shots."""
    gains = 1 / (head[SPREAD].to(features) + shrinkage)
    return _weighed(head, features, gains / _mean(gains, head), 0.5)


def _uncertainty(centres: Tensor, support: Support, by_shots: bool) -> Tensor:
    """1 / n, ``[T, 1]``; of a ragged task all classes are measured alike, by the mean of it over them."""
    if not by_shots:
        return centres.new_ones(len(centres), 1)
    counts = (support.membership() > 0).sum(1)
    there = counts > 0
    return ((there / counts.clamp_min(1)).sum(1) / there.sum(1))[:, None].to(centres)


def _mean(gains: Tensor, head: Params) -> Tensor:
    """The mean ``[..., 1]`` over all directions of gains ``[..., k + 1]``, of which the last is of all others."""
    total, kept = head[DIRECTIONS].shape[-2:]
    return (gains[..., :-1].sum(-1, keepdim=True) + (total - kept) * gains[..., -1:]) / total


def _weighed(head: Params, features: Tensor, gains: Tensor, power: float) -> Tensor:
    """Multiply features ``[..., D]`` along each direction by its gain, raised to a power."""
    directions, gains = head[DIRECTIONS].to(features), gains**power
    along, beside = gains[..., None, :-1], gains[..., None, -1:]
    return beside * features + ((features @ directions) * (along - beside)) @ directions.transpose(-1, -2)
