"""The normalisations of one pass through a backbone: the moments they use, and those they take."""

import torch
from torch import Tensor

from models.backbones.backbone import MOMENTS, Backbone, Params
from models.backbones.normalisation import batch_norm, moments, normalise_by
from models.kernels.normalised_block import normalised_block
from models.kernels.task_group_norm import group_norm


class Normalising:
    """Normalises the maps of one pass, layer after layer, in the order of ``Backbone.normalised``."""

    def __init__(
        self, backbone: Backbone, params: Params, *, weights: Tensor | None, seen: Tensor | None, pooled: bool
    ) -> None:
        """Start a pass; the arguments are those of ``Backbone.__call__``.

        Raises:
            ValueError: for ``support`` normalisation with neither ``weights`` nor ``seen``.
        """
        self._kind, self._params = backbone.normalisation, params
        self._weights, self._pooled = weights, pooled
        self._taken: list[Tensor] = []
        if self._kind == "support" and weights is None and seen is None:
            raise ValueError("support normalisation of queries needs the support set's moments")
        sizes = list(backbone.normalised.values())
        self._seen = iter(seen.split(sizes, -1)) if seen is not None and weights is None else None

    @property
    def moments(self) -> Tensor | None:
        """The moments taken so far, as ``Backbone.__call__`` returns them; None if there are none."""
        return torch.cat(self._taken, -1) if self._taken else None

    def __call__(self, layer: str, maps: Tensor, groups: int, *, relu: bool) -> Tensor:
        """Normalise, scale, shift and, with ``relu``, rectify maps ``[T, B, C, H, W]``; may overwrite them."""
        scale, shift = self._params[f"{layer}.scale"], self._params[f"{layer}.shift"]
        if self._kind == "group":
            if relu:
                return normalised_block(maps, groups, scale, shift, pooled=False)
            return group_norm(maps, groups, scale, shift)
        if self._kind == "running" and not self._pooled:
            maps = normalise_by(maps, self._params[f"{layer}.{MOMENTS}"], scale, shift)
        elif self._kind == "running":
            maps, found = batch_norm(maps, scale, shift)
            self._taken.append(found)
            # Not in place: the maps are a view, whose gradient autograd would then rearrange and copy twice.
            return torch.relu(maps) if relu else maps
        else:
            if self._weights is not None:
                self._taken.append(moments(maps, self._weights))
            maps = normalise_by(maps, next(self._seen) if self._seen else self._taken[-1], scale, shift)
        return maps.relu_() if relu else maps
