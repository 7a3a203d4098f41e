"""Callers over HTTP: each sends its next request as soon as it has the answer to the last."""

import gc
import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from benchmarks.drawings import Call

_TIMEOUT_S = 120.0


class Caller:
    """One connection, kept open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)

    def __enter__(self) -> Self:
        """Connect at the first request."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._connection.close()

    def send(self, call: Call) -> bytes:
        """Send a request and return the answer's body.

        Raises:
            RuntimeError: if the answer is no success.
        """
        self._connection.request(call.method, call.path, call.body, {"Content-Type": call.content_type})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{call.method} {call.path} was answered by {answer.status}: {content[:300]!r}")
        return content

    def ask(self, call: Call) -> dict[str, Any]:
        """Send a request and return the answer's JSON."""
        answer: dict[str, Any] = json.loads(self.send(call))
        return answer


@dataclass(frozen=True)
class Load:
    """What callers measured: seconds of each request, and seconds in all."""

    latencies: tuple[float, ...]
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    @property
    def p50(self) -> float:
        """Median seconds of a request."""
        return statistics.median(self.latencies)


def percentile(latencies: tuple[float, ...], percent: float) -> float:
    """The latency that is preceded, in rising order, by this percentage of the requests (rounded down)."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def for_seconds(seconds: float) -> Iterator[int]:
    """Tickets 0, 1, ... until the time is over."""
    end = time.perf_counter() + seconds
    ticket = 0
    while time.perf_counter() < end:
        yield ticket
        ticket += 1


def load(port: int, callers: int, work: Callable[[Caller, int], object], tickets: Iterator[int]) -> Load:
    """Let ``callers`` threads do ``work(caller, ticket)`` for each ticket.

    So that neither shows in a server's latency, these threads only wait and copy bytes, and garbage collection is
    off meanwhile.

    Raises:
        RuntimeError: if an answer is no success.
    """
    taking, stop = threading.Lock(), threading.Event()

    def serve_tickets() -> list[float]:
        seen = []
        try:
            with Caller(port) as caller:
                while not stop.is_set():
                    with taking:
                        ticket = next(tickets, None)
                    if ticket is None:
                        break
                    start = time.perf_counter()
                    work(caller, ticket)
                    seen.append(time.perf_counter() - start)
        except BaseException:
            stop.set()  # one failure ends all
            raise
        return seen

    gc.collect()
    gc.disable()
    try:
        with ThreadPoolExecutor(callers, "caller") as pool:
            start = time.perf_counter()
            running = [pool.submit(serve_tickets) for _ in range(callers)]
            try:
                latencies = [one for future in running for one in future.result()]
            finally:
                stop.set()
            seconds = time.perf_counter() - start
    finally:
        gc.enable()
    return Load(tuple(latencies), seconds)
