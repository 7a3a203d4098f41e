"""Theta: the result of adapting to support sets, and all that is needed to answer queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from models.backbones.backbone import Params, part
from models.inner_loop import BODY, HEAD


@dataclass(frozen=True)
class Theta:
    """Adapted classifiers of T tasks.

    Attributes:
        body: the backbone's parameters; those that adaptation moved have a leading task dimension.
        head: ``weight`` ``[T, N, D]`` and ``bias`` ``[T, N]``.
        ways: int64 ``[T]``, the number of classes of each task.
        moments: for ``support`` normalisation, the support set's moments by which queries are normalised
            (``[2, T, channels]``, see ``Backbone.__call__``); else None.
    """

    body: Params
    head: Params
    ways: Tensor
    moments: Tensor | None

    @property
    def class_mask(self) -> Tensor:
        """Which classes each task has, bool ``[T, N]``."""
        return torch.arange(self.head["weight"].shape[1], device=self.ways.device) < self.ways[:, None]

    def tensors(self) -> Params:
        """All tensors under flat names, as safetensors stores them."""
        flat = {f"{BODY}{name}": value.detach().contiguous() for name, value in self.body.items()}
        flat |= {f"{HEAD}{name}": value.detach().contiguous() for name, value in self.head.items()}
        flat["ways"] = self.ways
        if self.moments is not None:
            flat["moments"] = self.moments.detach().contiguous()
        return flat

    @classmethod
    def from_tensors(cls, flat: Mapping[str, Tensor]) -> Self:
        """Rebuild from what ``tensors`` returned."""
        return cls(
            body=part(flat, BODY),
            head=part(flat, HEAD),
            ways=flat["ways"],
            moments=flat.get("moments"),
        )
