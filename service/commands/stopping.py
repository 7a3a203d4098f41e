"""How commands end that are stopped from outside: as after Ctrl-C, tidying up first."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopped_in_order() -> Iterator[None]:
    """Raise a KeyboardInterrupt at SIGTERM and SIGHUP, unless one is ignored, as it is under ``nohup``."""
    taken = [one for one in _SIGNALS if signal.getsignal(one) is signal.SIG_DFL]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for one in taken:
            signal.signal(one, signal.SIG_IGN)  # a second one would end the tidying up
        raise KeyboardInterrupt

    for one in taken:
        signal.signal(one, stop)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, signal.SIG_DFL)
