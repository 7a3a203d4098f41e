"""Room that deletions left within the store's file, given back to the disk bit by bit."""

import time

from sqlalchemy import Connection

from service.settings import MEBIBYTE
from service.store.database import Database
from service.store.giving_way import give_way

# Stays for what comes next: or else a file from which much is deleted and to which as much is added, as by
# ``score``, would shrink and grow all the time.
_SPARE = 32 * MEBIBYTE
_AT_ONCE_S = 0.05
_AT_ONCE_PAGES = 500  # of 4 KiB, each of which may have to be written elsewhere: within the room for deletions
_INCREMENTAL = 2


def can_shrink(database: Database) -> bool:
    """Whether the file is one that SQLite can shrink: those of former releases are not."""
    return database.row("PRAGMA auto_vacuum") == (_INCREMENTAL,)


def give_some_back(database: Database) -> bool:
    """Shrink the file for a moment, then let others write; False if there is no more to give back."""
    pages = _pages_to_give(database)
    if pages <= 0:
        return False
    began = time.monotonic()

    def shrink(connection: Connection) -> None:
        until = time.monotonic() + _AT_ONCE_S
        for _ in range(min(pages, _AT_ONCE_PAGES)):
            # The driver runs it for one page, whatever number it is given.
            connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
            if time.monotonic() > until:
                break

    database.freeing_by(shrink)
    give_way(began)
    return True


def _pages_to_give(database: Database) -> int:
    free, size = (database.row(f"PRAGMA {name}") for name in ("freelist_count", "page_size"))
    assert free is not None
    assert size is not None
    return int(free[0]) - _SPARE // int(size[0])
