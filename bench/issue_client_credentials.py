"""RFC 6749, 4.4: issuing tokens, by secret and by key, on SQLite and PostgreSQL, against npm `oidc-provider` in memory.

Both sides are real processes on one core, asked over 64 persistent connections from another core: how much CPU does a
request cost, how long does the slowest hundredth wait, how much memory stays.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from bench import oidc_provider
from bench.accredit_server import Database, start_accredit
from bench.figure import Figure, Measure, Pair, Plan, Round
from bench.load import Load, LoadFailed, run_load
from bench.processes import cpu_seconds, proportional_memory
from bench.running import Running
from bench.token_answers import NotComparable, prove
from bench.token_requests import by_key, by_secret
from bench.verdict import Bar

NAME: Final = "issue_client_credentials"
KINDS: Final = ("secret", "key")
DATABASES: Final[tuple[Database, ...]] = ("sqlite", "postgresql")
_HALF: Final = Bar(0.5)
_QUARTER: Final = Bar(0.25)
_SETTLE: Final = 500
"""Requests before each measurement, so that nobody starts with the other's caches."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One side in one round: µs of CPU per request of the server and of its database, waits in µs, memory in MB."""

    cpu: float
    database_cpu: float
    p50: float
    p99: float
    rate: float
    memory: float

    def __str__(self) -> str:
        cpu = f"{self.cpu:5.0f} + {self.database_cpu:2.0f} µs CPU"
        waits = f"p50 {self.p50 / 1000:5.1f}  p99 {self.p99 / 1000:5.1f} ms"
        return f"{self.rate:6.0f}/s  {cpu}  {waits}  {self.memory:4.0f} MB"


def sample(running: Running, kind: str, count: int) -> Sample:
    """Send `count` requests of `kind` and return what they cost. Raises LoadFailed, NotComparable."""
    known = running.audited() if running.audited else 0
    requests = _requests(running, kind, count)
    cpu, database = cpu_seconds(running.pids), cpu_seconds(running.db_pids)
    load = run_load(*running.endpoint.address, lambda: requests)
    cpu, database = cpu_seconds(running.pids) - cpu, cpu_seconds(running.db_pids) - database
    if running.audited and (found := running.audited() - known) != count:
        raise NotComparable(f"{count} tokens were issued and {found} audited")
    if load.busy > 0.9:
        raise LoadFailed(f"the load generator used {load.busy:.0%} of its core: it measured itself")
    return _per_request(load, cpu, database, proportional_memory(running.pids))


def _requests(running: Running, kind: str, count: int) -> Iterator[bytes]:
    if kind == "secret":
        return by_secret(running.endpoint, running.basic_clients, count)
    return by_key(running.endpoint, running.key_clients, count, int(time.time()))


def _per_request(load: Load, cpu: float, database: float, memory: int) -> Sample:
    each = 1e6 / load.requests
    return Sample(cpu * each, database * each, load.p50_us, load.p99_us, load.rate, memory / 1e6)


class _Rounds:
    """The sides of the comparison, warm, and how many requests fill the time of a round."""

    def __init__(self, peer: Running, ours: Mapping[str, Running], plan: Plan) -> None:
        self._sides = {**ours, oidc_provider.NAME: peer}
        self._ours = tuple(ours)
        self._say = plan.say
        for running in self._sides.values():
            prove(running)
        self._counts = {
            (side, kind): max(1000, int(plan.seconds * sample(running, kind, plan.warm_up).rate))
            for side, running in self._sides.items()
            for kind in KINDS
        }

    def __call__(self, number: int) -> dict[str, Pair]:
        pairs: dict[str, Pair] = {}
        order = list(self._sides) if number % 2 == 0 else list(reversed(self._sides))
        for kind in KINDS:
            found = {side: self._sample(number, side, kind) for side in order}
            for side in self._ours:
                pairs |= _pairs(f"{NAME}.{side}.{kind}", found[side], found[oidc_provider.NAME])
        return pairs

    def _sample(self, number: int, side: str, kind: str) -> Sample:
        sample(self._sides[side], kind, _SETTLE)
        found = sample(self._sides[side], kind, self._counts[side, kind])
        self._say(f"  {number + 1:2}  {kind:6}  {side:13}  {found}")
        return found


def _pairs(name: str, ours: Sample, peer: Sample) -> dict[str, Pair]:
    return {
        f"{name}.cpu": (ours.cpu, peer.cpu),
        f"{name}.cpu_with_database": (ours.cpu + ours.database_cpu, peer.cpu),
        f"{name}.p99": (ours.p99, peer.p99),
        f"{name}.memory": (ours.memory, peer.memory),
    }


def _measures() -> Iterator[Measure]:
    for database in DATABASES:
        for kind in KINDS:
            name = f"{NAME}.{database}.{kind}"
            yield Measure(f"{name}.cpu", "µs of CPU per request", _HALF)
            if database == "postgresql":
                yield Measure(f"{name}.cpu_with_database", "µs of CPU per request", _HALF)
            yield Measure(f"{name}.p99", "µs", _QUARTER)
            yield Measure(f"{name}.memory", "MB", _HALF)


@contextmanager
def opened(plan: Plan) -> Iterator[Round]:
    """Start the peer and Accredit on both databases, one core for all of them, and warm them up."""
    core = plan.server_core
    with ExitStack() as running:
        ours: dict[str, Running] = {
            database: running.enter_context(start_accredit(core, database)) for database in DATABASES
        }
        peer = running.enter_context(oidc_provider.start_oidc_provider(core))
        yield _Rounds(peer, ours, plan)


FIGURE: Final = Figure(NAME, tuple(_measures()), opened, oidc_provider.versions)
