"""Conv4, the field's four-block convolutional backbone (Vinyals et al. 2016, section 4.1)."""

from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor

from models.backbones.backbone import MOMENTS, Params, fresh_layer
from models.backbones.normalisation import NormalisationKind, check_kind
from models.backbones.normalising import Normalising
from models.backbones.views import View, averaged, in_views, views_of
from models.kernels.convolved_block import convolved_block
from models.kernels.native.compiled import library
from models.kernels.native.shapes import LANES
from models.kernels.normalised_block import max_pool
from models.kernels.task_convolution import convolve

BLOCKS = 4
Halving = Literal["pool", "stride"]


@dataclass(frozen=True)
class Conv4:
    """Four blocks of convolution 3x3, normalisation, ReLU and halving, as a function of its parameters.

    Parameters are named ``block{1..4}.convolution`` ``[width, in, 3, 3]``, ``block{i}.scale`` and
    ``block{i}.shift`` ``[width]``; each may have a leading task dimension. ``running`` normalisation
    adds the constants ``block{i}.moments`` ``[2, width]``. Blocks may differ in width.

    Attributes:
        channels: of the input.
        side: of the square input, in pixels.
        width: channels of every block, or a tuple of one number a block; the field's is 64.
        halving: ``pool`` convolves at full resolution, then takes the maximum over 2x2; ``stride`` convolves at
            every other position and averages what is left of the last map (learn2learn's Omniglot CNN).
            ``support`` and ``running`` normalisation come after the maximum, on a quarter of the map: with a
            positive scale the two commute, except that the moments are then those of the maxima.
        halvings: how many of the blocks halve, counted from the first; with fewer than four, ``pool`` leaves more
            positions, so features also say where a stroke lies.
        normalisation: see ``models.backbones.normalisation``.
        groups: number of groups of channels, for ``group`` normalisation.
        unit: whether features are scaled to length 1, so that distances compare directions (Gidaris and Komodakis
            2018, section 3.1).
        views: small changes of each image over which its features are averaged (see ``models.backbones.views``);
            empty for the image as it is.
        features: D, the number of features of an image, worked out from the above.
    """

    channels: int = 1
    side: int = 28
    width: int | tuple[int, ...] = 64
    halving: Halving = "pool"
    normalisation: NormalisationKind = "group"
    groups: int = 8
    halvings: int = BLOCKS
    unit: bool = False
    views: tuple[View, ...] = ()
    features: int = field(init=False)

    def __post_init__(self) -> None:
        """Work out the number of features; raise ValueError for settings that do not fit together."""
        if not isinstance(self.width, int):
            object.__setattr__(self, "width", tuple(self.width))
        object.__setattr__(self, "views", views_of(self.views))
        check_kind(self.normalisation)
        if self.halving not in get_args(Halving):
            raise ValueError(f"halving must be {' or '.join(get_args(Halving))}, not {self.halving!r}")
        if self.groups < 1:
            raise ValueError(f"there must be at least 1 group of channels, not {self.groups}")
        if len(self.widths) != BLOCKS or any(width < 1 or width % self.groups for width in self.widths):
            raise ValueError(
                f"width {self.width} must be one number or {BLOCKS}, each a multiple of {self.groups} groups"
            )
        if not 0 <= self.halvings <= BLOCKS:
            raise ValueError(f"halvings must be 0 to {BLOCKS}, not {self.halvings}")
        last = self.side >> self.halvings
        if self.halving == "pool" and last < 1:
            raise ValueError(
                f"{self.halvings} halvings leave nothing of {self.side} pixels: use at least {1 << self.halvings}"
            )
        positions = last * last if self.halving == "pool" else 1
        object.__setattr__(self, "features", self.widths[-1] * positions)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each block."""
        return (self.width,) * BLOCKS if isinstance(self.width, int) else self.width

    @property
    def operations(self) -> int:
        """Floating-point operations of all convolutions for one image, a product and a sum counted as two."""
        total, inputs, side = 0, self.channels, self.side
        for block, width in enumerate(self.widths, start=1):
            halve = block <= self.halvings
            if halve and self.halving == "stride":
                side = -(-side // 2)
            total += 2 * 9 * inputs * width * side * side
            if halve and self.halving == "pool":
                side //= 2
            inputs = width
        return total * max(1, len(self.views))

    @property
    def normalised(self) -> dict[str, int]:
        """Channels of each normalisation, by the name of its constants, in the order of the pass."""
        return {f"block{block}.{MOMENTS}": width for block, width in enumerate(self.widths, start=1)}

    @property
    def is_native(self) -> bool:
        """Whether C computes all of it for float32 on the CPU, and so each image alike in any company."""
        whole = all(width % LANES == 0 for width in self.widths)
        return self.normalisation == "group" and whole and library() is not None

    def initial(self, generator: torch.Generator) -> Params:
        """Draw fresh parameters."""
        params: Params = {}
        inputs, running = self.channels, self.normalisation == "running"
        for block, width in enumerate(self.widths, start=1):
            params |= fresh_layer(f"block{block}", inputs, width, 3, generator, running=running)
            inputs = width
        return params

    def is_per_task(self, params: Params) -> bool:
        """Whether each task has parameters of its own."""
        return params["block1.scale"].ndim == 2

    def __call__(
        self,
        params: Params,
        images: Tensor,
        *,
        weights: Tensor | None = None,
        seen: Tensor | None = None,
        pooled: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Compute features (see ``Backbone``); with ``pooled``, views are left out."""
        views = () if pooled else self.views
        maps, weights = in_views(images, weights, views)
        norm = Normalising(self, params, weights=weights, seen=seen, pooled=pooled)
        for block in range(1, BLOCKS + 1):
            halve = block <= self.halvings
            stride = 2 if halve and self.halving == "stride" else 1
            weight, pool = params[f"block{block}.convolution"], halve and self.halving == "pool"
            if self.normalisation == "group":
                scale, shift = params[f"block{block}.scale"], params[f"block{block}.shift"]
                maps = convolved_block(maps, weight, stride, self.groups, scale, shift, pooled=pool)
            else:
                maps = convolve(maps, weight, stride, channels_last=True)
                maps = norm(f"block{block}", max_pool(maps) if pool else maps, self.groups, relu=True)
        return self.features_of(maps, views), norm.moments

    def features_of(self, maps: Tensor, views: tuple[View, ...]) -> Tensor:
        """Features ``[T, B, D]`` of the last block's maps ``[T, B * V, C, H, W]``; V is 1 without views."""
        features = maps.flatten(2) if self.halving == "pool" else maps.mean((3, 4))
        return averaged(features, views, unit=self.unit)
