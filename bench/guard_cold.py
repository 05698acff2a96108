"""The first sight of an ES256 token, against the bare verify of the same signature.

In process: `Gate.enter` with a token that it has never seen and whose key it knows, from the header fields to the
verdict: the cache is missed, the JWS taken apart and verified, its claims and scopes read, clock, revocations and
policy looked at, the token remembered. The gate is that of a guard that has begun; nothing is subtracted.

The peer is `cryptography` alone, on the same signed bytes and the same signatures in DER, with the same key.
CPU time of the process, both sides in turns.
"""

import time
from typing import Final

import uvloop

from accredit_sdk import jws
from accredit_sdk.guard.gate import Gate
from accredit_sdk.guard.tokens import Seen
from bench import guard_site, tool_call
from bench.bare_verify import BareVerify
from tests.support.authority import FakeAccredit

TURNS: Final = 40
TOKENS: Final = 50
"""Tokens in a turn, each of them new."""


def measure(turns: int = TURNS) -> dict[str, float]:
    """Return µs of CPU per first sight (`ours_us`) and per verify (`peer_us`)."""
    return uvloop.run(_measured(turns))


async def _measured(turns: int) -> dict[str, float]:
    ours = peer = 0
    async with guard_site.begun_guard() as (guard, accredit):
        gate = guard._gate  # noqa: SLF001  (first sight has no public door of its own)
        _turn(gate, _fresh(accredit, -1))
        for number in range(turns):
            tokens = _fresh(accredit, number)
            ours += _turn(gate, tokens)
            peer += _bare(accredit, tokens)
    return {"ours_us": ours / turns / TOKENS / 1000, "peer_us": peer / turns / TOKENS / 1000}


def _fresh(accredit: FakeAccredit, turn: int) -> list[str]:
    return [accredit.token(tool_call.SCOPE, jti=f"tok_{turn}_{number}") for number in range(TOKENS)]


def _turn(gate: Gate, tokens: list[str]) -> int:
    requests = [dict(tool_call.call_headers(tool_call.HOST, token, tool_call.SIZE)) for token in tokens]
    before = time.process_time_ns()
    found = [gate.enter(fields, b"", wait=True) for fields in requests]
    spent = time.process_time_ns() - before
    if not all(isinstance(one, Seen) for one in found) or len({id(one) for one in found}) != len(tokens):
        raise RuntimeError("a token was refused, or seen before")
    return spent


def _bare(accredit: FakeAccredit, tokens: list[str]) -> int:
    public = accredit.access_keys[-1].verifying().public
    verify = BareVerify.of(public, [jws.parse(token) for token in tokens])
    return verify.cpu_ns(len(tokens))
