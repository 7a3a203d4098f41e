"""Disk space reserved for deletions: without it nothing could be deleted on a full disk."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

# A deletion writes to SQLite's log, which then goes into the store if all of it fits: 4 MiB, at times more.
SIZE = 8 * 1024**2
_BLOCK = bytes(1 << 16)


class Reserve:
    """A file of ``SIZE`` bytes, or an eighth of a small disk; smaller if there was less room."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._in_use = Lock()

    def hold(self) -> None:
        """Fill the file up to its size as far as there is room, unless a deletion is using the space."""
        if not self._in_use.acquire(blocking=False):
            return
        try:
            size = min(SIZE, shutil.disk_usage(self._path.parent).total // 8)
            with self._path.open("ab", buffering=0) as file:
                while (missing := size - file.tell()) > 0:
                    file.write(_BLOCK[:missing])
        except OSError:  # no more room
            pass
        finally:
            self._in_use.release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Free the space for the work in the context, then take back what is left."""
        try:
            with self._in_use:
                self._path.unlink(missing_ok=True)
                yield
        finally:
            self.hold()
