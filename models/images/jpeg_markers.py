"""What the markers of a JPEG tell: its scans, each of which takes time for the whole image, and its kind."""

import re
from collections.abc import Iterator
from itertools import islice, takewhile

_LOSSLESS, _SCAN, _END = 0xC3, 0xDA, 0xD9  # T.81, table B.1
# The other markers carry no length and do not matter here: 0 is an escaped data byte, and restarts lie in scans.
_MARK = re.compile(rb"\xff([\xc0-\xcf\xd9-\xef\xfe])")
# A hostile file with more markers is not walked to its end: in steps of four bytes that would take seconds.
_MOST_MARKS = 100_000


def scans(content: bytes) -> int:
    """Count the scans that a decoder meets before the image's end; for a malformed JPEG, at least as many.

    Anything within a segment (such as a preview in the metadata) or after the end does not count: phones append
    video to a photo, and its bytes may happen to look like the start of a scan.
    """
    found = 0
    for place, mark in enumerate(_marks(content)):
        if place == _MOST_MARKS:
            return content.count(bytes((0xFF, _SCAN)))
        found += mark == _SCAN
    return found


def is_lossless(content: bytes) -> bool:
    """Whether it is of the lossless kind, which decoders give in full size only."""
    return _LOSSLESS in takewhile(lambda mark: mark != _SCAN, islice(_marks(content), _MOST_MARKS))


def _marks(content: bytes) -> Iterator[int]:
    at = 0
    while (mark := _MARK.search(content, at)) is not None and mark[1][0] != _END:
        yield mark[1][0]
        length = int.from_bytes(content[mark.end() : mark.end() + 2])
        at = mark.end() + max(length, 2)  # a segment's length includes its own two bytes
