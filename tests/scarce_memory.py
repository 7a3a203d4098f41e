"""The compiled functions with an allocator that refuses what it is told to, and counts what is not given back."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from models.kernels.native import compiled

ALL = 1 << 40  # requests
_ALLOCATOR = """
#include <stdatomic.h>
#include <stdlib.h>

static atomic_long asked, kept, first = -1, count;

void *__real_malloc(size_t), *__real_calloc(size_t, size_t), __real_free(void *);

static int refused(void)
{
    const long number = atomic_fetch_add(&asked, 1);
    return first >= 0 && number >= first && number < first + count;
}

static void *given(void *room)
{
    if (room) atomic_fetch_add(&kept, 1);
    return room;
}

void *__wrap_malloc(size_t size) { return refused() ? NULL : given(__real_malloc(size)); }
void *__wrap_calloc(size_t number, size_t size) { return refused() ? NULL : given(__real_calloc(number, size)); }
void __wrap_free(void *room)
{
    if (room) atomic_fetch_sub(&kept, 1);
    __real_free(room);
}

void refuse(long from, long many) { asked = 0, first = from, count = many; }
long requests(void) { return asked; }
long not_given_back(void) { return kept; }
"""


class Scarce:
    """Says how often the compiled functions ask for memory, and refuses it to them."""

    def __init__(self, loaded: ctypes.CDLL) -> None:
        self._loaded = loaded
        loaded.refuse.argtypes = (ctypes.c_long, ctypes.c_long)
        loaded.refuse.restype = None

    @contextmanager
    def refusing(self, first: int, count: int = 1) -> Iterator[None]:
        """Refuse so many requests, from number ``first`` on, counted from now."""
        self._loaded.refuse(first, count)
        try:
            yield
        finally:
            self._loaded.refuse(-1, 0)

    def count(self) -> None:
        """Begin to count requests."""
        self._loaded.refuse(-1, 0)

    @property
    def requests(self) -> int:
        """How often memory was asked for since counting began."""
        return int(self._loaded.requests())

    @property
    def not_given_back(self) -> int:
        """How many pieces of memory are in use."""
        return int(self._loaded.not_given_back())


@cache
def _library() -> ctypes.CDLL:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as changed:
        source = Path(folder) / "allocator.c"
        source.write_text(_ALLOCATOR)
        wrapped = ("-O0", "-Wl,--wrap=malloc,--wrap=calloc,--wrap=free", str(source))
        changed.setattr(compiled, "_OPTIONS", (*compiled._OPTIONS, *wrapped))
        changed.setenv("XDG_CACHE_HOME", folder)
        return compiled._load(compiled._runtime())


@contextmanager
def scarce_memory() -> Iterator[Scarce]:
    """Let the compiled functions ask this allocator for memory."""
    loaded = _library()
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(compiled, "_load", lambda _runtime: loaded)
        _forget()
        try:
            yield Scarce(loaded)
        finally:
            _forget()


def _forget() -> None:
    compiled.library.cache_clear()
    compiled.function.cache_clear()
