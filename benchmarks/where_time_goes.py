"""What a step's time goes to, by torch's profiler: products, passes over maps, and the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from torch.profiler import ProfilerActivity, profile

_STEPS = 3
_FLOAT = 4  # bytes
# Names of the profiler's events, those of models/kernels and torch's. A node that contains products counts as
# products with all its passes.
_PRODUCTS = {
    "_Maps",
    "_Gradients",
    "_GradientsBackward",
    "_ConvolvedBlock",
    "_ConvolvedBlockBackward",
    "aten::bmm",
    "aten::mm",
    "aten::addmm",
    "aten::mkldnn_convolution",
    "aten::convolution_backward",
}
# For each pass, how many times it reads or writes an array of the size of its first input, its second, and so on.
_PASSES: dict[str, tuple[float, ...]] = {
    "_Block": (2,),  # at most: maps read, and the result written, which is a quarter as large if pooled
    "_BlockGradient": (1, 2),  # the result's gradient read, the maps read and their gradient written
    # At most: maps, gradient and cotangent read, and the gradients of the first two written.
    "_BlockGradientBackward": (5,),
}


@dataclass(frozen=True)
class Spent:
    """Where one step's time goes.

    Attributes:
        products: share of convolutions and their gradients, and of normalisation fused with them.
        passes: share of normalisation with pooling and ReLU, and of its two derivatives, if not fused.
        bytes_moved: upper bound on what these passes read and write in one step.
    """

    products: float
    passes: float
    bytes_moved: float

    def told(self, seconds: float, floor: float, copied: float) -> str:
        """Say it in words, with what bounds each part.

        Args:
            seconds: how long a step takes.
            floor: seconds that its products would take at the measured peak.
            copied: bytes per second that a plain copy reads and writes.
        """
        reached = floor / (self.products * seconds)
        text = f"products {self.products:.0%} (at {reached:.0%} of the peak)"
        if self.bytes_moved:
            moved = self.bytes_moved / (self.passes * seconds)
            text += f", passes {self.passes:.0%} (at {moved / copied:.0%} of a copy's bytes/s)"
        return f"{text}, rest {1 - self.products - self.passes:.0%}"


def spent(step: Callable[[], object]) -> Spent:
    """Profile a few steps."""
    step()
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as watched:
        for _ in range(_STEPS):
            step()
    products = passes = total = moved = 0.0
    for event in watched.key_averages(group_by_input_shape=True):
        total += event.self_cpu_time_total
        if event.key in _PRODUCTS:
            products += event.self_cpu_time_total
        if event.key in _PASSES:
            passes += event.self_cpu_time_total
            moved += event.count * _bytes(_PASSES[event.key], event.input_shapes)
    return Spent(products / total, passes / total, moved / _STEPS)


def _bytes(times: Sequence[float], shapes: Sequence[Sequence[int]]) -> float:
    return _FLOAT * sum(many * prod(shape) for many, shape in zip(times, shapes, strict=False))
