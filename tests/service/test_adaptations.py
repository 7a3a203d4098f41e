"""Callers' adaptations run as one batch where they wait, and each answer is what it is alone."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from models.initialization import Initialization
from service.computing.adaptations import Adaptations, _Wanted
from service.computing.classifier import Classifier
from service.computing.engine import Deadline, Engine
from service.computing.fitting import Shot, embed, fit, fit_together
from service.problems import Problem
from service.settings import Settings
from tests.made_confidence import constant_confidence
from tests.service.tiny_service import save_like_photos, save_tiny

TASKS = ("aabbc", "ab", "abcabc", "xyz")


def shots(labels: str, seed: int = 0, *, stored: bool = False, shape: Sequence[int] = (1, 28, 28)) -> list[Shot]:
    made = []
    for number, label in enumerate(labels):
        pixels = torch.rand(*shape, generator=torch.Generator().manual_seed(100 * seed + number))
        digest = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()
        made.append(Shot(label, f"{number}.png", f"{seed}-{number}" if stored else None, digest, pixels))
    return made


def logits(classifier: Classifier) -> torch.Tensor:
    query = torch.rand(1, 4, 1, 28, 28, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        return classifier.learner.predict(classifier.theta, query)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(Settings(data_dir=tmp_path, compute_threads=1, deadline_s=20))
    yield engine
    engine.close()


@pytest.mark.parametrize("moves", ["all", "head"])
def test_together_each_is_what_it_is_alone(tmp_path: Path, moves: str) -> None:
    tiny = save_tiny(tmp_path / "tiny", moves=moves)
    tasks = [shots(labels, seed) for seed, labels in enumerate(TASKS)]
    together = fit_together(tiny, embed(tiny, tasks, lambda: None), lambda: None)
    for given, one in zip(tasks, together, strict=True):
        alone = fit(tiny, given, lambda: None)
        assert isinstance(one, Classifier)
        assert (one.labels, one.known, one.estimate) == (alone.labels, alone.known, alone.estimate)
        torch.testing.assert_close(logits(one).softmax(-1), logits(alone).softmax(-1), rtol=0, atol=1e-6)
        torch.testing.assert_close(one.directions, alone.directions, rtol=0, atol=1e-6)


def test_one_that_diverges_does_not_spoil_the_others(tmp_path: Path) -> None:
    tiny = save_tiny(tmp_path / "tiny")
    wild = [*shots("ab", 1)]
    wild[0] = Shot("a", "wild.png", None, "0", torch.full((1, 28, 28), torch.inf))
    spoilt, sound = fit_together(tiny, [wild, shots("abc", 2)], lambda: None)
    assert isinstance(spoilt, Problem)
    assert spoilt.status == 422
    assert isinstance(sound, Classifier)


class Counting(Adaptations):
    """Notes how many tasks each batch had."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, 1 << 20)
        self.sizes: list[int] = []

    def _fit(self, batch: Sequence) -> None:
        self.sizes.append(len(batch))
        super()._fit(batch)


def test_what_waits_is_adapted_together_and_nothing_waits_when_idle(engine: Engine, tmp_path: Path) -> None:
    tiny, other = save_tiny(tmp_path / "tiny"), save_tiny(tmp_path / "other", name="other")
    surer = save_tiny(tmp_path / "surer", confidence=constant_confidence(temperature=0.5))
    adaptations = Counting(engine)

    async def fitted(initialization: Initialization, labels: str, seed: int) -> Classifier:
        with engine.admitted() as caller:
            return await adaptations.adapt(caller, initialization, shots(labels, seed))

    async def scene() -> None:
        alone = await fitted(tiny, "abc", 0)
        assert adaptations.sizes == [1]
        busy = threading.Event()
        engine.submit(lambda: busy.wait(10))
        wanted = [
            (tiny, "abc", 0),
            (tiny, "abca", 1),
            (other, "abc", 2),
            (surer, "bca", 5),
            (tiny, "abcdeabcde", 3),
            (tiny, "xyz", 4),
        ]
        waiting = [asyncio.create_task(fitted(*one)) for one in wanted]
        await asyncio.sleep(0.05)
        busy.set()
        got = await asyncio.gather(*waiting)
        # Of one initialization and about one size: three; another name; another confidence; another size.
        assert sorted(adaptations.sizes[1:]) == [1, 1, 1, 3]
        assert [one.model for one in got] == [initialization.name for initialization, *_ in wanted]
        assert [one.confidence == surer.confidence for one in got] == [one[0] is surer for one in wanted]
        torch.testing.assert_close(logits(got[0]).softmax(-1), logits(alone).softmax(-1), rtol=0, atol=1e-6)

    asyncio.run(scene())


async def two_waiting(
    engine: Engine, adaptations: Adaptations, initialization: Initialization
) -> tuple[threading.Event, asyncio.Task[Classifier], asyncio.Task[Classifier]]:
    """Two callers, who wait until the event lets the busy thread go."""

    async def fitted(seed: int) -> Classifier:
        with engine.admitted() as caller:
            return await adaptations.adapt(caller, initialization, shots("abc", seed))

    busy = threading.Event()
    engine.submit(lambda: busy.wait(10))
    callers = asyncio.create_task(fitted(0)), asyncio.create_task(fitted(1))
    await asyncio.sleep(0.05)
    return busy, *callers


