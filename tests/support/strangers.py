"""Servers and authorization servers that an agent has no reason to trust, as one network of scripted answers."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import httpx2

from accredit_sdk import AgentAuth

SERVER: Final = "https://tools.example/mcp"
ISSUER: Final = "https://id.example"
EVIL: Final = "https://evil.example"
SECRET: Final = "a-secret-that-nobody-else-may-see"

Answer = Callable[[httpx2.Request], httpx2.Response]


class Drip(httpx2.AsyncByteStream):
    """A body that never ends; it counts what was read of it, and knows whether it was let go."""

    def __init__(self, piece: bytes = b" " * 65_536) -> None:
        self.piece = piece
        self.read = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.read += len(self.piece)
            yield self.piece

    async def aclose(self) -> None:
        self.closed = True


class Net(httpx2.AsyncBaseTransport):
    """A server at SERVER and an authorization server at ISSUER, honest until a test scripts them otherwise."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.asked: list[httpx2.Request] = []
        self.issued = 0
        self.lifetime: Any = 300
        self.good: set[str] = set()
        self.script: dict[str, Answer] = {}
        self.metadata: dict[str, Any] = {"resource": SERVER, "authorization_servers": [ISSUER]}
        self.issuer: dict[str, Any] = {"issuer": ISSUER, "token_endpoint": ISSUER + "/token"}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.asked.append(request)
        url = str(request.url)
        if url in self.script:
            return self.script[url](request)
        match url.removeprefix("https://"):
            case "tools.example/mcp":
                return self.serve(request)
            case "tools.example/.well-known/oauth-protected-resource/mcp":
                return httpx2.Response(200, json=self.metadata)
            case "id.example/.well-known/oauth-authorization-server":
                return httpx2.Response(200, json=self.issuer)
            case "id.example/token":
                return self.issue()
        return httpx2.Response(404)

    def serve(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as a guard does."""
        if request.headers.get("authorization", "").removeprefix("Bearer ") in self.good:
            return httpx2.Response(200, content=request.content)
        return httpx2.Response(401, headers={"www-authenticate": "Bearer"})

    def issue(self) -> httpx2.Response:
        """Issue a token that is good at the server."""
        self.issued += 1
        token = f"token-{self.issued}"
        self.good.add(token)
        return httpx2.Response(200, json={"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime})

    def auth(self, **more: Any) -> AgentAuth:
        """Return the agent's identity as its program would make it."""
        given: dict[str, Any] = {"issuer": ISSUER, "client_id": "agt_one", "secret": SECRET}
        moved = {"clock": lambda: self.now, "client": lambda: httpx2.AsyncClient(transport=self)}
        return AgentAuth(**{**given, **moved, **more})

    def client(self, auth: httpx2.Auth, **more: Any) -> httpx2.AsyncClient:
        """Return the agent's own client, in this network."""
        return httpx2.AsyncClient(transport=self, auth=auth, **more)

    def said(self) -> str:
        """Return everything that anybody but the issuer was told."""
        return "".join(
            f"{one.url} {one.headers.raw!r} {one.content!r}" for one in self.asked if one.url.host != "id.example"
        )
