"""`AgentAuth`: plugs an agent's identity into an `httpx2` client, and so into the official MCP client."""

import secrets
import time
from collections.abc import AsyncGenerator, Callable
from typing import Final, NoReturn
from weakref import WeakValueDictionary

import httpx2

from accredit_sdk import challenge, resource
from accredit_sdk import scopes as words
from accredit_sdk.agent import fetch, flow, trace
from accredit_sdk.agent.flow import Grant, Place
from accredit_sdk.agent.identity import AgentError, Identity
from accredit_sdk.agent.patience import Budget, Flight
from accredit_sdk.errors import ConfigurationError, ResourceError, ScopeError
from accredit_sdk.jws import SigningKey

_TRIES: Final = 3
_REST: Final = 5
_REFUSED: Final = (401, 403)


class AgentAuth(httpx2.Auth):
    """One identity for every server: `httpx2.AsyncClient(auth=AgentAuth(issuer=…, client_id=…, secret=…))`.

    `issuer` is where the agent is registered, and the only place that ever sees its credential: a `secret`, or a
    private `key`. `scope` lists what to ask for, and no server makes the agent ask for more; empty: what each server
    wants or gives by default. A token goes to the one server that it is for. `danger_any_issuer` shows the credential
    to whatever authorization server a server names. `client` makes the HTTP client that asks for metadata and tokens:
    the caller's own never sees a credential.

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
        self._client = client or fetch.client
        self._clock = clock
        self._places: dict[str, Place] = {}
        self._grants: dict[str, Grant] = {}
        self._rest: dict[str, float] = {}
        self._budgets: dict[str, Budget] = {}
        self._flights: WeakValueDictionary[str, Flight] = WeakValueDictionary()

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Serve one request of a client (httpx2). The challenge of a server is answered at most twice.

        The body of the request is read first, so that it can be sent again.
        """
        await request.aread()
        if trace.HEADER not in request.headers and (parent := trace.parent()) is not None:
            request.headers[trace.HEADER] = parent
        for left in reversed(range(_TRIES)):
            grant = await self._grant(request.url)
            if grant is not None:
                request.headers["authorization"] = f"Bearer {grant.access_token}"
            response = yield request
            if not left or response.status_code not in _REFUSED or not _answered_by(request, response):
                return
            if not await self._heeded(request.url, grant, response):
                return
            if isinstance(response.stream, httpx2.AsyncByteStream):  # httpx2 reads it to its end before it asks again
                response.stream = fetch.Shortened(response.stream)

    def sync_auth_flow(self, request: httpx2.Request) -> NoReturn:  # noqa: ARG002  (httpx2 names it)
        """Refuse: MCP clients are asynchronous, and so is this."""
        raise RuntimeError("AgentAuth works with httpx2.AsyncClient")

    async def _grant(self, url: httpx2.URL) -> Grant | None:
        """Return a token for that server that lives for a while; None while the server is not known."""
        place = self._place(url)
        if place is None:
            return None
        now, held, flight = self._clock(), self._grants.get(place.resource), self._flight(place.resource)
        if held is not None and held.fresh(now):
            return held
        if held is not None and held.alive(now) and (flight.busy or now < self._rest.get(place.resource, now)):
            return held  # it is being renewed, or that failed a moment ago
        async with flight.alone():
            return await self._renewed(place)

    async def _renewed(self, place: Place) -> Grant:
        """Return a fresh token; the old one while it lives and there is no other to be had."""
        held = self._grants.get(place.resource)
        if held is not None and held.fresh(self._clock()):
            return held
        try:
            return await self._fetched(place, self._asked(held, frozenset()))
        except AgentError:
            now = self._clock()
            if held is None or not held.alive(now):
                raise
            self._rest[place.resource] = now + _REST
            return held

    async def _heeded(self, url: httpx2.URL, grant: Grant | None, response: httpx2.Response) -> bool:
        """Do what a refusal says; tell whether asking again makes sense."""
        header = response.headers.get("www-authenticate")
        wanted = _scopes(challenge.parse(header or "").get("scope", ""))
        known = self._place(url)
        async with self._flight(known.resource if known is not None else _whole(url)).alone():
            place = self._place(url)
            held = self._grants.get(place.resource) if place is not None else None
            if response.status_code == 403:
                return place is not None and held is not None and await self._widened(place, held, grant, wanted)
            if held is not None and held is not grant:
                return True  # somebody else has been there meanwhile
            if not self._may_answer(url):
                return False
            await self._fetched(place or await self._found(url, header), self._asked(held, wanted))
            return True

    async def _widened(self, place: Place, held: Grant, grant: Grant | None, wanted: frozenset[str]) -> bool:
        """Ask for what was missing beside what is held; what cannot be had leaves the old token in place."""
        if not words.missing(held.scope, wanted):
            return held is not grant
        asked = held.scope | wanted
        if (self._scope and words.missing(self._scope, asked)) or not self._may_answer(httpx2.URL(place.resource)):
            return False
        try:
            fresh = await self._fetched(place, asked)
        except AgentError:
            return False
        return not words.missing(fresh.scope, wanted)

    def _asked(self, held: Grant | None, wanted: frozenset[str]) -> frozenset[str]:
        """Return what to ask for: what the program says, else what it held before, else what the server wants."""
        return self._scope or (held.scope if held is not None else frozenset()) or wanted

    def _place(self, url: httpx2.URL) -> Place | None:
        """Return the server that a request to `url` goes to: of several, the one with the longest resource."""
        found = [place for place in self._places.values() if flow.covers(place, str(url))]
        return max(found, key=lambda place: len(place.resource), default=None)

    def _flight(self, key: str) -> Flight:
        return self._flights.setdefault(key, Flight())

    def _may_answer(self, url: httpx2.URL) -> bool:
        now = self._clock()
        return self._budgets.setdefault(f"{url.scheme}://{url.netloc!r}", Budget(now)).take(now)

    async def _found(self, url: httpx2.URL, header: str | None) -> Place:
        place = await fetch.drive(self._client, flow.discover(str(url), header, self._identity.issuer))
        self._places[place.resource] = place
        return place

    async def _fetched(self, place: Place, scope: frozenset[str]) -> Grant:
        """Get a token. Where nobody answers who could refuse, the server is asked anew next time: it may have moved."""
        now = int(self._clock())
        try:
            asking = flow.fetch(self._identity, place, scope, now, secrets.token_urlsafe(16))
            grant = await fetch.drive(self._client, asking)
        except AgentError as error:
            held = self._grants.get(place.resource)
            if not error.code and (held is None or not held.alive(now)):
                self._places.pop(place.resource, None)
            raise
        self._grants[place.resource] = grant
        return grant


def _answered_by(request: httpx2.Request, response: httpx2.Response) -> bool:
    """Tell whether the one that was asked answered: the client may have followed a redirect elsewhere."""
    one, other = request.url, response.url
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)


def _whole(url: httpx2.URL) -> str:
    return str(url).partition("?")[0]


def _scopes(text: str) -> frozenset[str]:
    """Return the scopes that a challenge names; what cannot be scopes says nothing."""
    try:
        return words.parse(text)
    except ScopeError:
        return frozenset()


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
