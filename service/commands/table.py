"""Tables and progress on a terminal."""

import sys
import time
import unicodedata
from collections.abc import Sequence
from typing import TextIO

_BAR = 30  # characters


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a head, each column as wide as it must be."""
    widths = [max(_width(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


class Progress:
    """A bar that redraws itself on a terminal; elsewhere, nothing."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._began = time.monotonic()

    def show(self, done: int, total: int) -> None:
        """Draw ``done`` of ``total``."""
        if not self._stream.isatty():
            return
        filled = _BAR * done // max(total, 1)
        rate = done / max(time.monotonic() - self._began, 1e-9)
        bar = "#" * filled + "." * (_BAR - filled)
        self._stream.write(f"\r[{bar}] {done}/{total}  {rate:.0f} images/s ")
        self._stream.flush()

    def end(self) -> None:
        """Leave the bar's line."""
        if self._stream.isatty():
            self._stream.write("\n")


def _width(text: str) -> int:
    """Columns that a terminal takes for a text."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
