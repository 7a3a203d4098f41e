"""Notes of the jobs that ``score`` has on a server, for a run that is killed leaves its own there.

A part's note is an empty file beside that of its answers, called like it and by the job's id. It is there before
the job is begun, and goes with the job.
"""

import contextlib
import uuid
from collections.abc import Iterable
from pathlib import Path

from service.client import UNFINISHED, Client, Missing, ServiceError

_NOTE = ".job"


def any_left(folder: Path) -> bool:
    """Whether a folder of answers has notes of jobs."""
    return any(folder.glob(f"*{_NOTE}"))


class JobNotes:
    """The notes in a folder of answers, which only one run uses at a time."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._notes = {note.name.partition(".")[0]: note for note in folder.glob(f"*{_NOTE}")}

    def job_for(self, answers: Path) -> str:
        """Give the id of the job for a part's answers, be it there already or still to be begun.

        A job that an earlier run left is taken over, unless it has ended without all answers.
        """
        note = self._notes.get(answers.stem)
        if note is not None:
            with contextlib.suppress(ServiceError):  # not begun, or else beginning it will tell more
                if self._client.job(_id(note))["status"] not in (*UNFINISHED, "done"):
                    self.end(answers)
        if answers.stem not in self._notes:
            note = _note(answers, uuid.uuid4().hex)
            note.touch()
            self._notes[answers.stem] = note
        return _id(self._notes[answers.stem])

    def begun(self, answers: Path, job_id: str) -> None:
        """Note the id that a part's job has got: a service of a former release chooses it by itself."""
        self._notes[answers.stem] = self._notes[answers.stem].rename(_note(answers, job_id))

    def end(self, answers: Path) -> None:
        """Delete a part's job from the server; its note stays if that fails."""
        note = self._notes.get(answers.stem)
        if note is None:
            return
        try:
            if self._client.job(_id(note))["status"] in UNFINISHED:
                self._client.end_job(_id(note))
            self._client.end_job(_id(note))
        except Missing:
            pass
        except ServiceError:  # a later run will try again
            return
        note.unlink()
        del self._notes[answers.stem]

    def end_others(self, awaited: Iterable[Path] = ()) -> None:
        """Delete the jobs that were left, but those for the answers that are ``awaited`` still."""
        kept = {answers.stem for answers in awaited}
        for stem, note in list(self._notes.items()):
            if stem not in kept:
                self.end(note.with_name(stem))


def _note(answers: Path, job_id: str) -> Path:
    return answers.with_name(f"{answers.stem}.{job_id}{_NOTE}")


def _id(note: Path) -> str:
    return note.stem.rpartition(".")[2]
