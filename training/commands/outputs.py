"""Files that commands write if asked to: checked before anything is measured; names need not be valid UTF-8."""

import os
from pathlib import Path

from training.whole_file import write_whole


def check_outputs(*paths: Path | None) -> None:
    """Check that files can be written at these paths; None stands for one that was not asked for.

    Raises:
        ValueError: naming the first that can't be written.
    """
    for path in paths:
        if path is None:
            continue
        if path.is_dir():
            raise ValueError(f"{path} is a folder: name a file in it")
        if not path.parent.is_dir():
            raise ValueError(f"{path} cannot be written: there is no folder {path.parent}; make it first")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise ValueError(f"{path} cannot be written: there is no permission to")


def check_folder(folder: Path) -> None:
    """Check that files can be written in a folder, or that it can be made.

    Raises:
        ValueError: naming what is in the way.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise ValueError(f"{folder} cannot be written: {there} is a file; name a folder")
    if not os.access(there, os.W_OK):
        raise ValueError(f"{folder} cannot be written: there is no permission to, in {there}")


def write_output(path: Path, text: str) -> None:
    """Write a text file, whole or not at all (see ``write_whole``) where it can be replaced.

    Raises:
        ValueError: if that fails.
    """
    try:
        if _is_replaceable(path):
            write_whole(path, text)
        else:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror or error})") from error


def _is_replaceable(path: Path) -> bool:
    """Whether it is no link, no device such as /dev/stdout, and in a folder that takes other files."""
    plain = path.is_file() or not path.exists()
    return plain and not path.is_symlink() and os.access(path.parent, os.W_OK)
