"""How long a revocation takes to the tool: from the answer of the management API to the last guard that acts on it.

`hundred`: 100 guards as they run in servers, around one node with SQLite, each asked with a living token of the
suspended agent as soon as it has heard something, until it refuses. Before that their records are delivered, so that
nothing else keeps the core busy that they share. `thousand`: 1,000 streams of simulated guards over two nodes that
share a PostgreSQL; one of the nodes is told, and the time is when the last stream, at either, has brought the signal.

A round suspends an agent some times and counts the slowest of them: of the rounds together, that is the 99th percentile
or more. 0.001 means that all had it before the answer was there. Nodes and database run on one core; all guards, which
would have machines of their own, share the other with whoever revokes. `memory` is what a node's resident memory grows
by with each stream.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import uvloop

from accredit.testing.postgres import Postgres, PostgresError
from bench import nodes
from bench.figure import Figure, Measure, Pair, Plan, Round
from bench.fleet import Fleet, fleet
from bench.listeners import Listeners, listeners
from bench.nodes import Node, made
from bench.processes import pinned, resident_memory
from bench.revoker import Revoker, revoker
from bench.running import BUILD, Unavailable
from bench.token_requests import KeyClient
from bench.verdict import Bar

GUARDS: Final = 100
STREAMS: Final = 1_000
TIMES: Final = 6
"""Suspensions in a round."""

_NAME: Final = "revoke_to_refusal"
_LEAST: Final = 0.001
"""Milliseconds: a figure is a positive number, also where all had it before the answer was there."""

_RESOURCE: Final = "http://127.0.0.1:9/mcp"
_SCOPE: Final = "ledger:read"
_PER_GUARD: Final = 50
"""Streams of one simulated guard: it has so many processes, half of them at each node."""


@contextmanager
def opened(plan: Plan) -> Iterator[Round]:
    """Start the nodes with their guards, and yield a round."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as stack:
        stack.callback(lambda: runner.run(asyncio.sleep(0)))
        hundred = _entered(runner, stack, _hundred(plan.server_core, GUARDS))
        thousand, memory = _entered(runner, stack, _thousand(plan.server_core, STREAMS))

        def run(number: int) -> Mapping[str, Pair]:
            found = {
                f"{_NAME}.hundred": (runner.run(hundred(TIMES)), None),
                f"{_NAME}.thousand": (runner.run(thousand(TIMES)), None),
                f"{_NAME}.memory": (memory, None),
            }
            plan.say(f"  {number + 1:2}  " + ", ".join(f"{name} {value:.1f}" for name, (value, _) in found.items()))
            return found

        run(-1)
        yield run


def _entered(runner: asyncio.Runner, stack: ExitStack, manager: Any) -> Any:
    """Enter an asynchronous context in `runner`, to be left with `stack`."""
    found = runner.run(manager.__aenter__())
    stack.callback(lambda: runner.run(manager.__aexit__(None, None, None)))
    return found


@asynccontextmanager
async def _hundred(core: int, guards: int) -> AsyncIterator[Any]:
    with ExitStack() as stack:
        node = stack.enter_context(nodes.running(core, _folder("hundred")))
        agent, codes = _furnished(node, guards)
        hand = stack.enter_context(revoker(node.socket))
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=BUILD / "bench"))
        async with fleet(node.issuer, _RESOURCE, Path(folder), codes.__getitem__, guards) as asked:

            async def slowest(times: int) -> float:
                return max([await _refused(node, agent, hand, asked) for _ in range(times)])

            yield slowest


async def _refused(node: Node, agent: dict[str, Any], hand: Revoker, asked: Fleet) -> float:
    """Suspend the agent; return the milliseconds from the answer to the refusal of the last guard."""
    token = await asyncio.to_thread(_token, node, agent)
    await asked.until_all(token, 200)
    await asked.quiet()
    hand.begin("/agents/bench/suspend")
    last = await asked.until_all(token, 401)
    told = hand.answered()
    hand.do("/agents/bench/resume")
    return max(_LEAST, (last - told) * 1000)


