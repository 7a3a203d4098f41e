"""A backbone of stages: residual networks of any depth, and other chains of convolutions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from models.backbones.backbone import MOMENTS, Params, fresh_layer
from models.backbones.depths import Depth, away_from, depths_of, joined
from models.backbones.normalisation import NormalisationKind, check_kind
from models.backbones.normalising import Normalising
from models.backbones.stage import Layer, Stage, halved
from models.backbones.views import View, averaged, in_views, views_of
from models.kernels.any_convolution import convolve_by
from models.kernels.layouts import channels_innermost
from models.kernels.normalised_block import max_pool

SKIP = "skip"
CENTRE = f"centre.{MOMENTS}"


@dataclass(frozen=True)
class Staged:
    """Stages one after the other, as a function of their parameters.

    Four stages of three convolutions, with ``skip`` and ``pool``, are ResNet12 (Mishra et al. 2018; Lee et al.
    2019); a first stage of one convolution and then stages of two, with ``skip`` and ``stride``, are ResNet10.

    Parameters are named ``stage{s}.{c}.convolution`` ``[width, in, k, k]``, ``stage{s}.{c}.scale`` and ``.shift``
    ``[width]``, for convolution c of stage s, both from 1, and ``stage{s}.skip.*`` for the convolution of a skip.
    Each may have a leading task dimension. ``running`` normalisation adds the constants ``*.moments``
    ``[2, width]``, and ``centred`` the constant ``centre.moments`` ``[features]``, 0 until the warm-up's end.

    Attributes:
        channels: of the input.
        side: of the square input, in pixels.
        stages: in order from the image.
        normalisation: see ``models.backbones.normalisation``.
        unit: whether features are scaled to length 1, so that distances compare directions.
        average: whether to average over the remaining positions; otherwise every position gives features of its
            own, since where a stroke lies may distinguish drawings.
        signed: whether to leave out the last ReLU, so that features may point anywhere (Gidaris and Komodakis
            2018, section 3.2).
        centred: with ``unit``, whether to subtract the mean of the training images' features and scale to length
            1 again (Wang et al. 2019, SimpleShot, section 3.2).
        views: small changes of each image over which its features are averaged (see ``models.backbones.views``);
            empty for the image as it is.
        earlier: with ``unit``, earlier layers whose maps also contribute features, as the last maps do (see
            ``models.backbones.depths``).
        features: D, the number of features of an image, worked out from the above.
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
    earlier: tuple[Depth, ...] = ()
    features: int = field(init=False)

    def __post_init__(self) -> None:
        """Work out the number of features; raise ValueError for settings that do not fit together."""
        stages: tuple[Any, ...] = tuple(self.stages)
        stages = tuple(one if isinstance(one, Stage) else Stage(**one) for one in stages)
        check_kind(self.normalisation)
        if not stages:
            raise ValueError("a backbone needs at least one stage")
        object.__setattr__(self, "stages", stages)
        object.__setattr__(self, "views", views_of(self.views))
        side = self.side
        for stage in stages:
            side = halved(side, stage)
        if self.centred and not self.unit:
            raise ValueError("centred features have length 1: set unit to true")
        if side < 1:
            raise ValueError(f"the stages leave nothing of {self.side} pixels: halve less often")
        object.__setattr__(self, "earlier", depths_of(self.earlier))
        self._check_depths()
        object.__setattr__(self, "features", sum(self.widths))

    def _check_depths(self) -> None:
        if self.earlier and not self.unit:
            raise ValueError("features of earlier maps have length 1: set unit to true")
        known = [one.name for one in self.layers() if not one.name.endswith(SKIP)][:-1]
        if unknown := [one.layer for one in self.earlier if one.layer not in known]:
            raise ValueError(f"earlier names {unknown[0]}: the layers before the last are {', '.join(known)}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of features from the last maps, and from each of the ``earlier`` ones."""
        maps = {one.name: (one.width, one.side) for one in self.layers()}
        for number, stage in enumerate(self.stages, start=1):
            last = f"stage{number}.{stage.convolutions}"
            width, side = maps[last]
            maps[last] = width, halved(side, stage) if stage.halving == "pool" else side
        of_each = [maps[last], *(maps[one.layer] for one in self.earlier)]
        return tuple(width * (1 if self.average else side**2) for width, side in of_each)

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
        """Compute features (see ``Backbone``); with ``pooled``, views and centring are left out."""
        views = () if pooled else self.views
        maps, weights = in_views(images, weights, views)
        norm = Normalising(self, params, weights=weights, seen=seen, pooled=pooled)
        described: dict[str, Tensor] = {}
        for number, stage in enumerate(self.stages, start=1):
            maps = self._stage(number, stage, params, maps, norm, described)
        centre = params[CENTRE] if self.centred and not pooled else None
        features = self.features_of(self.describe(maps.flatten(0, 1)), described, views, centre)
        return features.view(*images.shape[:2], -1), norm.moments

    def describe(self, maps: Tensor) -> Tensor:
        """Turn maps ``[B, C, H, W]`` into ``[B, C]``, the mean over positions, or ``[B, C * H * W]``."""
        # Always in the same layout, whatever the stages returned: a sum's last bits depend on the order of terms.
        flat = channels_innermost(maps)
        return flat.mean((2, 3)) if self.average else flat.flatten(1)

    def features_of(
        self, last: Tensor, described: Mapping[str, Tensor], views: tuple[View, ...], centre: Tensor | None
    ) -> Tensor:
        """Features ``[B, D]`` of images that went through the stages in V views.

        Args:
            last: what ``describe`` made of the last maps, ``[B * V, D_1]``; V is 1 without views.
            described: what it made of the ``earlier`` ones, ``[B * V, D_i]`` by layer.
            views: the views of each image.
            centre: the mean to subtract, ``[D]``, or None.
        """
        every = [last, *(described[one.layer] for one in self.earlier)]
        features = joined([averaged(one, views, unit=self.unit) for one in every], self._weights)
        return features if centre is None else self.away_from(centre, features)

    def away_from(self, centre: Tensor, features: Tensor) -> Tensor:
        """Subtract a centre ``[D]`` from features ``[B, D]`` and scale to length 1 again."""
        return away_from(centre, features, self.widths, self._weights)

    @property
    def _weights(self) -> tuple[float, ...]:
        return 1.0, *(one.weight for one in self.earlier)

    def rectifies(self, number: int) -> bool:
        """Whether a stage, counted from 1, ends with ReLU."""
        return not (self.signed and number == len(self.stages))

    def _stage(
        self,
        number: int,
        stage: Stage,
        params: Params,
        maps: Tensor,
        norm: Normalising,
        described: dict[str, Tensor],
    ) -> Tensor:
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
            if not last:
                self.note(layer, maps, described)
        if stage.skip:
            layer = f"{name}.{SKIP}"
            if f"{layer}.convolution" in params:
                start = convolved(layer, start, 2 if stage.halving == "stride" else 1)
                start = norm(layer, start, stage.groups, relu=False)
            maps = maps + start
            maps = maps.relu_() if rectifies else maps  # in place: no gradient needs the values before it
        maps = max_pool(maps) if stage.halving == "pool" else maps
        self.note(f"{name}.{stage.convolutions}", maps, described)
        return maps

    def note(self, layer: str, maps: Tensor, described: dict[str, Tensor]) -> None:
        """Store ``describe``'s result for maps ``[..., C, H, W]``, if the layer is one of ``earlier``."""
        if any(one.layer == layer for one in self.earlier):
            described[layer] = self.describe(maps.flatten(0, -4))

    def layers(self) -> Iterator[Layer]:
        """All convolutions, in the order of the forward pass."""
        inputs, side = self.channels, self.side
        for number, stage in enumerate(self.stages, start=1):
            name, stride = f"stage{number}", 2 if stage.halving == "stride" else 1
            within = -(-side // stride)
            for index in range(1, stage.convolutions + 1):
                before, step, incoming = (inputs, stride, side) if index == 1 else (stage.width, 1, within)
                yield Layer(f"{name}.{index}", before, stage.width, stage.kernel, step, incoming, within)
            if stage.skip and (inputs != stage.width or stride == 2):
                yield Layer(f"{name}.{SKIP}", inputs, stage.width, 1, stride, side, within)
            inputs, side = stage.width, halved(side, stage)
