"""Rows on two sizes at request time: images in one pass through the network, and callers adapted together."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from benchmarks import in_process
from benchmarks.drawings import Drawings
from benchmarks.plain_service import MODEL
from benchmarks.race import Contender, race
from benchmarks.report import Row, span_of
from benchmarks.serving import SHOTS, WAYS
from benchmarks.threads import one_thread
from models.initialization import load, shipped
from service.computing.fitting import embed, fit_together

Work = Callable[[], object]
_IMAGES = (1, 2, 4, 8, 16, 32, 64)
_CALLERS = (1, 2, 4, 8, 16)


def rows(rounds: int, turn: float) -> list[Row]:
    """Race the sizes of both, on a thread of their own as in the service."""
    initialization = load(shipped()[MODEL])
    drawings, side = Drawings(WAYS, SHOTS), initialization.preprocessing.side
    drawn = [drawings.task(WAYS, SHOTS, 0, seed) for seed in range(_CALLERS[-1])]
    tasks = embed(initialization, [in_process.shots(initialization, one) for one in drawn], lambda: None)

    def images_at_once(size: int) -> Work:
        images = torch.rand(size, 1, side, side)
        return lambda: initialization.embedding(images)

    def callers_at_once(size: int) -> Work:
        return lambda: fit_together(initialization, tasks[:size], lambda: None)

    return [
        *_raced("images in one pass", "ms an image", images_at_once, _IMAGES, rounds, turn),
        *_raced("callers adapted together", "ms a caller", callers_at_once, _CALLERS, rounds, turn),
    ]


def _raced(
    name: str,
    measure: str,
    work: Callable[[int], Work],
    sizes: Sequence[int],
    rounds: int,
    turn: float,
) -> list[Row]:
    contenders = [Contender(f"engine: {size} {name}", work(size), size) for size in sizes]

    def run() -> list[Row]:
        with one_thread(), torch.no_grad():
            alone, *others = race(contenders, rounds=rounds, turn=turn)
        return [
            Row(
                one.name,
                measure,
                "one at a time",
                ours=1000 * one.median,
                theirs=1000 * alone.median,
                span=span_of(one.seconds, alone.seconds),
            )
            for one in others
        ]

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()
