"""The space of structures: at each stage a choice of kernel, width, normalisation and skip."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from models.backbones.backbone import STRUCTURE, Params
from models.backbones.stage import Stage
from models.backbones.staged import Staged
from training.structure_plan import AS_MANY_AS_CHANNELS, StructureSearch

AXES = ("kernel", "width", "groups", "skip")
Choices = dict[str, Tensor]


@dataclass(frozen=True)
class Space:
    """Stages of one convolution that halves by stride, each, if chosen, with a 1x1 convolution as its skip.

    Attributes:
        channels: of the input.
        side: of the input, in pixels.
        kernels: sides of a convolution's kernel to choose from.
        widths: for each stage, numbers of channels to choose from.
        groups: numbers of groups to choose from for group normalisation; 0 for as many as channels.
        skips: without a skip connection (False), with one (True), or both to choose from.
        unit: see ``models.backbones.backbone.Backbone``.
    """

    channels: int
    side: int
    kernels: tuple[int, ...]
    widths: tuple[tuple[int, ...], ...]
    groups: tuple[int, ...]
    skips: tuple[bool, ...]
    unit: bool = False

    def __post_init__(self) -> None:
        """Refuse a space with nothing to choose from, or whose structures do not all fit.

        Raises:
            ValueError: naming what does not fit.
        """
        if not (self.kernels and self.groups and self.skips and self.widths and all(self.widths)):
            raise ValueError("kernels, groups, skips and each stage's widths need at least one entry")
        for number, widths in enumerate(self.widths):
            for width in widths:
                for groups in self.groups:
                    for kernel in self.kernels:
                        self._stage(width, kernel, groups, skip=False)
            if not -(-self.side // 2**number) > 1:
                raise ValueError(f"{len(self.widths)} stages are more than can halve {self.side} pixels")

    @classmethod
    def of(cls, plan: StructureSearch, channels: int, side: int, *, unit: bool) -> "Space":
        """The space that a recipe's plan spans for an input."""
        return cls(channels, side, plan.kernels, plan.widths, plan.groups, plan.skips, unit)

    def options(self, stage: int, axis: str) -> tuple[int, ...]:
        """What there is to choose from at a stage (from 0) along an axis."""
        skips = tuple(int(skip) for skip in self.skips)
        return {"kernel": self.kernels, "width": self.widths[stage], "groups": self.groups, "skip": skips}[axis]

    def sides(self) -> list[int]:
        """The side of each stage's maps, in pixels."""
        found, side = [], self.side
        for _ in self.widths:
            side = -(-side // 2)
            found.append(side)
        return found

    def undecided(self) -> Params:
        """Structure parameters that prefer nothing: logits 0 ``[options]`` of each choice, by ``parameter``."""
        return {
            parameter(stage, axis): torch.zeros(len(self.options(stage, axis)))
            for stage in range(len(self.widths))
            for axis in AXES
        }

    def probabilities(self, params: Mapping[str, Tensor]) -> list[Choices]:
        """For each stage, the softmax over each axis' options (Liu et al. 2019, eq. 2)."""
        return [
            {axis: params[parameter(stage, axis)].softmax(-1) for axis in AXES}
            for stage in range(len(self.widths))
        ]

    def draws(self, params: Mapping[str, Tensor]) -> list[Choices]:
        """Take the likeliest option of each axis as certain, with the gradient of the softmax (straight-through).

        For logits with Gumbel noise added, these are draws from the softmax (Jang et al. 2017, section 2.2).
        """
        found = []
        for choices in self.probabilities(params):
            certain = {axis: _one_hot(value) for axis, value in choices.items()}
            found.append({axis: certain[axis] + value - value.detach() for axis, value in choices.items()})
        return found

    def backbone(self, chosen: list[dict[str, int]]) -> Staged:
        """The network with one option of each axis at each stage, given by its place among the options."""
        stages = []
        for stage, of_stage in enumerate(chosen):
            kernel, width, groups, skip = (self.options(stage, axis)[of_stage[axis]] for axis in AXES)
            stages.append(self._stage(width, kernel, groups, skip=bool(skip)))
        return Staged(self.channels, self.side, tuple(stages), "group", self.unit)

    @staticmethod
    def _stage(width: int, kernel: int, groups: int, *, skip: bool) -> Stage:
        return Stage(width, 1, kernel, "stride", skip, width if groups == AS_MANY_AS_CHANNELS else groups)


def _one_hot(probabilities: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(probabilities.argmax(), len(probabilities)).to(probabilities.dtype)


def parameter(stage: int, axis: str) -> str:
    """Name of a structure parameter, ``structure.stage{s}.{axis}``; only there are stages counted from 1."""
    return f"{STRUCTURE}stage{stage + 1}.{axis}"
