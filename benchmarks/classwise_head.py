"""The head of the MAML that learn2learn runs: one learned row for each of a fixed number of ways."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.heads import Head
from models.support import Support


@dataclass(frozen=True)
class ClasswiseHead(Head):
    """Starts each class from a row of its own.

    From one shared vector, the first inner step would leave the body where it is, and the comparison of
    second-order gradients would not cover all of MAML.

    Attributes:
        ways: number of classes.
    """

    ways: int = 5

    def initial(self, features: int, generator: torch.Generator) -> Params:
        """Draw ``weight`` ``[N, D]`` and ``bias`` ``[N]``."""
        weight = torch.randn(self.ways, features, generator=generator) / features**0.5
        return {"weight": weight, "bias": torch.zeros(self.ways)}

    def start(self, phi: Params, features: Tensor | None, support: Support) -> Params:  # noqa: ARG002
        """Give each task a copy of the rows."""
        tasks = len(support.ways)
        return {name: value.expand(tasks, *value.shape) for name, value in phi.items()}
