"""Scores a batch of a job's images on threads that no caller uses, in pieces that callers can wait for."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial

from service.computing.classifier import Classifier
from service.computing.engine import Engine
from service.computing.rows import rows_of
from service.results import Row
from service.settings import MEBIBYTE
from service.uploads.archives import Archive
from service.uploads.labels import one_line

_IN_TURN = 16  # most images in one piece of work, between which callers' work may run
_SHORT = 30e9  # most floating-point operations in one (or one image): about 0.1 s on one thread
_SHORT_BYTES = 2 * MEBIBYTE  # of files in one (or one image): photos of so many take as long to decode
_LONG_S = 2.0  # after which a batch ends early, as that of large photos would make for a long turn


class BatchScoring:
    """Scores batches, which end early if they take long, if memory runs out, or when the service stops."""

    def __init__(self, engine: Engine, stopping: threading.Event, max_pixels: int) -> None:
        self._engine = engine
        self._stopping = stopping
        self._max_pixels = max_pixels

    def rows(self, classifier: Classifier, archive: Archive, names: Sequence[str]) -> list[Row]:
        """Give the rows of images of an archive, in order, but only the first if the batch ends early.

        Raises:
            ImageMemoryError: if memory does not suffice to read and prepare even the first image alone.
            MemoryError: if it does not suffice to answer it.
        """
        score = partial(self._submit, classifier, archive)
        with suppress(MemoryError):  # also drops the error, which holds what was decoded
            return self._first_rows(score, _pieces(classifier, archive, names), lambda: self._engine.free_threads)
        return self._first_rows(score, ([name] for name in names), lambda: 1)

    def _first_rows(
        self,
        score: Callable[[Sequence[str]], Future[list[Row]]],
        pieces: Iterable[Sequence[str]],
        threads: Callable[[], int],
    ) -> list[Row]:
        """Give the rows of all pieces before one that lacks memory; raise its error if it is the first."""
        rows: list[Row] = []
        running: deque[Future[list[Row]]] = deque()
        until = time.monotonic() + _LONG_S
        try:
            for some in pieces:
                while len(running) >= threads():
                    rows += running.popleft().result()
                if self._stopping.is_set():
                    break
                running.append(score(some))
                if time.monotonic() >= until:
                    break
            for future in running:
                rows += future.result()
        except MemoryError:
            if not rows:
                raise
        finally:
            wait(running)  # or else, after an error, they would still hold memory and read the archive
        return rows

    def _submit(self, classifier: Classifier, archive: Archive, names: Sequence[str]) -> Future[list[Row]]:
        images = [(one_line(name), partial(archive.read, name)) for name in names]
        return self._engine.submit_behind(partial(rows_of, classifier, images, self._max_pixels))


def _pieces(classifier: Classifier, archive: Archive, names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Divide images into pieces of work that take about 0.1 s, or one image."""
    most = max(1, min(_IN_TURN, int(_SHORT / classifier.learner.backbone.operations)))
    first = size = 0
    for place, name in enumerate(names):
        more = archive.size(name)
        if place - first == most or (place > first and size + more > _SHORT_BYTES):
            yield names[first:place]
            first, size = place, 0
        size += more
    yield names[first:]
