"""RFC 7009: the use case of the revocation endpoint. The answer leaves when guards are about to hear."""

from dataclasses import dataclass
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from accredit.identity.signing_key import KeyUse
from accredit.oauth import revocation
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.oauth.outcome import Lost, Outcome
from accredit.oauth.revocation import Facts, RevocationRequest
from accredit.ports.journal import Overloaded, StoreError, WriterStopped
from accredit.service.changes import Changes
from accredit.service.keyring import Keyring
from accredit.service.throttle import Throttle
from accredit_sdk import claims as access
from accredit_sdk import jws
from accredit_sdk.claims import AccessClaims
from accredit_sdk.errors import InvalidToken
from accredit_sdk.verify import Verifier

REVOCATIONS_PER_MINUTE: Final = 60
"""Living tokens that one client may give back within a minute: every guard hears of each."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What is answered: nothing (the token is dead) or a refusal; `retry_after` is in seconds, or None."""

    refusal: Refusal | None
    decision: str
    retry_after: int | None = None


class RevocationService:
    """Revokes tokens for the clients that they were issued to."""

    def __init__(self, issuer: str, changes: Changes, keyring: Keyring, throttle: Throttle, since: int = 0) -> None:
        self._issuer = issuer
        self._changes = changes
        self._keyring = keyring
        self._since = since
        self._throttle = throttle
        self._verifier = Verifier(issuer, "")
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._allowed = RateLimitItemPerMinute(REVOCATIONS_PER_MINUTE)

    async def revoke(self, request: RevocationRequest, address: str) -> Answered:
        """Answer a request that came from `address`."""
        decision = self._changes.ids.new("decision")
        name = request.client.client_id
        if self._throttle.blocked(address, name):
            text = "too many failed attempts from this address; wait a minute"
            return Answered(Refusal(ErrorCode.SLOW_DOWN, text, "throttled"), decision, 60)
        if not self._limiter.test(self._allowed, name):
            text = "this client gave too many tokens back; wait a minute, or let them end by themselves"
            return Answered(Refusal(ErrorCode.SLOW_DOWN, text, "too many revocations"), decision, 60)
        try:
            answer = await self._decided(request, decision)
        except (Overloaded, StoreError, WriterStopped) as error:
            text = "the server cannot record decisions at the moment; try again shortly"
            return Answered(Refusal(ErrorCode.TEMPORARILY_UNAVAILABLE, text, type(error).__name__), decision, 1)
        if answer is not None and answer.code is ErrorCode.INVALID_CLIENT:
            self._throttle.failed(address, name)
        return Answered(answer, decision)

    async def _decided(self, request: RevocationRequest, decision: str) -> Refusal | None:
        directory = self._changes.directory
        await directory.confirm()
        claims = await self._living(request.token)
        facts = Facts(
            issuer=self._issuer,
            principal=await directory.principal(request.client.client_id),
            claims=claims,
            server=directory.by_resource(claims.aud) if claims is not None else None,
            decision=decision,
            since=self._since,
        )
        return await self._committed(revocation.decide(request, facts, self._changes.clock.now()), request, facts)

    async def _committed(
        self, outcome: Outcome[Refusal | None], request: RevocationRequest, facts: Facts
    ) -> Refusal | None:
        journal = self._changes.journal
        if isinstance(await journal.submit(outcome), Lost):
            outcome = revocation.on_lost(request, facts)
            await journal.submit(outcome)
        if outcome.signals:
            self._limiter.hit(self._allowed, request.client.client_id)
            await self._changes.directory.catch_up()
        return outcome.answer

    async def _living(self, token: str) -> AccessClaims | None:
        """Return what an access token of ours says that nobody has revoked yet, and that may still be let in."""
        keys = self._keyring.verifying(KeyUse.ACCESS)
        try:
            claims = access.decode(jws.verify(token, keys, access.ACCESS_TOKEN_TYPE))
            self._verifier.check_time(claims, self._changes.clock.now())
        except InvalidToken:
            return None
        dead = await self._changes.directory.revoked((*claims.rev, claims.jti), claims.ver)
        return None if dead or claims.iss != self._issuer else claims
