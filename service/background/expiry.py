"""Deletes temporary tasks that nobody uses any more, in the background."""

import logging
import time

from service.background.regularly import Regularly
from service.computing.classifiers import Classifiers
from service.store.temporary_tasks import NOTED_EVERY_S, TemporaryTasks

logger = logging.getLogger("metashot")


class Expiry(Regularly):
    """Looks for expired tasks every minute."""

    def __init__(self, tasks: TemporaryTasks, classifiers: Classifiers) -> None:
        super().__init__("expiry", NOTED_EVERY_S, "look for temporary tasks that have expired")
        self._tasks = tasks
        self._classifiers = classifiers

    def stop(self) -> None:
        """Stop, once the task that is being deleted is deleted, and write down which ones were used."""
        super().stop()
        try:
            self._tasks.note_uses(time.time())
        except Exception:  # it must not keep the service from stopping
            logger.exception("could not write down which temporary tasks were used last")

    def _look(self) -> None:
        now = time.time()
        self._tasks.note_uses(now)
        for task_id in self._tasks.delete_expired(now):
            self._classifiers.forget([task_id])
            if self._stopping.is_set():
                return
