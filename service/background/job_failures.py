"""Why a job failed, as callers are told."""

import os
from pathlib import Path

from service.computing.repinning import LostClassifier
from service.problems import Problem


def failure(error: Exception) -> str:
    """Say why a job failed, and what to do."""
    if isinstance(error, FileNotFoundError):
        name = Path(os.fsdecode(error.filename)).name if error.filename else "one"
        return f"a file of the job is gone, {name} ({error.strerror}); start the job again"
    if isinstance(error, LostClassifier | Problem):
        return str(error)
    return f"its images could not be scored ({type(error).__name__}: {error}); the service's log says more"
