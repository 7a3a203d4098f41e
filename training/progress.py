"""How long work tells how far it is: by a bar on a terminal, by lines in a log.

Both go to stderr, apart from the results that commands print.
"""

import sys
from typing import Any

from tqdm import tqdm


def bar(
    total: int, of: str, unit: str, *, done: int = 0, shown: bool = True, leave: bool = True, delay: float = 0.0
) -> "tqdm[Any]":
    """Make a progress bar, which stays away where stderr is no terminal: a log would get thousands of copies.

    Args:
        total: units of work.
        of: what is done, in front of the bar.
        unit: the word for one.
        done: units that are done already.
        shown: False for none at all.
        leave: whether it stays when the work is done.
        delay: seconds before it appears.
    """
    hidden = None if shown else True  # None leaves it to the terminal
    return tqdm(total=total, initial=done, desc=of, unit=unit, disable=hidden, leave=leave, delay=delay)


def log(line: str) -> None:
    """Write a line where stderr is no terminal, in place of a bar."""
    if not sys.stderr.isatty():
        tqdm.write(line, file=sys.stderr)


def duration(seconds: float) -> str:
    """Word a duration as bars do: ``1:02:03``, or ``02:03`` below an hour."""
    return str(tqdm.format_interval(seconds))
