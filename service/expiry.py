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
        """Stop, once what is being deleted is deleted."""
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look(time.time())
            except Exception:  # the store may be out of reach for a while; the thread must survive that
                logger.exception("could not look for temporary tasks that have expired; trying again")
            self._stopping.wait(NOTED_EVERY_S)

    def _look(self, now: float) -> None:
        self._tasks.note_uses(now)
        self._classifiers.forget(self._tasks.delete_expired(now))
