"""Room on the disk that is kept for deletions: without it nothing could be deleted where the disk is full."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

# A deletion writes to SQLite's log, which may then be carried over into the store: 4 MiB, and more at times.
SIZE = 8 * 1024**2
_BLOCK = bytes(1 << 16)


class Reserve:
    """A file that takes ``SIZE`` bytes, or an eighth of a small disk; on a full one, what room there was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._in_use = Lock()

    def hold(self) -> None:
        """Take what is missing of the room, as far as there is any, unless somebody is using it."""
        if not self._in_use.acquire(blocking=False):
            return
        try:
            size = min(SIZE, shutil.disk_usage(self._path.parent).total // 8)
            with self._path.open("ab", buffering=0) as file:
                while (missing := size - file.tell()) > 0:
                    file.write(_BLOCK[:missing])
        except OSError:  # there is no more
            pass
        finally:
            self._in_use.release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Leave the room to what is done meanwhile, then take what is left of it."""
        try:
            with self._in_use:
                self._path.unlink(missing_ok=True)
                yield
        finally:
            self.hold()
