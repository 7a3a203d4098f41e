"""Deletes temporary tasks that nobody uses any more, in the background."""

import logging
import threading
import time

from service.computing.classifiers import Classifiers
from service.store.temporary_tasks import NOTED_EVERY_S, TemporaryTasks

logger = logging.getLogger("metashot")


class Expiry:
    """Looks at the start and every minute; several processes that share a store all do, without harm."""

    def __init__(self, tasks: TemporaryTasks, classifiers: Classifiers) -> None:
        self._tasks = tasks
        self._classifiers = classifiers
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="expiry", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, once the task that is being deleted is deleted, and write down which ones were used."""
        self._stopping.set()
        self._thread.join()
        try:
            self._tasks.note_uses(time.time())
        except Exception:  # it must not keep the service from stopping
            logger.exception("could not write down which temporary tasks were used last")

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look(time.time())
            except Exception:  # the store may be out of reach for a while; the thread must survive that
                logger.exception("could not look for temporary tasks that have expired; trying again")
            self._stopping.wait(NOTED_EVERY_S)

    def _look(self, now: float) -> None:
        self._tasks.note_uses(now)
        for task_id in self._tasks.delete_expired(now):
            self._classifiers.forget([task_id])
            if self._stopping.is_set():
                return
