"""The row on memory: what the service holds after many requests of mixed sizes."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from tqdm import tqdm

from benchmarks.callers import Caller, load
from benchmarks.drawings import Call, Drawings
from benchmarks.report import Row
from benchmarks.servers import Server

_FIRST, _LAST = 1_000, 10_000  # requests before the first look, and before the last
_CALLERS = 4
_SIZES = 200  # different requests, in turn
_MOST = 1.05
_MOST_WAYS, _MOST_SHOTS, _MOST_QUERIES = 20, 5, 30
_KEPT_EVERY = 5  # one in this many tickets makes a task, asks it and deletes it: three requests
_MEBIBYTE = 1024**2


def resident(ours: Server) -> list[Row]:
    """Send many requests to a fresh service, and read its memory after the first thousand and after all."""
    once, kept = _requests()
    tickets = count()

    def work(caller: Caller, ticket: int) -> None:
        size = ticket % _SIZES
        if ticket % _KEPT_EVERY:
            caller.send(once[size])
            return
        creation, question = kept[size]
        path = f"/v1/tasks/{caller.ask(creation)['id']}"
        caller.send(replace(question, path=f"{path}/classify"))
        caller.send(Call("DELETE", path))

    held = []
    with tqdm(total=_LAST, unit="request", desc="memory") as bar:
        for more in (_FIRST, _LAST - _FIRST):
            load(ours.port, _CALLERS, work, _some(tickets, _tickets(more), bar))
            held.append(ours.resident_bytes / _MEBIBYTE)
    before, after = held
    return [
        Row(
            "HTTP: resident memory under requests of mixed sizes",
            f"MiB after {_LAST:,} requests",
            f"after {_FIRST:,}",
            ours=after,
            theirs=before,
            target="within 5 %",
            met=after <= _MOST * before,
        )
    ]


def _tickets(requests: int) -> int:
    """How many tickets make up this number of requests."""
    return round(requests * _KEPT_EVERY / (_KEPT_EVERY + 2))


def _some(tickets: Iterator[int], number: int, bar: "tqdm[Any]") -> Iterator[int]:
    for _ in range(number):
        ticket = next(tickets)
        bar.update(1 if ticket % _KEPT_EVERY else 3)
        yield ticket


def _requests() -> tuple[list[Call], list[tuple[Call, Call]]]:
    """Requests that store nothing, and pairs that make a task and ask it; small ones are more frequent."""
    drawings, generator = Drawings(_MOST_WAYS, _MOST_SHOTS + _MOST_QUERIES // 2), random.Random(7)
    once, kept = [], []
    for seed in range(_SIZES):
        ways = _skewed(generator, 2, _MOST_WAYS)
        shots = _skewed(generator, 1, _MOST_SHOTS)
        task = drawings.task(ways, shots, _skewed(generator, 1, _MOST_QUERIES), seed)
        once.append(
            task.as_json("/v1/classify") if seed % 2 else task.as_form("/v1/classify", support=True, queries=True)
        )
        kept.append(
            (
                task.as_form("/v1/tasks", support=True, queries=False),
                task.as_form("", support=False, queries=True),
            )
        )
    return once, kept


def _skewed(generator: random.Random, low: int, high: int) -> int:
    return low + int((high - low + 1) * generator.random() ** 2.5)
