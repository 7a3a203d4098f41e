"""Random changes of training images, and classes made of turned drawings."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from training.datasets.class_images import ClassImages
from training.recipe import Jitter

_COARSE = 4  # points a side at which the elastic displacement is drawn


def jitter(images: Tensor, ranges: Jitter, generator: torch.Generator) -> Tensor:
    """Turn, shear, stretch, shift and bend each image on its own, in one resampling of all.

    Beyond its border an image goes on with background where it is a drawing (one channel), and with its
    mirror image where it is a photo.

    Args:
        images: float ``[..., C, H, W]`` in 0..1.
        ranges: how strongly.
        generator: decides every draw; the same state gives the same images.

    Returns:
        The changed images, of the same shape.
    """
    if ranges == Jitter():
        return images
    flat = images.reshape(-1, *images.shape[-3:])
    affine = _affine(len(flat), ranges, generator).to(flat)
    grid = functional.affine_grid(affine, list(flat.shape), align_corners=False)
    if ranges.elastic > 0:
        grid = grid + _displacement(flat, ranges.elastic, generator)
    beyond = "zeros" if flat.shape[1] == 1 else "reflection"
    return functional.grid_sample(flat, grid, padding_mode=beyond, align_corners=False).reshape(images.shape)


def with_rotations(data: ClassImages) -> ClassImages:
    """Add each class turned by 90, 180 and 270 degrees as classes of their own (Santoro et al. 2016).

    The turned class ``x`` is named ``x/rot90`` and its group ``g`` becomes ``g/rot90``, so that an episode
    within a group never holds a symmetric character and its indistinguishable turned self.
    """
    turns = (1, 2, 3)
    lengths = data.counts.repeat(1 + len(turns))
    return ClassImages(
        images=torch.cat([data.images, *(torch.rot90(data.images, turn, (-2, -1)) for turn in turns)]),
        offsets=torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]),
        classes=data.classes + tuple(f"{name}/rot{90 * turn}" for turn in turns for name in data.classes),
        groups=data.groups + tuple(f"{group}/rot{90 * turn}" for turn in turns for group in data.groups),
    )


def _affine(count: int, ranges: Jitter, generator: torch.Generator) -> Tensor:
    """Matrices ``[count, 2, 3]`` from output to input coordinates, both in -1..1."""
    angle, shear, wide, high, right, down = 2 * torch.rand(6, count, generator=generator) - 1
    angle = angle * math.radians(ranges.rotation)
    shear = shear * ranges.shear
    wide, high = torch.exp(ranges.scale * wide), torch.exp(ranges.scale * high)
    cos, sin = torch.cos(angle), torch.sin(angle)
    # Rotation times [[1, shear], [0, 1]] times diag(wide, high).
    rows = (
        torch.stack([cos * wide, (cos * shear - sin) * high, 2 * ranges.shift * right], 1),
        torch.stack([sin * wide, (sin * shear + cos) * high, 2 * ranges.shift * down], 1),
    )
    return torch.stack(rows, 1)


def _displacement(images: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """A smooth random displacement ``[B, H, W, 2]`` in grid units (Simard et al. 2003, coarsely drawn)."""
    coarse = torch.randn(len(images), 2, _COARSE, _COARSE, generator=generator).to(images)
    smooth = functional.interpolate(coarse, images.shape[-2:], mode="bicubic", align_corners=True)
    return 2 * deviation * smooth.permute(0, 2, 3, 1)
