"""What happens to the agents meanwhile. Each event says what is certain before and after, and mends what it did."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx2

from tests.soak.agents import TOOLS, Agent, Caller
from tests.soak.stage import Program, Stage
from tests.support.until import eventually

_STEP: Final = 0.02
_HEARD: Final = 2.0
"""Seconds after which every node has heard that an agent holds a role again."""

_LASTS: Final = 1.0
"""Seconds beyond the bound that something stays dead, so that calls meet it."""


class Events:
    """Makes them happen, and takes down how long each took to arrive."""

    def __init__(self, stage: Stage, agents: list[Agent], caller: Caller, dice: random.Random) -> None:
        self._stage, self._agents, self._caller, self._dice = stage, agents, caller, dice
        self._facts = caller.facts
        self.happened: Counter[str] = Counter()
        self.arrivals: list[float] = []
        self._busy: set[Any] = set()
        transport = httpx2.AsyncHTTPTransport(uds=str(stage.socket))
        self._admin = httpx2.AsyncClient(transport=transport, base_url="http://accredit/api/v1", timeout=60)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._admin.aclose()

    async def revoking(self) -> None:
        """Suspend, take roles and deny tools, for ever."""
        kinds: list[Callable[[], Awaitable[None]]] = [self._suspension, self._role, self._denial]
        while True:
            await self._dice.choice(kinds)()

    async def rotating(self, pace: float) -> None:
        """Rotate credentials, cut them, and rotate signing keys, for ever, one thing every `pace` seconds."""
        kinds: list[Callable[[], Awaitable[None]]] = [self._rotation, self._rotation, self._cut, self._keys]
        for kind in _again(kinds):
            await asyncio.sleep(pace)
            await kind()

    async def killing(self, pace: float) -> None:
        """Kill the second node and a server in turn and start them again; the first node ends once, in good order."""
        first = self._stage.nodes[0]
        await asyncio.sleep(pace / 2)
        await self._restarted(first, signal.SIGTERM)
        for kind in _again([self._node_killed, self._server_killed]):
            await asyncio.sleep(pace)
            await kind()

    async def rested(self) -> None:
        """Let every program run that was being started anew when the time was over."""
        for program in (*self._stage.nodes, *self._stage.servers.values()):
            assert program.process is not None
            if program.process.poll() is not None:
                await asyncio.to_thread(program.start)
            await eventually(lambda program=program: asyncio.to_thread(program.ready), 60)

    async def _node_killed(self) -> None:
        await self._restarted(self._stage.nodes[1], signal.SIGKILL)

    async def _server_killed(self) -> None:
        name = self._dice.choice(tuple(self._stage.servers))
        self._facts.say(("server", name), None)
        await self._restarted(self._stage.servers[name], signal.SIGKILL)
        self._facts.say(("server", name), True)

    async def _restarted(self, program: Program, how: signal.Signals) -> None:
        await asyncio.to_thread(program.end, how)
        self.happened[f"{program.name} {how.name}"] += 1
        await asyncio.sleep(_LASTS)
        await asyncio.to_thread(program.start)
        await eventually(lambda: asyncio.to_thread(program.ready), 60)

    async def _suspension(self) -> None:
        agent = self._dice.choice(self._agents)
        await self._dead(("agent", agent.name), agent, f"/agents/{agent.name}/suspend", f"/agents/{agent.name}/resume")

    async def _denial(self) -> None:
        server, tool = self._dice.choice(tuple(self._stage.resources)), self._dice.choice(TOOLS)
        where, agent = f"/servers/{server}/denials", self._dice.choice(self._agents)
        await self._dead(("tool", server, tool), agent, where, f"{where}/lift", server, tool, json={"name": tool})

    async def _role(self) -> None:
        agent, server = self._dice.choice(self._agents), self._dice.choice(tuple(self._stage.resources))
        where = f"/roles/{server}-purger/assignments/{agent.name}"
        await self._dead(
            ("role", agent.name, f"{server}-purger"), agent, where, where, server, "purge", verbs=("DELETE", "PUT")
        )
        await asyncio.sleep(_HEARD)
        async with agent.alone:
            agent.tokens.pop(server, None)  # what a token lost, the next one has again

    async def _dead(
        self,
        thing: Any,
        agent: Agent,
        end: str,
        mend: str,
        server: str | None = None,
        tool: str = "read",
        verbs: tuple[str, str] = ("POST", "POST"),
        **body: Any,
    ) -> None:
        """Let something die, see it arrive at a guard, leave it dead for a while, and let it live again."""
        if thing in self._busy:
            await asyncio.sleep(_STEP)
            return
        self._busy.add(thing)
        self.happened[thing[0]] += 1
        server = server or self._dice.choice(tuple(self._stage.resources))
        async with agent.alone:
            token = await self._caller.token(agent, server)
        self._facts.say(thing, None)
        await self._do(verbs[0], end, **body)
        self._facts.say(thing, False)
        if token is not None:
            await self._arrives(server, tool, token)
        await asyncio.sleep(self._facts.bound + _LASTS)
        self._facts.say(thing, None)
        await self._do(verbs[1], mend, **body)
        self._facts.say(thing, True)
        self._busy.discard(thing)

    async def _arrives(self, server: str, tool: str, token: str) -> None:
        """Take down how long after now the guard refuses; give up at the bound, where the agents judge."""
        began = time.monotonic()
        while time.monotonic() - began < self._facts.bound:
            status = await self._caller.status(server, tool, token)
            if status in (400, 401, 403):
                self.arrivals.append(time.monotonic() - began)
                return
            if status is None:
                return

    async def _rotation(self) -> None:
        """Give an agent a new secret; both work, and no request is refused."""
        agent = self._dice.choice(self._agents)
        old = agent.secret
        made = await self._do("POST", f"/agents/{agent.name}/credentials/rotate", json={"retires_in": 60})
        if made is not None:
            agent.secret = made["secret"]
            self.happened["secret rotated"] += 1
            server = next(iter(self._stage.resources))
            await self._caller.ask(agent, server, old)

    async def _cut(self) -> None:
        """Cut a secret with all its tokens; the new one works at once."""
        agent = self._dice.choice(self._agents)
        async with agent.alone:
            dead = {server: found[0] for server, found in agent.tokens.items() if found[2] == agent.secret}
            for token in dead.values():
                self._facts.say(token, None)
            made = await self._do("POST", f"/agents/{agent.name}/credentials/rotate", json={"now": True})
            for token in dead.values():
                self._facts.say(token, made is None)
            if made is None:
                return
            agent.secret, agent.tokens = made["secret"], {}
        self.happened["secret cut"] += 1
        for server, token in dead.items():
            await self._arrives(server, "read", token)

    async def _keys(self) -> None:
        """Let the next signing key sign, if one is ready."""
        if await self._do("POST", "/keys/access/rotate") is not None:
            self.happened["key rotated"] += 1

    async def _do(self, verb: str, where: str, **body: Any) -> Any:
        """Ask the management API until it is there; return what it answers, None when it refuses because of a state."""
        while True:
            try:
                answer = await self._admin.request(verb, where, headers={"if-match": "*"}, **body)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code not in (429, 503):
                break
            await asyncio.sleep(0.1)
        if answer.status_code in (409, 412):
            self.happened[f"{where.rpartition('/')[2]} {answer.status_code}"] += 1
            return None
        assert answer.is_success, f"{verb} {where}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}


def _again(kinds: list[Any]) -> Any:
    while True:
        yield from kinds
