"""Folders that one process at a time writes to."""

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = ".lock"
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class HeldError(ValueError):
    """Another process writes to a folder; the message names it and says what to do."""


@contextmanager
def held(folder: Path, *, made: bool = True) -> Iterator[None]:
    """Keep other processes out of a folder during the block; the system lets go of it if this process is killed.

    On a file system without locks, nothing keeps them out.

    Args:
        folder: to be written to.
        made: whether to make it if it is missing; otherwise, a missing one is not held.

    Raises:
        HeldError: if another process holds it.
    """
    if made:
        folder.mkdir(parents=True, exist_ok=True)
    elif not folder.exists():
        yield
        return
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeldError(
                f"another process trains in {folder}; wait for its end, or choose another --out"
            ) from None
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
        yield
