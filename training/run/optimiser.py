"""The outer loop's optimiser: Adam, with decay for kernels and a rate of their own for the inner rates."""

import torch
from torch import Tensor

from models.backbone import Params, is_constant
from models.learner import BODY, RATES
from training.recipe import Outer


def optimiser_of(phi: Params, outer: Outer) -> torch.optim.AdamW:
    """Let phi's tensors require gradients, and step by them (Loshchilov and Hutter 2019, algorithm 2).

    Args:
        phi: all of it; constants stay as they are.
        outer: the plan. Each group keeps its highest learning rate under ``highest``.
    """
    kernels: list[Tensor] = []
    rates: list[Tensor] = []
    others: list[Tensor] = []
    for name, value in phi.items():
        if not is_constant(name):
            is_kernel = name.startswith(BODY) and value.ndim > 1
            group = rates if name.startswith(RATES) else kernels if is_kernel else others
            group.append(value.requires_grad_())
    settings = (
        (kernels, outer.learning_rate, outer.weight_decay),
        (others, outer.learning_rate, 0.0),
        (rates, outer.rates_learning_rate, 0.0),
    )
    return torch.optim.AdamW(
        {"params": group, "lr": rate, "highest": rate, "weight_decay": decay}
        for group, rate, decay in settings
        if group
    )
