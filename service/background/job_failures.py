"""Why a job failed, as callers are told, and what need not fail it yet."""

import os
import time
from pathlib import Path

from service.computing.repinning import LostClassifier
from service.problems import Problem
from service.store.database import OUT_OF_REACH, is_full
from service.store.job_store import Job

SHORTAGES = (MemoryError, OSError, *OUT_OF_REACH)  # of memory, file handles, room or the store: these may pass
_PATIENCE_S = 600.0  # for a shortage of one job, as others wait behind it
_MINUTE_S = 60.0


class Patience:
    """Remembers since when each job has been held up, without an image scored in between."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, float]] = {}  # by the job's id: its progress, and since when that is all

    def lasts(self, job: Job, error: Exception) -> bool:
        """Whether a job that met an error shall be tried again; ``job`` is as it was before this try."""
        if not isinstance(error, SHORTAGES) or isinstance(error, FileNotFoundError):  # a lost file stays so
            return False
        if isinstance(error, OUT_OF_REACH) or is_full(error):  # which holds up all jobs alike
            return True
        now = time.monotonic()
        done, since = self._held.get(job.id, (job.done, now))
        if done != job.done:
            since = now
        self._held[job.id] = job.done, since
        return now - since < _PATIENCE_S


def failure(error: Exception) -> str:
    """Say why a job failed, and what to do."""
    if isinstance(error, FileNotFoundError):
        name = Path(os.fsdecode(error.filename)).name if error.filename else "one"
        return f"a file of the job is gone, {name} ({error.strerror}); start the job again"
    if isinstance(error, SHORTAGES):
        why = getattr(error, "strerror", None) or "no memory"
        minutes = f"{_PATIENCE_S / _MINUTE_S:g} minutes"
        return (
            f"its images could not be scored for {minutes} ({why}; the service's log says more); start it again"
        )
    if isinstance(error, LostClassifier | Problem):
        return str(error)
    return f"its images could not be scored ({type(error).__name__}: {error}); the service's log says more"
