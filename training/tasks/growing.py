"""Images that grow while training goes on: what is coarse is learned from small ones, which take less time.

Tan and Le (2021, section 4.2) train the first epochs on small images; here the side grows along the warm-up.
"""

import torch
from torch import Tensor

_GROWN = 0.8  # of the warm-up, after which images have their full side
_STRIDE = 4  # pixels by which it grows: each side's convolutions are planned anew


def side_at(step: int, warm_up: int, first: int, full: int) -> int:
    """The side at a step, in pixels.

    Args:
        step: from 0.
        warm_up: steps of the warm-up.
        first: the side at its beginning; 0 for the full one from the start.
        full: the learner's own.
    """
    if not first or step >= _GROWN * warm_up:
        return full
    grown = first + (full - first) * step / (_GROWN * warm_up)
    return min(full, int(grown) // _STRIDE * _STRIDE)


def shrunk(images: Tensor, side: int) -> Tensor:
    """Show images ``[..., C, H, W]`` on ``side`` pixels, each the mean of what it covers."""
    if images.shape[-1] == side:
        return images
    flat = images.flatten(0, -4)
    small = torch.nn.functional.interpolate(flat, (side, side), mode="bilinear", antialias=True)
    return small.view(*images.shape[:-2], side, side)
