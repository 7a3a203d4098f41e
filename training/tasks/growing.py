"""Images that grow during training: coarse structure is learned from small images, which take less time.

Tan and Le (2021, section 4.2) train the first epochs on small images; here the side grows during the warm-up.
"""

import torch
from torch import Tensor

_GROWN = 0.8  # share of the warm-up after which images have their full side
_STRIDE = 4  # pixels: the side grows in few steps, as convolutions are planned anew for each side


def side_at(step: int, warm_up: int, first: int, full: int) -> int:
    """The side of the images at a step, in pixels.

    Args:
        step: number of the outer step, from 0.
        warm_up: steps of the warm-up.
        first: the side at its beginning; 0 for the full side throughout.
        full: the learner's side.
    """
    if not first or step >= _GROWN * warm_up:
        return full
    grown = int(first + (full - first) * step / (_GROWN * warm_up))
    return first + (grown - first) // _STRIDE * _STRIDE


def shrunk(images: Tensor, side: int) -> Tensor:
    """Shrink square images ``[..., C, H, W]`` to a side of ``side`` pixels, with antialiasing."""
    if images.shape[-1] == side:
        return images
    flat = images.flatten(0, -4)
    small = torch.nn.functional.interpolate(flat, (side, side), mode="bilinear", antialias=True)
    return small.view(*images.shape[:-2], side, side)
