"""The metrics of a node, for Prometheus. What is on a hot path has its children bound at the start."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from accredit.oauth import client_credentials
from accredit.oauth.errors import ErrorCode
from accredit.ports.measures import ISSUED

CONTENT_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8"
"""The media type of what `Metrics.render` returns."""

OTHER: Final = "other"
"""The grant of a request that names none of ours: what strangers send never becomes a label."""

GRANTS: Final = (client_credentials.GRANT_TYPE, OTHER)
"""The grants that are told apart."""

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_BATCHES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Implements `ports.measures.Measures`. Each node has its own, so that two in one process do not mix."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        tokens = Counter("accredit_token_requests", "Answered token requests.", ("grant", "result"), registry=registry)
        self._answered = {
            (grant, result): tokens.labels(grant, result)
            for grant in GRANTS
            for result in (ISSUED, *(code.value for code in ErrorCode))
        }
        self._seconds = Histogram(
            "accredit_token_seconds",
            "Seconds from a token request to its answer.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._batch = Histogram(
            "accredit_writer_batch",
            "Changes that the writer had in one batch.",
            registry=registry,
            buckets=_BATCHES,
        )
        self._commit = Histogram(
            "accredit_writer_commit_seconds",
            "Seconds that the writer had a batch in hand, until it was durable or had failed.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._records = Counter("accredit_guard_records", "Records of guards that are durable here.", registry=registry)
        self._delivered = Counter(
            "accredit_webhook_deliveries",
            "Attempts to tell webhooks something, by how they ended.",
            ("outcome",),
            registry=registry,
        )
        self._success = Gauge(
            "accredit_job_success_timestamp_seconds", "When a job last ended well.", ("job",), registry=registry
        )
        self._failures = Counter("accredit_job_failures", "Times that a job failed.", ("job",), registry=registry)
        self._ending = Gauge(
            "accredit_credentials_ending", "Credentials that expire or retire within seven days.", registry=registry
        )
        self._check = Gauge(
            "accredit_ready", "1 if what a node needs is well, 0 if not; see /readyz.", ("check",), registry=registry
        )

    def answered(self, grant: str, result: str, seconds: float) -> None:
        """Note that a token request was answered."""
        child = self._answered.get((grant, result))
        (self._answered[OTHER, result] if child is None else child).inc()
        self._seconds.observe(seconds)

    def committed(self, outcomes: int, seconds: float) -> None:
        """Note that the writer had a batch in hand."""
        self._batch.observe(outcomes)
        self._commit.observe(seconds)

    def received(self, records: int) -> None:
        """Note that so many records of a guard are durable here."""
        self._records.inc(records)

    def delivered(self, outcome: str) -> None:
        """Note how an attempt to tell a webhook something ended."""
        self._delivered.labels(outcome).inc()

    def ran(self, job: str, at: int, *, well: bool) -> None:
        """Note that a job came to its end."""
        if well:
            self._success.labels(job).set(at / 1_000_000)
        else:
            self._failures.labels(job).inc()

    def ending(self, credentials: int) -> None:
        """Note how many credentials end soon."""
        self._ending.set(credentials)

    def checked(self, name: str, *, well: bool) -> None:
        """Note whether something that the node needs is well."""
        self._check.labels(name).set(1 if well else 0)

    def watch(self, name: str, told: str, value: Callable[[], float]) -> None:
        """Show `value`, asked anew for each answer, as the gauge `name`; `told` says what it is."""
        Gauge(name, told, registry=self._registry).set_function(value)

    def render(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)

    def described(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, kind and explanation of every metric of ours."""
        for family in self._registry.collect():
            if family.name.startswith("accredit_"):
                name = f"{family.name}_total" if family.type == "counter" else family.name
                yield name, family.type, family.documentation
