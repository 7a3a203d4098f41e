"""Autocast, asked about and left, on any device: torch's own functions refuse those that know none."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def is_autocast(device: torch.device) -> bool:
    """Whether torch rounds what it multiplies there."""
    return torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type)


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """Leave autocast where a tensor lies: products are then of what they are given."""
    kind = tensor.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
