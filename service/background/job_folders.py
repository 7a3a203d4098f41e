"""The folders of jobs: one process's alone, safe on the disk, and rid of what is no longer needed."""

import fcntl
import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from service.background.killed_scoring import drop_note
from service.computing.pinned import TENSORS
from service.store.job_store import UNFINISHED
from service.uploads.job_input import drop_job_input

logger = logging.getLogger("metashot")


def locked(lock: IO[str]) -> bool:
    """Try to take the lock; the system frees it when this process ends, however it ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def let_go(folder: Path) -> None:
    """Remove what only scoring reads; a thread that is still scoring has it open or in memory."""
    try:
        drop_job_input(folder)
        (folder / TENSORS).unlink(missing_ok=True)
        drop_note(folder)
    except OSError:  # it only wastes room
        logger.exception("could not remove the images of %s", folder)


def tidy(root: Path, statuses: Mapping[str, str], oldest_s: float) -> None:
    """Let go of ended jobs' folders, and remove those that have no job.

    Args:
        root: folder of the jobs' folders, which are called by their ids.
        statuses: of all jobs, by id.
        oldest_s: seconds that a folder may be without a job, as it is while the images arrive.
    """
    newest = time.time() - oldest_s
    for folder in root.iterdir():
        status = statuses.get(folder.name)
        if status is not None and status not in UNFINISHED:
            let_go(folder)
        elif status is None and _is_folder_before(folder, newest):
            shutil.rmtree(folder, ignore_errors=True)


def _is_folder_before(path: Path, moment: float) -> bool:
    try:
        return path.is_dir() and path.stat().st_mtime < moment
    except OSError:  # its process has just removed it
        return False
