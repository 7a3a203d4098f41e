"""Text files that are there whole or as they were before."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file, whole or not at all, also where another process writes it at the same moment.

    File names, and so classes' names, need not be valid UTF-8; what of them is not is written as escapes.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
