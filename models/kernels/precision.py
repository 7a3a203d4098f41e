"""Queries and leaves autocast on any device: torch's own functions fail on devices without it."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def is_autocast(device: torch.device) -> bool:
    """Whether autocast is on for this device, so that torch rounds the factors of products."""
    return torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type)


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """A context without autocast on the tensor's device, in which products keep their operands' precision."""
    kind = tensor.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
