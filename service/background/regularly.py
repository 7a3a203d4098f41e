"""Work on the store at regular intervals, in the background."""

import logging
import threading
from abc import ABC, abstractmethod

from service.store.database import OUT_OF_REACH

logger = logging.getLogger("metashot")


class Regularly(ABC):
    """Looks at the start and at intervals; several processes that share a store all do, without harm."""

    def __init__(self, name: str, every_s: float, failing: str) -> None:
        """Take a name for the thread, and what cannot be done, for the log, where a look fails."""
        self._every_s = every_s
        self._failing = failing
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, once a look that has begun has noticed."""
        self._stopping.set()
        self._thread.join()

    @abstractmethod
    def _look(self) -> None:
        """Do what there is to do, and return early if ``_stopping`` is set."""

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
            except OUT_OF_REACH as error:  # for a while
                logger.warning("could not %s (%s); trying again", self._failing, getattr(error, "orig", error))
            except Exception:  # the thread must survive it
                logger.exception("could not %s; trying again", self._failing)
            self._stopping.wait(self._every_s)
