"""What the guard says to Accredit: enrolment, and `/guard/v1` with a token of its own (RFC 6749, 4.4, RFC 7523)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from accredit_sdk import assertion, ids, jws, keys, resource
from accredit_sdk.guard import sse
from accredit_sdk.guard.fetch import Fetch, Reply, Stream, Unreachable
from accredit_sdk.guard.identity import Identity
from accredit_sdk.guard.moment import Clock, Dice

_SCOPE: Final = "policy records signals"
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
_EARLY: Final = 30_000_000
_AGAIN: Final = frozenset({408, 425, 429})
_NO_STREAM: Final = frozenset({404, 405, 406})
_JSON: Final = "application/json"
_LINES: Final = "application/x-ndjson"
_EVENTS: Final = "text/event-stream"
_LONGEST_EVENT: Final = 65_536
_BEATS: Final = 3
"""So many beats may fail to come before a stream counts as broken."""
_BEGINS_WITHIN: Final = 3.0


T = TypeVar("T")


class Rejected(Exception):
    """Accredit answered, and said no: `status` and the error code of its answer, for the operator's log."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error


class NotAdmitted(Rejected):
    """Accredit gives this guard no token any more: it was suspended, or its key was replaced."""


class NoStream(Unreachable):
    """Signals do not come as a stream from here: nobody offers one, or something on the way holds it back."""


class Delivery(msgspec.Struct, frozen=True):
    """What Accredit made of a delivery of records: where the chain stands there, and whether this went in."""

    chain: str
    seq: int
    taken: bool
    hash: bytes = b""
    """The link at `seq`, when the delivery did not fit."""


