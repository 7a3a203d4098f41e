"""Retries in the midst of long work, while a server restarts or is busy."""

import time
from collections.abc import Callable
from typing import TypeVar

from .errors import Unreachable

PAUSE_S = 0.3
_PATIENCE_S = 60.0  # how long to retry
Answer = TypeVar("Answer")


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Retry for up to a minute while the server is unreachable or busy, not before the time that it asks for."""
    begin = time.monotonic()
    while True:
        try:
            return ask()
        except Unreachable as error:
            if time.monotonic() - begin > _PATIENCE_S:
                raise
            pause = max(PAUSE_S, min(error.retry_after_s, _PATIENCE_S))
        time.sleep(pause)
