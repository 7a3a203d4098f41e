"""Conv4, the field's four-block convolutional backbone (Vinyals et al. 2016, section 4.1)."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from models.normalisation import NormalisationKind, affine, group_norm, moments, standardise
from models.task_convolution import convolve

Params = dict[str, Tensor]

BLOCKS = 4


@dataclass(frozen=True)
class Conv4:
    """Four blocks of convolution 3x3, normalisation, ReLU and halving, as a function of its parameters.

    Parameters are named ``block{1..4}.convolution`` ``[width, in, 3, 3]``, ``block{i}.scale`` and
    ``block{i}.shift`` ``[width]``; each may have a task dimension in front. ``running`` normalisation
    adds the constants ``block{i}.moments`` ``[2, width]``.

    Attributes:
        channels: of the input.
        side: pixels of the input.
        width: channels of each block; the field's is 64.
        halving: ``pool`` convolves at full resolution, then takes the maximum over 2x2; ``stride`` convolves at
            every other position and averages what is left of the last map (learn2learn's Omniglot CNN).
        normalisation: see ``models.normalisation``.
        groups: of channels, for ``group`` normalisation.
    """

    channels: int = 1
    side: int = 28
    width: int = 64
    halving: Literal["pool", "stride"] = "pool"
    normalisation: NormalisationKind = "group"
    groups: int = 8
    features: int = field(init=False)

    def __post_init__(self) -> None:
        """Work out the number of features, and refuse sizes that do not fit."""
        if self.width % self.groups:
            raise ValueError(f"width {self.width} does not divide into {self.groups} groups")
        last = self.side >> BLOCKS
        if self.halving == "pool" and last < 1:
            raise ValueError(f"four halvings leave nothing of {self.side} pixels: use at least 16")
        object.__setattr__(self, "features", self.width * (last * last if self.halving == "pool" else 1))

    def initial(self, generator: torch.Generator) -> Params:
        """Draw fresh parameters (He et al. 2015, eq. 10)."""
        params: Params = {}
        inputs = self.channels
        for block in range(1, BLOCKS + 1):
            weight = torch.randn(self.width, inputs, 3, 3, generator=generator)
            params[f"block{block}.convolution"] = weight * (2.0 / (9 * inputs)) ** 0.5
            params[f"block{block}.scale"] = torch.ones(self.width)
            params[f"block{block}.shift"] = torch.zeros(self.width)
            if self.normalisation == "running":
                params[f"block{block}.moments"] = torch.stack([torch.zeros(self.width), torch.ones(self.width)])
            inputs = self.width
        return params

    def __call__(
        self, params: Params, images: Tensor, *, weights: Tensor | None = None, seen: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Compute features.

        Args:
            params: as in the class docstring.
            images: ``[T, B, C, H, W]``.
            weights: ``[T, B]`` of a support set, whose moments are then taken; None for queries.
            seen: for ``support`` normalisation of queries, the moments that the support set gave.

        Returns:
            Features ``[T, B, D]``, and the moments ``[blocks, 2, T, width]`` where ``weights`` asked for them
            and the normalisation uses them (``support``) or its training updates by them (``running``).
        """
        maps = images
        taken: list[Tensor] = []
        for block in range(1, BLOCKS + 1):
            scale, shift = params[f"block{block}.scale"], params[f"block{block}.shift"]
            maps = convolve(maps, params[f"block{block}.convolution"], 2 if self.halving == "stride" else 1)
            if weights is not None and self.normalisation != "group":
                taken.append(moments(maps, weights))
            if self.normalisation == "group":
                maps = group_norm(maps, self.groups, scale, shift)
            elif self.normalisation == "running":
                maps = affine(standardise(maps, params[f"block{block}.moments"]), scale, shift)
            else:
                if not taken and seen is None:
                    raise ValueError("support normalisation of queries needs the support set's moments")
                maps = affine(standardise(maps, taken[-1] if taken else _of_block(seen, block)), scale, shift)
            # In place: no derivative above needs the value before, and the maps are the bulk of all traffic.
            maps = maps.relu_()
            if self.halving == "pool":
                halved = torch.nn.functional.max_pool2d(maps.flatten(0, 1), 2)
                maps = halved.view(*maps.shape[:2], *halved.shape[1:])
        features = maps.flatten(2) if self.halving == "pool" else maps.mean((3, 4))
        return features, torch.stack(taken) if taken else None


def _of_block(seen: Tensor | None, block: int) -> Tensor:
    assert seen is not None
    return seen[block - 1]
