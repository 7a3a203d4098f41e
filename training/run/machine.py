"""The machine that a run computes on, as a card describes it."""

import platform

import torch


def described(device: torch.device) -> str:
    """Name the GPU, or else the processor and its number of threads; and torch's version."""
    of_cpu = f"{platform.machine()}, {torch.get_num_threads()} threads"
    what = torch.cuda.get_device_name(device) if device.type == "cuda" else of_cpu
    return f"{what}, torch {torch.__version__}"
