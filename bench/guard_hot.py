"""The whole judgement of a 1 kB `tools/call` with a token that was seen before, against one ES256 verify.

In process, through `Guard.__call__` as a user gets it: headers, Host and Origin, the body, the look-up of the token,
the envelope, the policy, the record written to a spool on disk, and the call of an app that reads the body and answers
`{}`. That app, the coroutine and its `receive` and `send` are part of what is measured; nothing is subtracted. What is
not in it comes by time and not by request: the flush of the spool, its delivery and the look for changes, which go on
between the measured turns, and must have delivered every record in the end.

The peer is `cryptography` alone: P-256, SHA-256, the signature in DER. CPU time of the process, both sides in turns.
"""

import asyncio
import time
from typing import Final

import uvloop

from accredit_sdk.guard import Guard
from bench import guard_site, tool_call
from bench.bare_verify import BareVerify
from tests.support.authority import FakeAccredit

TURNS: Final = 40
CALLS: Final = 250
"""Calls in a turn."""


def measure(turns: int = TURNS) -> dict[str, float]:
    """Return µs of CPU per call (`ours_us`) and per verify (`peer_us`)."""
    return uvloop.run(_measured(turns))


async def _measured(turns: int) -> dict[str, float]:
    ours = peer = 0
    verify = BareVerify.generate()
    async with guard_site.begun_guard() as (guard, accredit):
        token = accredit.token(tool_call.SCOPE)
        await _turn(guard, token)
        for _ in range(turns):
            ours += await _turn(guard, token)
            peer += verify.cpu_ns(CALLS)
    _check_records(accredit, (turns + 1) * CALLS)
    return {"ours_us": ours / turns / CALLS / 1000, "peer_us": peer / turns / CALLS / 1000}


async def _turn(guard: Guard, token: str) -> int:
    """Return the ns of CPU that CALLS calls take; the requests are made before, and the background has its turn."""
    calls = [tool_call.Call(number, token) for number in range(CALLS)]
    await asyncio.sleep(0)
    before = time.process_time_ns()
    for call in calls:
        await guard(call.scope, call.receive, call.send)
    spent = time.process_time_ns() - before
    if any(call.status != 200 for call in calls):
        raise RuntimeError(f"the guard refused: {[call.status for call in calls if call.status != 200]}")
    return spent


def _check_records(accredit: FakeAccredit, calls: int) -> None:
    allowed = [one for one in accredit.records() if one["outcome"] == "allow" and one["target"] == tool_call.TOOL]
    if len(allowed) != calls:
        raise RuntimeError(f"{calls} calls went on, and {len(allowed)} records of them arrived")
