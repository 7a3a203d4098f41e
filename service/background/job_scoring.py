"""Scores jobs' images, batch by batch. Jobs that take turns stay open in between, but only a few at once."""

import logging
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from service.background.batch_scoring import BatchScoring
from service.background.job_failures import too_large
from service.background.killed_scoring import MOST, Begun
from service.computing.classifier import Classifier
from service.computing.engine import Engine
from service.computing.pinned import UnreadablePin, load_pinned
from service.computing.repinning import Repinning
from service.metrics import Metrics
from service.results import Row
from service.settings import Settings
from service.store.job_store import Job
from service.uploads.archives import Archive
from service.uploads.job_input import open_job_input
from service.uploads.labels import one_line

_MOST_OPEN = 3  # an archive of 100,000 images takes seconds to open, and 80 MB of memory
logger = logging.getLogger("metashot")


class Stopping(Exception):
    """The service stops; the job resumes after the next start."""


@dataclass(frozen=True)
class _Open:
    classifier: Classifier
    archive: Archive
    begun: Begun
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
        self._batches = BatchScoring(engine, stopping, settings.max_pixels)
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
            one.begun.drop()

    def batch(self, job: Job, done: int) -> list[Row]:
        """Give the rows of the batch that follows the first ``done`` images, in order; fewer if it ends early.

        Raises:
            Stopping: if the service stops before all images of the batch are scored.
            ImageMemoryError: if memory does not suffice to read and prepare even the first image alone.
        """
        try:
            one = self._opened(job, done)
            names = one.archive.names[done : done + one.begun.at_once(done)]
            if one.begun.note(done):
                rows = self._batches.rows(one.classifier, one.archive, names)
            else:
                rows = [self._given_up(names[0])]
        except BaseException:
            self.close(job.number)
            raise
        if len(rows) < len(names) and self._stopping.is_set():
            raise Stopping
        self._metrics.queries.labels(one.classifier.model).inc(sum("error" not in row for row in rows))
        return rows

    def _opened(self, job: Job, done: int) -> _Open:
        """Give an open job; if there are too many, close the one that has waited longest for its turn."""
        one = self._open.pop(job.number, None)
        while len(self._open) >= _MOST_OPEN:
            self.close(next(iter(self._open)))
        if one is None:
            folder = self._root / job.id
            with ExitStack() as stack:
                classifier = self._classifier(job)
                archive = stack.enter_context(open_job_input(folder, self._settings))
                one = _Open(classifier, archive, Begun(folder, done, self._settings.job_batch), stack.pop_all())
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
        row = too_large(one_line(name), MOST)
        logger.error("an image is given up: %s", row["error"])
        return row

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Stopping
