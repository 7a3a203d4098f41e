"""Adaptations of several callers as one batch of tasks.

While all threads are busy, adaptations wait; the next free thread takes the oldest one and all that fit into a
batch with it. No adaptation waits for others to join: with a free thread it begins at once, alone. Waiting 3 ms
for others gained nothing (medians of 5 turns: 21.4 instead of 21.2 requests a second with 16 callers, 21.5
instead of 21.4 with 4): a batch saves each less than 2 ms of a request's 60 to 90, and forms by itself where
threads are busy (``python -m benchmarks --only engine``; docs/engine.md).
"""

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from models.initialization import Initialization
from service.computing.caches import BoundedCache
from service.computing.classifier import Check, Classifier
from service.computing.engine import Caller, Deadline, Engine
from service.computing.fitting import Shot, embed, fit_together
from service.computing.memory_errors import memory_errors
from service.problems import Problem

_MOST_IMAGES = 256  # examples of a batch, padding included
_LARGE = 100e9  # floating-point operations, which take one thread seconds
Example = tuple[str, str]  # an initialization's version, and the sha256 of an image's file


@dataclass(frozen=True)
class _Wanted:
    initialization: Initialization
    shots: Sequence[Shot]
    deadline: Deadline
    future: "Future[Classifier]" = field(default_factory=Future)

    @property
    def room(self) -> int:
        """The number of examples, rounded up to a power of two: less than half of a batch is padding."""
        return 1 << (len(self.shots) - 1).bit_length()

    @property
    def kind(self) -> tuple[str, str, int]:
        """What all tasks of a batch must have in common."""
        return self.initialization.name, self.initialization.version, self.room


class Adaptations:
    """Fits waiting adaptations in batches, and caches the inputs (pixels or features) of stored examples."""

    def __init__(self, engine: Engine, cache_bytes: int) -> None:
        self._engine = engine
        self._waiting: list[_Wanted] = []
        self._lock = threading.Lock()
        self._inputs: BoundedCache[Example, Shot] = BoundedCache(cache_bytes, lambda shot: shot.input.nbytes)

    def kept(self, initialization: Initialization, digest: str) -> Shot | None:
        """Give a stored example with its pixels or features, by its file's sha256, if it is still in memory."""
        return self._inputs.get((initialization.version, digest))

    def embedded(self, initialization: Initialization, shots: Sequence[Shot], check: Check) -> list[Shot]:
        """Compute the features of examples, as ``embed`` does, and keep them in memory."""
        (found,) = embed(initialization, [shots], check, self._engine.embedded)
        self._keep(initialization, found)
        return found

    async def adapt(self, caller: Caller, initialization: Initialization, shots: Sequence[Shot]) -> Classifier:
        """Fit a caller's classifier, in a batch with others that wait.

        Raises:
            Problem: 504 past the deadline, 422 if the adaptation diverges, 503 if the service is stopping.
        """
        wanted = _Wanted(initialization, shots, caller.deadline)
        if initialization.learner.operations(len(shots)) > _LARGE:
            self._engine.submit(lambda: self._fit([wanted]), large=True)
        else:
            with self._lock:
                self._waiting.append(wanted)
            self._engine.submit(self._fit_next)
        return await caller.wait(wanted.future)

    def _fit_next(self) -> None:
        with self._lock:
            batch = self._take()
        if batch:
            self._fit(batch)

    def _take(self) -> list[_Wanted]:
        """Take the oldest waiting adaptation and those that fit into a batch with it."""
        batch: list[_Wanted] = []
        left: list[_Wanted] = []
        for wanted in self._waiting:
            enough = batch and (len(batch) + 1) * wanted.room > _MOST_IMAGES
            (left if batch and (enough or wanted.kind != batch[0].kind) else batch).append(wanted)
        self._waiting = left
        return batch

    def _fit(self, batch: Sequence[_Wanted]) -> None:
        batch = [wanted for wanted in batch if wanted.future.set_running_or_notify_cancel()]
        if not batch:
            return

        def check() -> None:
            if all(wanted.deadline.over for wanted in batch):
                raise batch[0].deadline.passed()

        try:
            with memory_errors():  # here, as what the futures hold does not pass through the engine's
                initialization = batch[0].initialization
                tasks = embed(initialization, [wanted.shots for wanted in batch], check, self._engine.embedded)
                for shots in tasks:
                    self._keep(initialization, [shot for shot in shots if shot.identity is not None])
                fitted = fit_together(initialization, tasks, check)
            for wanted, one in zip(batch, fitted, strict=True):
                if isinstance(one, Problem):
                    wanted.future.set_exception(one)
                else:
                    wanted.future.set_result(one)
        except BaseException as error:  # whatever it is, callers wait for an answer
            for wanted in batch:
                if not wanted.future.done():
                    wanted.future.set_exception(error)

    def _keep(self, initialization: Initialization, shots: Iterable[Shot]) -> None:
        for shot in shots:
            self._inputs.put((initialization.version, shot.digest), shot)
