"""Prepares a loop's next items while the loop is still working on the current one."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")


def ahead(make: Callable[[int], Made], numbers: Iterable[int], depth: int) -> Generator[Made]:
    """Yield ``make`` of each number in order, made in a thread at most ``depth`` items ahead of the consumer.

    An exception of ``make`` is raised in place of its result.
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
