"""The outer loop's optimiser: AdamW, with decay for kernels only and a separate learning rate for inner rates."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from models.backbones.backbone import Params, is_constant
from models.learner import BODY, RATES
from training.outer_plan import Outer


def optimiser_of(phi: Params, rate_and_decay: Callable[[str, Tensor], tuple[float, float]]) -> torch.optim.AdamW:
    """Make phi's tensors require gradients, and return AdamW over them (Loshchilov and Hutter 2019, algorithm 2).

    Args:
        phi: all parameters; constants are left out.
        rate_and_decay: gives a tensor's highest learning rate and its weight decay, by its name and value. Each
            parameter group keeps the former under ``highest``.
    """
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, value in phi.items():
        if not is_constant(name):
            groups.setdefault(rate_and_decay(name, value), []).append(value.requires_grad_())
    return torch.optim.AdamW(
        {"params": group, "lr": rate, "highest": rate, "weight_decay": decay}
        for (rate, decay), group in groups.items()
    )


def set_rates(optimiser: torch.optim.AdamW, step: int, steps: int) -> None:
    """Set the learning rates of one of so many steps: they fall from the highest to 0 by half a cosine."""
    for group in optimiser.param_groups:
        group["lr"] = group["highest"] * 0.5 * (1 + math.cos(math.pi * step / steps))


def planned(outer: Outer, name: str, value: Tensor) -> tuple[float, float]:
    """The highest learning rate and the weight decay of a tensor of phi, by the plan."""
    if name.startswith(RATES):
        return outer.rates_learning_rate, 0.0
    is_kernel = name.startswith(BODY) and value.ndim > 1
    return outer.learning_rate, outer.weight_decay if is_kernel else 0.0
