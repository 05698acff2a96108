"""Credentials of clients of any kind: given, rotated, retired and cut, and who still comes with them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from accredit.identity import credential as credentials
from accredit.identity.changes import (
    AddCredential,
    EndCredential,
    ReplaceClient,
    RetireCredential,
    RevokeCredential,
    Signal,
    SignalKind,
    Write,
)
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential, CredentialKind, CredentialState
from accredit.identity.principal import Principal
from accredit.identity.retirement import Holding
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.ports.credentials import Credentials as CredentialStore
from accredit.ports.randomness import Randomness
from accredit.service.changes import Changes
from accredit.service.problem import Problem, ProblemCode, not_found, stale
from accredit.service.usage import Usage

_LIVE_CREDENTIALS: Final = 2
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose credentials are meant: the client of that kind and slug."""

    kind: ClientKind
    slug: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """A credential makes place for a new one: a secret, or the public key `jwk`.

    `old` (an id) is the one to go; None: the only active one. It works until `at` (microseconds UTC); None: it is cut
    at once, with every token that it obtained.
    """

    old: str | None
    at: int | None
    jwk: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Given:
    """A new credential of `client`, with its secret, which is shown this once and kept nowhere; a key has none.

    `old` is what it replaces, as that is now, or None.
    """

    client: Client
    credential: Credential
    secret: str | None
    old: Credential | None = None


