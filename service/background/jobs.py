"""Jobs, which outlive requests and processes: scored in the background, committed batch by batch.

A job's folder (images, pinned classifier) is complete before its row exists, and result rows are committed
together with the progress. So a process killed at any moment leaves nothing half done: the next one resumes at
the first image without a row. Once a job has ended, its images and tensors are removed.
"""

import logging
import shutil
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.background.job_failures import SHORTAGES, Patience, failure
from service.background.job_folders import let_go, locked, tidy
from service.computing.classifier import Classifier
from service.computing.engine import Engine
from service.computing.pinned import UnreadablePin, load_pinned, pin
from service.computing.repinning import LostClassifier, Repinning
from service.computing.rows import rows_of
from service.metrics import Metrics
from service.registry import check_kept
from service.settings import JOBS, JOBS_LOCK, Settings
from service.store.database import is_full
from service.store.job_store import Job, JobStore, Status
from service.store.writers import Writers
from service.synced_folder import sync_folder
from service.uploads.archives import Archive
from service.uploads.job_input import open_job_input, receive_job_input
from service.uploads.labels import one_line

_IN_TURN = 16  # most images in one piece of work, between which callers' work may run
_SHORT = 30e9  # most floating-point operations in one (or one image): about 0.1 s on one thread
_LOOK_S = 2.0  # between looks for jobs that another process accepted
_FULL_S = 30  # between checks for room on a full disk
_TIDY_S = 3600.0  # between looks for what stopped processes left
_ORPHAN_S = 3600.0  # for checks, beyond the longest upload: a folder without a row is then a dead process's
logger = logging.getLogger("metashot")


class _Stopping(Exception):
    """The service stops; the job resumes after the next start."""


