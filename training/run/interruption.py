"""Ctrl-C and SIGTERM as requests to stop between two steps, where nothing is half done."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While entered, sets ``wanted`` at the first signal; a second one acts as it would without this.

    An enclosing interruption notes the signal, too. Outside the main thread, signals are left alone.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.wanted = True
        former = self._former[number]
        signal.signal(number, former)
        if isinstance(getattr(former, "__self__", None), Interruption):
            former(number, frame)
