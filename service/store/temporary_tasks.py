"""Tasks that are kept only as long as somebody uses them."""

import threading
import time
from collections.abc import Iterator

from sqlalchemy import delete, select, update

from service.store.database import Database
from service.store.giving_way import give_way
from service.store.tables import TaskRow

NOTED_EVERY_S = 60.0  # how often each process brings into the store which of them were used
_GRACE_S = 5 * NOTED_EVERY_S  # nothing is deleted before every process has had its turn to do so


class TemporaryTasks:
    """Extends the time of those that are used, and deletes those that nobody used for ``expires_in`` seconds.

    A use is only remembered when it happens, since it must not cost a write; ``note_uses`` writes it down later.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def used(self, task_id: str) -> None:
        """Remember that a temporary task is in use."""
        with self._lock:
            self._used.add(task_id)

    def note_uses(self, now: float) -> None:
        """Let the tasks used since the last call expire ``expires_in`` seconds after ``now``, a Unix time."""
        with self._lock:
            used = sorted(self._used)
        for task_id in used:
            of_task = (TaskRow.id == task_id, TaskRow.expires_in.is_not(None))
            longer = update(TaskRow).where(*of_task).values(expires=int(now) + TaskRow.expires_in)
            # As deletions, on a full disk, too: they must not expire for want of room.
            self._database.freeing(longer.returning(TaskRow.number))
            with self._lock:
                self._used.discard(task_id)

    def delete_expired(self, now: float) -> Iterator[str]:
        """Delete the tasks that by ``now``, a Unix time, nobody has used for too long; give each one's id."""
        expired = TaskRow.expires < int(now - _GRACE_S)
        with self._database.reading() as session:
            found = session.scalars(select(TaskRow.id).where(expired)).all()
        for one in found:  # one by one: those used or kept meanwhile stay
            with self._lock:
                if one in self._used:
                    continue
            began = time.monotonic()
            deletion = delete(TaskRow).where(TaskRow.id == one, expired)
            deleted = self._database.freeing(deletion.returning(TaskRow.id))
            give_way(began)
            if deleted is not None:
                yield one
