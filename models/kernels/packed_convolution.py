"""Convolutions at rest: normalisation's constants folded into kernels that oneDNN packs once.

Where parameters stay as they are, ``running`` normalisation is a factor and a summand for each channel. The
factor goes into the kernel and the summand into the convolution, so that convolution, normalisation, the addition
of a skip and ReLU are one call of oneDNN's; torch's own convolution packs kernels anew in each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from models.backbone import MOMENTS, Params
from models.normalisation import gain_and_offset

_IMAGES = 8  # what kernels are packed for; other numbers may be slower, not wrong


def can_be_packed(params: Mapping[str, Tensor]) -> bool:
    """Whether oneDNN packs kernels here, and all parameters are float32 on the CPU."""
    fitting = all(value.dtype == torch.float32 and value.device.type == "cpu" for value in params.values())
    return fitting and torch.backends.mkldnn.is_available()


@dataclass(frozen=True)
class PackedConvolution:
    """A convolution, what a normalisation makes of it, and ReLU where wanted.

    Attributes:
        kernel: packed.
        offset: of each channel, ``[O]``.
        padding: zeros around the images, half a kernel.
        stride: 1 or 2.
        relu: whether what is negative becomes 0.
    """

    kernel: Tensor
    offset: Tensor
    padding: int
    stride: int
    relu: bool

    @classmethod
    def of(cls, params: Params, layer: str, *, stride: int, side: int, relu: bool) -> Self:
        """Fold a layer's ``scale``, ``shift`` and ``moments`` into its ``convolution``, packed for such images.

        Args:
            params: of the backbone.
            layer: with which the four names begin.
            stride: 1 or 2.
            side: pixels of the images.
            relu: whether ReLU follows.
        """
        scale, shift, moments, kernel = (
            params[f"{layer}.{name}"].detach() for name in ("scale", "shift", MOMENTS, "convolution")
        )
        gain, offset = gain_and_offset(moments, scale, shift)
        padding = kernel.shape[-1] // 2
        size = [_IMAGES, kernel.shape[1], side, side]
        folded = gain[:, None, None, None] * kernel
        packed = torch.ops.mkldnn._reorder_convolution_weight(folded, *_geometry(padding, stride), size)
        return cls(packed, offset, padding, stride, relu)

    def __call__(self, images: Tensor, start: Tensor | None = None) -> Tensor:
        """Maps ``[B, O, H', W']`` of images ``[B, C, H, W]``; ``start``, shaped as they, is added before ReLU."""
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
