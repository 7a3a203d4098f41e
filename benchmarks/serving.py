"""Rows on serving over HTTP: our service, the plain one and the bare engine, in turn, one at a time."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import in_process, photos
from benchmarks.callers import Caller, Load, for_seconds, load, percentile
from benchmarks.drawings import Call, Drawings, DrawnTask
from benchmarks.peak import convolution_peak
from benchmarks.plain_learner import PlainLearner
from benchmarks.plain_service import MODEL
from benchmarks.report import Row, span_of
from benchmarks.servers import Server
from benchmarks.threads import one_thread
from models.initialization import Initialization, shipped
from models.initialization import load as load_initialization

MANY = 16
WAYS, SHOTS, QUERIES = 5, 5, 25
_BODIES = 16  # different tasks, in turn
_WHAT = "HTTP: adapt to 5-way 5-shot and classify 25"
_STORED = "HTTP: classify 1 by a stored task, 1 caller"
_PHOTOS = "HTTP: adapt to 25 photos and classify 25, 1 caller"
_PLAIN = {"plain service, whole network": "/maml/classify", "plain service, head only": "/anil/classify"}
_LEAST_RATE, _MOST_OF_PLAIN, _MOST_OF_BARE, _MOST_TAIL, _MOST_STORED_MS = 5.0, 0.5, 2.0, 3.0, 5.0


@dataclass(frozen=True)
class Measured:
    """One contender's turns."""

    name: str
    turns: tuple[Load, ...]

    @property
    def rates(self) -> list[float]:
        """Requests per second, in each turn."""
        return [turn.rate for turn in self.turns]

    @property
    def medians(self) -> list[float]:
        """Median milliseconds of a request, in each turn."""
        return [1000 * turn.p50 for turn in self.turns]

    @property
    def tail(self) -> float:
        """p99 divided by p50, over the requests of all turns."""
        together = tuple(one for turn in self.turns for one in turn.latencies)
        return percentile(together, 99) / statistics.median(together)


Turn = Callable[[float], Load]


def adapt_and_classify(ours: Server, plain: Server, callers: int, rounds: int, turn: float) -> list[Row]:
    """Race requests that bring a support set of 25 drawings and ask about 25 others."""
    tasks = _tasks()
    initialization = load_initialization(shipped()[MODEL])

    def bare(seconds: float) -> Load:
        def work(_: Caller, ticket: int) -> object:
            answers = in_process.ours(initialization, tasks[ticket % _BODIES])
            return json.dumps(answers)

        with one_thread():
            return load(0, 1, work, for_seconds(seconds))

    contenders = {"Metashot": _sender(ours, [task.as_json("/v1/classify") for task in tasks], callers)}
    for name, path in _PLAIN.items():
        contenders[name] = _sender(plain, [task.as_json(path) for task in tasks], callers)
    if callers == 1:
        contenders["bare engine"] = bare
    mine, *others = _in_turn(contenders, rounds, turn)
    flops = _flops(initialization, tasks[0])
    rate = statistics.median(mine.rates)
    of_peak = rate * flops / convolution_peak(torch.float32, "cpu")
    name = f"{_WHAT}, {callers} caller{'s' if callers > 1 else ''}"
    rows = [_compared(name, mine, other, callers, flops, of_peak) for other in others]
    if callers > 1:
        rows += [_tail(name, mine, others[0])]
    return rows


def stored_task(ours: Server, rounds: int, turn: float) -> list[Row]:
    """Time one caller who asks a stored classifier about one drawing after the other."""
    task = Drawings(WAYS, SHOTS + _BODIES).task(WAYS, SHOTS, _BODIES, seed=1)
    with Caller(ours.port) as caller:
        made = caller.ask(task.as_form("/v1/tasks", support=True, queries=False))
    path = f"/v1/tasks/{made['id']}"
    each = [DrawnTask((), (query,)) for query in task.queries]
    calls = [one.as_form(f"{path}/classify", support=False, queries=True) for one in each]
    (mine,) = _in_turn({"Metashot": _sender(ours, calls, 1)}, rounds, turn)
    with Caller(ours.port) as caller:  # a new connection: the service closes idle ones
        caller.send(Call("DELETE", path))
    median = statistics.median(mine.medians)
    target = f"under {_MOST_STORED_MS:g} ms"
    return [
        Row(_STORED, "p50, ms", "", ours=median, target=target, met=median < _MOST_STORED_MS),
        _tail(_STORED, mine, None),
    ]


