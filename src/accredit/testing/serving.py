"""A real node for tests: real sockets, a real database, and a clock that the test moves."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from accredit import app, config
from accredit.ports.clock import Clock
from accredit.system import SystemClock

_START_SECONDS = 30
_STOP_SECONDS = 20


@dataclass(slots=True)
class MovingClock:
    """The machine's clock, moved by `offset` microseconds."""

    offset: int = 0

    def now(self) -> int:
        """Return the moved time in microseconds UTC."""
        return SystemClock().now() + self.offset

    def advance(self, seconds: float) -> None:
        """Move the clock ahead (or back, with a negative number)."""
        self.offset += int(seconds * 1_000_000)


@dataclass(frozen=True, slots=True)
class Served:
    """A node that answers: its issuer, the socket of its local administrator, its folder."""

    issuer: str
    socket: Path
    folder: Path
    settings: config.Settings


@contextmanager
def serve(folder: Path, clock: Clock | None = None, **given: Any) -> Iterator[Served]:
    """Run a node in a thread until the block ends. `given` are settings; the port must be named.

    The clock cannot be brought by configuration or environment: only a test that runs this function can.
    """
    settings = config.load(data=folder, **given)
    loop_ready, answers = threading.Event(), threading.Event()
    state: dict[str, Any] = {}

    async def main() -> None:
        state["stop"], state["loop"] = asyncio.Event(), asyncio.get_running_loop()
        loop_ready.set()
        await app.serving(settings, state["stop"], lambda _: answers.set(), clock)

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:  # noqa: BLE001  (handed to the test)
            state["error"] = error
        finally:
            loop_ready.set()
            answers.set()

    thread = threading.Thread(target=run, name="accredit-under-test")
    thread.start()
    try:
        if not answers.wait(_START_SECONDS):
            raise TimeoutError("the node did not start")
        _raise(state)
        yield Served(settings.origin, settings.socket, folder, settings)
    finally:
        if thread.is_alive():
            state["loop"].call_soon_threadsafe(state["stop"].set)
        thread.join(_STOP_SECONDS)
    _raise(state)


def _raise(state: dict[str, Any]) -> None:
    if "error" in state:
        raise state["error"]
