"""A line between two programs that can be cut without either being told: connections stay open, and nothing comes."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Line:
    """Passes bytes on from its own port of loopback to another one, while it is whole."""

    to: int
    port: int = 0
    _whole: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def cut(self) -> None:
        """Let nothing through any more, in either direction."""
        self._tell(self._whole.clear)

    def mend(self) -> None:
        """Let everything through, also what waits."""
        self._tell(self._whole.set)

    def _tell(self, what: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)  # type: ignore[arg-type]

    async def serve(self, ready: threading.Event, over: asyncio.Event) -> None:
        """Listen until it is over."""
        self._loop = asyncio.get_running_loop()
        self._whole.set()
        tasks: set[asyncio.Task[None]] = set()

        def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._join(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(joined, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await over.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = None
        try:
            await self._whole.wait()
            there = await asyncio.open_connection("127.0.0.1", self.to)
            await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        except OSError:
            pass
        finally:
            writer.close()
            if there is not None:
                there[1].close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            await self._whole.wait()
            writer.write(piece)
            await writer.drain()
        writer.close()


@contextmanager
def line(to: int) -> Iterator[Line]:
    """Lay a line to a port of loopback, in a thread of its own, until the block ends."""
    found, ready = Line(to), threading.Event()
    over: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        over.append((asyncio.get_running_loop(), asyncio.Event()))
        await found.serve(ready, over[0][1])

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="line", daemon=True)
    thread.start()
    assert ready.wait(10), "the line was not laid"
    try:
        yield found
    finally:
        loop, event = over[0]
        loop.call_soon_threadsafe(event.set)
        thread.join(10)
