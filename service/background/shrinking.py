"""Gives the disk the room back that deletions leave in the store, in the background."""

from service.background.regularly import Regularly
from service.store.database import Database
from service.store.spare_room import can_shrink, give_some_back

_EVERY_S = 60.0


class Shrinking(Regularly):
    """Looks for room to give back every minute."""

    def __init__(self, database: Database) -> None:
        super().__init__("shrinking", _EVERY_S, "give back room that deletions left")
        self._database = database

    def _look(self) -> None:
        shrunk = False
        while not self._stopping.is_set() and can_shrink(self._database) and give_some_back(self._database):
            shrunk = True
        if shrunk:
            self._database.checkpoint()  # or else the file would shrink only with later changes
