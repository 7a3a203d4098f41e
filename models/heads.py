"""Heads: how a task's classifier starts from its support features, for any number of ways.

Each gives a linear classifier over features, so that any head can adapt further by gradient:
logit of class c = features . weight_c + bias_c.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.conv4 import Params
from models.kernels.precision import full_precision
from models.support import Support

HeadKind = Literal["prototype", "shared"]


def prototypes(features: Tensor, support: Support) -> Tensor:
    """Mean support feature of each class (Snell et al. 2017, eq. 1).

    Args:
        features: ``[T, S, D]`` of the support images.
        support: labels and weights of the same images.

    Returns:
        ``[T, N, D]``; zero where a task has no such class.
    """
    with full_precision(features):
        membership = support.membership()
        share = membership / membership.sum(1, keepdim=True).clamp_min(1e-12)
        return share.transpose(1, 2) @ features.to(share.dtype)


@dataclass(frozen=True)
class Head:
    """A linear classifier's start.

    Attributes:
        kind: ``prototype`` starts from class means: the logit is the negative squared distance to the class
            mean times a learned scale, up to a term that is the same for all classes (Snell et al. 2017,
            eq. 8; Triantafillou et al. 2020, section 3, for starting gradient steps from it).
            ``shared`` starts every class from one learned vector (Ye and Chao 2022, UNICORN-MAML), so
            that only the inner loop tells classes apart. What all classes share shifts their logits
            alike, so under a softmax that vector has no gradient: it acts as a start from zero (Kao et
            al. 2022, the zeroing trick), and the body moves from the second inner step on.
        initial_scale: of ``prototype``, before training; None for one over the root of the number of features,
            which suits features of about 1 each.
    """

    kind: HeadKind
    initial_scale: float | None = None

    def initial(self, features: int, generator: torch.Generator) -> Params:
        """Draw the head's part of phi for ``features`` features."""
        if self.kind == "prototype":
            scale = features**-0.5 if self.initial_scale is None else self.initial_scale
            return {"log_scale": torch.tensor(math.log(scale))}
        return {"vector": torch.randn(features, generator=generator) / features**0.5, "bias": torch.zeros(())}

    @property
    def from_prototypes(self) -> bool:
        """Whether the start depends on the support set's features."""
        return self.kind == "prototype"

    def start(self, phi: Params, centres: Tensor) -> Params:
        """Build the classifier that adaptation starts from.

        Args:
            phi: the head's part, as ``initial`` names it.
            centres: prototypes ``[T, N, D]``; of a start that is not from them, only their shape is read.

        Returns:
            ``weight`` ``[T, N, D]`` and ``bias`` ``[T, N]``.
        """
        if self.kind == "prototype":
            scale = phi["log_scale"].exp()
            return {"weight": 2 * scale * centres, "bias": -scale * centres.square().sum(-1)}
        tasks, ways, _ = centres.shape
        return {"weight": phi["vector"].expand(tasks, ways, -1), "bias": phi["bias"].expand(tasks, ways)}


def classify(head: Params, features: Tensor, class_mask: Tensor) -> Tensor:
    """Logits ``[T, Q, N]`` of features ``[T, Q, D]``; the lowest finite number where a task lacks a class."""
    weight, bias = head["weight"], head["bias"]
    # A logit is a small difference of large products, which bfloat16 would blur.
    with full_precision(features):
        logits = features.to(weight.dtype) @ weight.transpose(1, 2) + bias[:, None]
    return logits.masked_fill(~class_mask[:, None], torch.finfo(logits.dtype).min)
