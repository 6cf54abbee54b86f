"""What `/metrics` tells: requests by route and status, latency, and gauges read from the ledger when asked.

Each app has its own registry, so that two ledgers in one process do not mix their figures. No label names an
enterprise or a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.workflows.workers import Worker

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

#: Gauges of the ledger: name after `credit_ledger_`, and what it counts.
GAUGES: Final[Mapping[str, str]] = {
    "outbox_records": "Records accepted and not yet confirmed on the chain",
    "outbox_oldest_seconds": "Age of the oldest record accepted and not known to be on the chain",
    "index_lag_blocks": "Blocks of the chain the index has not read yet",
    "index_block": "Number of the last block in the index",
    "log_leaves": "Leaves of the append-only log, as the index has them",
}


class Metrics:
    """The figures of one app. `observe` is called once per request, `render` by the scraper."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "credit_ledger_http_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "credit_ledger_http_request_seconds",
            "Seconds from a request's first byte to its answer's last",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._gauges = {
            name: Gauge(f"credit_ledger_{name}", what, registry=self._registry)
            for name, what in GAUGES.items()
        }
        self._failures = self._of_workers("failures", "Rounds that ended with an error, since the start")
        self._idle = self._of_workers("idle_seconds", "Seconds since the worker's last sign of life")
        self._works = self._of_workers("works", "1 while the worker is alive and ends its rounds")

    def _of_workers(self, name: str, what: str) -> Gauge:
        return Gauge(f"credit_ledger_worker_{name}", what, ("worker",), registry=self._registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; a method nobody defined is `OTHER`, so that labels stay few."""
        method = method if method in _METHODS else "OTHER"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def render(self, gauges: Mapping[str, float], workers: Sequence[Worker] = ()) -> bytes:
        """Return the exposition; a gauge that could not be read (missing in `gauges`) is NaN."""
        for worker in workers:
            self._failures.labels(worker.name).set(worker.failures)
            self._idle.labels(worker.name).set(worker.idle_seconds)
            self._works.labels(worker.name).set(worker.fault() is None)
        for name, gauge in self._gauges.items():
            gauge.set(gauges.get(name, float("nan")))
        return generate_latest(self._registry)
