"""Conv4 at rest: its constants folded into kernels that are packed once, to compute features again and again.

Where parameters stay as they are, ``running`` normalisation is a factor and a summand for each channel. The
factor goes into the kernel, the summand into the convolution, and ReLU before the maximum, with which it
commutes: a block is then one call of oneDNN's, and the maximum. With one image, torch's own convolution, which
packs kernels anew in each call, and the constants took a quarter of the time.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from models.backbone import Params
from models.conv4 import BLOCKS, Conv4
from models.kernels.task_convolution import channels_innermost
from models.normalisation import gain_and_offset
from models.views import see

_NAMES = ("scale", "shift", "moments", "convolution")
_IMAGES = 8  # what kernels are packed for; other numbers may be slower, not wrong


@dataclass(frozen=True)
class _Block:
    """A convolution with ReLU, and the maximum over 2x2 where it pools."""

    kernel: Tensor
    offset: Tensor
    stride: int
    pools: bool

    @property
    def _geometry(self) -> tuple[list[int], list[int], list[int], int]:
        """Padding, stride, dilation and groups, as oneDNN takes them."""
        return [1, 1], [self.stride, self.stride], [1, 1], 1

    def packed(self, side: int) -> Self:
        """Pack the kernel for images of this side."""
        size = [_IMAGES, self.kernel.shape[1], side, side]
        packed = torch.ops.mkldnn._reorder_convolution_weight(self.kernel, *self._geometry, size)
        return replace(self, kernel=packed)

    def __call__(self, maps: Tensor) -> Tensor:
        """Maps ``[B, O, H', W']`` of maps ``[B, C, H, W]``."""
        found: Tensor = torch.ops.mkldnn._convolution_pointwise(
            maps, self.kernel, self.offset, *self._geometry, "relu", [], ""
        )
        return torch.nn.functional.max_pool2d(found, 2) if self.pools else found


@dataclass(frozen=True)
class FoldedConv4:
    """The same function of images as the backbone with its parameters, up to rounding; on the CPU, in float32."""

    backbone: Conv4
    blocks: tuple[_Block, ...]

    @classmethod
    def of(cls, backbone: Conv4, params: Params) -> Self | None:
        """Fold and pack parameters; None where that can't be done.

        It takes ``running`` normalisation, a build of torch with oneDNN, and positive scales: by a negative one
        the greatest number of four becomes the least.
        """
        packable = all(value.dtype == torch.float32 and value.device.type == "cpu" for value in params.values())
        if backbone.normalisation != "running" or not packable or not torch.backends.mkldnn.is_available():
            return None
        blocks, side = [], backbone.side
        for number in range(1, BLOCKS + 1):
            scale, shift, moments, kernel = (params[f"block{number}.{name}"].detach() for name in _NAMES)
            gain, offset = gain_and_offset(moments, scale, shift)
            if bool((gain < 0).any()):
                return None
            halves = number <= backbone.halvings
            stride = 2 if halves and backbone.halving == "stride" else 1
            block = _Block(gain[:, None, None, None] * kernel, offset, stride, halves and stride == 1)
            blocks.append(block.packed(side))
            side = -(-side // 2) if stride == 2 else side // 2 if block.pools else side
        return cls(backbone, tuple(blocks))

    def __call__(self, images: Tensor) -> Tensor:
        """Features ``[B, D]`` of images ``[B, C, H, W]``."""
        views = self.backbone.views
        maps = see(images[None], views)[0] if views else images
        if len(maps) == 1:  # oneDNN computes a single small image by another routine (see ``convolve``)
            return self(images.expand(2, -1, -1, -1))[:1]
        maps = channels_innermost(maps)
        for block in self.blocks:
            maps = block(maps)
        return self.backbone.features_of(maps[None], views)[0]
