"""Draws pen strokes as anti-aliased distance fields, hundreds of images at once."""

import math

import torch
from torch import Tensor


def render(strokes: Tensor, image: Tensor, radius: Tensor, count: int, side: int) -> Tensor:
    """Draw polylines with round pens.

    Each piece of a polyline is computed only at the pixels near it, and a pixel keeps the most ink that any piece
    gives it. All arithmetic is element by element and a maximum does not depend on order, so an image is the same
    bit for bit whatever else is drawn with it.

    Args:
        strokes: float ``[S, P, 2]``, points (x, y) in pixels; the centre of pixel (0, 0) is at (0.5, 0.5).
        image: int64 ``[S]``, the index of the image that each stroke belongs to.
        radius: float ``[S]``, half the pen's width in pixels.
        count: B, the number of images.
        side: of the images, in pixels.

    Returns:
        float32 ``[B, 1, side, side]``, the share of each pixel that ink covers.
    """
    start, along = strokes[:, :-1].float(), strokes.diff(dim=1).float()
    # Ink fades out half a pixel beyond the pen, and a pixel's centre is half a pixel beyond its corner.
    reach = float(radius.max()) + float(along.abs().max()) / 2
    width = math.ceil(2 * reach) + 1
    corner = torch.floor(start + along / 2 - reach)  # [S, P - 1, 2], the first pixel of each piece's window
    offsets = torch.arange(width, dtype=torch.float32)
    columns = corner[..., 0, None] + offsets  # [S, P - 1, width]
    rows = corner[..., 1, None] + offsets
    x = (columns + 0.5 - start[..., 0, None])[..., None, :]
    y = (rows + 0.5 - start[..., 1, None])[..., :, None]
    right, down = along[..., 0, None, None], along[..., 1, None, None]
    length = (right * right + down * down).clamp_min(1e-12)
    nearest = ((x * right + y * down) / length).clamp_(0, 1)
    distance = ((x - nearest * right).square_() + (y - nearest * down).square_()).sqrt_()
    pen = radius.float()[:, None, None, None]
    # A pen thinner than a pixel covers no pixel completely.
    ink = (pen + 0.5 - distance).clamp_(min=0).minimum((2 * pen).clamp_max(1))
    # A border of one pixel, cut off at the end, collects what falls outside the image.
    stride = side + 2
    row = rows.clamp_(-1, side).long() + 1 + image[:, None, None] * stride
    column = columns.clamp_(-1, side).long() + 1
    cell = (row * stride)[..., :, None] + column[..., None, :]
    canvas = torch.zeros(count * stride * stride)
    canvas.scatter_reduce_(0, cell.flatten(), ink.flatten(), "amax")
    return canvas.view(count, 1, stride, stride)[..., 1:-1, 1:-1].contiguous()
