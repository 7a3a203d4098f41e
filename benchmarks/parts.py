"""All that can be measured, part by part, each under the name by which it is chosen."""

import dataclasses
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from benchmarks import batches, costs, memory, meta_training, photos, servers, serving
from benchmarks.outer_settings import ON_GPU, SETTINGS
from benchmarks.report import Row
from benchmarks.servers import Server


@dataclass
class Bench:
    """What parts share.

    Attributes:
        rounds: turns of each contender.
        turn: seconds of a turn.
        out: folder of the results.
        stack: ends the services when it is closed.
    """

    rounds: int
    turn: float
    out: Path
    stack: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def ours(self) -> Server:
        """Our service, started when first needed; idle while others are measured."""
        return self.stack.enter_context(servers.metashot())

    @cached_property
    def plain(self) -> Server:
        """The plain service, likewise."""
        return self.stack.enter_context(servers.plain())


@dataclass(frozen=True)
class Part:
    """Some rows that are measured together."""

    name: str
    measure: Callable[[Bench], list[Row]]


def _http(callers: int, bench: Bench) -> list[Row]:
    return serving.adapt_and_classify(bench.ours, bench.plain, callers, bench.rounds, bench.turn)


def _stored(bench: Bench) -> list[Row]:
    return serving.stored_task(bench.ours, bench.rounds, bench.turn)


def _photo_task(bench: Bench) -> list[Row]:
    return serving.photo_task(bench.ours, bench.rounds, bench.turn)


def _batches(bench: Bench) -> list[Row]:
    return batches.rows(bench.rounds, bench.turn / 5)


def _photos(bench: Bench) -> list[Row]:
    return photos.rows(bench.rounds, bench.turn)


def _memory(_: Bench) -> list[Row]:
    with servers.metashot() as fresh:
        return memory.resident(fresh)


def _costs(bench: Bench) -> list[Row]:
    from benchmarks.plot import draw  # here, since every other part does without a plotting library

    curves = costs.curves(bench.ours, bench.plain, bench.rounds, bench.turn)
    document = [dataclasses.asdict(curve) for curve in curves]
    (bench.out / "costs.json").write_text(json.dumps(document, indent=2) + "\n")
    draw(curves, bench.out / "costs.svg")
    return []


PARTS = (
    *(
        Part(one.name, lambda bench, setting=one: meta_training.measure(setting, bench.rounds, bench.turn))  # type: ignore[misc]
        for one in (*SETTINGS, *ON_GPU)
    ),
    Part(f"HTTP: adapt and classify, {serving.MANY} callers", partial(_http, serving.MANY)),
    Part("HTTP: adapt and classify, 1 caller", partial(_http, 1)),
    Part("HTTP: classify by a stored task", _stored),
    Part("HTTP: photos", _photo_task),
    Part("engine: sizes of batches", _batches),
    Part("engine: photos", _photos),
    Part("HTTP: memory", _memory),
    Part("costs: the plot", _costs),
)
