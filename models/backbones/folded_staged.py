"""A backbone of stages at rest: its constants, skips and ReLU folded into convolutions that are laid out once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from models.backbones.backbone import Params
from models.backbones.resting_convolution import RestingConvolution, at_rest, can_rest
from models.backbones.staged import CENTRE, SKIP, Staged
from models.backbones.views import see
from models.kernels.task_convolution import channels_innermost

_AT_ONCE = 8  # images, whose maps hardly leave the processor's cache


@dataclass(frozen=True)
class _Stage:
    """Convolutions in a row, and what leads around them.

    Attributes:
        name: that its layers' names begin with.
        row: the convolutions; with a skip, the last one adds it before its ReLU.
        skips: whether what came in is added.
        around: the convolution of the skip; None to add what came in as it is.
        pools: whether the maximum over 2x2 ends the stage.
    """

    name: str
    row: tuple[RestingConvolution, ...]
    skips: bool
    around: RestingConvolution | None
    pools: bool

    def __call__(self, images: Tensor, note: Callable[[str, Tensor], None]) -> Tensor:
        """Give the stage's maps, and have those of each layer noted."""
        maps = images
        for index, convolution in enumerate(self.row[:-1], start=1):
            maps = convolution(maps)
            note(f"{self.name}.{index}", maps)
        start = images if self.around is None else self.around(images)
        maps = self.row[-1](maps, start if self.skips else None)
        maps = max_pool2d(maps, 2) if self.pools else maps
        note(f"{self.name}.{len(self.row)}", maps)
        return maps


@dataclass(frozen=True)
class FoldedStaged:
    """The same function of images as the backbone with its parameters, up to rounding; on the CPU, in float32."""

    backbone: Staged
    stages: tuple[_Stage, ...]
    centre: Tensor | None

    @classmethod
    def of(cls, backbone: Staged, params: Params) -> Self | None:
        """Fold parameters; None without ``running`` normalisation or a build of torch with oneDNN."""
        if backbone.normalisation != "running" or not can_rest(params):
            return None
        final = f"stage{len(backbone.stages)}.{backbone.stages[-1].convolutions}"
        packed = {
            one.name: at_rest(
                params,
                one.name,
                stride=one.stride,
                side=one.incoming,
                relu=not (one.name.endswith(SKIP) or (backbone.signed and one.name == final)),
            )
            for one in backbone.layers()
        }
        stages = []
        for number, stage in enumerate(backbone.stages, start=1):
            name = f"stage{number}"
            row = tuple(packed[f"{name}.{index}"] for index in range(1, stage.convolutions + 1))
            stages.append(_Stage(name, row, stage.skip, packed.get(f"{name}.{SKIP}"), stage.halving == "pool"))
        return cls(backbone, tuple(stages), params[CENTRE] if backbone.centred else None)

    def __call__(self, images: Tensor) -> Tensor:
        """Features ``[B, D]`` of images ``[B, C, H, W]``."""
        if len(images) == 1 and len(self.backbone.views) < 2:
            # oneDNN computes a single small image by another routine (see ``convolve``).
            return self(images.expand(2, -1, -1, -1))[:1]
        parts = max(1, -(-len(images) // _AT_ONCE))
        return torch.cat([self._features(part) for part in images.tensor_split(parts)])

    def _features(self, images: Tensor) -> Tensor:
        views = self.backbone.views
        maps = channels_innermost(see(images[None], views)[0] if views else images)
        described: dict[str, Tensor] = {}
        for stage in self.stages:
            maps = stage(maps, lambda layer, found: self.backbone.note(layer, found, described))
        return self.backbone.features_of(self.backbone.describe(maps), described, views, self.centre)
