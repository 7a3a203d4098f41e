"""Files of a fixed size whose room on the disk is taken beforehand."""

import errno
import os
from contextlib import suppress
from pathlib import Path

_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


def reserve(path: Path, size: int) -> None:
    """Make a file of zeros, unless there is one of this size already, and take all of its room on the disk.

    A file that only gets its size is full of holes, and filling one through a memory map, on a disk that is full
    by then, ends the process by a signal. Where the file system reserves nothing, holes remain.

    Args:
        path: of the file; folders above it are made.
        size: in bytes, at least 1.

    Raises:
        OSError: if the file cannot be made or has no room; what was begun of it is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.exists() and path.stat().st_size == size
    with path.open("r+b" if whole else "w+b") as file:
        try:
            _allocate(file.fileno(), size)
            file.truncate(size)
        except OSError:
            if not whole:
                with suppress(OSError):
                    path.unlink()
            raise


def _allocate(descriptor: int, size: int) -> None:
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
