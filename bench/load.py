"""The load generator: persistent HTTP/1.1 connections that each send the next request when an answer is in.

The requests are bytes made before, the answers are read just far enough to find their end, so that one core of load
keeps one core of server busy: about 9 µs a request.
"""

import asyncio
import gc
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, cast

import uvloop

CONNECTIONS: Final = 64
PATIENCE: Final = 120.0
"""Seconds after which a run that has not ended has failed."""

Meter = Callable[[], Sequence[float]]
"""Reads something that grows with the work of the server, as CPU time does."""


class LoadFailed(RuntimeError):
    """The server gave an answer other than 200, an unreadable one, or none. The text has the first of them."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was seen from outside: the wait for each answer in ns, sorted; the time that all took; what meters grew by.

    `own_cpu` are the seconds of CPU that the generator used itself.
    """

    waits: Sequence[int]
    seconds: float
    own_cpu: float
    metered: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.waits) / self.seconds

    @property
    def busy(self) -> float:
        """The share of its core that the generator used."""
        return self.own_cpu / self.seconds

    def wait_us(self, share: float) -> float:
        """Return the smallest wait, in µs, that `share` of the answers did not exceed (nearest rank)."""
        return self.waits[max(0, math.ceil(share * len(self.waits)) - 1)] / 1000


def together(loads: Sequence[Load]) -> Load:
    """Return several loads on the same server as one."""
    return Load(
        waits=sorted(chain.from_iterable(load.waits for load in loads)),
        seconds=sum(load.seconds for load in loads),
        own_cpu=sum(load.own_cpu for load in loads),
        metered=tuple(map(sum, zip(*(load.metered for load in loads), strict=True))),
    )


def answer_end(data: bytes | bytearray) -> int | None:
    """Return where the answer that starts `data` ends, None while its head is incomplete.

    Raises LoadFailed when it has no Content-Length: chunked answers are not for this generator.
    """
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return None
    at = data.find(b"\r\ncontent-length:", 0, head)
    if at < 0:
        at = data.find(b"\r\nContent-Length:", 0, head)
    length = bytes(data[at + 17 : data.find(b"\r\n", at + 17)]).strip()
    if at < 0 or not length.isdigit():
        raise LoadFailed(f"an answer without Content-Length: {bytes(data[:200])!r}")
    return head + 4 + int(length)


class _Run:
    """What the connections of one run share."""

    def __init__(self, requests: Iterator[bytes], connections: int) -> None:
        self.requests = requests
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waits: list[int] = []
        self.statuses: Counter[bytes] = Counter()
        self.strange = b""
        self._busy = connections

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadFailed(why))

    def ended(self) -> None:
        """Count a connection that found no request left."""
        self._busy -= 1
        if not self._busy and not self.done.done():
            self.done.set_result(None)


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.run: _Run
        self._buffer = bytearray()
        self._sent = 0
        self._waiting = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def send(self) -> None:
        request = next(self.run.requests, None)
        self._waiting = request is not None
        if request is None:
            self.run.ended()
            return
        self._sent = time.perf_counter_ns()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answer: bytes | bytearray = self._buffer
        try:
            end = answer_end(answer)
        except LoadFailed as error:
            self.run.fail(str(error))
            return
        if end is None or end > len(answer):
            return
        run = self.run
        if end < len(answer) or not self._waiting:
            run.fail("more than one answer to one request")
            return
        run.waits.append(time.perf_counter_ns() - self._sent)
        if not answer.startswith(b"HTTP/1.1 200 "):
            run.statuses[bytes(answer[9:12])] += 1
            run.strange = run.strange or bytes(answer[:2000])
        self._buffer.clear()
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self.run.fail(f"the server closed a connection that waited for its answer ({exc})")


async def drive(host: str, port: int, requests: Iterator[bytes], connections: int, meter: Meter) -> Load:
    """Send all `requests` over `connections` connections to `host`:`port`, time each answer, and read `meter` around.

    The first request of each connection is not counted: clock and meter begin when all are open and were answered.
    Raises LoadFailed.
    """
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(_Connection, host, port) for _ in range(connections)]
    every = [connection for _, connection in opened]
    try:
        await _exhaust(every, islice(requests, connections))
        before, own, started = meter(), time.process_time(), time.perf_counter()
        waits = await _exhaust(every, requests)
        seconds, own = time.perf_counter() - started, time.process_time() - own
        metered = tuple(now - then for now, then in zip(meter(), before, strict=True))
    finally:
        for transport, _ in opened:
            transport.abort()
    return Load(sorted(waits), seconds, own, metered)


async def _exhaust(connections: list[_Connection], requests: Iterator[bytes]) -> list[int]:
    run = _Run(requests, len(connections))
    for connection in connections:
        connection.run = run
    for connection in connections:
        connection.send()
    try:
        async with asyncio.timeout(PATIENCE):
            await run.done
    except TimeoutError:
        raise LoadFailed(f"{len(run.waits)} answers in {PATIENCE:.0f} s, and then none") from None
    if run.statuses:
        statuses = {status.decode(): count for status, count in run.statuses.items()}
        raise LoadFailed(f"answers other than 200: {statuses}; the first: {run.strange!r}")
    if not run.waits:
        raise LoadFailed("there was no request to send")
    return run.waits


def run_load(host: str, port: int, requests: Iterator[bytes], meter: Meter, connections: int = CONNECTIONS) -> Load:
    """`drive` in a uvloop of its own, without garbage collection."""
    gc.collect()
    gc.disable()
    try:
        return uvloop.run(drive(host, port, requests, connections, meter))
    finally:
        gc.enable()
