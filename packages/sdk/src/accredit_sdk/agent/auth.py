"""`AgentAuth`: plugs an agent's identity into an `httpx2` client, and so into the official MCP client."""

import secrets
import time
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Final, NoReturn, TypeVar

import anyio
import httpx2

from accredit_sdk import challenge, resource
from accredit_sdk import scopes as words
from accredit_sdk.agent import flow
from accredit_sdk.agent.flow import Grant, Place, Request, Response
from accredit_sdk.agent.identity import AgentError, Identity
from accredit_sdk.errors import ConfigurationError, ResourceError, ScopeError
from accredit_sdk.jws import SigningKey

_EARLY: Final = 30
_TRIES: Final = 3
_TIMEOUT: Final = httpx2.Timeout(10, connect=5)

T = TypeVar("T")


class AgentAuth(httpx2.Auth):
    """One identity for every server: `httpx2.AsyncClient(auth=AgentAuth(issuer=…, client_id=…, secret=…))`.

    `issuer` is where the agent is registered, and the only place that ever sees its credential: a `secret`, or a
    private `key`. `scope` lists what to ask for; empty: what each server wants or gives by default. A token goes to the
    one server that it is for. `danger_any_issuer` shows the credential to whatever authorization server a server names.
    `client` makes the HTTP client that asks for metadata and tokens: the caller's own never sees a credential.

    Raises ConfigurationError with all that is wrong; a request raises AgentError when there is no token to be had.
    """

    def __init__(
        self,
        *,
        client_id: str,
        issuer: str | None = None,
        secret: str | None = None,
        key: SigningKey | None = None,
        scope: str = "",
        danger_any_issuer: bool = False,
        client: Callable[[], httpx2.AsyncClient] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        found = _problems(client_id, issuer, scope, danger_any_issuer)
        if (secret is None) is (key is None):
            found.append("give the agent's one credential: secret, or key")
        if found:
            raise ConfigurationError(found)
        self._identity = Identity(client_id, issuer, secret, key)
        self._scope = words.parse(scope)
        self._client = client or _client
        self._clock = clock
        self._places: list[Place] = []
        self._grants: dict[str, Grant] = {}
        self._flight = anyio.Lock()

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Serve one request of a client (httpx2). The challenge of a server is answered at most twice."""
        for left in reversed(range(_TRIES)):
            grant = await self._grant(request.url)
            if grant is not None:
                request.headers["authorization"] = f"Bearer {grant.access_token}"
            response = yield request
            if not left or not await self._heeded(request.url, grant, response):
                return

    def sync_auth_flow(self, request: httpx2.Request) -> NoReturn:  # noqa: ARG002  (httpx2 names it)
        """Refuse: MCP clients are asynchronous, and so is this."""
        raise RuntimeError("AgentAuth works with httpx2.AsyncClient")

    async def _grant(self, url: httpx2.URL) -> Grant | None:
        """Return a token for that server that lives for a while; None while the server is not known."""
        place = self._place(url)
        if place is None:
            return None
        grant = self._living(place)
        if grant is None:
            async with self._flight:
                grant = self._living(place) or await self._fetched(place, self._asked(place, frozenset()))
        return grant

    async def _heeded(self, url: httpx2.URL, grant: Grant | None, response: httpx2.Response) -> bool:
        """Do what a refusal says; tell whether asking again makes sense."""
        told = challenge.parse(response.headers.get("www-authenticate", ""))
        wanted = frozenset(told.get("scope", "").split())
        async with self._flight:
            place = self._place(url)
            if place is not None and self._grants.get(place.resource) is not grant:
                return response.status_code in (401, 403)  # somebody else has been there meanwhile
            if response.status_code == 401:
                header = response.headers.get("www-authenticate")
                place = place or await self._found(str(url), header)
                await self._fetched(place, self._asked(place, wanted))
                return True
            if response.status_code == 403 and place is not None and grant is not None and wanted:
                return await self._widened(place, grant, wanted)
        return False

    async def _widened(self, place: Place, grant: Grant, wanted: frozenset[str]) -> bool:
        """Ask for what was missing beside what is held; what cannot be had leaves the old token in place."""
        if not words.missing(grant.scope, wanted):
            return False
        try:
            fresh = await self._fetched(place, grant.scope | wanted)
        except AgentError:
            return False
        return not words.missing(fresh.scope, wanted)

    def _asked(self, place: Place, wanted: frozenset[str]) -> frozenset[str]:
        """Return what to ask for: what the program says, else what it held before, else what the server wants."""
        before = self._grants.get(place.resource)
        return self._scope or (before.scope if before is not None else frozenset()) or wanted

    def _place(self, url: httpx2.URL) -> Place | None:
        """Return the server that a request to `url` goes to: of several, the one with the longest resource."""
        found = [place for place in self._places if flow.covers(place, str(url))]
        return max(found, key=lambda place: len(place.resource), default=None)

    def _living(self, place: Place) -> Grant | None:
        grant = self._grants.get(place.resource)
        return grant if grant is not None and self._clock() < grant.expires_at - _EARLY else None

    async def _found(self, server: str, header: str | None) -> Place:
        place = await self._driven(flow.discover(server, header, self._identity.issuer))
        self._places.append(place)
        return place

    async def _fetched(self, place: Place, scope: frozenset[str]) -> Grant:
        now = int(self._clock())
        grant = await self._driven(flow.fetch(self._identity, place, scope, now, secrets.token_urlsafe(16)))
        self._grants[place.resource] = grant
        return grant

    async def _driven(self, work: Generator[Request, Response, T]) -> T:
        """Send what a flow yields, until it returns."""
        async with self._client() as http:
            try:
                question = next(work)
                while True:
                    question = work.send(await _sent(http, question))
            except StopIteration as done:
                result: T = done.value
                return result


def _client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(timeout=_TIMEOUT, follow_redirects=False)


async def _sent(http: httpx2.AsyncClient, question: Request) -> Response:
    try:
        answer = await http.request(
            question.method, question.url, headers=dict(question.headers), content=question.content or None
        )
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise AgentError(f"{question.url} cannot be reached ({type(error).__name__})") from None
    return Response(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content)


def _problems(client_id: str, issuer: str | None, scope: str, any_issuer: bool) -> list[str]:
    found = [] if client_id else ["client_id is empty"]
    if issuer is None and not any_issuer:
        found.append("say at which issuer the agent is registered")
    try:
        if issuer is not None:
            resource.canonical(issuer)
    except ResourceError as error:
        found.append(f"issuer {issuer!r}: {error}")
    try:
        words.parse(scope)
    except ScopeError as error:
        found.append(f"scope: {error}")
    return found
