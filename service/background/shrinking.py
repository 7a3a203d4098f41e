"""Gives the disk the room back that deletions leave in the store, in the background."""

import logging
import threading

from service.store.database import OUT_OF_REACH, Database
from service.store.spare_room import can_shrink, give_some_back

_EVERY_S = 60.0
logger = logging.getLogger("metashot")


class Shrinking:
    """Looks at the start and every minute; several processes that share a store all do, without harm."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="shrinking", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop within a moment."""
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._shrink()
            except OUT_OF_REACH as error:  # for a while
                cause = getattr(error, "orig", error)
                logger.warning("room that deletions left cannot be given back now (%s); trying again", cause)
            except Exception:  # the thread must survive it
                logger.exception("could not give back room that deletions left; trying again")
            self._stopping.wait(_EVERY_S)

    def _shrink(self) -> None:
        shrunk = False
        while not self._stopping.is_set() and can_shrink(self._database) and give_some_back(self._database):
            shrunk = True
        if shrunk:
            self._database.checkpoint()  # or else the file would shrink only with later changes
