"""Conv4, the field's four-block convolutional backbone (Vinyals et al. 2016, section 4.1)."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from models.kernels.normalised_block import max_pool, normalised_block
from models.kernels.patch_products import as_kernels, as_matrices
from models.kernels.task_convolution import convolve
from models.normalisation import NormalisationKind, batch_norm, moments, normalise_by
from models.views import View, see

Params = dict[str, Tensor]

BLOCKS = 4
_MOMENTS = "moments"


@dataclass(frozen=True)
class Conv4:
    """Four blocks of convolution 3x3, normalisation, ReLU and halving, as a function of its parameters.

    Parameters are named ``block{1..4}.convolution`` ``[width, in, 3, 3]``, ``block{i}.scale`` and
    ``block{i}.shift`` ``[width]``; each may have a task dimension in front. ``running`` normalisation
    adds the constants ``block{i}.moments`` ``[2, width]``. Blocks may differ in width.

    Attributes:
        channels: of the input.
        side: pixels of the input.
        width: channels of each block, or of one after the other; the field's is 64.
        halving: ``pool`` convolves at full resolution, then takes the maximum over 2x2; ``stride`` convolves at
            every other position and averages what is left of the last map (learn2learn's Omniglot CNN).
            Normalisation by channel comes after the maximum, on a quarter of the map: with a positive scale
            the two commute, but for what the moments are taken over.
        halvings: how many blocks halve, the first ones; with fewer than four, features tell where a stroke lies.
        normalisation: see ``models.normalisation``.
        groups: of channels, for ``group`` normalisation.
        unit: give features of length 1, so that distances compare directions (Gidaris and Komodakis 2018,
            section 3.1).
        views: small changes in which each image is seen, its features being their mean (see ``models.views``);
            none for the image as it is.
    """

    channels: int = 1
    side: int = 28
    width: int | tuple[int, ...] = 64
    halving: Literal["pool", "stride"] = "pool"
    normalisation: NormalisationKind = "group"
    groups: int = 8
    halvings: int = BLOCKS
    unit: bool = False
    views: tuple[View, ...] = ()
    features: int = field(init=False)

    def __post_init__(self) -> None:
        """Work out the number of features, and refuse sizes that do not fit."""
        if not isinstance(self.width, int):
            object.__setattr__(self, "width", tuple(self.width))
        views = tuple((float(rotation), float(shear), float(stretch)) for rotation, shear, stretch in self.views)
        object.__setattr__(self, "views", views)
        if len(self.widths) != BLOCKS or any(width % self.groups for width in self.widths):
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

    def initial(self, generator: torch.Generator) -> Params:
        """Draw fresh parameters (He et al. 2015, eq. 10)."""
        params: Params = {}
        inputs = self.channels
        for block, width in enumerate(self.widths, start=1):
            weight = torch.randn(width, inputs, 3, 3, generator=generator)
            params[f"block{block}.convolution"] = weight * (2.0 / (9 * inputs)) ** 0.5
            params[f"block{block}.scale"] = torch.ones(width)
            params[f"block{block}.shift"] = torch.zeros(width)
            if self.normalisation == "running":
                params[f"block{block}.{_MOMENTS}"] = torch.stack([torch.zeros(width), torch.ones(width)])
            inputs = width
        return params

    def __call__(
        self,
        params: Params,
        images: Tensor,
        *,
        weights: Tensor | None = None,
        seen: Tensor | None = None,
        pooled: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Compute features.

        Args:
            params: as in the class docstring.
            images: ``[T, B, C, H, W]``.
            weights: ``[T, B]`` of a support set, whose moments are then taken; None for queries.
            seen: for ``support`` normalisation of queries, the moments that the support set gave.
            pooled: while training ``running`` normalisation: normalise by the moments of all these images
                together and answer with them (Ioffe and Szegedy 2015, algorithm 1). Each image is then seen
                once, as it is: training changes its images at random.

        Returns:
            Features ``[T, B, D]``, and the moments ``[2, T, sum of widths]`` where ``weights`` asked for them
            and the normalisation uses them (``support``), or ``[2, 1, sum of widths]`` where ``pooled`` did.
        """
        views = () if pooled else self.views
        maps = see(images, views) if views else images
        if views and weights is not None:
            weights = weights.repeat_interleave(len(views), 1)
        taken: list[Tensor] = []
        known = seen.split(self.widths, -1) if seen is not None else None
        by_channel = self.normalisation != "group"
        for block in range(1, BLOCKS + 1):
            scale, shift = params[f"block{block}.scale"], params[f"block{block}.shift"]
            halve = block <= self.halvings
            stride = 2 if halve and self.halving == "stride" else 1
            maps = convolve(maps, params[f"block{block}.convolution"], stride, channels_last=by_channel)
            pool = halve and self.halving == "pool"
            if self.normalisation == "group":
                maps = normalised_block(maps, self.groups, scale, shift, pooled=pool)
                continue
            if pool:
                maps = max_pool(maps)
            if self.normalisation == "running" and not pooled:
                maps = normalise_by(maps, params[f"block{block}.{_MOMENTS}"], scale, shift)
            elif self.normalisation == "running":
                maps, of_block = batch_norm(maps, scale, shift)
                taken.append(of_block)
            else:
                if weights is not None:
                    taken.append(moments(maps, weights))
                elif known is None:
                    raise ValueError("support normalisation of queries needs the support set's moments")
                maps = normalise_by(maps, known[block - 1] if known else taken[-1], scale, shift)
            maps = maps.relu_()  # in place: no derivative above needs the value before
        features = self.features_of(maps, views)
        return features, torch.cat(taken, -1) if taken else None

    def features_of(self, maps: Tensor, views: tuple[View, ...]) -> Tensor:
        """Features ``[T, B, D]`` of the last block's maps ``[T, B * V, C, H, W]``; V is 1 without views."""
        features = maps.flatten(2) if self.halving == "pool" else maps.mean((3, 4))
        if self.unit:
            features = _unit(features)
        if views:
            features = features.unflatten(1, (-1, len(views))).mean(2)
            features = _unit(features) if self.unit else features
        return features


def is_constant(name: str) -> bool:
    """Whether a parameter of this name holds statistics, which no gradient moves."""
    return name.endswith(f".{_MOMENTS}")


def is_per_task(params: Params) -> bool:
    """Whether each task has parameters of its own."""
    return params["block1.scale"].ndim == 2


def for_tasks(params: Params, tasks: int) -> Params:
    """Give each task the parameters as its own to move, kernels in the layout in which they move fastest."""
    return {name: value if is_constant(name) else _for_tasks(value, tasks) for name, value in params.items()}


def _for_tasks(value: Tensor, tasks: int) -> Tensor:
    if value.ndim != 4:
        return value.expand(tasks, *value.shape)
    # Expanded as matrices: so the tasks' gradients are added up in the order in which they lie in memory.
    return as_kernels(as_matrices(value).contiguous().expand(tasks, -1, -1, -1, -1))


def _unit(features: Tensor) -> Tensor:
    wide = features.to(torch.promote_types(features.dtype, torch.float32))
    return torch.nn.functional.normalize(wide, dim=-1)
