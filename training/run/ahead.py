"""Makes what a loop takes next while the loop still works on what it took before."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")


def ahead(make: Callable[[int], Made], numbers: Iterable[int], depth: int) -> Generator[Made]:
    """Make one after the other in a thread, at most ``depth`` of them before they are asked for.

    What ``make`` raises is raised where its result would have come.
    """
    with ThreadPoolExecutor(1, "ahead") as thread:
        waiting: deque[Future[Made]] = deque()
        try:
            for number in numbers:
                waiting.append(thread.submit(make, number))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
