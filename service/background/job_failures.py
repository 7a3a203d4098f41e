"""Why a job failed, as callers are told, and what need not fail it yet."""

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

from service.computing.memory_errors import ImageMemoryError
from service.computing.repinning import LostClassifier
from service.problems import Problem
from service.results import Row
from service.store.database import OUT_OF_REACH, is_full
from service.store.job_store import Job

SHORTAGES = (MemoryError, OSError, *OUT_OF_REACH)  # of memory, file handles, room or the store: these may pass
_PATIENCE_S = 600.0  # for a shortage of one job
_NEXT_S = 60.0  # for memory for an image, if another one has waited for it in vain less than _PATIENCE_S ago
_MINUTE_S = 60.0


@dataclass(frozen=True)
class _Held:
    done: int
    since: float
    tried: float


class Patience:
    """Remembers since when each job has been held up, without an image scored in between."""

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}  # by the jobs' numbers
        self._in_vain = -math.inf  # when an image last got no memory, however long it had waited

    @property
    def aside(self) -> list[int]:
        """Numbers of the jobs that were held up within the last minute: others may go on meanwhile."""
        return [number for number, held in self._held.items() if time.monotonic() - held.tried < _MINUTE_S]

    def lasts(self, job: Job, error: Exception) -> bool:
        """Whether a job that met an error shall be tried again; ``job`` is as of then."""
        if isinstance(error, OUT_OF_REACH) or is_full(error):  # which holds up all jobs alike
            return True
        held, now = self._held.pop(job.number, None), time.monotonic()
        if not isinstance(error, SHORTAGES) or isinstance(error, FileNotFoundError):  # a lost file stays so
            return False
        since = held.since if held is not None and held.done == job.done else now
        of_image = isinstance(error, ImageMemoryError)
        if now - since >= (_NEXT_S if of_image and now - self._in_vain < _PATIENCE_S else _PATIENCE_S):
            self._in_vain = now if of_image else self._in_vain
            return False
        self._held[job.number] = _Held(job.done, since, now)
        return True


def too_large(filename: str, killed: int = 0) -> Row:
    """Make the row of an image that memory does not suffice for, even alone, or that got processes killed."""
    why = f"ended the service {killed} times, as an image does that needs" if killed else "needs"
    remedy = "make it smaller, or give the service more memory, and send it again"
    return {"filename": filename, "error": f"{filename} {why} more memory than there is; {remedy}"}


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
