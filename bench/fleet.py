"""A hundred guards as they run in servers, each with an identity, a stream and a spool of its own, in one process."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from accredit_sdk import Guard
from bench.guard_site import trivial
from bench.running import Unavailable
from bench.tool_call import Call, lifespan

_PATIENCE: Final = 60.0
_REST: Final = 0.25
_PAUSE: Final = 0.001
"""Seconds in which the guards hear, between two looks at what they have heard."""


class Fleet:
    """Guards of one server, and what asks them."""

    def __init__(self, guards: list[Guard], path: str, host: str) -> None:
        self.guards = guards
        self._at = path, host
        self._number = 0

    async def status(self, guard: Guard, token: str) -> int:
        """Call the tool through a guard."""
        self._number += 1
        call = Call(self._number, token, *self._at)
        await guard(call.scope, call.receive, call.send)
        return call.status

    async def until_all(self, token: str, wanted: int) -> float:
        """Ask each guard whenever it has heard something new, until all have answered like that.

        Returns when the last one did (CLOCK_MONOTONIC). Raises Unavailable.
        """
        asked: dict[Guard, int] = {}
        deadline = time.monotonic() + _PATIENCE
        left = [guard for guard in self.guards if not await self._answers(guard, token, wanted, asked)]
        while left and time.monotonic() < deadline:
            await asyncio.sleep(_PAUSE)
            left = [guard for guard in left if not await self._answers(guard, token, wanted, asked)]
        if left:
            raise Unavailable(f"{len(left)} guards do not answer {wanted} after {_PATIENCE:.0f} s")
        return time.monotonic()

    async def quiet(self) -> None:
        """Wait until the records of the guards are delivered, and what else they had to say has had its time."""
        while any(guard.state.waiting for guard in self.guards):  # noqa: ASYNC110  (a guard tells only who asks)
            await asyncio.sleep(_REST)
        await asyncio.sleep(_REST)

    async def _answers(self, guard: Guard, token: str, wanted: int, asked: dict[Guard, int]) -> bool:
        known = guard.state.signal
        if known is None or asked.get(guard) == known:
            return False
        asked[guard] = known
        return await self.status(guard, token) == wanted


@asynccontextmanager
async def fleet(
    issuer: str, resource: str, folder: Path, codes: Callable[[int], str], size: int
) -> AsyncIterator[Fleet]:
    """Begin so many guards, each with a code, and run them until the block ends."""
    host, _, path = resource.partition("//")[2].partition("/")
    async with AsyncExitStack() as running:
        guards = [
            Guard(trivial, issuer=issuer, resource=resource, folder=folder / f"guard-{number}", code=codes(number))
            for number in range(size)
        ]
        for guard in guards:
            await running.enter_async_context(lifespan(guard))
        yield Fleet(guards, f"/{path}", host)
