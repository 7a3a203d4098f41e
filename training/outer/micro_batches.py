"""Splits a batch of tasks so that the graph through their adaptation fits into memory."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from training.tasks.episodes import EpisodeBatch


def bytes_of_graph(loss: Callable[[], Tensor]) -> int:
    """Run a forward pass and count what it keeps for its backward pass, each storage once."""
    kept: dict[int, int] = {}

    def count(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return value

    with torch.autograd.graph.saved_tensors_hooks(count, lambda value: value):
        held = loss()
    del held
    return sum(kept.values())


def split(batch: EpisodeBatch, most: int) -> Iterator[EpisodeBatch]:
    """Part a batch evenly into micro-batches of at most so many tasks."""
    parts = -(-batch.tasks // most)
    for part in range(parts):
        yield batch.part(slice(part * batch.tasks // parts, (part + 1) * batch.tasks // parts))
