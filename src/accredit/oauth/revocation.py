"""RFC 7009: a client gives a token back. Only its own: whatever else it names, nothing is revoked."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accredit.audit.events import RevocationRefused, TokenRevoked
from accredit.identity.changes import Signal, SignalKind
from accredit.identity.principal import Principal
from accredit.identity.server import Server
from accredit.oauth import parameters
from accredit.oauth.client_auth import Authenticated, Presented, authenticate, presented
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.oauth.outcome import Outcome
from accredit_sdk.claims import AccessClaims

_KNOWN: Final = parameters.CLIENT | {"token", "token_type_hint"}


@dataclass(frozen=True, slots=True, repr=False)
class RevocationRequest:
    """A revocation request whose form is sound. The hint is not needed: a token says itself what it is."""

    token: str
    client: Presented


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision depends on.

    `claims` are those of the token, None when it is none of ours or is over; `server` is whom it is for. Nothing from
    before `since`, the beginning of the epoch, counts (microseconds UTC).
    """

    issuer: str
    principal: Principal | None
    claims: AccessClaims | None
    server: Server | None
    decision: str
    since: int = 0


def parse(pairs: Iterable[tuple[str, str]], authorization: str | None) -> RevocationRequest | Refusal:
    """Read the decoded form fields and the Authorization header of a request (RFC 7009, 2.1)."""
    found = parameters.read(pairs, _KNOWN)
    if isinstance(found, Refusal):
        return found
    form, _ = found
    if "token" not in form:
        return parameters.invalid("token is missing")
    client = presented(authorization, form)
    return client if isinstance(client, Refusal) else RevocationRequest(form["token"], client)


def decide(request: RevocationRequest, facts: Facts, now: int) -> Outcome[Refusal | None]:
    """Decide about a revocation at `now` (microseconds UTC); None as the answer: the token is dead (RFC 7009, 2.2).

    Whatever the answer to a client that proved who it is: the assertion that it used is used up.
    """
    proved = authenticate(request.client, facts.principal, facts.issuer, now, facts.since)
    if isinstance(proved, Refusal):
        return refused(request, facts, proved)
    claims = facts.claims
    if claims is None:
        return Outcome(None, claims=proved.claims)
    if facts.principal is None or claims.client_id != facts.principal.client.client_id:
        text = "the token was not issued to this client"
        return refused(request, facts, Refusal(ErrorCode.INVALID_GRANT, text, text), proved)
    event = TokenRevoked(
        decision=facts.decision,
        server=facts.server.id if facts.server is not None else None,
        client=facts.principal.client.id,
        client_id=claims.client_id,
        jti=claims.jti,
    )
    return Outcome(None, proved.claims, (), (event,), (Signal(SignalKind.REVOKED, claims.jti),))


def refused(
    request: RevocationRequest, facts: Facts, refusal: Refusal, proved: Authenticated | None = None
) -> Outcome[Refusal | None]:
    """Return the outcome that records `refusal` and gives it as the answer."""
    event = RevocationRefused(
        decision=facts.decision,
        client=facts.principal.client.id if facts.principal is not None else None,
        client_id=request.client.client_id[:256],
        error=refusal.code.value,
        reason=refusal.reason,
    )
    return Outcome(refusal, claims=proved.claims if proved is not None else (), events=(event,))


def on_lost(request: RevocationRequest, facts: Facts) -> Outcome[Refusal | None]:
    """Decide what follows when the assertion's `jti` had been used before, here or on another node."""
    text = "client authentication failed"
    return refused(request, facts, Refusal(ErrorCode.INVALID_CLIENT, text, "the assertion was used before"))
