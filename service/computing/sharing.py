"""Features of many images by several threads at once: by the one at hand, and by those that are idle."""

from collections.abc import Callable
from concurrent.futures import Future
from itertools import count

import torch
from torch import Tensor

from models.learner import Embedding

Through = Callable[[Embedding, Tensor, int], Tensor]
_PIECE = 4  # images; two threads end as good as together, and each image is computed as it would be alone
_WORTH = 50e9  # floating-point operations: to wake another thread for less would gain little


def directly(embedding: Embedding, images: Tensor, _operations: int) -> Tensor:
    """Features ``[B, D]`` of images ``[B, C, H, W]`` by this thread alone."""
    with torch.no_grad():
        return embedding(images)


def in_company(
    submit: Callable[[Callable[[], None]], "Future[None]"],
    helpers: Callable[[], int],
    embedding: Embedding,
    images: Tensor,
    operations: int,
) -> Tensor:
    """The same by this thread and others that join it. Nobody is waited for but who has begun a piece.

    Args:
        submit: gives work to other threads, which may never come to it.
        helpers: how many are idle now; asked where there is enough to do.
        embedding: computes features of images.
        images: ``[B, C, H, W]``.
        operations: floating-point operations of one image.
    """
    pieces = images.split(_PIECE)
    idle = helpers() if len(pieces) > 1 and operations * len(images) >= _WORTH else 0
    if idle == 0:
        return directly(embedding, images, operations)
    found: dict[int, Tensor] = {}
    numbers = count()  # whose next() no two threads get the same of

    def work() -> None:
        while (number := next(numbers)) < len(pieces):
            found[number] = directly(embedding, pieces[number], operations)

    others = [submit(work) for _ in range(min(idle, len(pieces) - 1))]
    try:
        work()
    finally:
        begun = [one for one in others if not one.cancel()]
    for one in begun:
        one.result()
    return torch.cat([found[number] for number in range(len(pieces))])
