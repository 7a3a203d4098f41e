"""A backbone of stages: residual networks of any depth, and whatever else is convolutions in a row."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from models.backbone import MOMENTS, Params, fresh_layer
from models.kernels.any_convolution import convolve_by
from models.kernels.normalised_block import max_pool
from models.kernels.task_convolution import channels_innermost
from models.normalisation import NormalisationKind
from models.normalising import Normalising
from models.views import View, averaged, see, views_of

StageHalving = Literal["none", "pool", "stride"]
SKIP = "skip"
CENTRE = f"centre.{MOMENTS}"


@dataclass(frozen=True)
class Stage:
    """Convolutions of one width, each with its normalisation and ReLU.

    Attributes:
        width: channels.
        convolutions: how many in a row.
        kernel: their side, odd.
        halving: ``pool`` takes the maximum over 2x2 at the end; ``stride`` lets the first convolution take every
            other position; ``none`` keeps the map's side.
        skip: add the stage's input before the last ReLU, through a normalised convolution 1x1 where channels or
            sides differ (He et al. 2016, eq. 2).
        groups: of channels, for ``group`` normalisation.
    """

    width: int
    convolutions: int = 1
    kernel: int = 3
    halving: StageHalving = "pool"
    skip: bool = False
    groups: int = 8

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        if self.kernel not in (1, 3, 5, 7) or self.convolutions < 1:
            raise ValueError(
                "a stage has at least 1 convolution, of side 1, 3, 5 or 7, "
                f"not {self.convolutions} of side {self.kernel}"
            )
        if self.halving not in get_args(StageHalving):
            raise ValueError(f"halving must be {', '.join(get_args(StageHalving))}, not {self.halving!r}")
        if self.width < 1 or self.width % self.groups:
            raise ValueError(f"a stage's width {self.width} must be a multiple of its {self.groups} groups")


@dataclass(frozen=True)
class Layer:
    """One convolution of the network: its name, channels, kernel, stride, and the sides of its input and maps."""

    name: str
    inputs: int
    width: int
    kernel: int
    stride: int
    incoming: int
    side: int


@dataclass(frozen=True)
class Staged:
    """Stages one after the other, as a function of its parameters.

    Three convolutions a stage with ``skip`` and ``pool`` are ResNet12 (Mishra et al. 2018; Lee et al. 2019); a
    first stage of one convolution and then two convolutions a stage with ``skip`` and ``stride`` are ResNet10.

    Parameters are named ``stage{s}.{c}.convolution`` ``[width, in, k, k]``, ``stage{s}.{c}.scale`` and ``.shift``
    ``[width]``, for convolution c of stage s, both from 1, and ``stage{s}.skip.*`` for what leads around it. Each
    may have a task dimension in front. ``running`` normalisation adds the constants ``*.moments`` ``[2, width]``,
    and ``centred`` the constant ``centre.moments`` ``[features]``, which is 0 until the warm-up's end.

    Attributes:
        channels: of the input.
        side: pixels of the input.
        stages: from the image on.
        normalisation: see ``models.normalisation``.
        unit: give features of length 1, so that distances compare directions.
        average: give the mean over what positions are left, else each position's: where a stroke lies may tell
            drawings apart.
        signed: leave out the last ReLU, so that features may point anywhere (Gidaris and Komodakis 2018, section
            3.2).
        centred: with ``unit``, take away what the features of all training images have in common, their mean, and
            give what is left length 1 again (Wang et al. 2019, SimpleShot, section 3.2).
        views: small changes in which each image is seen, its features being their mean (see ``models.views``);
            none for the image as it is.
    """

    channels: int
    side: int
    stages: tuple[Stage, ...]
    normalisation: NormalisationKind = "running"
    unit: bool = False
    average: bool = True
    signed: bool = False
    centred: bool = False
    views: tuple[View, ...] = ()
    features: int = field(init=False)

    def __post_init__(self) -> None:
        """Work out the number of features, and refuse sizes that do not fit."""
        stages: tuple[Any, ...] = tuple(self.stages)
        stages = tuple(one if isinstance(one, Stage) else Stage(**one) for one in stages)
        if not stages:
            raise ValueError("a backbone needs at least one stage")
        object.__setattr__(self, "stages", stages)
        object.__setattr__(self, "views", views_of(self.views))
        side = self.side
        for stage in stages:
            side = _halved(side, stage)
        if self.centred and not self.unit:
            raise ValueError("centred features have length 1: set unit to true")
        if side < 1:
            raise ValueError(f"the stages leave nothing of {self.side} pixels: halve less often")
        object.__setattr__(self, "features", stages[-1].width * (1 if self.average else side**2))

    @property
    def operations(self) -> int:
        """Floating-point operations of all convolutions for one image, a product and a sum counted as two."""
        once = sum(2 * one.kernel**2 * one.inputs * one.width * one.side**2 for one in self.layers())
        return once * max(1, len(self.views))

    @property
    def normalised(self) -> dict[str, int]:
        """Channels of each normalisation, by the name of its constants, in the order of the pass."""
        return {f"{one.name}.{MOMENTS}": one.width for one in self.layers()}

    def initial(self, generator: torch.Generator) -> Params:
        """Draw fresh parameters."""
        params: Params = {}
        running = self.normalisation == "running"
        for one in self.layers():
            params |= fresh_layer(one.name, one.inputs, one.width, one.kernel, generator, running=running)
        return params | ({CENTRE: torch.zeros(self.features)} if self.centred else {})

    def is_per_task(self, params: Params) -> bool:
        """Whether each task has parameters of its own."""
        return params["stage1.1.scale"].ndim == 2

    def __call__(
        self,
        params: Params,
        images: Tensor,
        *,
        weights: Tensor | None = None,
        seen: Tensor | None = None,
        pooled: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Compute features (see ``models.backbone.Backbone``); those that train are seen without views."""
        if images.shape[:2] == (1, 1) and weights is None:
            # torch computes a single image by other routines than several, with other last bits.
            features, found = self(params, images.expand(1, 2, -1, -1, -1), seen=seen, pooled=pooled)
            return features[:, :1], found
        views = () if pooled else self.views
        maps = see(images, views) if views else images
        if views and weights is not None:
            weights = weights.repeat_interleave(len(views), 1)
        norm = Normalising(self, params, weights=weights, seen=seen, pooled=pooled)
        for number, stage in enumerate(self.stages, start=1):
            maps = self._stage(number, stage, params, maps, norm)
        centre = None if pooled else params.get(CENTRE)
        features = self.features_of(maps.flatten(0, 1), views, centre)
        return features.view(*images.shape[:2], -1), norm.moments

    def features_of(self, maps: Tensor, views: tuple[View, ...], centre: Tensor | None) -> Tensor:
        """Features ``[B, D]`` of the last maps ``[B * V, C, H, W]``, seen from a centre ``[D]``, if any."""
        # In one layout, whatever came out of the stages: the order of a sum's terms decides its last bits.
        flat = channels_innermost(maps)
        features = flat.mean((2, 3)) if self.average else flat.flatten(1)
        features = averaged(features, views, unit=self.unit)
        return features if centre is None else away_from(centre, features)

    def rectifies(self, number: int) -> bool:
        """Whether a stage, counted from 1, ends with ReLU."""
        return not (self.signed and number == len(self.stages))

    def _stage(self, number: int, stage: Stage, params: Params, maps: Tensor, norm: Normalising) -> Tensor:
        name, rectifies = f"stage{number}", self.rectifies(number)

        def convolved(layer: str, images: Tensor, stride: int) -> Tensor:
            kernel = params[f"{layer}.convolution"]
            return convolve_by(images, kernel, stride, channels_last=self.normalisation != "group")

        start = maps
        for index in range(1, stage.convolutions + 1):
            layer = f"{name}.{index}"
            last = index == stage.convolutions
            maps = convolved(layer, maps, 2 if index == 1 and stage.halving == "stride" else 1)
            maps = norm(layer, maps, stage.groups, relu=not last or (rectifies and not stage.skip))
        if stage.skip:
            layer = f"{name}.{SKIP}"
            if f"{layer}.convolution" in params:
                start = convolved(layer, start, 2 if stage.halving == "stride" else 1)
                start = norm(layer, start, stage.groups, relu=False)
            maps = maps + start
            maps = maps.relu_() if rectifies else maps  # in place: no derivative above needs the value before
        return max_pool(maps) if stage.halving == "pool" else maps

    def layers(self) -> Iterator[Layer]:
        """All convolutions, in the order of the pass."""
        inputs, side = self.channels, self.side
        for number, stage in enumerate(self.stages, start=1):
            name, stride = f"stage{number}", 2 if stage.halving == "stride" else 1
            within = -(-side // stride)
            for index in range(1, stage.convolutions + 1):
                before, step, incoming = (inputs, stride, side) if index == 1 else (stage.width, 1, within)
                yield Layer(f"{name}.{index}", before, stage.width, stage.kernel, step, incoming, within)
            if stage.skip and (inputs != stage.width or stride == 2):
                yield Layer(f"{name}.{SKIP}", inputs, stage.width, 1, stride, side, within)
            inputs, side = stage.width, _halved(side, stage)


def away_from(centre: Tensor, features: Tensor) -> Tensor:
    """The directions, of length 1, in which features ``[..., D]`` lie from a centre ``[D]``."""
    return torch.nn.functional.normalize(features - centre, dim=-1)


def _halved(side: int, stage: Stage) -> int:
    return -(-side // 2) if stage.halving == "stride" else side // 2 if stage.halving == "pool" else side
