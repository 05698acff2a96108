"""An agent, a real node and two real guards in one process: who asks which host, and nothing else, decides."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from accredit import app, config
from accredit.testing.serving import MovingClock
from accredit_sdk import AgentAuth, Guard
from accredit_sdk.guard import authority
from accredit_sdk.guard.fetch import HttpFetch
from accredit_sdk.guard.folder import Folder
from accredit_sdk.guard.identity import pending_key
from tests.support import migrated
from tests.support.guarded import Inner

ISSUER: Final = "https://id.example"
HOSTS: Final = ("tools.example", "books.example")


@dataclass
class World(httpx2.AsyncBaseTransport):
    """The network: every host that there is."""

    clock: MovingClock
    admin: httpx2.AsyncClient
    hosts: dict[str, httpx2.AsyncBaseTransport]
    client_id: str = ""
    secret: str = ""
    tokens: int = 0
    elsewhere: list[str | None] = field(default_factory=list)
    seen: dict[str, list[str | None]] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    inner: dict[str, Inner] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        if host not in self.hosts:
            self.elsewhere.append(request.headers.get("authorization"))
            return httpx2.Response(404)
        self.tokens += request.url.path == "/token"
        self.seen.setdefault(host, []).append(request.headers.get("authorization"))
        return await self.hosts[host].handle_async_request(request)

    def auth(self, **more: Any) -> AgentAuth:
        """Return the agent's identity as its program would make it."""
        given = {"issuer": ISSUER, "client_id": self.client_id, "secret": self.secret}
        moved = {"clock": lambda: self.clock.now() / 1_000_000, "client": lambda: httpx2.AsyncClient(transport=self)}
        return AgentAuth(**{**given, **moved, **more})

    def client(self, auth: httpx2.Auth | None) -> httpx2.AsyncClient:
        """Return the agent's own client, in this network."""
        return httpx2.AsyncClient(transport=self, auth=auth)

    async def ok(self, method: str, where: str, **more: Any) -> Any:
        """Ask the management API for something that must succeed."""
        more.setdefault("headers", {"If-Match": "*"} if method in ("PUT", "DELETE") else {})
        answer = await self.admin.request(method, where, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def suspend(self) -> None:
        """Suspend the agent, and let every guard hear of it."""
        await self.ok("POST", "/agents/bot/suspend")
        await self.catch_up()

    async def catch_up(self) -> None:
        """Let every guard hear what is new."""
        for guard in self.guards:
            assert guard._runtime is not None
            assert guard._runtime.feed is not None
            await guard._runtime.feed.catch_up()


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Start everything, with an agent that may read and post, but not purge, on both servers."""
    clock = MovingClock()
    settings = config.load(data=folder / "data", issuer=ISSUER)
    async with AsyncExitStack() as stack:
        migrated.furnish(folder / "data")
        node = await stack.enter_async_context(app.node(settings, clock))
        transport = httpx2.ASGITransport(app=node.admin)
        admin = httpx2.AsyncClient(transport=transport, base_url="http://accredit/api/v1")
        await stack.enter_async_context(admin)
        made = World(clock, admin, {"id.example": httpx2.ASGITransport(node.public)})
        for host in HOSTS:
            await _guarded(made, folder, host, node, stack)
        scopes = [{"server": host.partition(".")[0], "scope": word} for host in HOSTS for word in ("read", "post")]
        carried: dict[str, list[str]] = {}
        for one in scopes:
            carried.setdefault(one["server"], []).append(one["scope"])
        await made.ok("POST", "/roles", json={"slug": "clerk", "scopes": carried})
        agent = await made.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["clerk"]})
        made.client_id, made.secret = agent["client_id"], agent["secret"]
        yield made


async def _guarded(made: World, folder: Path, host: str, node: app.Node, stack: AsyncExitStack) -> None:
    """Register a server, and put a guard in front of it."""
    slug, resource = host.partition(".")[0], f"https://{host}/mcp"
    names = ("read", "post", "purge")
    body = {
        "slug": slug,
        "resource": resource,
        "scopes": [{"word": name} for name in names],
        "tools": [{"name": name, "needs": [name]} for name in names],
        "default_scopes": ["read"],
    }
    await made.ok("POST", "/servers", json=body)
    code = (await made.ok("POST", f"/servers/{slug}/enrolments"))["code"]
    fetch = HttpFetch(ISSUER, httpx2.ASGITransport(node.public))
    place = Folder(folder / slug)
    assert not place.problems(writable=True)
    (await authority.enrol(fetch, ISSUER, code, pending_key(place))).save(place)
    inner = made.inner[host] = Inner()
    guard = Guard(inner, issuer=ISSUER, resource=resource, folder=place.path, fetch=fetch, clock=made.clock.now)
    await guard._start()
    stack.push_async_callback(fetch.close)
    stack.push_async_callback(guard._stop)
    made.guards.append(guard)
    made.hosts[host] = httpx2.ASGITransport(guard)
