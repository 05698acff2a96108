"""Waiting for what another thread or process does: by looking again, up to a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

_STEP: Final = 0.005
_PATIENCE: Final = 10.0


def until(true: Callable[[], object], seconds: float = _PATIENCE) -> None:
    """Return as soon as `true` holds; fail after `seconds`. For code without a loop."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(_STEP)


async def eventually(true: Callable[[], Awaitable[object] | object], seconds: float = _PATIENCE) -> None:
    """Return as soon as `true` holds (it may have to be awaited); fail after `seconds`. The loop goes on meanwhile."""
    deadline = time.monotonic() + seconds
    while not (await found if isinstance(found := true(), Awaitable) else found):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(_STEP)
