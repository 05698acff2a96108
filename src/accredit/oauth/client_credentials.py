"""RFC 6749, 4.4: the client credentials grant. The subject is the client itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accredit.audit.events import TokenIssued, TokenRefused
from accredit.identity.client import ClientKind
from accredit.identity.credential import Credential
from accredit.identity.management import MANAGEMENT_SERVER
from accredit.identity.principal import Principal
from accredit.identity.role import HeldRole, ceiling, lasts_until
from accredit.identity.rule import Factor, Grant, narrow
from accredit.identity.server import GUARD_SCOPES, GUARD_SERVER, Server
from accredit.identity.state import State
from accredit.oauth import resource, tokens
from accredit.oauth.client_auth import Authenticated, authenticate
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.oauth.outcome import Outcome
from accredit.oauth.token_request import TokenRequest
from accredit_sdk import scopes as words
from accredit_sdk.claims import AccessClaims

GRANT_TYPE: Final = "client_credentials"
"""The value of `grant_type` (RFC 6749, 4.4.2)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision depends on. `server` is the one with the resource asked for, or None.

    `roles` are those of the client; `version` is the last signal that the facts contain; `decision` and `jti` are
    fresh ids. Nothing from before `since`, the beginning of the epoch, counts (microseconds UTC). `barred` tells that
    the client's software is denied to everybody.
    """

    issuer: str
    principal: Principal | None
    server: Server | None
    roles: tuple[HeldRole, ...]
    version: int
    decision: str
    jti: str
    since: int = 0
    barred: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """A token to sign; `credential` (an id) proved who gets it."""

    claims: AccessClaims
    decision: str
    credential: str


class Obstacle(StrEnum):
    """What keeps a client that proved who it is from a token."""

    CLIENT = "client"
    """It is suspended or at its end, or what it would get would end at once."""
    SOFTWARE = "software"
    """Its software is denied to everybody."""
    SERVER = "server"
    """No such server, or one that is suspended or closed to it."""
    SCOPES = "scopes"
    """The rule left nothing, or more than a token can carry."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What the rule makes of a request: the claims of a token and its server, or the obstacle. `grant` says why."""

    claims: AccessClaims | None = None
    server: Server | None = None
    obstacle: Obstacle | None = None
    grant: Grant | None = None


def decide(request: TokenRequest, facts: Facts, now: int) -> Outcome[Issue | Refusal]:
    """Decide about a client credentials request at `now` (microseconds UTC).

    Whatever the answer to a client that proved who it is: the assertion that it used is used up.
    """
    proved = authenticate(request.client, facts.principal, facts.issuer, now, facts.since)
    if isinstance(proved, Refusal):
        return refused(request, facts, proved)
    ruled = rule(request.scope, facts, proved.credential, now)
    if ruled.claims is None or ruled.server is None or ruled.grant is None:
        return refused(request, facts, _refusal(request, ruled), ruled.grant, proved)
    return _issued(request, facts, ruled.server, proved, ruled.grant, ruled.claims)


def rule(scope: frozenset[str] | None, facts: Facts, credential: Credential, now: int) -> Ruled:
    """Apply the rule to what a client asks for that proved who it is with `credential`; without it for what is usual.

    This is all of the decision but the proof: whoever asks what would be decided asks here.
    """
    principal, server = facts.principal, facts.server
    if principal is None or not principal.client.usable(now):
        return Ruled(obstacle=Obstacle.CLIENT)
    if facts.barred:
        return Ruled(obstacle=Obstacle.SOFTWARE)
    if server is None or not reachable(server, principal.client.kind, facts.roles, now):
        return Ruled(obstacle=Obstacle.SERVER)
    grant = _grant(scope, facts, server, principal.client.kind, now)
    if not grant.scopes or not tokens.fits(grant.scopes):
        return Ruled(obstacle=Obstacle.SCOPES, grant=grant)
    claims = _claims(facts, principal, server, credential, grant, now)
    if claims.exp <= claims.iat:
        return Ruled(obstacle=Obstacle.CLIENT, grant=grant)
    return Ruled(claims, server, grant=grant)


def reachable(server: Server, kind: ClientKind, roles: tuple[HeldRole, ...], now: int) -> bool:
    """Tell whether such a client can get tokens for the server at all.

    The built-in servers are closed: the guard API to all but guards, who get tokens for nothing else; the management
    API to all who hold no role on it, and only the local administrator gives such a role.
    """
    if server.state is not State.ACTIVE:
        return False
    if kind is ClientKind.GUARD:
        return server.builtin and server.slug == GUARD_SERVER
    if not server.builtin:
        return True
    return server.slug == MANAGEMENT_SERVER and bool(ceiling(roles, server.id, now))