class Jobs:
    """Accepts jobs and scores one after the other; of several processes, only the one with the lock scores."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        writers: Writers,
        engine: Engine,
        repinning: Repinning,
        metrics: Metrics,
    ) -> None:
        self.store = store
        self._writers = writers
        self._settings = settings
        self._engine = engine
        self._repinning = repinning
        self._metrics = metrics
        self._root = settings.data_dir / JOBS
        self._root.mkdir(parents=True, exist_ok=True)
        self._patience = Patience()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin to score queued jobs and those that a stopped process left unfinished."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the images at hand; the job resumes after the next start."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def folder(self, job_id: str) -> Path:
        """Where a job's images and classifier lie."""
        return self._root / job_id

    async def take(self, request: Request, task_id: str, classifier: Classifier) -> Job:
        """Receive a job's images and queue it; a refused job leaves nothing behind."""
        job_id = uuid.uuid4().hex
        folder = self.folder(job_id)
        self.store.check_place()  # or else the folder could not be made
        folder.mkdir()
        try:
            knobs = await receive_job_input(request, self._settings, folder)
            check_kept(knobs.model, classifier.model)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        classifier = replace(classifier, keep_known=knobs.keep_known)
        try:
            return await self._writers.run(self._queue, job_id, task_id, classifier)
        except Exception:  # a caller who leaves (BaseException) ends this wait, but no change that has begun
            shutil.rmtree(folder, ignore_errors=True)
            raise

    async def end(self, job_id: str) -> Job | None:
        """Cancel an unfinished job, keeping its results; delete a finished one (None). Raises a 404 Problem.

        A job that finishes during this call is not deleted: its caller saw it unfinished and wants it stopped.
        """
        ended = await self._writers.run(self._end, job_id)
        if isinstance(ended, Job):
            return ended
        # Outside of a writer's turn, since it takes seconds, most of which it waits for others.
        await run_in_threadpool(self.store.delete_hidden, ended)
        return None

    def _end(self, job_id: str) -> Job | int:
        """Cancel an unfinished job, or hide another one and give its number."""
        if self.store.is_unfinished(job_id):
            self._finish(job_id, "cancelled")
            return self.store.job(job_id)
        number = self.store.hide(job_id)
        shutil.rmtree(self.folder(job_id), ignore_errors=True)
        return number

    def _queue(self, job_id: str, task_id: str, classifier: Classifier) -> Job:
        folder = self.folder(job_id)
        pin(classifier, folder)
        sync_folder(self._root)
        with open_job_input(folder, self._settings) as archive:
            total = len(archive.names)
        job = self.store.create(job_id, task_id=task_id, model=classifier.model, total=total)
        self._wake.set()
        return job

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._work_alone()
            except Exception as error:  # the store may be out of reach for a while, which the thread must survive
                if is_full(error):
                    logger.warning("the disk of DATA_DIR is full; jobs go on once there is room")
                    self._stopping.wait(_FULL_S)
                elif isinstance(error, SHORTAGES):
                    cause = getattr(error, "orig", error)
                    logger.warning("jobs have to wait (%s: %s); trying again", type(cause).__name__, cause)
                    self._stopping.wait(_LOOK_S)
                else:
                    logger.exception("could not look for jobs; trying again")
                    self._stopping.wait(_LOOK_S)

    def _work_alone(self) -> None:
        """Wait for the lock, then score job after job."""
        with (self._root / JOBS_LOCK).open("w") as lock:
            while not self._stopping.is_set() and not locked(lock):
                self._stopping.wait(_LOOK_S)
            tidy_next = time.monotonic()
            while not self._stopping.is_set():
                if time.monotonic() >= tidy_next:
                    self._tidy()
                    tidy_next = time.monotonic() + _TIDY_S
                self._wake.clear()
                job = self.store.start_next()
                if job is None:
                    self._wake.wait(_LOOK_S)
                else:
                    self._score(job)

    def _score(self, job: Job) -> None:
        try:
            classifier = self._classifier(job)
            with open_job_input(self.folder(job.id), self._settings) as archive:
                done = job.done
                while done < job.total:
                    names = archive.names[done : done + self._settings.job_batch]
                    rows = self._rows(classifier, archive, names)
                    if len(rows) < len(names) or not self.store.commit_batch(job.id, done, rows):
                        return  # stopping, cancelled or deleted
                    done += len(rows)
            self._finish(job.id, "done")
        except _Stopping:
            return
        except Exception as error:
            if self._patience.lasts(job, error):
                raise  # the job will resume after its last committed batch
            # False, and no error to report, if the job was cancelled or deleted meanwhile.
            if self._finish(job.id, "failed", failure(error)):
                foreseen = isinstance(error, LostClassifier)
                logger.error("job %s failed: %s", job.id, error, exc_info=not foreseen)

    def _classifier(self, job: Job) -> Classifier:
        """Read a job's classifier, or make it again if another release wrote it."""
        folder = self.folder(job.id)
        try:
            return load_pinned(folder)
        except UnreadablePin as error:
            logger.warning("the classifier of job %s is fitted again (%s)", job.id, error)
            return self._repinning.again(folder, job.task_id, begun=job.done > 0, check=self._check)

    def _check(self) -> None:
        if self._stopping.is_set():
            raise _Stopping

    def _finish(self, job_id: str, status: Status, error: str | None = None) -> bool:
        """End a job and remove what its results do not need; False if it had ended already."""
        ended = self.store.finish(job_id, status, error)
        let_go(self.folder(job_id))
        return ended

    def _rows(self, classifier: Classifier, archive: Archive, names: Sequence[str]) -> list[dict[str, Any]]:
        """Score images on threads that no caller uses; give their rows in order, only the first when stopping."""
        rows: list[dict[str, Any]] = []
        running: deque[Future[list[dict[str, Any]]]] = deque()
        each = max(1, min(_IN_TURN, int(_SHORT / classifier.learner.backbone.operations)))
        for first in range(0, len(names), each):
            while len(running) >= self._engine.free_threads:
                rows += running.popleft().result()
            if self._stopping.is_set():
                break
            some = names[first : first + each]
            running.append(self._engine.submit_behind(partial(self._answers, classifier, archive, some)))
        for one in running:
            rows += one.result()
        return rows

    def _answers(self, classifier: Classifier, archive: Archive, names: Sequence[str]) -> list[dict[str, Any]]:
        """Give a row for each image, in order."""
        images = [(one_line(name), partial(archive.read, name)) for name in names]
        rows = rows_of(classifier, images, self._settings.max_pixels)
        self._metrics.queries.labels(classifier.model).inc(sum("error" not in row for row in rows))
        return rows

    def _tidy(self) -> None:
        """Remove what stopped processes left: folders without a job, images of jobs that have ended, and jobs
        that were about to be deleted.
        """
        while not self._stopping.is_set() and self.store.resume_deletion():
            pass
        tidy(self._root, self.store.statuses(), oldest_s=self._settings.upload_s + _ORPHAN_S)
