"""The load generator: persistent HTTP/1.1 connections that each send the next request when an answer is in.

The requests are bytes made before, the answers are read just far enough to find their end, so that one core of load
keeps one core of server busy.
"""

import asyncio
import gc
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, cast

import uvloop

CONNECTIONS: Final = 64
PATIENCE: Final = 120.0
"""Seconds after which a run that has not ended has failed."""


class LoadFailed(RuntimeError):
    """The server gave an answer other than 200, an unreadable one, or none. The text has the first of them."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run saw from outside. `busy` is the share of its core that the generator itself used."""

    requests: int
    seconds: float
    p50_us: float
    p99_us: float
    busy: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds


def answer_end(data: bytes | bytearray) -> int | None:
    """Return where the answer that starts `data` ends, None while its head is incomplete.

    Raises LoadFailed when it has no Content-Length: chunked answers are not for this generator.
    """
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return None
    at = data.find(b"ontent-length:", 0, head)
    if at < 0:
        at = data.find(b"ontent-Length:", 0, head)
    if at < 0:
        raise LoadFailed(f"an answer without Content-Length: {bytes(data[:200])!r}")
    line_end = data.find(b"\r\n", at)
    return head + 4 + int(data[at + 14 : line_end])


class _Run:
    """What the connections of one run share."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self.requests = requests
        self.done = done
        self.waits: list[int] = []
        self.statuses: Counter[bytes] = Counter()
        self.strange = b""
        self.open = 0

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadFailed(why))

    def ended(self) -> None:
        """Count a connection that found no request left."""
        self.open -= 1
        if not self.open and not self.done.done():
            self.done.set_result(None)


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = bytearray()
        self._sent = 0
        self._waiting = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def send(self) -> None:
        request = next(self._run.requests, None)
        self._waiting = request is not None
        if request is None:
            self._run.ended()
            return
        self._sent = time.perf_counter_ns()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        answer: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            answer = self._buffer
        try:
            end = answer_end(answer)
        except (LoadFailed, ValueError) as error:
            self._run.fail(str(error))
            return
        if end is None or end > len(answer):
            if answer is data:
                self._buffer += data
            return
        run = self._run
        run.waits.append(time.perf_counter_ns() - self._sent)
        if end < len(answer) or not self._waiting:
            run.fail("more than one answer to one request")
            return
        if not answer.startswith(b"HTTP/1.1 200 "):
            run.statuses[bytes(answer[9:12])] += 1
            run.strange = run.strange or bytes(answer[:2000])
        self._buffer.clear()
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self._run.fail(f"the server closed a connection that waited for its answer ({exc})")


async def drive(host: str, port: int, requests: Iterator[bytes], connections: int = CONNECTIONS) -> Load:
    """Send all `requests` over `connections` connections to `host`:`port` and time each answer.

    The clock starts when every connection is open. Raises LoadFailed.
    """
    loop = asyncio.get_running_loop()
    run = _Run(requests, loop.create_future())
    opened = [await loop.create_connection(lambda: _Connection(run), host, port) for _ in range(connections)]
    run.open = connections
    try:
        async with asyncio.timeout(PATIENCE):
            started, own = time.perf_counter(), time.process_time()
            for _, connection in opened:
                connection.send()
            await run.done
            seconds, own = time.perf_counter() - started, time.process_time() - own
    except TimeoutError:
        raise LoadFailed(f"{len(run.waits)} answers in {PATIENCE:.0f} s, and then none") from None
    finally:
        for transport, _ in opened:
            transport.abort()
    return _summary(run, seconds, own)


def _summary(run: _Run, seconds: float, own: float) -> Load:
    if run.statuses:
        raise LoadFailed(f"answers other than 200: {dict(run.statuses)}; the first: {run.strange!r}")
    if not run.waits:
        raise LoadFailed("there was no request to send")
    waits = sorted(run.waits)
    p50, p99 = (percentile(waits, share) / 1000 for share in (0.50, 0.99))
    return Load(len(waits), seconds, p50, p99, own / seconds)


def percentile(ordered: list[int], share: float) -> int:
    """Return the smallest value that `share` of the `ordered` values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def run_load(host: str, port: int, requests: Callable[[], Iterator[bytes]], connections: int = CONNECTIONS) -> Load:
    """Make the requests, then `drive` them in a uvloop of their own, without garbage collection."""
    ready = requests()
    gc.collect()
    gc.disable()
    try:
        return uvloop.run(drive(host, port, ready, connections))
    finally:
        gc.enable()
