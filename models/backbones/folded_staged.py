"""A staged backbone at rest: normalisation, skips and ReLU folded into convolutions that are laid out once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from models.backbones.backbone import Params
from models.backbones.resting_convolution import RestingConvolution, can_rest, folded_layer
from models.backbones.staged import CENTRE, SKIP, Staged
from models.backbones.views import see
from models.kernels.layouts import channels_innermost

_AT_ONCE = 8  # images computed together, few enough that their maps mostly stay in the processor's cache


@dataclass(frozen=True)
class _Stage:
    """Convolutions in a row, and the skip around them.

    Attributes:
        name: prefix of the names of its layers.
        row: the convolutions; with a skip, the last one adds it before its ReLU.
        skips: whether the stage's input is added.
        around: the convolution of the skip; None to add the input as it is.
        pools: whether the maximum over 2x2 ends the stage.
    """

    name: str
    row: tuple[RestingConvolution, ...]
    skips: bool
    around: RestingConvolution | None
    pools: bool

    def __call__(self, images: Tensor, note: Callable[[str, Tensor], None]) -> Tensor:
        """Compute the stage's maps, calling ``note`` with the name and the maps of each layer."""
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
    """The backbone with fixed parameters, as a function of images; equal up to rounding; CPU and float32 only."""

    backbone: Staged
    stages: tuple[_Stage, ...]
    centre: Tensor | None

    @classmethod
    def of(cls, backbone: Staged, params: Params) -> Self | None:
        """Fold the parameters; None without ``running`` normalisation, float32 on the CPU and oneDNN in torch."""
        if backbone.normalisation != "running" or not can_rest(params):
            return None
        final = f"stage{len(backbone.stages)}.{backbone.stages[-1].convolutions}"
        packed = {
            one.name: folded_layer(
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
            # oneDNN computes a single small image by a different routine (see ``convolve``).
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
