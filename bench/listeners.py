"""Simulated guards: each holds a stream of signals and takes note of what comes; it decides on no call.

The streams are real connections with real tokens. What all of them are told is read once, as they get the same bytes.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from bench.running import Unavailable

_PATIENCE: Final = 60.0
_MARK: Final = b"data: "


@dataclass
class Listeners:
    """What they heard: how often each handle came, and when it came last (CLOCK_MONOTONIC)."""

    count: int
    heard: dict[str, list[float]] = field(default_factory=dict)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, handle: str) -> None:
        """Note that one of them heard of `handle`."""
        times = self.heard.setdefault(handle, [])
        times.append(time.monotonic())
        if len(times) == self.count:
            self.woken.set()

    async def everybody(self, handle: str) -> float:
        """Return when the last one heard of `handle`. Raises Unavailable."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while len(self.heard.get(handle, ())) < self.count:
                    self.woken.clear()
                    await self.woken.wait()
        except TimeoutError:
            told = len(self.heard.get(handle, ()))
            raise Unavailable(f"{told} of {self.count} streams heard of it within {_PATIENCE:.0f} s") from None
        return self.heard.pop(handle)[-1]


@asynccontextmanager
async def listeners(issuer: str, streams: Sequence[tuple[str, str]]) -> AsyncIterator[Listeners]:
    """Open a stream for each pair of a node's origin and a guard's token, and read them until the block ends."""
    found = Listeners(len(streams))
    async with AsyncExitStack() as running:
        tasks = []
        for origin, token in streams:
            reader, writer = await _opened(issuer, origin, token)
            running.callback(writer.close)
            tasks.append(asyncio.create_task(_read(reader, found)))
        try:
            yield found
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _opened(issuer: str, origin: str, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    there = urlsplit(origin)
    reader, writer = await asyncio.open_connection(there.hostname, there.port)
    head = (
        "GET /guard/v1/stream?after=0&beat=30 HTTP/1.1",
        f"Host: {urlsplit(issuer).netloc}",
        f"Authorization: Bearer {token}",
        "Accept: text/event-stream",
    )
    writer.write("".join(f"{line}\r\n" for line in (*head, "")).encode())
    status = await reader.readline()
    if b" 200 " not in status:
        raise Unavailable(f"a stream was refused: {status.decode().strip()}")
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _read(reader: asyncio.StreamReader, found: Listeners) -> None:
    rest = b""
    while piece := await reader.read(65_536):
        *whole, rest = (rest + piece).split(b"\n\n")
        for event in whole:
            handle = _handle(event[event.index(_MARK) + len(_MARK) :]) if _MARK in event else None
            if handle is not None:
                found.take(handle)


@lru_cache(4096)
def _handle(token: bytes) -> str | None:
    """Return whom a signal is about."""
    payload = token.split(b".")[1]
    subject = json.loads(base64.urlsafe_b64decode(payload + b"==")).get("sub_id")
    return None if subject is None else str(subject["id"])
