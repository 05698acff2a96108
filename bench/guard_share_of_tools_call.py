"""What the guard adds to a `tools/call`, against what the frameworks' own token checks add to it.

In process over ASGI, each framework's app three times: bare, behind our Guard, and with its own check. Of the MCP SDK
that is its bearer middleware with PyJWT, of FastMCP its `JWTVerifier` with a scope that the tool requires; both verify
the signature anew for every call. The guard also judges the envelope, writes its record to a spool on disk, screens the
answer, and can end the call. The app is asked for plain JSON without sessions and the call is the 1 kB one of
`guard_hot`; CPU time of the process, the three in turns, medians of the differences within a turn.
"""

import asyncio
import logging
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import uvloop

from bench import guard_site, tool_call
from bench.figure import Pair
from bench.peers import fastmcp_app, sdk_app
from bench.tool_call import App

TURNS: Final = 40
CALLS: Final = {"sdk": 20, "fastmcp": 5}
"""Calls of each app in a turn."""

_APPS: Final = {"sdk": sdk_app.make, "fastmcp": fastmcp_app.make}


def measure(turns: int = TURNS) -> dict[str, Pair]:
    """Return by framework the µs of CPU that the guard adds to a call, and those that its own check adds."""
    logging.getLogger("fastmcp").setLevel(logging.ERROR)
    return uvloop.run(_measured(turns))


async def _measured(turns: int) -> dict[str, Pair]:
    found: dict[str, Pair] = {}
    for framework, make in _APPS.items():
        async with _apps(make) as (apps, token):
            found[framework] = await _compared(apps, token, turns, CALLS[framework])
    return found


@asynccontextmanager
async def _apps(make: Any) -> AsyncIterator[tuple[Mapping[str, App], str]]:
    async with guard_site.begun_guard(make(None)) as (guard, accredit), AsyncExitStack() as running:
        apps: dict[str, App] = {"bare": make(None), "guard": guard, "own": make(accredit)}
        for name in ("bare", "own"):
            await running.enter_async_context(tool_call.lifespan(apps[name]))
        yield apps, accredit.token(tool_call.SCOPE)


async def _compared(apps: Mapping[str, App], token: str, turns: int, calls: int) -> Pair:
    await _prove(apps["guard"], apps["own"], token)
    rounds = [dict.fromkeys(apps, 0.0)]
    for number in range(turns + 1):  # the first one warms
        order = list(apps) if number % 2 else list(reversed(apps))
        rounds.append({name: await _turn(apps[name], token, calls) for name in order})
        await asyncio.sleep(0)
    added = [(one["guard"] - one["bare"], one["own"] - one["bare"]) for one in rounds[2:]]
    return statistics.median(ours for ours, _ in added), statistics.median(its for _, its in added)


async def _turn(app: App, token: str, calls: int) -> float:
    """Return the µs of CPU of a call."""
    fresh = [tool_call.Call(number, token) for number in range(calls)]
    before = time.process_time_ns()
    for call in fresh:
        await app(call.scope, call.receive, call.send)
    spent = time.process_time_ns() - before
    if any(call.status != 200 for call in fresh):
        raise RuntimeError(f"a call was refused: {[call.status for call in fresh]}")
    return spent / calls / 1000


async def _prove(guard: App, own: App, token: str) -> None:
    """Check that neither of the two lets a broken token in, so that both are about the same thing."""
    broken = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    for app in (guard, own):
        call = tool_call.Call(0, broken)
        await app(call.scope, call.receive, call.send)
        if call.status != 401:
            raise RuntimeError(f"a token without a good signature was answered with {call.status}")
