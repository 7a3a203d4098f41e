"""Convolutions at rest by oneDNN: kernels are packed once, not in each call as by torch's own convolution."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

_IMAGES = 8  # the batch size that kernels are packed for; others may be slower, but not wrong


@dataclass(frozen=True)
class PackedConvolution:
    """A convolution, an offset for each channel, and optionally ReLU.

    Attributes:
        kernel: packed.
        offset: ``[O]``.
        padding: width of the zeros around the images, half a kernel.
        stride: 1 or 2.
        relu: whether negative results become 0.
    """

    kernel: Tensor
    offset: Tensor
    padding: int
    stride: int
    relu: bool

    @classmethod
    def of(cls, kernel: Tensor, offset: Tensor, *, stride: int, side: int, relu: bool) -> Self:
        """Pack a kernel ``[O, C, k, k]`` for images of ``side`` pixels."""
        padding = kernel.shape[-1] // 2
        size = [_IMAGES, kernel.shape[1], side, side]
        packed = torch.ops.mkldnn._reorder_convolution_weight(kernel, *_geometry(padding, stride), size)
        return cls(packed, offset, padding, stride, relu)

    def __call__(self, images: Tensor, start: Tensor | None = None) -> Tensor:
        """Maps ``[B, O, H', W']`` of images ``[B, C, H, W]``; ``start``, shaped alike, is added before ReLU."""
        geometry, unary = _geometry(self.padding, self.stride), "relu" if self.relu else None
        if start is None:
            found: Tensor = torch.ops.mkldnn._convolution_pointwise(
                images, self.kernel, self.offset, *geometry, unary or "none", [], ""
            )
            return found
        found = torch.ops.mkldnn._convolution_pointwise.binary(
            images, start, self.kernel, self.offset, *geometry, "add", 1.0, unary, [], None
        )
        return found


def _geometry(padding: int, stride: int) -> tuple[list[int], list[int], list[int], int]:
    """Padding, stride, dilation and groups, as oneDNN takes them."""
    return [padding, padding], [stride, stride], [1, 1], 1
