"""Random changes of training images, and classes made of turned and mirrored drawings."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from training.datasets.class_images import ClassImages
from training.recipe import Jitter
from training.tasks.colours import recoloured
from training.tasks.draws import Draws

NONE = Jitter()
_COARSE = 4  # points a side at which the elastic displacement is drawn


def jitter(
    images: Tensor,
    ranges: Jitter,
    draws: Draws,
    *,
    alike: Sequence[tuple[Tensor, Jitter]] = (),
) -> Tensor:
    """Turn, mirror, shear, stretch, shift and bend images, in one resampling of all, and change their colours.

    Each image changes on its own by ``ranges``, and then with others alike. All images of a class make of it a
    new one: a Roman A leaning the other way is another character, drawn by the same hands. All images of a task
    do too, and leave its classes as alike among themselves as they were.

    Beyond its border an image goes on with background where it is a drawing (one channel), and with its
    mirror image where it is a photo.

    Args:
        images: float ``[..., C, H, W]`` in 0..1.
        ranges: how strongly each image changes on its own.
        draws: decide every change; those of one state give the same images.
        alike: one after the other, of what group each image is (int64 ``[...]``: its class or its task), and how
            strongly all images of a group change alike.

    Returns:
        The changed images, of the same shape.
    """
    shared = [(of.reshape(-1), by) for of, by in alike if by != NONE]
    if ranges == NONE and not shared:
        return images
    flat = images.reshape(-1, *images.shape[-3:])
    affine = _affine(len(flat), ranges, draws).to(flat)
    grid = functional.affine_grid(affine, list(flat.shape), align_corners=False)
    if ranges.elastic > 0:
        grid = grid + _displacement(len(flat), flat.shape[-2:], ranges.elastic, draws).to(flat)
    for of, by in shared:
        grid = _bent_alike(grid, of, by, draws)
    beyond = "zeros" if flat.shape[1] == 1 else "reflection"
    changed = functional.grid_sample(flat, grid, padding_mode=beyond, align_corners=False)
    if ranges.colour > 0:
        changed = recoloured(changed, ranges.colour, draws)
    return changed.reshape(images.shape)


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


def with_reflections(data: ClassImages) -> ClassImages:
    """Add each class mirrored left to right as a class of its own, ``x/mirror`` in the group ``g/mirror``."""
    return ClassImages(
        images=torch.cat([data.images, data.images.flip(-1)]),
        offsets=torch.cat([data.offsets, data.offsets[1:] + data.offsets[-1]]),
        classes=data.classes + tuple(f"{name}/mirror" for name in data.classes),
        groups=data.groups + tuple(f"{group}/mirror" for group in data.groups),
    )


def _bent_alike(grid: Tensor, of: Tensor, ranges: Jitter, draws: Draws) -> Tensor:
    """Lead the points ``[B, H, W, 2]`` at which images are read through the change of each one's group."""
    drawn, which = of.unique(return_inverse=True)
    affine = _affine(len(drawn), ranges, draws)[which].to(grid)
    bent = torch.einsum("bij,bhwj->bhwi", affine[..., :2], grid) + affine[:, None, None, :, 2]
    if ranges.elastic == 0:
        return bent
    field = _displacement(len(drawn), grid.shape[1:3], ranges.elastic, draws).permute(0, 3, 1, 2)[which].to(grid)
    there = functional.grid_sample(field, grid, padding_mode="border", align_corners=False)
    return bent + there.permute(0, 2, 3, 1)


def _affine(count: int, ranges: Jitter, draws: Draws) -> Tensor:
    """Matrices ``[count, 2, 3]`` from output to input coordinates, both in -1..1."""
    angle, shear, wide, high, right, down = 2 * draws.evenly(count, 6).T - 1
    angle = angle * math.radians(ranges.rotation)
    shear = shear * ranges.shear
    wide, high = torch.exp(ranges.scale * wide), torch.exp(ranges.scale * high)
    if ranges.mirror:
        wide = torch.where(draws.evenly(count, 1)[:, 0] < 0.5, -wide, wide)
    cos, sin = torch.cos(angle), torch.sin(angle)
    # Rotation times [[1, shear], [0, 1]] times diag(wide, high).
    rows = (
        torch.stack([cos * wide, (cos * shear - sin) * high, 2 * ranges.shift * right], 1),
        torch.stack([sin * wide, (sin * shear + cos) * high, 2 * ranges.shift * down], 1),
    )
    return torch.stack(rows, 1)


def _displacement(count: int, size: Sequence[int], deviation: float, draws: Draws) -> Tensor:
    """Smooth random displacements ``[count, H, W, 2]`` in grid units (Simard et al. 2003, coarsely drawn)."""
    coarse = draws.normally(count, 2 * _COARSE**2).view(count, 2, _COARSE, _COARSE)
    smooth = functional.interpolate(coarse, size, mode="bicubic", align_corners=True)
    return 2 * deviation * smooth.permute(0, 2, 3, 1)
