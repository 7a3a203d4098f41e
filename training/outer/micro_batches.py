"""Splits the tasks of a step so that the graph through their adaptation fits into memory."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor


def bytes_of_graph(loss: Callable[[], Tensor]) -> int:
    """Run a forward pass and count the bytes that it keeps for the backward pass, each storage once."""
    kept: dict[int, int] = {}

    def count(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return value

    with torch.autograd.graph.saved_tensors_hooks(count, lambda value: value):
        held = loss()
    del held
    return sum(kept.values())


def split(tasks: slice, most: int) -> Iterator[slice]:
    """Divide a slice of a step's tasks evenly into micro-batches of at most ``most`` tasks."""
    count = tasks.stop - tasks.start
    parts = -(-count // most)
    for part in range(parts):
        yield slice(tasks.start + part * count // parts, tasks.start + (part + 1) * count // parts)
