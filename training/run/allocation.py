"""Keeps the memory that a step frees for the next step."""

import ctypes
import sys

# Of malloc.h: when to give memory back at the heap's end, by how much more than needed the heap grows, and how
# many blocks may be mapped on their own.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_NEVER, _AMPLE = 2**31 - 1, 256 * 1024**2


def keep_freed_memory() -> bool:
    """Let glibc hold on to what is freed; says whether that worked (elsewhere there is no such choice).

    A meta-training step allocates and frees the same large maps over and over. As glibc comes, it returns each to
    the system, which hands it out again page by page, zeroed: that took up to half of a step on the CPU.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(
        (mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, _NEVER), mallopt(_TOP_PAD, _AMPLE))
    )
