"""Support sets of several tasks at once, padded to the same size."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Support:
    """The labelled examples of T tasks, padded to S examples each.

    Tasks may differ in their number of classes (ways) and in examples per class (shots): an example of
    weight 0 is padding and changes nothing.

    Attributes:
        images: float ``[T, S, C, H, W]``, preprocessed.
        labels: int64 ``[T, S]``, each in ``0 .. ways - 1`` (any such value for padding).
        weights: float ``[T, S]``, 1 for an example and 0 for padding.
        ways: int64 ``[T]``, the number of classes of each task.
    """

    images: Tensor
    labels: Tensor
    weights: Tensor
    ways: Tensor

    @classmethod
    def of_task(cls, images: Tensor, labels: Tensor) -> Self:
        """Wrap one task: images ``[S, C, H, W]`` and labels ``[S]`` that use every class 0 .. N-1.

        Raises:
            ValueError: if the shapes disagree or a class has no example.
        """
        if images.ndim != 4 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"a task needs images [S, C, H, W] and labels [S], got {list(images.shape)} "
                f"and {list(labels.shape)}"
            )
        counts = torch.bincount(labels)
        if len(counts) < 2 or bool((counts == 0).any()):
            raise ValueError("a task needs at least two classes, numbered from 0, each with an example")
        return cls(
            images=images[None],
            labels=labels[None],
            weights=images.new_ones(1, len(labels)),
            ways=torch.tensor([len(counts)], device=labels.device),
        )

    @property
    def most_ways(self) -> int:
        """N, the width of the logits: the most classes that any of the tasks has."""
        return int(self.ways.max())

    def membership(self) -> Tensor:
        """Weight of each example in each class, float ``[T, S, N]``: a one-hot label times the weight."""
        classes = torch.arange(self.most_ways, device=self.labels.device)
        return (self.labels[..., None] == classes).to(self.weights.dtype) * self.weights[..., None]

    def class_mask(self) -> Tensor:
        """Which classes each task has, bool ``[T, N]``."""
        return torch.arange(self.most_ways, device=self.ways.device) < self.ways[:, None]

    def balanced_weights(self) -> Tensor:
        """Weights ``[T, S]`` that sum to 1 in a task and give each of its classes the same share.

        With equal shots this is the usual mean over examples; with ragged shots it keeps a class of twenty
        examples from outvoting a class of one.
        """
        membership = self.membership()
        counts = membership.sum(1)
        share = 1.0 / (counts.clamp_min(1e-12) * self.ways[:, None])
        return (membership * share[:, None, :]).sum(-1)
