"""RFC 9068, 4: the check of the tokens with which administrators and auditors come to the management API."""

from accredit.identity.client import ClientKind
from accredit.identity.management import Authority
from accredit.identity.role import ceiling
from accredit.identity.signing_key import KeyUse
from accredit.service.changes import Changes
from accredit.service.deployment import management_resource
from accredit.service.keyring import Keyring
from accredit.service.refusals import Refusals
from accredit_sdk import scopes as words
from accredit_sdk.errors import InvalidToken
from accredit_sdk.verify import Verifier


class NoAuthority(Exception):
    """The token gives nobody any authority over the management API; the text is for the operator."""


class Management:
    """Recognises administrators and auditors by their tokens."""

    def __init__(self, issuer: str, changes: Changes, keyring: Keyring) -> None:
        self.resource = management_resource(issuer)
        self._directory = changes.directory
        self._keyring = keyring
        self._clock = changes.clock
        self._refusals = Refusals(changes)
        self._verifier = Verifier(issuer, self.resource)

    async def authenticate(self, token: str) -> Authority:
        """Return what the holder of this access token may do: what the token says, as far as it is still true.

        Raises NoAuthority, once that is recorded, and StoreError when this node cannot confirm that it knows the latest
        state.
        """
        try:
            return await self._authority(token)
        except NoAuthority as error:
            await self._refusals.unknown(str(error))
            raise

    async def _authority(self, token: str) -> Authority:
        now = self._clock.now()
        try:
            claims = self._verifier.verify(token, self._keyring.verifying(KeyUse.ACCESS), now)
        except InvalidToken as error:
            raise NoAuthority(error.problem.value) from None
        await self._directory.confirm()
        principal = await self._directory.principal(claims.client_id)
        if principal is None or principal.client.kind is ClientKind.GUARD or not principal.client.usable(now):
            raise NoAuthority("not a client that could administer, or suspended")
        if self._directory.barred(principal.client):
            raise NoAuthority("its software is denied to everybody")
        if not any(item.usable(now) and item.id in claims.rev for item in principal.credentials):
            raise NoAuthority("the credential is not alive")
        if await self._directory.revoked((*claims.rev, claims.jti), claims.ver):
            raise NoAuthority("the token was revoked")
        server = self._directory.by_resource(self.resource)
        if server is None or not server.builtin:
            raise NoAuthority("there is no management server")
        held = ceiling(self._directory.held(principal), server.id, now)
        scopes = words.smallest(words.meet(claims.scopes(), held))
        if not scopes:
            raise NoAuthority("no built-in role is held any more")
        return Authority(principal.client.id, scopes)
