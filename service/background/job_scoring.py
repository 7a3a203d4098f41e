"""Scores jobs' images, batch by batch. Jobs that take turns stay open in between, but only a few at once."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from service.background.killed_scoring import MOST, drop_note, fatal, killed_at, note
from service.computing.classifier import Classifier
from service.computing.engine import Engine
from service.computing.pinned import UnreadablePin, load_pinned
from service.computing.repinning import Repinning
from service.computing.rows import rows_of
from service.metrics import Metrics
from service.results import Row
from service.settings import MEBIBYTE, Settings
from service.store.job_store import Job
from service.uploads.archives import Archive
from service.uploads.job_input import open_job_input
from service.uploads.labels import one_line

_IN_TURN = 16  # most images in one piece of work, between which callers' work may run
_SHORT = 30e9  # most floating-point operations in one (or one image): about 0.1 s on one thread
_SHORT_BYTES = 2 * MEBIBYTE  # of files in one (or one image): photos of so many take as long to decode
_LONG_S = 2.0  # after which a batch ends early, as that of large photos would make for a long turn
_MOST_OPEN = 3  # an archive of 100,000 images takes seconds to open, and 80 MB of memory
logger = logging.getLogger("metashot")


class Stopping(Exception):
    """The service stops; the job resumes after the next start."""


@dataclass(frozen=True)
class _Open:
    classifier: Classifier
    archive: Archive
    folder: Path
    begun: int  # how many images were done when it was opened
    killed: int  # how many processes in a row were killed just there; then a batch's images are scored one by one
    closing: ExitStack


class Scoring:
    """Opens jobs and scores batches of their images, for one thread. Those open do not outlive the context."""

    def __init__(
        self,
        settings: Settings,
        root: Path,
        engine: Engine,
        repinning: Repinning,
        metrics: Metrics,
        stopping: threading.Event,
    ) -> None:
        self._settings = settings
        self._root = root
        self._engine = engine
        self._repinning = repinning
        self._metrics = metrics
        self._stopping = stopping
        self._open: dict[int, _Open] = {}  # by their numbers; the one that was scored last is the last

    def __enter__(self) -> Self:
        """Begin with none open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all."""
        for number in list(self._open):
            self.close(number)

    @property
    def open_jobs(self) -> Sequence[int]:
        """Numbers of the jobs that are open."""
        return list(self._open)

    def close(self, number: int) -> None:
        """Let go of a job's images and classifier, if it is open."""
        if (one := self._open.pop(number, None)) is not None:
            one.closing.close()
            drop_note(one.folder)

    def batch(self, job: Job, done: int) -> list[Row]:
        """Give the rows of the batch that follows the first ``done`` images, in order; fewer if it takes long.

        Raises:
            Stopping: if the service stops before all images of the batch are scored.
            ImageMemoryError: if memory does not suffice to read and prepare even the first image alone.
        """
        try:
            one = self._opened(job, done)
            wary = one.killed > 0 and done < one.begun + self._settings.job_batch
            killed = one.killed if done == one.begun else int(wary)  # by the batch
            note(one.folder, done, killed + 1)
            names = one.archive.names[done : done + (1 if wary else self._settings.job_batch)]
            if killed >= MOST:
                return [self._given_up(names[0])]
            rows = self._rows(one, names)
        except BaseException:
            self.close(job.number)
            raise
        if len(rows) < len(names):
            self._check()
        return rows

    def _opened(self, job: Job, done: int) -> _Open:
        """Give an open job; if there are too many, close the one that has waited longest for its turn."""
        one = self._open.pop(job.number, None)
        while len(self._open) >= _MOST_OPEN:
            self.close(next(iter(self._open)))
        if one is None:
            with ExitStack() as stack:
                classifier = self._classifier(job)
                archive = stack.enter_context(open_job_input(self._root / job.id, self._settings))
                folder = self._root / job.id
                one = _Open(classifier, archive, folder, done, killed_at(folder, done), stack.pop_all())
        self._open[job.number] = one
        return one

    def _classifier(self, job: Job) -> Classifier:
        """Read a job's classifier, or make it again if another release wrote it."""
        folder = self._root / job.id
        try:
            return load_pinned(folder)
        except UnreadablePin as error:
            logger.warning("the classifier of job %s is fitted again (%s)", job.id, error)
            return self._repinning.again(folder, job.task_id, begun=job.done > 0, check=self._check)

    def _given_up(self, name: str) -> Row:
        row = fatal(one_line(name))
        logger.error("an image is given up: %s", row["error"])
        return row

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Stopping

    def _rows(self, one: _Open, names: Sequence[str]) -> list[Row]:
        with suppress(MemoryError):  # also drops the error, which holds what was decoded
            return self._together(one, names)
        return self._one_by_one(one, names)

    def _together(self, one: _Open, names: Sequence[str]) -> list[Row]:
        """Score images on threads that no caller uses; give their rows, only the first if it takes long."""
        rows: list[Row] = []
        running: deque[Future[list[Row]]] = deque()
        until = time.monotonic() + _LONG_S
        try:
            for some in self._pieces(one, names):
                while len(running) >= self._engine.free_threads:
                    rows += running.popleft().result()
                if self._stopping.is_set():
                    break
                running.append(self._submit(one, some))
                if time.monotonic() >= until:
                    break
            for future in running:
                rows += future.result()
        finally:
            wait(running)  # or else, after an error, they would still hold memory and read the archive
        return rows

    def _one_by_one(self, one: _Open, names: Sequence[str]) -> list[Row]:
        """As ``_together``, but each image alone, and up to one that memory does not suffice for."""
        rows: list[Row] = []
        until = time.monotonic() + _LONG_S
        for name in names:
            if self._stopping.is_set():
                break
            try:
                rows += self._submit(one, [name]).result()
            except MemoryError:
                if not rows:
                    raise
                break
            if time.monotonic() >= until:
                break
        return rows

    def _pieces(self, one: _Open, names: Sequence[str]) -> Iterator[Sequence[str]]:
        """Divide images into pieces of work that take about 0.1 s, or one image."""
        most = max(1, min(_IN_TURN, int(_SHORT / one.classifier.learner.backbone.operations)))
        first = size = 0
        for place, name in enumerate(names):
            more = one.archive.size(name)
            if place - first == most or (place > first and size + more > _SHORT_BYTES):
                yield names[first:place]
                first, size = place, 0
            size += more
        yield names[first:]

    def _submit(self, one: _Open, names: Sequence[str]) -> "Future[list[Row]]":
        return self._engine.submit_behind(partial(self._answers, one.classifier, one.archive, names))

    def _answers(self, classifier: Classifier, archive: Archive, names: Sequence[str]) -> list[Row]:
        """Give a row for each image, in order."""
        images = [(one_line(name), partial(archive.read, name)) for name in names]
        rows = rows_of(classifier, images, self._settings.max_pixels)
        self._metrics.queries.labels(classifier.model).inc(sum("error" not in row for row in rows))
        return rows
