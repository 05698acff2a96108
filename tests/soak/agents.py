"""Agents that call tools all the time, and know what they must be answered."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from tests.soak.facts import Expected, Facts

TOOLS: Final = ("read", "purge")
_EARLY: Final = 20.0
_HEADERS: Final = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}


@dataclass
class Tally:
    """What was answered, and what should not have been."""

    answers: Counter[str] = field(default_factory=Counter)
    allowed: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    unreached: Counter[str] = field(default_factory=Counter)


@dataclass
class Agent:
    """One agent: its secret, the tokens that it has by server, and a lock for whoever changes them.

    Of a token it knows until when to use it (CLOCK_MONOTONIC), and the secret that obtained it.
    """

    name: str
    id: str
    client_id: str
    secret: str
    tokens: dict[str, tuple[str, float, str]] = field(default_factory=dict)
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    def things(self, server: str, tool: str, token: str) -> tuple[Any, ...]:
        """Return everything that a call depends on."""
        role = f"{server}-{'reader' if tool == 'read' else 'purger'}"
        return ("agent", self.name), ("role", self.name, role), ("tool", server, tool), ("server", server), token


class Caller:
    """What the agents have in common."""

    def __init__(self, issuer: str, resources: dict[str, str], facts: Facts, tally: Tally) -> None:
        self.issuer, self.resources, self.facts, self.tally = issuer, resources, facts, tally
        limits = httpx2.Limits(max_connections=50, max_keepalive_connections=20)
        self.http = httpx2.AsyncClient(timeout=30, limits=limits, trust_env=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.http.aclose()

    async def work(self, agent: Agent, dice: random.Random, pace: float) -> None:
        """Call a tool every `pace` seconds or so, for ever."""
        while True:
            await asyncio.sleep(dice.uniform(0.5, 1.5) * pace)
            async with agent.alone:
                server, tool = dice.choice(tuple(self.resources)), dice.choice(TOOLS)
                token = await self.token(agent, server)
                if token is not None:
                    await self.call(agent, server, tool, token)

    async def token(self, agent: Agent, server: str) -> str | None:
        """Return a living token of the agent, or None when it gets none now."""
        token, until, _ = agent.tokens.get(server, ("", 0.0, ""))
        if time.monotonic() < until:
            return token
        began = time.monotonic()
        secret = agent.secret
        answer = await self.ask(agent, server, secret)
        if answer is None:
            return None
        status, body = answer
        lives = self.facts.expected((("agent", agent.name),), began)
        if status == 200:
            if lives is Expected.REFUSED:
                self.tally.wrongs.append(f"a token for {agent.name}, which is suspended")
            until = time.monotonic() + body["expires_in"] - _EARLY
            agent.tokens[server] = body["access_token"], until, secret
            return str(body["access_token"])
        if lives is Expected.ALLOWED and body.get("error") != "invalid_scope":
            self.tally.wrongs.append(f"no token for {agent.name}: {status} {body}")
        return None

    async def ask(self, agent: Agent, server: str, secret: str) -> tuple[int, Any] | None:
        """Ask for a token; return status and body, or None when no node could be reached or none was ready."""
        form = {"grant_type": "client_credentials", "resource": self.resources[server], "scope": "r p"}
        try:
            answer = await self.http.post(f"{self.issuer}/token", data=form, auth=(agent.client_id, secret))
        except httpx2.TransportError as error:
            self.tally.unreached[f"token endpoint: {type(error).__name__}"] += 1
            return None
        if answer.status_code in (429, 503):
            self.tally.unreached[f"token endpoint: {answer.status_code}"] += 1
            return None
        self.tally.answers[f"token {answer.status_code}"] += 1
        return answer.status_code, answer.json()

    async def call(self, agent: Agent, server: str, tool: str, token: str) -> int | None:
        """Call a tool and judge the answer; return its status, or None when the server could not be reached."""
        things = agent.things(server, tool, token)
        began = time.monotonic()
        status = await self.status(server, tool, token)
        if status is None:
            return None
        expected = self.facts.expected(things, began)
        self.tally.answers[f"{tool} {status}"] += 1
        if status == 200:
            self.tally.allowed[agent.client_id, server] += 1
            dead = self.facts.dead_for(things, began)
            if dead is not None:
                self.tally.late.append(dead)
            if expected is Expected.REFUSED:
                self.tally.wrongs.append(f"{agent.name} called {tool} of {server}, and it was dead for {dead:.1f} s")
        elif expected is Expected.ALLOWED:
            self.tally.wrongs.append(f"{agent.name} called {tool} of {server} and was answered {status}")
        return status

    async def status(self, server: str, tool: str, token: str) -> int | None:
        """Call a tool and return the status of the answer; None when the server could not be reached."""
        params = {"name": tool, "arguments": {}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {**_HEADERS, "authorization": f"Bearer {token}"}
        try:
            answer = await self.http.post(self.resources[server], headers=headers, json=message)
        except httpx2.TransportError as error:
            self.tally.unreached[f"server {server}: {type(error).__name__}"] += 1
            return None
        return answer.status_code
