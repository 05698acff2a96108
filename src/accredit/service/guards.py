"""Guards under management, and the check of the tokens that they come with."""

from dataclasses import dataclass
from typing import Final

from accredit.identity.client import Client, ClientKind
from accredit.identity.principal import Principal
from accredit.identity.server import Server
from accredit.identity.signing_key import KeyUse
from accredit.ports.clients import Clients
from accredit.service.changes import Changes
from accredit.service.deployment import guard_resource
from accredit.service.keyring import Keyring
from accredit.service.problem import Problem, ProblemCode, not_found
from accredit.service.standing import Standing
from accredit_sdk.errors import InvalidToken
from accredit_sdk.verify import Verifier

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Caller:
    """A guard that proved who it is, and the one server that it speaks for.

    `handles` are those by which the token that it came with can be killed.
    """

    principal: Principal
    server: Server
    handles: frozenset[str]


class NotAGuard(Exception):
    """The token does not belong to a living guard with the scope asked for; the text is for the operator."""


class Guards:
    """Lists guards, suspends them, and recognises them by their tokens."""

    def __init__(self, issuer: str, changes: Changes, clients: Clients, keyring: Keyring) -> None:
        self._changes = changes
        self._clients = clients
        self._standing = Standing(changes)
        self._keyring = keyring
        self._verifier = Verifier(issuer, guard_resource(issuer))

    async def authenticate(self, token: str, scope: str) -> Caller:
        """Return the guard whose access token this is (RFC 9068, 4). Raises NotAGuard."""
        try:
            claims = self._verifier.verify(token, self._keyring.verifying(KeyUse.ACCESS), self._changes.clock.now())
        except InvalidToken as error:
            raise NotAGuard(error.problem.value) from None
        if scope not in claims.scopes():
            raise NotAGuard(f"no scope {scope}")
        if await self._changes.directory.revoked((*claims.rev, claims.jti), claims.ver):
            raise NotAGuard("the token was revoked")
        return await self._living(claims.client_id, frozenset((*claims.rev, claims.jti)))

    async def still(self, caller: Caller) -> bool:
        """Tell whether a guard that proved who it is would still be let in."""
        try:
            await self._living(caller.principal.client.client_id, caller.handles)
        except NotAGuard:
            return False
        return True

    async def _living(self, client_id: str, handles: frozenset[str]) -> Caller:
        principal = await self._changes.directory.principal(client_id)
        now = self._changes.clock.now()
        if principal is None or principal.client.kind is not ClientKind.GUARD or not principal.client.usable(now):
            raise NotAGuard("not a guard, or suspended")
        if not any(item.usable(now) and item.id in handles for item in principal.credentials):
            raise NotAGuard("the credential is not alive")
        for identity in principal.client.servers:
            server = self._changes.directory.server_by_id(identity)
            if server is not None:
                return Caller(principal, server, handles)
        raise NotAGuard("its server is not registered any more")

    async def page(self, after: str, limit: int) -> tuple[Principal, ...]:
        """Return at most `limit` guards whose slug sorts after `after`."""
        return await self._clients.guards(after, limit)

    async def names(self) -> dict[str, str]:
        """Return the slug of every guard by its id."""
        found: dict[str, str] = {}
        after = ""
        while page := await self._clients.guards(after, _PAGE):
            found |= {item.client.id: item.client.slug for item in page}
            after = page[-1].client.slug
        return found

    async def suspend(self, name: str, by: str) -> Client:
        """Give this guard no more state; it refuses by itself once its state is too old."""
        return await self._standing.suspend(await self._client(name), by)

    async def resume(self, name: str, by: str) -> Client:
        """Let the guard work again."""
        return await self._standing.resume(await self._client(name), by)

    async def _client(self, name: str) -> Client:
        found = await self._clients.by_slug(ClientKind.GUARD, name)
        if found is None:
            raise not_found("guard", name)
        return found.client


def unauthorized() -> Problem:
    """Return the problem to answer when a guard is not recognised."""
    return Problem(ProblemCode.FORBIDDEN, "this needs the access token of an enrolled guard")
