"""Jobs, which outlive requests and processes: scored in the background, committed batch by batch.

A job's folder (images, pinned classifier) is complete before its row exists, and goes with it; result rows are
committed together with the progress. So a process killed at any moment leaves nothing half done: the next one
resumes at the first image without a row. Once a job has ended, its images and tensors are removed.
"""

import logging
import shutil
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.background.job_failures import SHORTAGES, Patience, failure, too_large
from service.background.job_folders import let_go, locked, tidy
from service.background.job_scoring import Scoring, Stopping
from service.computing.classifier import Classifier
from service.computing.engine import Engine
from service.computing.memory_errors import ImageMemoryError
from service.computing.pinned import pin
from service.computing.repinning import LostClassifier, Repinning
from service.metrics import Metrics
from service.registry import check_kept
from service.settings import JOBS, JOBS_LOCK, Settings
from service.store.database import Database, is_full
from service.store.job_store import Job, JobStore, Status
from service.store.task_store import TaskVersion
from service.store.writers import Writers
from service.synced_folder import sync_folder
from service.uploads.job_input import receive_job_input

_TURN_S = 1.0  # of a job, or the time that its batch takes; a job's opening comes on top
_LOOK_S = 2.0  # between looks for jobs that another process accepted
_FULL_S = 30  # between checks for room on a full disk
_TIDY_S = 3600.0  # between looks for what stopped processes left
_ORPHAN_S = 3600.0  # for checks, beyond the longest upload: a folder without a row is then a dead process's
logger = logging.getLogger("metashot")


