"""Normalisation of feature maps that never makes the answer for one query depend on the other queries.

Batch normalisation as the field trains it takes its mean and variance over the query batch, so an answer
depends on its batch-mates (transductive). Each kind here is inductive; the mean and variance are taken

- ``group``: over the channels and positions of one image (Wu and He 2018, eq. 7), nothing shared;
- ``support``: over the task's support set under the current parameters; queries use the same numbers;
- ``running``: over past training batches, as constants in adaptation and prediction (Ioffe and Szegedy 2015,
  algorithm 2).
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from models.kernels.task_group_norm import EPSILON

NormalisationKind = Literal["group", "support", "running"]


def check_kind(kind: str) -> None:
    """Raise ValueError for anything but one of the three kinds."""
    if kind not in get_args(NormalisationKind):
        raise ValueError(f"normalisation must be {', '.join(get_args(NormalisationKind))}, not {kind!r}")


def batch_norm(maps: Tensor, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Normalise training images by the moments of all of them together (Ioffe and Szegedy 2015, algorithm 1).

    Args:
        maps: ``[T, B, C, H, W]``.
        scale: ``[C]``.
        shift: ``[C]``.

    Returns:
        The normalised maps, and the moments ``[2, 1, C]``, through which no gradient flows.
    """
    found = torch.zeros(2, len(scale), dtype=scale.dtype, device=scale.device)
    flat = torch.nn.functional.batch_norm(
        maps.flatten(0, 1), found[0], found[1], scale, shift, training=True, momentum=1.0, eps=EPSILON
    )
    return flat.view(maps.shape), found[:, None]


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


def normalise_by(maps: Tensor, moments_of: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Normalise by given moments, then scale and shift, in one pass over the maps.

    Args:
        maps: ``[T, B, C, H, W]``.
        moments_of: means and variances, ``[2, T, C]`` or, for all tasks, ``[2, C]``.
        scale: ``[C]`` for all tasks, or ``[T, C]`` with a row for each.
        shift: as ``scale``.
    """
    return affine(maps, *gain_and_offset(moments_of, scale, shift))


def gain_and_offset(moments_of: Tensor, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """The factor and the summand to which ``normalise_by`` reduces, ``[C]`` or ``[T, C]`` each."""
    mean, variance = moments_of.unbind(0)
    gain = scale * (variance + EPSILON).rsqrt()
    return gain, shift - mean * gain


def affine(maps: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Scale and shift the channels of ``[T, B, C, H, W]`` by ``[C]``, or by ``[T, C]``, a row for each task."""
    if scale.ndim == 1:
        return torch.addcmul(shift[:, None, None], maps, scale[:, None, None])
    return torch.addcmul(shift[:, None, :, None, None], maps, scale[:, None, :, None, None])
