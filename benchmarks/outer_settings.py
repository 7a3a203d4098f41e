"""The settings whose outer gradients are raced: shapes of tasks, networks and targets."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from benchmarks.classwise_head import ClasswiseHead
from models.backbones.conv4 import Conv4
from models.inner_rule import InnerRule
from models.learner import Learner
from models.support import Support
from training.tasks.episode_batch import EpisodeBatch

RATE = 0.4


@dataclass(frozen=True)
class Setting:
    """One row.

    Attributes:
        name: of the row.
        backbone: group-normalised.
        shots: support images of a class.
        queries: query images of a class.
        tasks: number of tasks of one outer step.
        times: multiple of learn2learn's tasks/s that must be reached.
        least_of_peak: fraction of the convolution peak that must be exceeded, if there is such a target.
        ways: classes of a task.
        second_order: whether to differentiate through the inner gradient.
        moves: what the one inner step moves.
        precision: bfloat16 runs under autocast, as in the trainer.
        device: where torch computes.
        beside_omniglot_cnn: whether to race learn2learn's own network too, which is batch-normalised, so that its
            gradient cannot be compared.
    """

    name: str
    backbone: Conv4
    shots: int
    queries: int
    tasks: int
    times: float
    least_of_peak: float | None = None
    ways: int = 5
    second_order: bool = True
    moves: Literal["all", "head"] = "all"
    precision: Literal["float32", "bfloat16"] = "float32"
    device: Literal["cpu", "cuda"] = "cpu"
    beside_omniglot_cnn: bool = False

    @property
    def learner(self) -> Learner:
        """Our learner for this setting."""
        return Learner(
            self.backbone, ClasswiseHead("shared", ways=self.ways), InnerRule(self.moves, 1, "one", RATE)
        )

    @property
    def dtype(self) -> torch.dtype:
        """The type in which convolutions are computed."""
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32

    def autocast(self) -> torch.autocast:
        """The trainer's context for this precision."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bfloat16")

    def batch(self, tasks: int) -> EpisodeBatch:
        """Draw tasks of noise images: the amount of work does not depend on what they show."""
        generator = torch.Generator().manual_seed(1)

        def drawn(each: int) -> tuple[Tensor, Tensor, Tensor]:
            labels = torch.arange(self.ways).repeat_interleave(each).repeat(tasks, 1)
            shape = (*labels.shape, self.backbone.channels, self.backbone.side, self.backbone.side)
            images = torch.rand(shape, generator=generator)
            return images.to(self.device), labels.to(self.device), torch.ones(labels.shape, device=self.device)

        support = Support(*drawn(self.shots), torch.full((tasks,), self.ways, device=self.device))
        nowhere = torch.zeros(0, dtype=torch.int64)
        return EpisodeBatch(
            support, *drawn(self.queries), class_ids=nowhere, support_places=nowhere, query_places=nowhere
        )


_STRIDED = Conv4(1, 28, 64, "stride")
_POOLED = Conv4(1, 28, 64, "pool")
_LARGE = Conv4(3, 84, 64, "pool")
_ONE_SHOT = "5-way 1-shot, Conv4 strided 28x28"
_FIVE_SHOT = "5-way 5-shot and 15 queries a class, Conv4 pooling 28x28"

SETTINGS = (
    Setting(f"MAML second order, {_ONE_SHOT}, float32", _STRIDED, 1, 1, 32, 5, beside_omniglot_cnn=True),
    Setting(f"MAML second order, {_ONE_SHOT}, bfloat16", _STRIDED, 1, 1, 32, 5, precision="bfloat16"),
    Setting(f"MAML first order, {_ONE_SHOT}, float32", _STRIDED, 1, 1, 32, 5, second_order=False),
    Setting(
        f"MAML first order, {_ONE_SHOT}, bfloat16",
        _STRIDED,
        1,
        1,
        32,
        5,
        second_order=False,
        precision="bfloat16",
    ),
    Setting(f"ANIL, {_ONE_SHOT}, float32", _STRIDED, 1, 1, 32, 8, moves="head"),
    Setting(f"ANIL, {_ONE_SHOT}, bfloat16", _STRIDED, 1, 1, 32, 8, moves="head", precision="bfloat16"),
    Setting(f"MAML second order, {_FIVE_SHOT}, float32", _POOLED, 5, 15, 4, 3, 0.5),
    Setting(f"MAML second order, {_FIVE_SHOT}, bfloat16", _POOLED, 5, 15, 4, 3, 0.5, precision="bfloat16"),
    Setting("MAML second order, 5-way 1-shot, Conv4 pooling 84x84, float32", _LARGE, 1, 1, 4, 2),
    Setting(
        "MAML second order, 5-way 1-shot, Conv4 pooling 84x84, bfloat16", _LARGE, 1, 1, 4, 2, precision="bfloat16"
    ),
)
ON_GPU = (
    Setting(f"GPU: MAML second order, {_ONE_SHOT}, 32 tasks", _STRIDED, 1, 1, 32, 30, device="cuda"),
    Setting(f"GPU: MAML second order, {_ONE_SHOT}, 256 tasks", _STRIDED, 1, 1, 256, 30, device="cuda"),
)
