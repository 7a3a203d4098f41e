"""The scatter of images about their class mean, measured on training classes: a metric for class means.

Along directions in which images of one class differ much, a difference says little about the class; linear
discriminant analysis divides by that scatter (Fisher 1936; shrunk towards the identity as in Friedman 1989,
eq. 18). The mean of a few examples is itself uncertain: the fewer the examples, the more evenly all directions
count.

With W the within-class covariance, w the mean of its eigenvalues and n the number of examples of a class,
distances are measured by ``M = (W + a w / n)^-1`` or, independently of n, by ``M = (W + a w)^-1``, scaled to a
mean eigenvalue of 1. Only the directions of largest scatter are stored; along all others it is taken as equal.

The means of training classes are stored too, as *strangers*: classes that no later task contains. They help to
recognise items of unknown classes (see ``models.confidence``), and they show where classes tend to lie, so the
mean of a few examples can be drawn towards similar training classes (``towards_strangers``).
"""

import torch
from torch import Tensor

from models.backbones.backbone import MOMENTS, Params
from models.kernels.row_products import row_products
from models.support import Support

DIRECTIONS, SPREAD = f"directions.{MOMENTS}", f"spread.{MOMENTS}"
STRANGERS = f"strangers.{MOMENTS}"
_STRANGERS = 64  # classes: with 16, unknown photos were recognised less well (AUROC lower by 0.02)
_MOST = 64  # directions: keeping all 512 of 512 gained nothing on validation tasks


def even(features: int) -> Params:
    """The scatter before it is measured: equal in all directions, in the shapes that ``of_classes`` returns.

    Args:
        features: D, the number of features.
    """
    kept = min(_MOST, features - 1)
    return {
        DIRECTIONS: torch.eye(features, kept),
        SPREAD: torch.ones(kept + 1),
        STRANGERS: torch.zeros(_STRANGERS, features),
    }


def of_classes(features: Tensor, classes: Tensor) -> Params:
    """Measure the scatter within classes, and keep some of their means.

    Args:
        features: ``[M, D]``.
        classes: int64 ``[M]``, the class of each row; at least one class has two rows.

    Returns:
        ``directions.moments`` ``[D, k]``, orthonormal; ``spread.moments`` ``[k + 1]``, the variance along each of
        them and, last, along any other, relative to the mean over all directions, or all 1 if no class scatters;
        and ``strangers.moments`` ``[64, D]``, the means of 64 evenly spaced classes, repeated if there are fewer.
    """
    wide = features.double()
    names, which = classes.unique(return_inverse=True)
    counts = which.bincount()[:, None]
    means = wide.new_zeros(len(names), wide.shape[1]).index_add_(0, which, wide) / counts
    centred = wide - means[which]
    values, vectors = torch.linalg.eigh(centred.T @ centred / (len(wide) - len(names)))
    kept = min(_MOST, wide.shape[1] - 1)
    largest, rest = values.flip(0)[:kept], values[: len(values) - kept].mean()
    spread = torch.cat([largest, rest[None]])
    middle = values.mean()
    # Images that equal their class mean leave nothing to divide by: no direction counts less than another.
    spread = spread / middle if middle > 0 else torch.ones_like(spread)
    chosen = torch.arange(_STRANGERS, device=means.device) * len(names) // _STRANGERS
    return {
        DIRECTIONS: vectors.flip(1)[:, :kept].float().contiguous(),
        SPREAD: spread.float(),
        STRANGERS: means[chosen].float(),
    }


def towards_strangers(head: Params, centres: Tensor, support: Support, pull: float, sharpness: float) -> Tensor:
    """Draw class means ``[T, N, D]`` towards the training classes that resemble them.

    A mean c of n examples becomes ``(n c + b s) / (n + b)``. Here s is the average of the training classes'
    means, weighted by the softmax of their cosines to c times the sharpness (Gidaris and Komodakis 2018, section
    3.2, use learned attention instead; Yang et al. 2021, eq. 6, the two nearest classes). If no training classes
    were measured, c stays as it is.

    Args:
        head: the part of phi that holds the training classes' means, with or without a leading task dimension.
        centres: the class means, 0 where a task has no such class.
        support: the support sets that the means were taken over.
        pull: b above, in examples.
        sharpness: how strongly the weights favour similar classes.

    Returns:
        ``[T, N, D]``.
    """
    strangers = head[STRANGERS].to(centres)
    directions = torch.nn.functional.normalize(strangers, dim=-1)
    # Products by rows: a class mean must not depend on the other classes and tasks that are computed with it.
    cosines = row_products(torch.nn.functional.normalize(centres, dim=-1), directions)
    alike = row_products((sharpness * cosines).softmax(-1), strangers.transpose(-1, -2))
    counts = (support.membership() > 0).sum(1)[..., None].to(centres)
    known = (counts > 0) & strangers.any()
    return centres + known * pull / (counts + pull) * (alike - centres)


def measured(
    head: Params, centres: Tensor, support: Support, shrinkage: float, *, by_shots: bool = True
) -> Tensor:
    """Multiply class means ``[T, N, D]`` by the metric M of the module's docstring.

    Args:
        head: the part of phi that holds the scatter, with or without a leading task dimension.
        centres: the class means, 0 where a task has no such class.
        support: the support sets that the means were taken over.
        shrinkage: a in M.
        by_shots: whether a is divided by n.

    Returns:
        ``[T, N, D]``.
    """
    spread = head[SPREAD].to(centres)
    gains = 1 / (spread + shrinkage * _uncertainty(centres, support, by_shots))  # [T, k + 1]
    return _weighed(head, centres, gains / _mean(gains, head), 1)


def seen(head: Params, features: Tensor, shrinkage: float) -> Tensor:
    """Map features ``[..., D]`` to where plain distances and cosines are those in M with ``by_shots=False``."""
    gains = 1 / (head[SPREAD].to(features) + shrinkage)
    return _weighed(head, features, gains / _mean(gains, head), 0.5)


def _uncertainty(centres: Tensor, support: Support, by_shots: bool) -> Tensor:
    """1 / n, ``[T, 1]``; a task with ragged shots uses its mean over the classes for all of them."""
    if not by_shots:
        return centres.new_ones(len(centres), 1)
    counts = (support.membership() > 0).sum(1)
    there = counts > 0
    return ((there / counts.clamp_min(1)).sum(1) / there.sum(1))[:, None].to(centres)


def _mean(gains: Tensor, head: Params) -> Tensor:
    """The mean ``[..., 1]`` over all D directions of gains ``[..., k + 1]``, the last one for all not stored."""
    total, kept = head[DIRECTIONS].shape[-2:]
    return (gains[..., :-1].sum(-1, keepdim=True) + (total - kept) * gains[..., -1:]) / total


def _weighed(head: Params, features: Tensor, gains: Tensor, power: float) -> Tensor:
    """Multiply features ``[..., D]`` along each direction by its gain raised to ``power``."""
    directions, gains = head[DIRECTIONS].to(features), gains**power
    along, beside = gains[..., None, :-1], gains[..., None, -1:]
    weighed = row_products(features, directions.transpose(-1, -2)) * (along - beside)
    return beside * features + row_products(weighed, directions)