def photo_task(ours: Server, rounds: int, turn: float) -> list[Row]:
    """Time one caller who brings 25 photos and asks about 25, against computing their features on one thread."""
    support, queries = photos.made_up(WAYS * SHOTS, seed=1), photos.made_up(QUERIES, seed=2)
    labelled = tuple((f"class {index % WAYS}", file) for index, file in enumerate(support))
    call = DrawnTask(labelled, queries).as_json("/v1/classify", model=photos.MODEL)
    initialization = load_initialization(shipped()[photos.MODEL])
    pixels = torch.rand(QUERIES, 3, initialization.preprocessing.side, initialization.preprocessing.side)

    def on_one_thread(seconds: float) -> Load:
        with one_thread(), torch.no_grad():
            return load(
                0, 1, lambda *_: [initialization.embedding(pixels) for _ in range(2)], for_seconds(seconds)
            )

    contenders = {"Metashot": _sender(ours, [call], 1), "features of 50, one thread": on_one_thread}
    mine, alone = _in_turn(contenders, rounds, turn)
    ratio = statistics.median(mine.medians) / statistics.median(alone.medians)
    return [
        Row(
            _PHOTOS,
            "p50, ms",
            alone.name,
            ours=statistics.median(mine.medians),
            theirs=statistics.median(alone.medians),
            span=span_of(mine.medians, alone.medians),
            target="under 2x",
            met=ratio < _MOST_OF_BARE,
        )
    ]


def waits(ours: Server, plain: Server, callers: int, rounds: int, turn: float) -> dict[str, float]:
    """Median milliseconds that ``callers`` at once wait for an answer, by contender."""
    tasks = _tasks()
    contenders = {
        "Metashot": _sender(ours, [task.as_json("/v1/classify") for task in tasks], callers),
        "plain, head only": _sender(plain, [task.as_json("/anil/classify") for task in tasks], callers),
    }
    return {one.name: statistics.median(one.medians) for one in _in_turn(contenders, rounds, turn)}


def _tasks() -> list[DrawnTask]:
    drawings = Drawings(20, SHOTS + QUERIES // WAYS)
    return [drawings.task(WAYS, SHOTS, QUERIES, seed) for seed in range(_BODIES)]


def _sender(server: Server, calls: Sequence[Call], callers: int) -> Turn:
    def work(caller: Caller, ticket: int) -> object:
        return caller.send(calls[ticket % len(calls)])

    return lambda seconds: load(server.port, callers, work, for_seconds(seconds))


def _in_turn(contenders: dict[str, Turn], rounds: int, turn: float) -> list[Measured]:
    """Let each contender work once a round, after one short unmeasured turn."""
    for begin in contenders.values():
        begin(turn / 2)
    turns: dict[str, list[Load]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, begin in contenders.items():
            turns[name].append(begin(turn))
    return [Measured(name, tuple(loads)) for name, loads in turns.items()]


def _compared(name: str, mine: Measured, other: Measured, callers: int, flops: float, of_peak: float) -> Row:
    """Compare requests per second if there are many callers, otherwise the time that one caller waits."""
    many = callers > 1
    ours, theirs = (mine.rates, other.rates) if many else (mine.medians, other.medians)
    ratio = statistics.median(ours) / statistics.median(theirs)
    if many:
        target, met = f"{_LEAST_RATE:g}x", ratio >= _LEAST_RATE
    elif other.name == "bare engine":
        target, met = f"under {_MOST_OF_BARE:g}x", ratio < _MOST_OF_BARE
    else:
        target, met = f"{_MOST_OF_PLAIN:g}x", ratio <= _MOST_OF_PLAIN
    return Row(
        name,
        "requests/s" if many else "p50, ms",
        other.name,
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        target=target,
        met=met,
        span=span_of(ours, theirs),
        flops=flops,
        of_peak=of_peak,
    )


def _tail(name: str, mine: Measured, other: Measured | None) -> Row:
    return Row(
        name,
        "p99 / p50",
        other.name if other else "",
        ours=mine.tail,
        theirs=other.tail if other else None,
        target=f"under {_MOST_TAIL:g}",
        met=mine.tail < _MOST_TAIL,
    )


def _flops(initialization: Initialization, task: DrawnTask) -> float:
    """Floating-point operations of one request: each image once through the network, and the head's steps."""
    learner = PlainLearner(initialization)
    with FlopCounterMode(display=False) as counter:
        in_process.plain(learner, initialization, task, "head")
    return float(counter.get_total_flops())