class Credentials:
    """Manages the credentials of clients."""

    def __init__(
        self, changes: Changes, clients: Clients, store: CredentialStore, usage: Usage, randomness: Randomness
    ) -> None:
        self._changes = changes
        self._clients = clients
        self._store = store
        self._usage = usage
        self._randomness = randomness

    async def held(self, whose: Holder) -> tuple[Holding, ...]:
        """Return every credential that the client ever had, oldest first, with its use. Raises Problem."""
        found = await self._store.of_client((await self.principal(whose)).client.id)
        return tuple(self._usage.known(holding) for holding in found)

    async def principal(self, whose: Holder) -> Principal:
        """Return the client with its living credentials. Raises Problem."""
        found = await self._clients.by_slug(whose.kind, whose.slug)
        if found is None:
            raise not_found(whose.kind.value, whose.slug)
        return found

    def secret(self, client: str, by: str) -> tuple[Credential, str]:
        """Return a new credential for the client with that id, and its secret. Nothing of it is kept yet."""
        identity = self._changes.ids.new("credential")
        secret = credentials.secret(identity, self._randomness.bytes(32))
        return self._made(identity, client, CredentialKind.SECRET, credentials.digest(secret), by), secret

    def _made(self, identity: str, client: str, kind: CredentialKind, material: bytes, by: str) -> Credential:
        return Credential(identity, client, kind, material, self._changes.clock.now(), created_by=by)

    def _new(self, client: str, jwk: Mapping[str, Any] | None, by: str) -> tuple[Credential, str | None]:
        if jwk is None:
            return self.secret(client, by)
        try:
            material = credentials.public_key(jwk)
        except (TypeError, ValueError) as error:
            raise Problem(ProblemCode.INVALID, f"the key is not usable: {error}") from error
        return self._made(self._changes.ids.new("credential"), client, CredentialKind.PUBLIC_KEY, material, by), None

    async def add(self, whose: Holder, jwk: Mapping[str, Any] | None, by: str) -> Given:
        """Give the client one more credential: a secret, or the public key `jwk` (RFC 7523). Raises Problem.

        Two live credentials are normal, more are refused.
        """
        principal = await self.principal(whose)
        made, secret = self._new(principal.client.id, jwk, by)
        if len(self._usable(principal)) >= _LIVE_CREDENTIALS:
            raise _full(whose)
        told = f"{made.id} added to {whose.slug}"
        await self._changed(whose, principal.client, (AddCredential(made),), told, by, alone=True)
        return Given(principal.client, made, secret)

    async def rotate(self, whose: Holder, wanted: Rotation, by: str) -> Given:
        """Give the client a new credential, and the old one its end, in one step. Raises Problem."""
        principal = await self.principal(whose)
        if wanted.at is not None and wanted.at <= self._changes.clock.now():
            raise Problem(ProblemCode.INVALID, "the deadline lies in the past; to end the old credential now, say so")
        old = self._replaced(whose, principal, wanted.old)
        left = [item for item in self._usable(principal) if wanted.at is not None or item.id != old.id]
        if len(left) >= _LIVE_CREDENTIALS:
            raise _full(whose)
        made, secret = self._new(principal.client.id, wanted.jwk, by)
        if wanted.at is None:
            end: Write = RevokeCredential(old.id)
            gone = replace(old, state=CredentialState.REVOKED)
        else:
            end = RetireCredential(old.id, wanted.at)
            gone = replace(old, state=CredentialState.RETIRING, retires_at=wanted.at)
        cut = old.id if wanted.at is None else None
        told = f"{made.id} of {whose.slug} takes the place of {old.id}, which {'is cut' if cut else 'retires'}"
        await self._changed(whose, principal.client, (AddCredential(made), end), told, by, cut=cut, alone=True)
        return Given(principal.client, made, secret, gone)

    def _replaced(self, whose: Holder, principal: Principal, old: str | None) -> Credential:
        usable = self._usable(principal)
        if old is not None:
            found = next((item for item in usable if item.id == old), None)
            if found is None:
                raise _no_such(whose, old)
            return found
        active = [item for item in usable if item.state is CredentialState.ACTIVE]
        if len(active) != 1:
            text = "two active credentials: name the one to replace" if active else "no active credential: add one"
            raise Problem(ProblemCode.CONFLICT, f"{whose.slug} has {text}")
        return active[0]

    async def retire(self, whose: Holder, credential: str, at: int, by: str) -> Credential:
        """Let a credential work until `at` (microseconds UTC), so that its successor can take over without a gap.

        A deadline can be moved. Tokens obtained until then live out their own few minutes. Raises Problem.
        """
        principal = await self.principal(whose)
        found = principal.credential(credential)
        if found is None or found.state is CredentialState.REVOKED:
            raise _no_such(whose, credential)
        if at <= self._changes.clock.now():
            raise Problem(ProblemCode.INVALID, "the deadline lies in the past; to end a credential now, revoke it")
        told = f"{credential} of {whose.slug} retiring"
        await self._changed(whose, principal.client, (RetireCredential(credential, at),), told, by)
        return replace(found, state=CredentialState.RETIRING, retires_at=at)

    async def revoke(self, whose: Holder, credential: str, by: str) -> None:
        """End a credential now; tokens that it obtained die with it, those of other credentials live on."""
        principal = await self.principal(whose)
        found = principal.credential(credential)
        if found is None:
            raise Problem(ProblemCode.NOT_FOUND, f"{whose.slug} has no credential {credential[:40]!r}")
        told = f"{credential} of {whose.slug} revoked"
        await self._changed(whose, principal.client, (RevokeCredential(credential),), told, by, cut=credential)

    async def end_due(self, now: int) -> None:
        """Mark the credentials whose time is over as ended, each once, whichever node comes first.

        They have not worked since their time was over; this is for the record, and for the lists.
        """
        due = await self._store.over(now, _AT_ONCE)
        for credential in (holding.credential for holding in due):
            event = self._changes.event("credential.end", credential.client, "accredit", f"{credential.id} is over")
            heard = (Signal(SignalKind.CLIENT, credential.client),)
            claims = (EndCredential(credential.id, now),)
            await self._changes.journal.submit(Outcome(None, claims, (), (event,), heard))

    def _usable(self, principal: Principal) -> list[Credential]:
        now = self._changes.clock.now()
        return [item for item in principal.credentials if item.usable(now)]

    async def _changed(
        self,
        whose: Holder,
        client: Client,
        writes: tuple[Write, ...],
        told: str,
        by: str,
        *,
        cut: str | None = None,
        alone: bool = False,
    ) -> None:
        """Commit. With `alone`, of all who want the same at once one succeeds; `cut` names what guards must refuse."""
        event = self._changes.event(f"{whose.kind.value}.credential", client.id, by, told)
        claims = (ReplaceClient(replace(client, version=client.version + 1)),) if alone else ()
        dead = (Signal(SignalKind.REVOKED, cut),) if cut is not None else ()
        heard = (*dead, Signal(SignalKind.CLIENT, client.id))
        await self._changes.commit(Outcome(None, claims, writes, (event,), heard), stale(whose.kind.value, whose.slug))


def _full(whose: Holder) -> Problem:
    text = f"{whose.slug} has two live credentials; revoke the one that is not used any more first"
    return Problem(ProblemCode.CONFLICT, text)


def _no_such(whose: Holder, credential: str) -> Problem:
    return Problem(ProblemCode.NOT_FOUND, f"{whose.slug} has no credential {credential[:40]!r} that works")
