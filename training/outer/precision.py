"""In what precision the outer gradient is computed: in bfloat16 only where the device multiplies it."""

import torch

from training.outer_plan import Outer

# As torch names what a processor has: x86 with AVX-512 or AMX, and ARM.
_MULTIPLYING = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


def is_reduced(outer: Outer, device: torch.device) -> bool:
    """Whether convolutions and products of meta-training are computed in bfloat16."""
    return outer.precision == "bfloat16" and has_bfloat16_products(device)


def has_bfloat16_products(device: torch.device) -> bool:
    """Whether the device has bfloat16 products; torch imitates them elsewhere, many times slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        has = torch.cpu.get_capabilities()
        return any(has.get(name, False) for name in _MULTIPLYING)
    return True


def told_precision(outer: Outer, device: torch.device) -> str:
    """For people: in what a run is computed, and why not in what its recipe says, if so."""
    if is_reduced(outer, device):
        return "bfloat16"
    return "float32" + (", for want of bfloat16 products" if outer.precision == "bfloat16" else "")
