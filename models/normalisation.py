"""Normalisation of feature maps whose answer for one query never depends on the other queries.

Batch normalisation as the field trains it takes its mean and variance over the query batch, so an answer
depends on its batch-mates (transductive). Each kind here is inductive:

- ``group``: over the channels and positions of one image (Wu and He 2018, eq. 7), nothing shared;
- ``support``: over the support set of the task, under its present weights; queries use the same numbers;
- ``running``: over past training batches, constants at adaptation and at prediction.
"""

from typing import Literal

import torch
from torch import Tensor

NormalisationKind = Literal["group", "support", "running"]

_EPSILON = 1e-5


def group_norm(maps: Tensor, groups: int) -> Tensor:
    """Normalise each image's groups of channels; maps ``[T, B, C, H, W]``."""
    tasks, batch = maps.shape[:2]
    return torch.nn.functional.group_norm(maps.flatten(0, 1), groups, eps=_EPSILON).unflatten(
        0, (tasks, batch)
    )


def moments(maps: Tensor, weights: Tensor) -> Tensor:
    """Mean and variance of each channel over the weighted images of each task.

    Args:
        maps: ``[T, S, C, H, W]``.
        weights: ``[T, S]``, 0 for padding.

    Returns:
        ``[2, T, C]``: means, then variances.
    """
    share = weights / weights.sum(1, keepdim=True)
    mean = torch.einsum("ts,tsc->tc", share, maps.mean((3, 4)))
    centred = maps - mean[:, None, :, None, None]
    variance = torch.einsum("ts,tsc->tc", share, centred.square().mean((3, 4)))
    return torch.stack([mean, variance])


def standardise(maps: Tensor, moments_of: Tensor) -> Tensor:
    """Normalise maps ``[T, B, C, H, W]`` by given moments, ``[2, T, C]`` or, for all tasks, ``[2, C]``."""
    mean, variance = moments_of.unbind(0)
    scale = (variance + _EPSILON).rsqrt()
    if mean.ndim == 1:
        return (maps - mean[:, None, None]) * scale[:, None, None]
    return (maps - mean[:, None, :, None, None]) * scale[:, None, :, None, None]
