"""Conv4 at rest: its normalisation folded into kernels that are laid out once, for many calls.

ReLU comes before the maximum, with which it commutes, so that a block is one call (see
``models.backbones.resting_convolution``) and the maximum. For one image, laying the kernels out and normalising
in each call took a quarter of the time.
"""

from dataclasses import dataclass
from typing import Self

from torch import Tensor
from torch.nn.functional import max_pool2d

from models.backbones.backbone import Params
from models.backbones.conv4 import BLOCKS, Conv4
from models.backbones.resting_convolution import RestingConvolution, can_rest, folded_layer
from models.backbones.views import see
from models.kernels.layouts import channels_innermost


@dataclass(frozen=True)
class FoldedConv4:
    """The backbone with fixed parameters, as a function of images; equal up to rounding; CPU and float32 only."""

    backbone: Conv4
    blocks: tuple[RestingConvolution, ...]

    @classmethod
    def of(cls, backbone: Conv4, params: Params) -> Self | None:
        """Fold the parameters, or return None if that is impossible.

        It needs ``running`` normalisation, float32 parameters on the CPU, a build of torch with oneDNN, and no
        negative scale: that would turn the maximum of four numbers into the minimum.
        """
        if backbone.normalisation != "running" or not can_rest(params):
            return None
        if any(bool((params[f"block{number}.scale"] < 0).any()) for number in range(1, BLOCKS + 1)):
            return None
        blocks, side = [], backbone.side
        for number in range(1, BLOCKS + 1):
            halves = number <= backbone.halvings
            stride = 2 if halves and backbone.halving == "stride" else 1
            blocks.append(folded_layer(params, f"block{number}", stride=stride, side=side, relu=True))
            side = -(-side // 2) if stride == 2 else side // 2 if halves else side
        return cls(backbone, tuple(blocks))

    def __call__(self, images: Tensor) -> Tensor:
        """Features ``[B, D]`` of images ``[B, C, H, W]``."""
        views = self.backbone.views
        maps = see(images[None], views)[0] if views else images
        if len(maps) == 1:  # oneDNN computes a single small image by a different routine (see ``convolve``)
            return self(images.expand(2, -1, -1, -1))[:1]
        maps = channels_innermost(maps)
        for number, block in enumerate(self.blocks, start=1):
            maps = block(maps)
            if number <= self.backbone.halvings and self.backbone.halving == "pool":
                maps = max_pool2d(maps, 2)
        return self.backbone.features_of(maps[None], views)[0]