def test_a_caller_who_left_is_left_out(engine: Engine, tmp_path: Path) -> None:
    tiny = save_tiny(tmp_path / "tiny")
    adaptations = Counting(engine)

    async def scene() -> None:
        busy, leaving, staying = await two_waiting(engine, adaptations, tiny)
        leaving.cancel()
        await asyncio.sleep(0.05)
        busy.set()
        assert (await staying).labels == fit(tiny, shots("abc", 1), lambda: None).labels

    asyncio.run(scene())
    assert engine.waiting == 0


def test_a_caller_who_leaves_while_it_is_adapted_ends_nobody_elses(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = save_tiny(tmp_path / "tiny")
    adaptations = Counting(engine)
    begun, go_on = threading.Event(), threading.Event()

    def held(*given: Any) -> list[list[Shot]]:
        begun.set()
        go_on.wait(10)
        return embed(*given)

    monkeypatch.setattr("service.computing.adaptations.embed", held)

    async def scene() -> None:
        busy, leaving, staying = await two_waiting(engine, adaptations, tiny)
        busy.set()
        await asyncio.to_thread(begun.wait, 10)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        go_on.set()
        assert (await staying).labels == fit(tiny, shots("abc", 1), lambda: None).labels

    asyncio.run(scene())
    assert adaptations.sizes[0] == 2


def test_a_batch_is_of_256_examples_at_most_padding_included(engine: Engine, tmp_path: Path) -> None:
    tiny = save_tiny(tmp_path / "tiny")
    adaptations = Adaptations(engine, 1 << 20)
    given = shots("ab") * 17  # padded to 64
    adaptations._waiting = [_Wanted(tiny, given, Deadline(20)) for _ in range(6)]
    assert [len(adaptations._take()) for _ in range(3)] == [4, 2, 0]


@pytest.mark.parametrize(("save", "shape"), [(save_tiny, (1, 28, 28)), (save_like_photos, (3, 24, 24))])
def test_once_nobody_waits_an_adaptation_ends_before_its_next_step_or_batch(
    engine: Engine, tmp_path: Path, save: Callable[[Path], Initialization], shape: tuple[int, ...]
) -> None:
    over, still_waits = Deadline(0), Deadline(20)
    given = shots("abc", shape=shape)
    adaptations, made = Adaptations(engine, 1 << 20), save(tmp_path)
    late = _Wanted(made, given, over)
    adaptations._fit([late])
    error = late.future.exception(0)
    assert isinstance(error, Problem)
    assert error.status == 504
    together = [_Wanted(made, given, over), _Wanted(made, given, still_waits)]
    adaptations._fit(together)
    assert together[1].future.result(0).labels == fit(made, given, lambda: None).labels


def test_of_what_is_not_stored_nothing_is_kept(engine: Engine, tmp_path: Path) -> None:
    tiny = save_tiny(tmp_path / "tiny", moves="head")
    adaptations = Adaptations(engine, 1 << 20)
    given = shots("abc")
    adaptations._fit([_Wanted(tiny, given, Deadline(20))])
    assert [adaptations.kept(tiny, shot.digest) for shot in given] == [None] * 3


def test_features_of_stored_examples_are_kept(engine: Engine, tmp_path: Path) -> None:
    tiny = save_tiny(tmp_path / "tiny", moves="head")
    adaptations = Adaptations(engine, 1 << 20)
    given = shots("abc", stored=True)

    async def scene() -> Classifier:
        with engine.admitted() as caller:
            return await adaptations.adapt(caller, tiny, given)

    first = asyncio.run(scene())
    kept = [adaptations.kept(tiny, shot.digest) for shot in given]
    assert all(shot is not None and shot.embedded for shot in kept)
    again = fit(tiny, [shot for shot in kept if shot is not None], lambda: None)
    assert torch.equal(again.directions, first.directions)
    assert all(torch.equal(value, first.theta.tensors()[name]) for name, value in again.theta.tensors().items())
    assert adaptations.kept(tiny, "another") is None
    other = save_tiny(tmp_path / "other", seed=1, moves="head")
    assert adaptations.kept(other, given[0].digest) is None


def test_a_large_task_does_not_hold_up_small_ones(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = save_tiny(tmp_path / "tiny")
    monkeypatch.setattr("service.computing.adaptations._LARGE", tiny.learner.operations(5))
    release = threading.Event()

    class Held(Adaptations):
        def _fit(self, batch: Sequence) -> None:
            if len(batch[0].shots) > 5:
                release.wait(10)
            super()._fit(batch)

    adaptations = Held(engine, 1 << 20)

    async def fitted(labels: str) -> Classifier:
        with engine.admitted() as caller:
            return await adaptations.adapt(caller, tiny, shots(labels))

    async def scene() -> None:
        large = [asyncio.create_task(fitted(labels)) for labels in ("abcabc", "abababab")]  # two, for one thread
        await asyncio.sleep(0.05)
        for labels in ("abc", "abcab"):
            assert (await fitted(labels)).labels == fit(tiny, shots(labels), lambda: None).labels
        assert not any(task.done() for task in large)
        release.set()
        assert len([await task for task in large]) == 2

    asyncio.run(scene())
