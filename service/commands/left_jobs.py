"""Notes of the jobs that ``score`` has on a server, for a run that is killed leaves its own there.

A part's note is an empty file beside that of its answers, called like it and by the job's id. It is there before
the job is begun, and goes with the job.
"""

import contextlib
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from service.client import UNFINISHED, Client, Missing, ServiceError, Unreachable

_NOTE = ".job"
_COMING_S = 3.0  # for a job that was sent to be there: it is checked and stored first
_LOOK_S = 0.1


def left(folder: Path) -> list[str]:
    """Give the ids of the jobs that a folder of answers has notes of."""
    return [_id(note) for note in folder.glob(f"*{_NOTE}")]


class JobNotes:
    """The notes in a folder of answers, which only one run uses at a time."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._notes = {note.name.partition(".")[0]: note for note in folder.glob(f"*{_NOTE}")}
        self._unanswered: set[str] = set()  # the parts, by their answers' stems, of jobs that may yet begin

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

    @contextlib.contextmanager
    def sending(self, answers: Path) -> Iterator[None]:
        """Send a part's job within the context: left without an answer, the server may begin it even later."""
        self._unanswered.add(answers.stem)
        try:
            yield
        except Unreachable:
            raise
        except Exception:  # a refusal; but a signal raises what is no Exception
            self._unanswered.remove(answers.stem)
            raise
        self._unanswered.remove(answers.stem)

    def end(self, answers: Path) -> None:
        """Delete a part's job from the server; its note stays if that fails, or if the job may yet begin."""
        note = self._notes.get(answers.stem)
        if note is None:
            return
        may_come, until = answers.stem in self._unanswered, time.monotonic() + _COMING_S
        try:
            while not (ended := self._end(_id(note))) and may_come and time.monotonic() < until:
                time.sleep(_LOOK_S)
        except ServiceError:  # a later run will try again
            return
        if ended or not may_come:
            note.unlink()
            del self._notes[answers.stem]

    def _end(self, job_id: str) -> bool:
        """Delete a job; False if there is none."""
        try:
            status = self._client.job(job_id)["status"]
        except Missing:
            return False
        with contextlib.suppress(Missing):  # it ended just now, and the first request deleted it
            for _ in range(2 if status in UNFINISHED else 1):
                self._client.end_job(job_id)
        return True

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
