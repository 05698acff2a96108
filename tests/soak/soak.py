"""One soak: agents at work for so long, while everything happens to them that may; then the books are compared."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from tests.soak.agents import Agent, Caller, Tally
from tests.soak.events import Events
from tests.soak.facts import Facts
from tests.soak.report import Memory, Report
from tests.soak.stage import Stage, made, stage

SERVERS: Final = ("ledger", "archive", "payroll")
_LOOK: Final = 5.0
_DELIVERED_WITHIN: Final = 60.0
_PAGE: Final = 200


@dataclass(frozen=True)
class Plan:
    """How long, in seconds; how many agents, and how long between two calls of one, two rotations and two kills."""

    seconds: float
    agents: int = 12
    pace: float = 0.3
    rotate: float = 4.0
    kill: float = 20.0
    seed: int = 1


def soak(plan: Plan, say: Callable[[str], None]) -> Report:
    """Run it. `say` gets a line now and then."""
    with stage(SERVERS) as set_up:
        say(f"two nodes, {len(SERVERS)} servers, {plan.agents} agents, {plan.seconds:.0f} s")
        with set_up.administrator() as admin:
            agents = [_agent(admin, f"agent-{number}") for number in range(plan.agents)]
        return asyncio.run(_soaked(plan, set_up, agents, say))


def _agent(admin: httpx2.Client, name: str) -> Agent:
    roles = [f"{server}-{kind}" for server in SERVERS for kind in ("reader", "purger")]
    found = made(admin, "/agents", slug=name, owner="dana", roles=roles)
    return Agent(name, found["id"], found["client_id"], found["secret"])


async def _soaked(plan: Plan, set_up: Stage, agents: list[Agent], say: Callable[[str], None]) -> Report:
    facts, tally, memory = Facts(), Tally(), Memory()
    caller = Caller(set_up.issuer, set_up.resources, facts, tally)
    events = Events(set_up, agents, caller, random.Random(plan.seed))
    began = time.monotonic()
    jobs = [
        *(caller.work(agent, random.Random(f"{plan.seed}.{agent.name}"), plan.pace) for agent in agents),
        *(events.revoking() for _ in range(3)),
        events.rotating(plan.rotate),
        events.killing(plan.kill),
        _watched(set_up, memory, tally, events, say),
    ]
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        failed, _ = await asyncio.wait(tasks, timeout=plan.seconds, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await caller.close()
        await events.close()
    for task in failed:
        task.result()
    await events.rested()
    seconds = time.monotonic() - began
    say("comparing the books")
    with set_up.administrator() as admin:
        recorded = await asyncio.to_thread(_recorded, admin, tally.allowed)
        verified = await asyncio.to_thread(lambda: admin.get("/audit/verify").json()["ok"])
    lost = sum(max(0, count - recorded[key]) for key, count in tally.allowed.items())
    return Report(seconds, tally, events, memory, lost, sum(recorded.values()), verified)


async def _watched(set_up: Stage, memory: Memory, tally: Tally, events: Events, say: Callable[[str], None]) -> None:
    for number in itertools.count(1):
        await asyncio.sleep(_LOOK)
        for program in (*set_up.nodes, *set_up.servers.values()):
            if resident := program.resident():
                memory.samples[program.name, program.starts].append(resident)
        if number % 6 == 0:
            calls, died = sum(tally.answers.values()), sum(events.happened.values())
            say(f"{number * _LOOK:5.0f} s  {calls} answers, {died} events, {len(tally.wrongs)} wrong")


def _recorded(admin: httpx2.Client, allowed: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Count the calls that were let through by agent and server in the log, once all are there or time is over."""
    servers = {server["id"]: server["slug"] for server in admin.get("/servers").json()["items"]}
    deadline = time.monotonic() + _DELIVERED_WITHIN
    while True:
        found = Counter((item["person"]["client_id"], servers[item["server"]]) for item in _decisions(admin))
        if all(found[key] >= count for key, count in allowed.items()) or time.monotonic() > deadline:
            return found
        time.sleep(1)


def _decisions(admin: httpx2.Client) -> Any:
    cursor = None
    while True:
        asked = {"kind": "decision", "outcome": "allow", "limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
        page = admin.get("/audit", params=asked).json()
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return
