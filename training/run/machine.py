"""On what a run computes, in the words of a card."""

import platform

import torch


def described(device: torch.device) -> str:
    """Name the GPU, if it is one, else how many threads of what processor; and torch's version."""
    of_cpu = f"{platform.machine()}, {torch.get_num_threads()} threads"
    what = torch.cuda.get_device_name(device) if device.type == "cuda" else of_cpu
    return f"{what}, torch {torch.__version__}"