class Jobs:
    """Accepts jobs and scores them in turns; of several processes, only the one with the lock scores.

    Every other turn is the oldest job's, so that each is done some time. Those in between are for the job with
    the fewest images left, so that small ones need not wait for large ones, and equal ones are done in order.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        writers: Writers,
        engine: Engine,
        repinning: Repinning,
        metrics: Metrics,
    ) -> None:
        self.store = JobStore(database, self._drop)
        self._database = database
        self._writers = writers
        self._settings = settings
        self._root = settings.data_dir / JOBS
        self._root.mkdir(parents=True, exist_ok=True)
        self._patience = Patience()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._scoring = Scoring(settings, self._root, engine, repinning, metrics, self._stopping)
        self._oldest_next = True  # whether the next turn is the oldest job's
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

    async def take(
        self, request: Request, task: TaskVersion, classifier: Classifier, chosen: str | None = None
    ) -> Job:
        """Receive a job's images and queue it; a refused job leaves nothing behind.

        Its id is ``chosen``, if the caller chose one. If the task has a job of that id, it is given instead: a
        caller to whom no answer came may send it again.
        """
        if chosen is not None:
            job = await run_in_threadpool(self.store.of_id, chosen, task.id)
            if job is not None:
                return job
        # Under a name of its own, as another request may be sending the same job.
        folder = self.folder(uuid.uuid4().hex)
        self._database.check_place()  # or else the folder could not be made
        folder.mkdir()
        try:
            images, knobs = await receive_job_input(request, self._settings, folder)
            check_kept(knobs.model, task.model)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        classifier = replace(classifier, keep_known=knobs.keep_known)
        try:
            return await self._writers.run(self._queue, folder, images, chosen, task.id, classifier)
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
        if (job := self.store.unfinished(job_id)) is not None:
            self._finish(job, "cancelled")
            return self.store.job(job_id)
        return self.store.hide(job_id)

    def _drop(self, job_id: str) -> None:
        shutil.rmtree(self.folder(job_id), ignore_errors=True)

    def _queue(self, folder: Path, images: int, chosen: str | None, task_id: str, classifier: Classifier) -> Job:
        pin(classifier, folder)
        at = folder if chosen is None else self.folder(chosen)

        def place() -> None:
            if at != folder:
                self._drop(at.name)  # what a process left that was killed before the job had a row
                folder.rename(at)
            sync_folder(self._root)

        try:
            job = self.store.create(at.name, task_id=task_id, model=classifier.model, total=images, place=place)
        except Exception:
            if not folder.exists():  # it has been moved already
                shutil.rmtree(at, ignore_errors=True)
            raise
        if at != folder:  # which is still there if the task had this job already
            shutil.rmtree(folder, ignore_errors=True)
        self._wake.set()
        return job

    def _work(self) -> None:
        while not self._stopping.is_set():
            pause_s = 0.0
            try:
                self._work_alone()
            except Exception as error:  # the store may be out of reach for a while, which the thread must survive
                pause_s = _pause_after(error)
            self._stopping.wait(pause_s)  # only here, as the error may hold the memory of an image

    def _work_alone(self) -> None:
        """Wait for the lock, then give jobs their turns."""
        with (self._root / JOBS_LOCK).open("w") as lock, self._scoring:
            while not self._stopping.is_set() and not locked(lock):
                self._stopping.wait(_LOOK_S)
            tidy_next = time.monotonic()
            while not self._stopping.is_set():
                if time.monotonic() >= tidy_next:
                    self._tidy()
                    tidy_next = time.monotonic() + _TIDY_S
                self._wake.clear()
                job = self._next()
                if job is None:
                    self._wake.wait(_LOOK_S)
                else:
                    self._score(job)

    def _next(self) -> Job | None:
        """Give the job whose turn it is, and close those that have been cancelled or deleted since theirs."""
        for number in self._scoring.open_jobs:
            if not self.store.is_unfinished(number):
                self._scoring.close(number)
        oldest, self._oldest_next = self._oldest_next, not self._oldest_next
        return self.store.start_next(oldest=oldest, last=self._patience.aside)

    def _score(self, job: Job) -> None:
        """Score a job's next images, for a turn."""
        done, until = job.done, time.monotonic() + _TURN_S
        try:
            while done < job.total:
                rows = self._scoring.batch(job, done)
                if not self.store.commit_batch(job.number, done, rows):
                    return  # cancelled or deleted
                done += len(rows)
                if done < job.total and time.monotonic() >= until:
                    return
            self._scoring.close(job.number)
            self._finish(job, "done")
        except Stopping:
            return
        except Exception as error:
            if self._patience.lasts(replace(job, done=done), error):
                raise  # the job will resume after its last committed batch
            if isinstance(error, ImageMemoryError):
                self.store.commit_batch(job.number, done, [too_large(error.filename)])
                return
            # False, and no error to report, if the job was cancelled or deleted meanwhile.
            if self._finish(job, "failed", failure(error)):
                foreseen = isinstance(error, LostClassifier)
                logger.error("job %s failed: %s", job.id, error, exc_info=not foreseen)

    def _finish(self, job: Job, status: Status, error: str | None = None) -> bool:
        """End a job and remove what its results do not need; False if it had ended already."""
        ended = self.store.finish(job.number, status, error)
        if ended:  # or else the folder may be that of a new job of the same id
            let_go(self.folder(job.id))
        return ended

    def _tidy(self) -> None:
        """Remove what stopped processes left: folders without a job, images of jobs that have ended, and jobs
        that were about to be deleted.
        """
        while not self._stopping.is_set() and self.store.resume_deletion():
            pass
        tidy(self._root, self.store.statuses(), oldest_s=self._settings.upload_s + _ORPHAN_S)


def _pause_after(error: Exception) -> float:
    """Log why jobs cannot go on; give the seconds to wait before they are tried again."""
    if is_full(error):
        logger.warning("the disk of DATA_DIR is full; jobs go on once there is room")
        return _FULL_S
    if isinstance(error, SHORTAGES):
        cause = getattr(error, "orig", error)
        logger.warning("jobs have to wait (%s: %s); trying again", type(cause).__name__, cause)
    else:
        logger.exception("could not look for jobs; trying again")
    return _LOOK_S
