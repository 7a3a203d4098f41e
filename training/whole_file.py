"""Text files that are replaced as a whole, or stay as they were."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all, even if another process writes it at the same moment.

    File names, and hence class names, need not be valid UTF-8; bytes that are not are written as escapes.

    Raises:
        OSError: if the file cannot be written; what was there stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
