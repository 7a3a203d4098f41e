"""Which part of a step's time goes where, by torch's profiler."""

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

_STEPS = 3
_PRODUCTS, _NORMALISATION, _REST = "products", "normalisation", "rest"
# By the names of the profiler's events: ours are those of models/kernels, the rest torch's.
_OF_NAMES = {
    "_Maps": _PRODUCTS,
    "_Gradients": _PRODUCTS,
    "_GradientsBackward": _PRODUCTS,
    "aten::bmm": _PRODUCTS,
    "aten::mm": _PRODUCTS,
    "aten::addmm": _PRODUCTS,
    "aten::mkldnn_convolution": _PRODUCTS,
    "aten::convolution_backward": _PRODUCTS,
    "_Block": _NORMALISATION,
    "_BlockGradient": _NORMALISATION,
    "_BlockGradientBackward": _NORMALISATION,
}


def shares(step: Callable[[], object]) -> dict[str, float]:
    """Profile a few steps.

    Returns:
        The share of ``products`` (convolutions and their gradients), of ``normalisation`` with pooling, ReLU and
        their two derivatives, and of the ``rest``: copies, sums, the parameters' update, and calls as such.
    """
    step()
    with profile(activities=[ProfilerActivity.CPU]) as watched:
        for _ in range(_STEPS):
            step()
    found = dict.fromkeys((_PRODUCTS, _NORMALISATION, _REST), 0.0)
    for event in watched.key_averages():
        found[_OF_NAMES.get(event.key, _REST)] += event.self_cpu_time_total
    total = sum(found.values())
    return {name: part / total for name, part in found.items()}
