"""Lets commands that are stopped by a signal tidy up first, as after Ctrl-C."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopped_in_order() -> Iterator[None]:
    """Raise a KeyboardInterrupt at SIGTERM or SIGHUP, unless that signal is ignored (``nohup``) or handled."""
    taken = [one for one in _SIGNALS if signal.getsignal(one) is signal.SIG_DFL]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for one in taken:
            signal.signal(one, signal.SIG_IGN)  # a second signal would interrupt the tidying up
        raise KeyboardInterrupt

    for one in taken:
        signal.signal(one, stop)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, signal.SIG_DFL)
