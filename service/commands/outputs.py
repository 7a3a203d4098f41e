"""Files that commands write: checked before anything is computed, and written whole or not at all."""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from service.commands.folders import FolderError
from service.results import Row

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)  # of system errors


def check_output(path: Path) -> None:
    """Check that a file can be written at ``path``.

    Raises:
        FolderError: naming the path, if not.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise FolderError(f"{path} is a folder; name a file")
    if not folder.is_dir():
        raise FolderError(f"{path.parent} is no folder")
    if not os.access(path if _is_no_plain_file(path) else folder, os.W_OK):
        raise FolderError(f"{path} cannot be written; name another file")


@contextlib.contextmanager
def named_in_errors(path: Path) -> Iterator[None]:
    """Let a system error that names no file, as those of writing, name ``path``."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which replaces ``path`` at the end, but not after an error."""
    if _is_no_plain_file(path):
        with named_in_errors(path), path.open("wb") as file:
            yield file
        return
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with named_in_errors(path), unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # or else, after a loss of power, an empty file may be in its place
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def check_answers(rows: Iterable[Row]) -> None:
    """Check that rows contain at least one answer, not errors alone.

    Raises:
        FolderError: with the first error and the number of others, if there is no answer.
    """
    errors = []
    for row in rows:
        if "error" not in row:
            return
        errors.append(row["error"])
    others = f" (and {len(errors) - 1} more could not be read, either)" if len(errors) > 1 else ""
    raise FolderError(f"{errors[0]}{others}")


def _is_no_plain_file(path: Path) -> bool:
    """Whether it is a link, or a device such as /dev/stdout, which no file may replace."""
    return path.is_symlink() or (path.exists() and not path.is_file())
