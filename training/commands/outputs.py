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
        replaced = not (path.exists() and _is_no_plain_file(path))
        if not os.access(path.parent if replaced else path, os.W_OK):
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
    """Write a text file, whole or not at all (see ``write_whole``) unless it is a link or a device.

    Raises:
        ValueError: if that fails.
    """
    try:
        if _is_no_plain_file(path):
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        else:
            write_whole(path, text)
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error})") from error


def _is_no_plain_file(path: Path) -> bool:
    """Whether it is a link, or a device such as /dev/stdout, which no file may replace."""
    return path.is_symlink() or (path.exists() and not path.is_file())