@asynccontextmanager
async def _thousand(core: int, streams: int) -> AsyncIterator[tuple[Any, float]]:
    with ExitStack() as stack:
        url = _postgres(stack, core)
        one = stack.enter_context(nodes.running(core, _folder("one"), database=url))
        key = _folder("two") / "master.key"
        shutil.copy(one.data / "master.key", key)
        two = stack.enter_context(nodes.running(core, key.parent, database=url, issuer=one.issuer))
        agent, codes = _furnished(one, max(1, streams // _PER_GUARD))
        tokens = [guard_token(one.issuer, code) for code in codes]
        pairs = [((one, two)[n % 2].origin, tokens[n // 2 % len(tokens)]) for n in range(streams)]
        before = resident_memory([one.pid, two.pid])
        hand = stack.enter_context(revoker(one.socket))
        async with listeners(one.issuer, pairs) as heard:
            memory = (resident_memory([one.pid, two.pid]) - before) / streams / 1000

            async def slowest(times: int) -> float:
                return max([await _arrived(agent, hand, heard) for _ in range(times)])

            yield slowest, memory


async def _arrived(agent: dict[str, Any], hand: Revoker, heard: Listeners) -> float:
    """Suspend the agent; return the milliseconds from the answer until the last stream has brought it."""
    hand.begin("/agents/bench/suspend")
    last = await heard.everybody(agent["id"])
    told = hand.answered()
    hand.begin("/agents/bench/resume")
    await heard.everybody(agent["id"])
    hand.answered()
    return max(_LEAST, (last - told) * 1000)


def _postgres(stack: ExitStack, core: int) -> str:
    try:
        with pinned(core):
            postgres = Postgres.start(fsync=True)
    except PostgresError as error:
        raise Unavailable(str(error)) from error
    return stack.enter_context(postgres).create_database("bench")


def _folder(name: str) -> Path:
    folder = BUILD / "bench" / "revoke" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return folder


def _furnished(node: Node, guards: int) -> tuple[dict[str, Any], list[str]]:
    """Make a server and an agent that may use it; return the agent, and codes for its guards."""
    with node.administrator() as client:
        tool = {"name": "read", "needs": [_SCOPE], "read_only": True}
        made(client, "/servers", slug="ledger", resource=_RESOURCE, scopes=[{"word": _SCOPE}], tools=[tool])
        made(client, "/roles", slug="reader", scopes={"ledger": [_SCOPE]})
        agent = made(client, "/agents", slug="bench", owner="bench", roles=["reader"])
        codes = [made(client, "/servers/ledger/enrolments", name=f"g-{n}")["code"] for n in range(guards)]
    return agent, codes


def _token(node: Node, agent: dict[str, Any]) -> str:
    form = {"grant_type": "client_credentials", "resource": _RESOURCE, "scope": _SCOPE}
    auth = (agent["client_id"], agent["secret"])
    return _answered(httpx2.post(f"{node.issuer}/token", data=form, auth=auth, trust_env=False))


def guard_token(issuer: str, code: str) -> str:
    """Enrol a guard and return a token that lets it listen."""
    key = KeyClient.generate("")
    with httpx2.Client(trust_env=False) as client:
        guard = made(client, issuer + "/guard/v1/enrol", code=code, jwk=key.jwk())
        assertion = next(KeyClient(guard["client_id"], key.kid, key.key).assertions(issuer, int(time.time())))
        form = {
            "grant_type": "client_credentials",
            "resource": guard["resource"],
            "scope": "signals",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        return _answered(client.post(guard["token_endpoint"], data=form))


def _answered(answer: httpx2.Response) -> str:
    if answer.status_code != 200:
        raise Unavailable(f"there was no token: {answer.status_code} {answer.text[:200]}")
    return str(answer.json()["access_token"])


FIGURE: Final = Figure(
    _NAME,
    (
        Measure(f"{_NAME}.hundred", "ms", Bar(100)),
        Measure(f"{_NAME}.thousand", "ms", Bar(250)),
        Measure(f"{_NAME}.memory", "kB per stream", Bar(25)),
    ),
    opened,
    dict,
)
