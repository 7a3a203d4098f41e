"""Notes, in the jobs' folders, of where scoring has begun: a process that is killed there leaves its note.

Where memory runs out, many systems refuse no process more of it but kill one. Without these notes, an image that
needs too much would end each process after the other, and all jobs and callers with it.
"""

from contextlib import suppress
from pathlib import Path

_NOTE = "begun"
MOST = 3  # processes that may be killed at an image before it is given up


class Begun:
    """Where the scoring of a job begins, from the time that a process opens it until it lets go of it in order.

    If processes were killed just there, the images of a batch are scored one by one, to find the one at fault.
    """

    def __init__(self, folder: Path, done: int, batch: int) -> None:
        """Take the job's folder, how many of its images are done, and how many make a batch."""
        self._folder = folder
        self._batch = batch
        self._first, self._killed = done, killed_at(folder, done)
        self._wary = range(done, done + (batch if self._killed else 0))

    def at_once(self, done: int) -> int:
        """Give the most images to score at once where so many are done."""
        return 1 if done in self._wary else self._batch

    def note(self, done: int) -> bool:
        """Note that scoring begins where so many images are done; False if the next image is to be given up."""
        killed = self._killed if done == self._first else int(done in self._wary)  # in its batch
        note(self._folder, done, killed + 1)
        return killed < MOST

    def drop(self) -> None:
        """Remove the note."""
        drop_note(self._folder)


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
    """Remove a job's note."""
    with suppress(OSError):
        (folder / _NOTE).unlink()
