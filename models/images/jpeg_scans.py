"""How many scans a JPEG has, each of which takes its decoder time for the whole image."""

import re

_SCAN, _END = 0xDA, 0xD9
# The other marks carry no length and change nothing here: 0 is a byte of data, and restarts come within scans.
_MARK = re.compile(rb"\xff([\xc0-\xcf\xd9-\xef\xfe])")
# Of a hostile file the rest is not walked: in steps of four bytes that takes seconds.
_MOST_MARKS = 100_000


def scans(content: bytes) -> int:
    """Count the scans that a decoder meets before the image's end; for no sound JPEG, at least as many.

    What lies within a segment (a preview in the notes) or behind the end does not count: phones append a film to
    a photo, whose bytes look like a scan's beginning now and then.
    """
    found, at = 0, 0
    for _ in range(_MOST_MARKS):
        mark = _MARK.search(content, at)
        if mark is None or mark[1][0] == _END:
            return found
        found += mark[1][0] == _SCAN
        length = int.from_bytes(content[mark.end() : mark.end() + 2])
        at = mark.end() + max(length, 2)  # which counts its own two bytes
    return content.count(bytes((0xFF, _SCAN)))
