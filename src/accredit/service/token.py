"""RFC 6749, 3.2: the token endpoint's use case. A token leaves only after its audit record is durable."""

from dataclasses import dataclass

from accredit.identity.server import Server
from accredit.identity.signing_key import KeyUse
from accredit.oauth import client_credentials, resource
from accredit.oauth.client_auth import Presented
from accredit.oauth.client_credentials import Facts, Issue
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.oauth.outcome import Lost, Outcome
from accredit.oauth.token_request import TokenRequest
from accredit.ports.journal import Overloaded, StoreError, WriterStopped
from accredit.service.changes import Changes
from accredit.service.keyring import Keyring
from accredit.service.throttle import Throttle
from accredit.service.usage import Usage
from accredit_sdk import claims as access
from accredit_sdk import jws


@dataclass(frozen=True, slots=True)
class Token:
    """A signed access token and what the answer says about it. `expires_in` is in seconds (RFC 6749, 5.1)."""

    access_token: str
    scope: str
    expires_in: int
    decision: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal with the id under which the audit log has its reason; `retry_after` is in seconds, or None."""

    refusal: Refusal
    decision: str
    retry_after: int | None = None


class TokenService:
    """Issues tokens."""

    def __init__(
        self, issuer: str, changes: Changes, keyring: Keyring, usage: Usage, throttle: Throttle, since: int = 0
    ) -> None:
        self._issuer = issuer
        self._since = since
        self._directory = changes.directory
        self._journal = changes.journal
        self._clock = changes.clock
        self._ids = changes.ids
        self._keyring = keyring
        self._usage = usage
        self._throttle = throttle

    async def issue(self, request: TokenRequest, address: str) -> Token | Refused:
        """Answer a token request that came from `address`."""
        decision = self._ids.new("decision")
        if request.grant_type != client_credentials.GRANT_TYPE:
            text = "grant_type must be client_credentials"
            return Refused(Refusal(ErrorCode.UNSUPPORTED_GRANT_TYPE, text, text), decision)
        if self._throttle.blocked(address, request.client.client_id):
            return Refused(_slow_down(request.client), decision, retry_after=60)
        try:
            return await self._decided(request, address, decision)
        except (Overloaded, StoreError, WriterStopped) as error:
            text = "the server cannot record decisions at the moment; try again shortly"
            return Refused(Refusal(ErrorCode.TEMPORARILY_UNAVAILABLE, text, type(error).__name__), decision, 1)

    async def _decided(self, request: TokenRequest, address: str, decision: str) -> Token | Refused:
        await self._directory.confirm()
        principal = await self._directory.principal(request.client.client_id)
        facts = Facts(
            issuer=self._issuer,
            principal=principal,
            server=self._server(request.resources),
            roles=self._directory.held(principal) if principal is not None else (),
            version=self._directory.cursor,
            decision=decision,
            jti=self._ids.new("token"),
            since=self._since,
            barred=principal is not None and self._directory.barred(principal.client),
        )
        outcome = client_credentials.decide(request, facts, self._clock.now())
        answer = await self._committed(outcome, request, facts)
        if isinstance(answer, Refused) and answer.refusal.code is ErrorCode.INVALID_CLIENT:
            self._throttle.failed(address, request.client.client_id)
        if isinstance(answer, Token) and isinstance(outcome.answer, Issue):
            self._usage.note(outcome.answer.credential, address, self._clock.now())
        return answer

    def _server(self, resources: tuple[str, ...]) -> Server | None:
        """Return the server that the client named: at once when it wrote the canonical form (RFC 8707, 2)."""
        if len(resources) == 1 and (known := self._directory.by_resource(resources[0])) is not None:
            return known
        target = resource.target(resources)
        return self._directory.by_resource(target) if isinstance(target, str) else None

    async def _committed(
        self, outcome: Outcome[Issue | Refusal], request: TokenRequest, facts: Facts
    ) -> Token | Refused:
        durable = self._journal.submit(outcome)
        answer = self._signed(outcome.answer, facts.decision)
        if isinstance(await durable, Lost):
            lost = client_credentials.on_lost(request, facts)
            await self._journal.submit(lost)
            return self._signed(lost.answer, facts.decision)
        return answer

    def _signed(self, answer: Issue | Refusal, decision: str) -> Token | Refused:
        if isinstance(answer, Refusal):
            return Refused(answer, decision)
        claims = answer.claims
        token = jws.sign(self._keyring.signing(KeyUse.ACCESS), access.ACCESS_TOKEN_TYPE, access.encode(claims))
        return Token(token, claims.scope, claims.exp - claims.iat, decision)


def _slow_down(client: Presented) -> Refusal:
    text = "too many failed attempts from this address; wait a minute"
    return Refusal(ErrorCode.SLOW_DOWN, text, f"throttled, method {client.method.value}")
