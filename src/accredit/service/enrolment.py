"""RFC 7523: how a guard gets its identity: a one-time code, exchanged for a key that the guard made itself."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accredit.audit.events import EnrolmentRefused, GuardEnrolled
from accredit.identity.changes import AddClient, AddCredential, AddEnrolment, Signal, SignalKind, TakeEnrolment
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential, CredentialKind, public_key
from accredit.identity.guard import CODE_LIFETIME, Enrolment, code_digest
from accredit.identity.principal import Principal
from accredit.identity.server import Server
from accredit.identity.slug import SlugError, slug
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.ports.enrolments import Enrolments
from accredit.ports.randomness import Randomness
from accredit.service.changes import Changes
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, not_found, taken
from accredit.service.throttle import Throttle

CODE_PREFIX: Final = "ace_"
"""Every enrolment code begins so, that a scanner for leaked secrets can tell."""

_THROTTLED_AS: Final = "enrolment"
_ATTEMPTS: Final = 2
"""The second one finds what a rival has made of the code."""


@dataclass(frozen=True, slots=True, repr=False)
class Invitation:
    """An enrolment with its code, which is shown this once. The code works for 15 minutes, once."""

    enrolment: Enrolment
    code: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A guard that has just been enrolled, and the server that it guards."""

    client: Client
    server: Server


class EnrolmentService:
    """Invites guards and enrols them."""

    def __init__(self, changes: Changes, enrolments: Enrolments, clients: Clients, randomness: Randomness) -> None:
        self._changes = changes
        self._enrolments = enrolments
        self._clients = clients
        self._randomness = randomness
        self._throttle = Throttle(changes.clock)

    async def offer(
        self, server_slug: str, name: str | None, by: str, once: Once[Invitation] | None = None
    ) -> Invitation:
        """Make a one-time code for one guard of that server. Raises Problem."""
        server = self._changes.directory.server(server_slug)
        if server is None:
            raise not_found("server", server_slug)
        if server.builtin:
            raise Problem(ProblemCode.FORBIDDEN, f"{server_slug} is built in and needs no guard")
        chosen = self._name(server, name)
        if await self._clients.by_slug(ClientKind.GUARD, chosen) is not None:
            raise taken("guard", chosen)
        code = CODE_PREFIX + _text(self._randomness.bytes(32))
        now = self._changes.clock.now()
        enrolment = Enrolment(
            id=self._changes.ids.new("enrolment"),
            server=server.id,
            slug=chosen,
            code_digest=code_digest(code),
            created_at=now,
            expires_at=now + CODE_LIFETIME,
        )
        event = self._changes.event("guard.invite", enrolment.id, by, f"guard {chosen} of {server_slug}", server.id)
        made = Invitation(enrolment, code)
        outcome = Outcome(made, (), (AddEnrolment(enrolment),), (event,))
        await self._changes.commit(outcome, taken("guard", chosen), once)
        return made

    def _name(self, server: Server, name: str | None) -> str:
        if name is None:
            return (
                f"{server.slug[:56].rstrip('-')}-{base64.b32hexencode(self._randomness.bytes(5)).decode().lower()[:6]}"
            )
        try:
            return slug(name)
        except SlugError as error:
            raise Problem(ProblemCode.INVALID, str(error)) from error

    async def enrol(self, code: str, jwk: Mapping[str, Any], address: str) -> Enrolled:
        """Exchange a code for an identity with the public key `jwk`. Raises Problem; a bad key costs no code.

        Who comes again with the code and the key that it went to gets the same identity, as long as the code lives: the
        first answer may have been lost on its way, and there is no secret in it.
        """
        if self._throttle.blocked(address, _THROTTLED_AS):
            raise Problem(ProblemCode.UNAVAILABLE, "too many wrong codes from this address; wait a minute")
        material = _public_key(jwk)
        now = self._changes.clock.now()
        for _ in range(_ATTEMPTS):
            enrolment = await self._enrolments.by_code(code_digest(code))
            if enrolment is None or not enrolment.open(now):
                return await self._before(enrolment, material, now, address)
            server = self._changes.directory.server_by_id(enrolment.server)
            if server is None:
                raise Problem(ProblemCode.GONE, "the server of this code is not registered any more")
            found = await self._take(enrolment, server, material, now)
            if found is not None:
                return found
        raise _gone()

    async def _before(self, enrolment: Enrolment | None, material: bytes, now: int, address: str) -> Enrolled:
        """Return the guard that got this code with this key, while the code lives. Raises Problem: none did."""
        if enrolment is not None and now < enrolment.expires_at:
            found = await self._clients.by_slug(ClientKind.GUARD, enrolment.slug)
            server = self._changes.directory.server_by_id(enrolment.server)
            if found is not None and server is not None and _same(found, server, material, now):
                return Enrolled(found.client, server)
        self._throttle.failed(address, _THROTTLED_AS)
        event = EnrolmentRefused(
            decision=self._changes.ids.new("decision"),
            server=enrolment.server if enrolment is not None else None,
            reason="unknown code" if enrolment is None else "code used or expired",
        )
        await self._changes.commit(Outcome(None, events=(event,)), _gone())
        raise _gone()

    async def _take(self, enrolment: Enrolment, server: Server, material: bytes, now: int) -> Enrolled | None:
        identity = self._changes.ids.new("guard")
        client = Client(
            id=identity,
            client_id=identity,
            kind=ClientKind.GUARD,
            slug=enrolment.slug,
            name=enrolment.slug,
            created_at=now,
            servers=frozenset({server.id}),
        )
        credential = Credential(
            id=self._changes.ids.new("credential"),
            client=identity,
            kind=CredentialKind.PUBLIC_KEY,
            material=material,
            created_at=now,
        )
        event = GuardEnrolled(
            decision=self._changes.ids.new("decision"), server=server.id, guard=identity, credential=credential.id
        )
        claims = (TakeEnrolment(enrolment.id, now), AddClient(client))
        heard = (Signal(SignalKind.CLIENT, identity),)
        outcome = Outcome(client, claims, (AddCredential(credential),), (event,), heard)
        return Enrolled(client, server) if await self._changes.attempt(outcome) is None else None


def _same(guard: Principal, server: Server, material: bytes, now: int) -> bool:
    """Tell whether a guard is one of that server, and this is its key."""
    known = any(item.material == material and item.usable(now) for item in guard.credentials)
    return known and guard.client.usable(now) and guard.client.servers == frozenset({server.id})


def _gone() -> Problem:
    text = "this enrolment code is unknown, was used, or has expired; get a new one with: accredit guard enrol SERVER"
    return Problem(ProblemCode.GONE, text)


def _public_key(jwk: Mapping[str, Any]) -> bytes:
    if jwk.get("kty") != "EC":
        raise Problem(ProblemCode.INVALID, "a guard's key must be an ES256 key (EC, P-256)")
    try:
        return public_key(jwk)
    except (ValueError, TypeError) as error:
        raise Problem(ProblemCode.INVALID, f"the key is not usable: {error}") from error


def _text(random: bytes) -> str:
    return base64.urlsafe_b64encode(random).decode("ascii").rstrip("=")
