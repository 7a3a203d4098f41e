"""Files that are replaced as a whole, or stay as they were."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the path to write a file at, which then replaces ``path``, but not after an error.

    The permissions that ``path`` has stay. Other processes may do the same at the same moment.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        with suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk is no news without the place
            error.filename = str(path)
        raise


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all.

    File names, and hence class names, need not be valid UTF-8; bytes that are not are written as escapes.

    Raises:
        OSError: if the file cannot be written; what was there stays.
    """
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
