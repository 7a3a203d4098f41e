"""Random changes of training images, and new classes made of turned and mirrored ones."""

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
_COARSE = 4  # points per side at which the elastic displacement is drawn


def jitter(
    images: Tensor,
    ranges: Jitter,
    draws: Draws,
    *,
    alike: Sequence[tuple[Tensor, Jitter]] = (),
) -> Tensor:
    """Turn, mirror, shear, stretch, shift and bend images in a single resampling, and change their colours.

    Each image first changes on its own by ``ranges``, then together with the others of its groups. A change of
    all images of a class makes it a new class: a Roman A leaning the other way is another character, drawn by the
    same hands. A change of all images of a task does so too, but keeps its classes as similar as they were.

    Beyond its border, a drawing (one channel) continues as background and a photo as its mirror image.

    Args:
        images: float ``[..., C, H, W]`` in 0..1.
        ranges: how strongly each image changes on its own.
        draws: determine every change; draws in the same state give the same images.
        alike: pairs, applied in order, of each image's group (int64 ``[...]``: its class or its task) and how
            strongly the images of a group change together; the ``colour`` of these ranges is ignored.

    Returns:
        The changed images, of the same shape.

    Raises:
        ValueError: if colours are to change but there are not 3 channels.
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


def with_copies(data: ClassImages, *, rotations: bool, reflections: bool) -> ClassImages:
    """Add turned copies of the classes, then mirrored ones of all, each if asked for, as classes of their own."""
    turned = with_rotations(data) if rotations else data
    return with_reflections(turned) if reflections else turned


def with_rotations(data: ClassImages) -> ClassImages:
    """Add each class turned by 90, 180 and 270 degrees as classes of their own (Santoro et al. 2016).

    Class ``x`` turned by 90 degrees is named ``x/rot90`` and its group ``g`` becomes ``g/rot90``, so that an
    episode within a group never holds both a symmetric character and its indistinguishable turned copy.
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
    """Map the points ``[B, H, W, 2]`` at which images are sampled through the change of each image's group."""
    drawn, which = of.unique(return_inverse=True)
    affine = _affine(len(drawn), ranges, draws)[which].to(grid)
    bent = torch.einsum("bij,bhwj->bhwi", affine[..., :2], grid) + affine[:, None, None, :, 2]
    if ranges.elastic == 0:
        return bent
    field = _displacement(len(drawn), grid.shape[1:3], ranges.elastic, draws).permute(0, 3, 1, 2)[which].to(grid)
    there = functional.grid_sample(field, grid, padding_mode="border", align_corners=False)
    return bent + there.permute(0, 2, 3, 1)


def _affine(count: int, ranges: Jitter, draws: Draws) -> Tensor:
    """Draw matrices ``[count, 2, 3]`` from output to input coordinates, both in -1..1."""
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
    """Draw smooth displacements ``[count, H, W, 2]`` in grid units (Simard et al. 2003, on a coarse grid)."""
    coarse = draws.normally(count, 2 * _COARSE**2).view(count, 2, _COARSE, _COARSE)
    smooth = functional.interpolate(coarse, size, mode="bicubic", align_corners=True)
    return 2 * deviation * smooth.permute(0, 2, 3, 1)