class Authority:
    """Accredit as its guard sees it. One token is kept and renewed in time."""

    def __init__(self, identity: Identity, fetch: Fetch, clock: Clock, dice: Dice) -> None:
        self._identity = identity
        self._fetch = fetch
        self._clock = clock
        self._dice = dice
        self._base = f"{identity.issuer}/guard/v1"
        self._token = ""
        self._until = 0

    async def snapshot(self) -> bytes:
        """Return the signed snapshot (a compact JWS). Raises Unreachable, Rejected."""
        return (await self._call("GET", f"{self._base}/snapshot")).body

    async def changes(self, after: int, wait: int = 0) -> bytes:
        """Return the signed page of what happened after the signal numbered `after`. Raises Unreachable, Rejected.

        While there is nothing, Accredit may take `wait` seconds to say so.
        """
        held = f"&wait={wait}" if wait else ""
        return (await self._call("GET", f"{self._base}/changes?after={after}{held}")).body

    @asynccontextmanager
    async def signals(self, after: int, beat: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the stream of signed signals behind the one numbered `after`, with a beat every `beat` seconds.

        Raises Unreachable, Rejected; NoStream when there is no such stream to be had.
        """
        url = f"{self._base}/stream?after={after}&beat={beat}"
        for first in (True, False):
            headers = {"authorization": f"Bearer {await self._access()}", "accept": _EVENTS}
            async with self._fetch.stream(url, headers, beat * _BEATS) as found:
                if first and found.status == 401:
                    self._until = 0
                    continue
                if found.status in _NO_STREAM or (found.status == 200 and found.kind != _EVENTS):
                    raise NoStream(f"status {found.status} {found.kind}")
                if found.status != 200:
                    raise _refusal(Reply(found.status, await _short(found)))
                yield _tokens(found)
                return

    async def deliver(self, lines: bytes) -> Delivery:
        """Hand records over, one a line, consecutive and of one chain. Raises Unreachable, Rejected (it never will)."""
        reply = await self._call("POST", f"{self._base}/records", lines, also=409, kind=_LINES)
        stand = _decoded(reply, _Stand)
        try:
            return Delivery(stand.chain, stand.seq, reply.status != 409, bytes.fromhex(stand.hash))
        except ValueError:
            raise Unreachable("an answer that cannot be read") from None

    async def acknowledge(self, said: bytes) -> None:
        """Say what this process has applied (JSON). Raises Unreachable, Rejected."""
        await self._call("POST", f"{self._base}/ack", said, also=204, kind=_JSON)

    async def _call(self, method: str, url: str, content: bytes = b"", also: int = 200, kind: str = "") -> Reply:
        reply = await self._once(method, url, content, kind)
        if reply.status == 401:
            self._until = 0
            reply = await self._once(method, url, content, kind)
        if reply.status not in (200, also):
            raise _refusal(reply)
        return reply

    async def _once(self, method: str, url: str, content: bytes, kind: str) -> Reply:
        headers = {"authorization": f"Bearer {await self._access()}"}
        if content:
            headers["content-type"] = kind
        return await self._fetch.send(method, url, headers, content)

    async def _access(self) -> str:
        now = self._clock()
        if now >= self._until:
            jti = ids.encode("tok_", now // 1000, self._dice.take(ids.RANDOM_BYTES))
            form = {
                "grant_type": "client_credentials",
                "resource": self._identity.audience,
                "scope": _SCOPE,
                "client_assertion_type": assertion.PARAMETER,
                "client_assertion": self._identity.assertion(now, jti),
            }
            reply = await self._fetch.send("POST", self._identity.token_endpoint, _FORM, urlencode(form).encode())
            if reply.status != 200:
                error = _refusal(reply)
                raise NotAdmitted(error.status, error.error) if isinstance(error, Rejected) else error
            found = _decoded(reply, _Token)
            self._token = found.access_token
            self._until = now + max(found.expires_in * 1_000_000 - _EARLY, 0)
        return self._token


async def enrol(fetch: Fetch, issuer: str, code: str, key: jws.SigningKey) -> Identity:
    """Exchange a one-time code for an identity with `key`, which is our own. Raises Unreachable, Rejected."""
    body = msgspec.json.encode({"code": code, "jwk": keys.public_jwk(key.verifying())})
    reply = await fetch.send("POST", f"{issuer}/guard/v1/enrol", {"content-type": "application/json"}, body)
    if reply.status != 201:
        raise _refusal(reply)
    found = _decoded(reply, _Enrolled)
    if found.issuer != issuer or urlsplit(found.token_endpoint)[:2] != urlsplit(issuer)[:2]:
        raise Rejected(reply.status, "the answer names another issuer")
    if not resource.same(found.server.resource, found.server.resource) or not found.signal_keys:
        raise Rejected(reply.status, "the answer names no resource, or no key")
    return Identity(
        found.client_id,
        issuer,
        found.token_endpoint,
        found.resource,
        found.server.id,
        found.server.resource,
        tuple(found.signal_keys),
        key,
    )


async def _tokens(found: Stream) -> AsyncIterator[bytes]:
    """Yield the data of each event. A stream that does not begin at once is held back by something on the way."""
    events, pieces = sse.Splitter(_LONGEST_EVENT), aiter(found.pieces)
    try:
        async with asyncio.timeout(_BEGINS_WITHIN):
            piece = await anext(pieces, b"")
    except TimeoutError:
        raise NoStream("a stream that does not begin") from None
    while piece:
        try:
            heard = events.feed(piece)
        except sse.TooLong:
            raise Unreachable("an event that is too long") from None
        for event in heard:
            if event.data:
                yield event.data
        piece = await anext(pieces, b"")


async def _short(found: Stream) -> bytes:
    """Return the beginning of an answer: enough for the code of an error."""
    body = bytearray()
    async for piece in found.pieces:
        body += piece
        if len(body) > _LONGEST_EVENT:
            break
    return bytes(body)


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int


class _Stand(msgspec.Struct):
    chain: str
    seq: int
    hash: str = ""


class _Server(msgspec.Struct):
    id: str
    resource: str


class _Enrolled(msgspec.Struct):
    client_id: str
    issuer: str
    token_endpoint: str
    resource: str
    server: _Server
    signal_keys: list[dict[str, Any]]


class _Error(msgspec.Struct):
    """The code of an OAuth error, or of an RFC 9457 problem."""

    error: str = ""
    code: str = ""
    title: str = ""


def _decoded(reply: Reply, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Unreachable("an answer that cannot be read") from None


def _refusal(reply: Reply) -> Rejected | Unreachable:
    if reply.status >= 500 or reply.status in _AGAIN or reply.status < 400:
        return Unreachable(f"status {reply.status}")
    try:
        found = msgspec.json.decode(reply.body, type=_Error)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        found = _Error()
    text = found.error or found.code or found.title
    return Rejected(reply.status, text[:64] if text.isprintable() else "")
