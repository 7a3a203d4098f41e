"""Caches in memory, only of what can be computed again from the store."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """The most recently used values, up to a number of bytes; safe to use from several threads."""

    def __init__(self, max_bytes: int, size: Callable[[Value], int]) -> None:
        self._max_bytes = max_bytes
        self._size = size
        self._bytes = 0
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """Give a value, or None if it must be made again."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, unless its key has one already; drop the least recently used ones beyond the limit."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = value
                self._bytes += self._size(value)
            while self._bytes > self._max_bytes:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= self._size(gone)

    def drop(self, unwanted: Callable[[Key], bool]) -> None:
        """Drop all values whose keys are ``unwanted``."""
        with self._lock:
            for key in [key for key in self._kept if unwanted(key)]:
                self._bytes -= self._size(self._kept.pop(key))
