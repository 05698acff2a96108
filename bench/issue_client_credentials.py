"""RFC 6749, 4.4: issuing tokens, by secret and by key, on SQLite and PostgreSQL, against npm `oidc-provider` in memory.

All sides are real processes on one core, asked over 64 persistent connections from another core: how much CPU does a
request cost, how long does the slowest hundredth wait, how much memory stays. The noise of a machine comes in seconds,
so a round gives its time to the sides in short turns.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from bench import oidc_provider
from bench.accredit_server import Database, start_accredit
from bench.figure import Figure, Measure, Pair, Plan, Round
from bench.load import CONNECTIONS, Load, LoadFailed, run_load, together
from bench.processes import cpu_seconds, proportional_memory
from bench.running import Running
from bench.token_answers import NotComparable, prove
from bench.token_requests import by_key, by_secret
from bench.verdict import Bar

NAME: Final = "issue_client_credentials"
KINDS: Final = ("secret", "key")
DATABASES: Final[tuple[Database, ...]] = ("sqlite", "postgresql")
TURN: Final = 0.5
"""Seconds until the next side has its turn."""

_HALF: Final = Bar(0.5)
_QUARTER: Final = Bar(0.25)


@dataclass(frozen=True, slots=True)
class Sample:
    """One side in one round: µs of CPU per request of the server and of its database, waits in µs, memory in MB.

    `busy` is how much of its core the side used: less than one means that it waited for a disk.
    """

    cpu: float
    database_cpu: float
    p50: float
    p99: float
    rate: float
    busy: float
    memory: float

    def __str__(self) -> str:
        cpu = f"{self.cpu:5.0f} + {self.database_cpu:3.0f} µs CPU, {self.busy:4.0%} busy"
        waits = f"p50 {self.p50 / 1000:5.1f}  p99 {self.p99 / 1000:5.1f} ms"
        return f"{self.rate:6.0f}/s  {cpu}  {waits}  {self.memory:4.0f} MB"


def turn(running: Running, kind: str, count: int) -> Load:
    """Send `count` requests of `kind`, metering the CPU seconds of server and database. Raises LoadFailed.

    Raises NotComparable when the audit did not grow by as many tokens as were issued.
    """
    sent = count + CONNECTIONS
    known = running.audited() if running.audited else 0
    requests = _requests(running, kind, sent)
    load = run_load(
        *running.basic_endpoint.address, requests, lambda: (cpu_seconds(running.pids), cpu_seconds(running.db_pids))
    )
    if running.audited and (found := running.audited() - known) != sent:
        raise NotComparable(f"{sent} tokens were issued and {found} audited")
    return load


def _requests(running: Running, kind: str, count: int) -> Iterator[bytes]:
    if kind == "secret":
        return by_secret(running.basic_endpoint, running.basic_clients, count)
    return by_key(running.key_endpoint, running.key_clients, count, int(time.time()))


def _sample(load: Load, memory: int) -> Sample:
    if load.busy > 0.9:
        raise LoadFailed(f"the load generator used {load.busy:.0%} of its core: it measured itself")
    cpu, database = load.metered
    each = 1e6 / len(load.waits)
    return Sample(
        cpu=cpu * each,
        database_cpu=database * each,
        p50=load.wait_us(0.50),
        p99=load.wait_us(0.99),
        rate=load.rate,
        busy=(cpu + database) / load.seconds,
        memory=memory / 1e6,
    )


class _Rounds:
    """The sides of the comparison, warm, and how many requests fill a turn of each."""

    def __init__(self, peer: Running, ours: Mapping[str, Running], plan: Plan) -> None:
        self._sides = {**ours, oidc_provider.NAME: peer}
        self._ours = tuple(ours)
        self._say = plan.say
        self._turns = max(1, round(plan.seconds / TURN))
        for running in self._sides.values():
            prove(running)
        self._counts = {
            (side, kind): int(TURN * turn(running, kind, plan.warm_up).rate) + 1
            for kind in KINDS
            for side, running in self._sides.items()
        }

    def __call__(self, number: int) -> dict[str, Pair]:
        pairs: dict[str, Pair] = {}
        for kind in KINDS:
            found = self._samples(number, kind)
            for side in self._ours:
                pairs |= _pairs(f"{NAME}.{side}.{kind}", found[side], found[oidc_provider.NAME])
        return pairs

    def _samples(self, number: int, kind: str) -> dict[str, Sample]:
        loads: dict[str, list[Load]] = {side: [] for side in self._sides}
        order = list(self._sides) if number % 2 == 0 else list(reversed(self._sides))
        for _ in range(self._turns):
            for side in order:
                loads[side].append(turn(self._sides[side], kind, self._counts[side, kind]))
            order.reverse()
        found = {}
        for side, running in self._sides.items():
            found[side] = _sample(together(loads[side]), proportional_memory(running.pids))
            self._say(f"  {number + 1:2}  {kind:6}  {side:13}  {found[side]}")
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
