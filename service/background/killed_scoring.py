"""Notes, in the jobs' folders, of where scoring has begun: a process that is killed there leaves its note.

Where memory runs out, many systems refuse no process more of it but kill one. Without these notes, an image that
needs too much would end each process after the other, and all jobs and callers with it.
"""

from contextlib import suppress
from pathlib import Path

from service.results import Row

_NOTE = "begun"
MOST = 3  # processes that may be killed at an image before it is given up


def killed_at(folder: Path, done: int) -> int:
    """Give how many processes in a row were killed where the job has so many images done."""
    with suppress(OSError, ValueError):  # there is none, or it was being written
        place, killed = (folder / _NOTE).read_text().split()
        return int(killed) if int(place) == done else 0
    return 0


def note(folder: Path, done: int, killed: int) -> None:
    """Note that scoring begins where so many images are done, and the number killed there if it ends so."""
    with suppress(OSError):  # no job shall wait for a precaution
        (folder / _NOTE).write_text(f"{done} {killed}")


def drop_note(folder: Path) -> None:
    """Remove the note of a job that is let go of in order."""
    with suppress(OSError):
        (folder / _NOTE).unlink()


def fatal(filename: str) -> Row:
    """Make the row of an image at which too many processes were killed."""
    why = f"{filename} ended the service {MOST} times, as an image does that needs more memory than there is"
    return {"filename": filename, "error": f"{why}; make it smaller, or give the service more, and send it again"}
