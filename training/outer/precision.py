"""The precision of the outer gradient: bfloat16 only where the device multiplies it natively."""

import torch

from training.outer_plan import Outer

# Torch's names of processor features: AVX-512 and AMX on x86, and those of ARM.
_MULTIPLYING = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


def is_reduced(outer: Outer, device: torch.device) -> bool:
    """Whether convolutions and products of meta-training are computed in bfloat16."""
    return outer.precision == "bfloat16" and has_bfloat16_products(device)


def has_bfloat16_products(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16; elsewhere torch emulates it, many times slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        has = torch.cpu.get_capabilities()
        return any(has.get(name, False) for name in _MULTIPLYING)
    return True


def told_precision(outer: Outer, device: torch.device) -> str:
    """The precision of a run, for people to read, with the reason if it is not the recipe's."""
    if is_reduced(outer, device):
        return "bfloat16"
    return "float32" + (", for want of bfloat16 products" if outer.precision == "bfloat16" else "")
