"""Theta: what adapting to support sets gives, and all that answering queries takes."""

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
        body: the backbone's parameters; those that adaptation moved have a task dimension in front.
        head: ``weight`` ``[T, N, D]`` and ``bias`` ``[T, N]``.
        ways: int64 ``[T]``.
        moments: what ``support`` normalisation uses for queries (see ``Conv4``), else None.
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
        """All of it under flat names, as safetensors stores it."""
        flat = {f"{BODY}{name}": value.detach().contiguous() for name, value in self.body.items()}
        flat |= {f"{HEAD}{name}": value.detach().contiguous() for name, value in self.head.items()}
        flat["ways"] = self.ways
        if self.moments is not None:
            flat["moments"] = self.moments.detach().contiguous()
        return flat

    @classmethod
    def from_tensors(cls, flat: Mapping[str, Tensor]) -> Self:
        """Rebuild from ``tensors``' answer."""
        return cls(
            body=part(flat, BODY),
            head=part(flat, HEAD),
            ways=flat["ways"],
            moments=flat.get("moments"),
        )