def _grant(scope: frozenset[str] | None, facts: Facts, server: Server, kind: ClientKind, now: int) -> Grant:
    requested = server.default_scopes if scope is None else scope
    roles = GUARD_SCOPES if kind is ClientKind.GUARD else ceiling(facts.roles, server.id, now)
    return narrow(requested, ((Factor.SERVER, server.words()), (Factor.CLIENT_ROLES, roles)))


def _refusal(request: TokenRequest, ruled: Ruled) -> Refusal:
    if ruled.obstacle is Obstacle.SERVER:
        return _no_target(request)
    if ruled.obstacle is Obstacle.SCOPES and ruled.grant is not None:
        return _wrong_amount(request, ruled.grant)
    denied = ruled.obstacle is Obstacle.SOFTWARE
    return _ended("the software of the client is denied to everybody" if denied else "client suspended or at its end")


def _ended(reason: str) -> Refusal:
    return Refusal(ErrorCode.INVALID_GRANT, "this client may not get tokens now", reason)


def _no_target(request: TokenRequest) -> Refusal:
    named = resource.target(request.resources)
    if isinstance(named, Refusal):
        return named
    text = "this resource is not a server that this client can ask for"
    return Refusal(ErrorCode.INVALID_TARGET, text, "unknown, suspended or closed server")


def _wrong_amount(request: TokenRequest, grant: Grant) -> Refusal:
    if grant.scopes:
        text = "these are more scopes than a token can carry; ask for fewer"
        return Refusal(ErrorCode.INVALID_SCOPE, text, f"the rule left {len(grant.scopes)} scopes")
    if request.scope is None:
        text = "no scope was asked for, and none of the server's default scopes is in this client's roles"
    else:
        text = "none of the requested scopes is both a scope of this server and in this client's roles"
    return Refusal(ErrorCode.INVALID_SCOPE, text, "the rule left nothing")


def _claims(
    facts: Facts, principal: Principal, server: Server, credential: Credential, grant: Grant, now: int
) -> AccessClaims:
    claims = tokens.own_behalf(
        issuer=facts.issuer,
        client=principal.client,
        credential=credential,
        server=server,
        scope=words.render(grant.scopes),
        jti=facts.jti,
        version=facts.version,
        now=now,
    )
    if principal.client.kind is ClientKind.GUARD:
        return claims
    return tokens.ending(claims, lasts_until(facts.roles, server.id, grant.scopes, now))


def _issued(
    request: TokenRequest, facts: Facts, server: Server, proved: Authenticated, grant: Grant, claims: AccessClaims
) -> Outcome[Issue | Refusal]:
    event = TokenIssued(
        decision=facts.decision,
        server=server.id,
        subject=claims.sub,
        client=proved.credential.client,
        client_id=claims.client_id,
        credential=proved.credential.id,
        grant_type=GRANT_TYPE,
        jti=claims.jti,
        requested=request.scope or frozenset(),
        scopes=grant.scopes,
        removed=grant.removed,
        expires=claims.exp,
        version=claims.ver,
    )
    return Outcome(Issue(claims, facts.decision, proved.credential.id), claims=proved.claims, events=(event,))


def refused(
    request: TokenRequest,
    facts: Facts,
    refusal: Refusal,
    grant: Grant | None = None,
    proved: Authenticated | None = None,
) -> Outcome[Issue | Refusal]:
    """Return the outcome that records `refusal` and gives it as the answer.

    `proved` is the client's authentication, if it came so far. Without it, the client in the record is only who the
    request claimed to come from.
    """
    event = TokenRefused(
        decision=facts.decision,
        server=facts.server.id if facts.server is not None else None,
        client=facts.principal.client.id if facts.principal is not None else None,
        client_id=request.client.client_id[:256],
        grant_type=GRANT_TYPE,
        error=refusal.code.value,
        reason=refusal.reason,
        requested=request.scope or frozenset(),
        removed=grant.removed if grant is not None else (),
    )
    return Outcome(refusal, claims=proved.claims if proved is not None else (), events=(event,))


def on_lost(request: TokenRequest, facts: Facts) -> Outcome[Issue | Refusal]:
    """Decide what follows when the assertion's `jti` had been used before, here or on another node."""
    text = "client authentication failed"
    return refused(request, facts, Refusal(ErrorCode.INVALID_CLIENT, text, "the assertion was used before"))
