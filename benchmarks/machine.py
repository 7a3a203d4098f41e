"""What the figures were measured on."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.peak import convolution_peak, matrix_peak
from training.outer.precision import has_bfloat16_products

_PACKAGES = ("torch", "learn2learn", "bentoml", "numpy", "pillow")


def has_gpu() -> bool:
    """Whether torch can compute on a GPU here."""
    return torch.cuda.is_available()


def described() -> dict[str, Any]:
    """The machine and the versions, as JSON values."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "memory_gib": round(psutil.virtual_memory().total / 1024**3, 1),
        "gpu": torch.cuda.get_device_name() if has_gpu() else None,
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def peaks() -> dict[str, float]:
    """Measured FLOP/s by what was computed."""
    found = {}
    for device in ("cpu", "cuda") if has_gpu() else ("cpu",):
        has_bfloat16 = has_bfloat16_products(torch.device(device))
        for dtype in (torch.float32, torch.bfloat16) if has_bfloat16 else (torch.float32,):
            kind = f"{device} {str(dtype).removeprefix('torch.')}"
            found[f"convolution, {kind}"] = convolution_peak(dtype, device)
            found[f"matrix product, {kind}"] = matrix_peak(dtype, device)
    return found


def _processor() -> str:
    """The processor's name where the system tells it, else its architecture."""
    facts = Path("/proc/cpuinfo")
    for line in facts.read_text().splitlines() if facts.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
