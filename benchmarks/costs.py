"""The cost of adapting and classifying, against ways, shots, image side and callers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks import in_process
from benchmarks.drawings import Drawings, DrawnTask
from benchmarks.plain_learner import PlainLearner
from benchmarks.plain_service import MODEL
from benchmarks.race import Contender, race
from benchmarks.servers import Server
from benchmarks.serving import QUERIES, SHOTS, WAYS, waits
from benchmarks.threads import one_thread
from models.backbones.registry import backbone_as_dict, backbone_from_dict
from models.initialization import Initialization, load, shipped

_WAYS = (2, 5, 10, 20, 50)
_SHOTS = (1, 2, 5, 10, 20)
_SIDES = (28, 42, 56, 84, 112)
_CALLERS = (1, 2, 4, 8, 16)
_MOST_SHOTS, _MOST_OF_CLASS = 20, 13  # of 25 queries of 2 ways, one class has 13


@dataclass(frozen=True)
class Curve:
    """Milliseconds of one request against one of its sizes.

    Attributes:
        against: the size that varies, and the values of the others.
        sizes: its values.
        milliseconds: medians by contender, one for each size.
    """

    against: str
    sizes: tuple[int, ...]
    milliseconds: dict[str, list[float]]


def curves(ours: Server, plain: Server, rounds: int, turn: float) -> list[Curve]:
    """Measure four curves: three in this process on one thread, and the one against callers over HTTP."""
    initialization = load(shipped()[MODEL])
    drawings = Drawings(max(_WAYS), _MOST_SHOTS + _MOST_OF_CLASS)

    def in_process_of(ways: int = WAYS, shots: int = SHOTS, side: int | None = None) -> dict[str, float]:
        task = drawings.task(ways, shots, QUERIES, seed=ways + shots)
        of_side = initialization if side is None else _of_side(initialization, side)
        return _raced(of_side, task, rounds, turn / 5)

    def over_http(callers: int) -> dict[str, float]:
        return waits(ours, plain, callers, rounds, turn / 2)

    return [
        _curve("ways (5 shots, 25 queries)", _WAYS, lambda ways: in_process_of(ways=ways)),
        _curve("shots (5 ways, 25 queries)", _SHOTS, lambda shots: in_process_of(shots=shots)),
        _curve("side of the network's input, pixels", _SIDES, lambda side: in_process_of(side=side)),
        _curve("callers at once, over HTTP", _CALLERS, over_http),
    ]


def _curve(against: str, sizes: tuple[int, ...], measured: Callable[[int], dict[str, float]]) -> Curve:
    found: dict[str, list[float]] = {}
    for size in sizes:
        for name, milliseconds in measured(size).items():
            found.setdefault(name, []).append(milliseconds)
    return Curve(against, sizes, found)


def _raced(initialization: Initialization, task: DrawnTask, rounds: int, turn: float) -> dict[str, float]:
    learner = PlainLearner(initialization)
    contenders = [
        Contender("Metashot", lambda: in_process.ours(initialization, task)),
        Contender("plain, head only", lambda: in_process.plain(learner, initialization, task, "head")),
    ]
    with one_thread():
        return {timed.name: 1000 * timed.median for timed in race(contenders, rounds=rounds, turn=turn)}


def _of_side(initialization: Initialization, side: int) -> Initialization:
    """The same weights for inputs of another size: only their cost matters here, not their answers."""
    learner = initialization.learner
    return replace(
        initialization,
        learner=replace(
            learner, backbone=backbone_from_dict(backbone_as_dict(learner.backbone) | {"side": side})
        ),
        preprocessing=replace(initialization.preprocessing, side=side),
    )
