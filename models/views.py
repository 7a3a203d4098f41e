"""Views: several fixed small changes of an image, over which a backbone averages its features.

A drawing that leans, or is a little wider, is still the same character. Features averaged over a few such
changes depend less on how this one example happens to lean (augmentation at test time, Krizhevsky et al. 2012,
section 4.1). The changes are constants of the learner, so an answer depends on the image alone, as before.
"""

import math

import torch
from torch import Tensor

View = tuple[float, float, float]  # rotation in degrees, shear as a tangent, logarithm of width by height, halved


def see(images: Tensor, views: tuple[View, ...]) -> Tensor:
    """Show each image in every view; beyond its border it goes on with the border's colour.

    Args:
        images: ``[T, B, C, H, W]``, the learner's input.
        views: V of them.

    Returns:
        ``[T, B * V, C, H, W]``, the views of one image next to each other.
    """
    tasks, batch = images.shape[:2]
    matrices = torch.stack([_matrix(*view) for view in views]).to(images)
    repeated = images.flatten(0, 1).repeat_interleave(len(views), 0)
    everywhere = matrices.repeat(tasks * batch, 1, 1)
    grid = torch.nn.functional.affine_grid(everywhere, list(repeated.shape), align_corners=False)
    seen = torch.nn.functional.grid_sample(repeated, grid, padding_mode="border", align_corners=False)
    return seen.view(tasks, batch * len(views), *images.shape[2:])


def _matrix(rotation: float, shear: float, stretch: float) -> Tensor:
    """``[2, 3]`` from output to input coordinates: rotation times [[1, shear], [0, 1]] times the stretch."""
    angle = math.radians(rotation)
    cos, sin = math.cos(angle), math.sin(angle)
    wide, high = math.exp(stretch), math.exp(-stretch)
    return torch.tensor(
        [[cos * wide, (cos * shear - sin) * high, 0], [sin * wide, (sin * shear + cos) * high, 0]]
    )
