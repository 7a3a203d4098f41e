"""Counts the scans of a JPEG, each of which takes the decoder time for the whole image."""

import re

_SCAN, _END = 0xDA, 0xD9
# The other markers carry no length and do not matter here: 0 is an escaped data byte, and restarts lie in scans.
_MARK = re.compile(rb"\xff([\xc0-\xcf\xd9-\xef\xfe])")
# A hostile file with more markers is not walked to its end: in steps of four bytes that would take seconds.
_MOST_MARKS = 100_000


def scans(content: bytes) -> int:
    """Count the scans that a decoder meets before the image's end; for a malformed JPEG, at least as many.

    Anything within a segment (such as a preview in the metadata) or after the end does not count: phones append
    video to a photo, and its bytes may happen to look like the start of a scan.
    """
    found, at = 0, 0
    for _ in range(_MOST_MARKS):
        mark = _MARK.search(content, at)
        if mark is None or mark[1][0] == _END:
            return found
        found += mark[1][0] == _SCAN
        length = int.from_bytes(content[mark.end() : mark.end() + 2])
        at = mark.end() + max(length, 2)  # a segment's length includes its own two bytes
    return content.count(bytes((0xFF, _SCAN)))
