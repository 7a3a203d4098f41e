"""Computes features of many images on several threads at once: the caller's own and idle ones."""

from collections.abc import Callable
from concurrent.futures import Future
from itertools import count

import torch
from torch import Tensor

from models.learner import Embedding

Through = Callable[[Embedding, Tensor, int], Tensor]
_IMAGES, _OPERATIONS = 8, 6e10  # of a piece at most, so that threads finish together
_WORTH = 5e8  # floating-point operations; for fewer, waking another thread gains little


def directly(embedding: Embedding, images: Tensor, _operations: int) -> Tensor:
    """Compute features ``[B, D]`` of images ``[B, C, H, W]`` on this thread alone."""
    with torch.no_grad():
        return embedding(images)


def in_company(
    submit: Callable[[Callable[[], None]], "Future[None]"],
    helpers: Callable[[], int],
    embedding: Embedding,
    images: Tensor,
    operations: int,
) -> Tensor:
    """Compute features ``[B, D]`` on this thread and idle ones; wait only for those that have begun a piece.

    Each image is computed as it would be alone.

    Args:
        submit: queues work for other threads, which may not come to it in time.
        helpers: tells how many threads are idle now; called only if there is enough work.
        embedding: computes features of images.
        images: ``[B, C, H, W]``.
        operations: floating-point operations per image.
    """
    idle = helpers() if len(images) > 1 and operations * len(images) >= _WORTH else 0
    if idle == 0:
        return directly(embedding, images, operations)
    threads = min(idle + 1, len(images))
    each = max(1, min(_IMAGES, int(_OPERATIONS // operations)))
    rounds = -(-len(images) // (each * threads))
    pieces = images.tensor_split(min(rounds * threads, len(images)))
    found: dict[int, Tensor] = {}
    numbers = count()  # next() never gives two threads the same number

    def work() -> None:
        while (number := next(numbers)) < len(pieces):
            found[number] = directly(embedding, pieces[number], operations)

    others = [submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        begun = [one for one in others if not one.cancel()]
    for one in begun:
        one.result()
    return torch.cat([found[number] for number in range(len(pieces))])
