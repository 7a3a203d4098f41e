"""Keeps the memory that one step frees for the next."""

import ctypes
import sys

# From malloc.h: how much free memory at the heap's end is kept, by how much more than needed the heap grows, and
# how many blocks may be mapped separately.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_NEVER, _AMPLE = 2**31 - 1, 256 * 1024**2


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory; return whether that worked (False where there is no glibc).

    A meta-training step allocates and frees the same large maps over and over. By default glibc returns each to
    the system, which hands it out again page by page, zeroed: that took up to half of a step's time on the CPU.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(
        (mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, _NEVER), mallopt(_TOP_PAD, _AMPLE))
    )
