"""What the machine can do at most: the measured peaks that rows are compared with."""

import time
from collections.abc import Callable
from functools import cache

import torch
from torch.nn.functional import conv2d

from benchmarks.threads import one_thread

_REPEATS = 7
_IMAGES = 256
_CHANNELS_AND_SIDES = ((64, 28), (128, 14), (256, 14))
_MATRIX = 2048
_COPIED = 64 * 1024**2  # numbers, far more than any cache holds


@cache
def convolution_peak(dtype: torch.dtype, device: str) -> float:
    """The most FLOP/s that any of a few large 3x3 convolutions reached, forward, channels innermost."""
    return _best_convolution(dtype, device)


@cache
def core_peak() -> float:
    """The ``convolution_peak`` of one core of the CPU, in float32."""
    with one_thread():
        return _best_convolution(torch.float32, "cpu")


@cache
def matrix_peak(dtype: torch.dtype, device: str) -> float:
    """The most FLOP/s that a product of two large square matrices reached."""
    left, right = (torch.randn(_MATRIX, _MATRIX, device=device, dtype=dtype) for _ in range(2))
    return 2 * _MATRIX**3 / _least_seconds(lambda: left @ right, device)


@cache
def copy_bandwidth() -> float:
    """The most bytes per second, reads and writes together, at which the CPU copied a large array."""
    source = torch.ones(_COPIED)
    target = torch.empty_like(source)
    return 2 * source.nbytes / _least_seconds(lambda: target.copy_(source), "cpu")


def wait_for(device: str) -> None:
    """Return when the device has done all that it was given; a CPU already has."""
    if device == "cuda":
        torch.cuda.synchronize()


def _best_convolution(dtype: torch.dtype, device: str) -> float:
    best = 0.0
    for channels, side in _CHANNELS_AND_SIDES:
        images = torch.randn(_IMAGES, channels, side, side, device=device, dtype=dtype)
        weight = torch.randn(channels, channels, 3, 3, device=device, dtype=dtype)
        images = images.contiguous(memory_format=torch.channels_last)
        weight = weight.contiguous(memory_format=torch.channels_last)
        flops = 2 * 9 * channels * channels * _IMAGES * side * side
        best = max(best, flops / _least_seconds(lambda x=images, w=weight: conv2d(x, w, padding=1), device))  # type: ignore[misc]
    return best


def _least_seconds(work: Callable[[], object], device: str) -> float:
    best = float("inf")
    with torch.no_grad():
        for _ in range(_REPEATS):
            wait_for(device)
            start = time.perf_counter()
            work()
            wait_for(device)
            best = min(best, time.perf_counter() - start)
    return best
