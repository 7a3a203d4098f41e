"""Files to send, which are opened late."""

import os
from pathlib import Path
from typing import BinaryIO


class LateFile:
    """A file to send, open only while it is read: the system may not allow a thousand open files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._stream: BinaryIO | None = None

    def tell(self) -> int:
        """Give 0, the position from which httpx measures the length."""
        return 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Rewind, or, with ``SEEK_END``, give the size."""
        if whence == os.SEEK_END:
            return self._size
        self._close()
        return offset

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes; none at the end."""
        if self._stream is None:
            self._stream = self._path.open("rb")
        chunk = self._stream.read(size)
        if not chunk:
            self._close()
        return chunk

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
