"""Prometheus metrics."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

# Up to the default of METASHOT_DEADLINE_S, as 1,000 photos take one thread 57 s.
_LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per metric, of little use


class Metrics:
    """The service's own metrics, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route")
        self.requests = Counter(
            "metashot_requests", "Answered requests", (*labels, "status"), registry=self._registry
        )
        self.latency = Histogram(
            "metashot_request_seconds",
            "From a request's first byte to its answer's last",
            labels,
            buckets=_LATENCIES,
            registry=self._registry,
        )
        self.in_flight = Gauge("metashot_requests_in_flight", "Requests being answered", registry=self._registry)
        self.adaptations = Counter(
            "metashot_adaptations", "Classifiers fitted", ("model",), registry=self._registry
        )
        self.queries = Counter("metashot_queries", "Images classified", ("model",), registry=self._registry)

        self.being_answered = 0  # the same as the gauge, but quick to read
        self._live = _Live()
        self._registry.register(self._live)

    def watch(self, waiting: Callable[[], int], jobs: Callable[[], Mapping[str, int]]) -> None:
        """Report, at every scrape, how many callers wait for a compute thread, and jobs by status.

        While the store cannot be read, no jobs are reported.
        """
        self._live.waiting, self._live.jobs = waiting, jobs

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _Live(Collector):
    waiting: Callable[[], int] = staticmethod(lambda: 0)
    jobs: Callable[[], Mapping[str, int]] = staticmethod(dict)

    def collect(self) -> list[GaugeMetricFamily]:
        depth = GaugeMetricFamily(
            "metashot_queue_depth", "Requests waiting for a compute thread", value=self.waiting()
        )
        jobs = GaugeMetricFamily("metashot_jobs", "Jobs by status", labels=("status",))
        with suppress(sqlite3.Error, SQLAlchemyError):  # of which the other metrics tell more than no answer
            for status, count in self.jobs().items():
                jobs.add_metric([status], count)
        return [depth, jobs]
