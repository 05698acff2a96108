"""RFC 7662: what a token is worth at this moment. Guards may ask, each about tokens for its own server."""

from msgspec import structs

from accredit.identity.changes import SignalKind
from accredit.identity.signing_key import KeyUse
from accredit.identity.state import State
from accredit.ports.clock import Clock
from accredit.service.directory import Directory
from accredit.service.guards import Caller
from accredit.service.keyring import Keyring
from accredit_sdk import scopes as words
from accredit_sdk.claims import AccessClaims
from accredit_sdk.errors import InvalidToken, ScopeError
from accredit_sdk.verify import Verifier


class Introspection:
    """Describes access tokens, as the database knows them now."""

    def __init__(self, issuer: str, directory: Directory, keyring: Keyring, clock: Clock) -> None:
        self._issuer = issuer
        self._directory = directory
        self._keyring = keyring
        self._clock = clock

    async def describe(self, caller: Caller, token: str) -> AccessClaims | None:
        """Return the claims of a living token for the caller's server, with what it still carries as its scope.

        None: it is dead, or for another server, or no token of ours; nobody learns which. Raises StoreError.
        """
        await self._directory.catch_up()
        now = self._clock.now()
        verifier = Verifier(self._issuer, caller.server.resource)
        try:
            claims = verifier.verify(token, self._keyring.verifying(KeyUse.ACCESS), now)
            return None if claims.exp <= now // 1_000_000 else await self._today(claims, caller, now)
        except (InvalidToken, ScopeError):
            return None

    async def _today(self, claims: AccessClaims, caller: Caller, now: int) -> AccessClaims | None:
        server = self._directory.server_by_id(caller.server.id)
        principal = await self._directory.principal(claims.client_id)
        if server is None or server.state is not State.ACTIVE or principal is None:
            return None
        if not principal.client.usable(now) or self._directory.barred(principal.client):
            return None
        scopes = claims.scopes()
        for raised in await self._directory.raised_about((*claims.rev, claims.jti), claims.ver):
            if raised.kind is SignalKind.REVOKED:
                return None
            if raised.kind is SignalKind.REDUCED and raised.server == server.id:
                scopes = words.smallest(words.meet(scopes, raised.scopes))
        return structs.replace(claims, scope=words.render(scopes))
