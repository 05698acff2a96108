"""Credentials of agents and applications: made, rotated, given a deadline, ended, and who still comes with them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from accredit.identity import credential as credentials
from accredit.identity.changes import (
    AddCredential,
    EndCredential,
    RetireCredential,
    RevokeCredential,
    Signal,
    SignalKind,
    Write,
)
from accredit.identity.credential import Credential, CredentialKind, CredentialState
from accredit.identity.outlook import Holding
from accredit.identity.principal import Principal
from accredit.oauth.outcome import Outcome
from accredit.ports.credentials import Credentials as CredentialStore
from accredit.ports.randomness import Randomness
from accredit.service.changes import Changes
from accredit.service.clients import next_version
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, stale
from accredit.service.usage import Usage

_MOST_ALIVE: Final = 2
_AT_ONCE: Final = 200

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, repr=False)
class NewSecret:
    """A new credential with its secret, which is shown this once and kept nowhere."""

    credential: Credential
    secret: str


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
class Rotated:
    """The new credential with its secret (None for a key), and the old one as it is now."""

    credential: Credential
    secret: str | None
    old: Credential


class Credentials:
    """Manages the credentials of clients."""

    def __init__(self, changes: Changes, store: CredentialStore, usage: Usage, randomness: Randomness) -> None:
        self._changes = changes
        self._store = store
        self._usage = usage
        self._randomness = randomness

    async def held(self, client: str) -> tuple[Holding, ...]:
        """Return every credential that the client with that id ever had, oldest first, with its use."""
        return tuple(self._usage.known(holding) for holding in await self._store.of_client(client))

    def secret(self, client: str, by: str) -> NewSecret:
        """Make a secret for the client with that id; it works once it has been written."""
        identity = self._changes.ids.new("credential")
        text = credentials.secret(identity, self._randomness.bytes(32))
        return NewSecret(self._made(identity, client, CredentialKind.SECRET, credentials.digest(text), by), text)

    def shown(self, made: NewSecret) -> NewSecret:
        """Return a new secret as its credential will be read: with the end that its age gives it."""
        return NewSecret(self._store.aged(made.credential), made.secret)

    def _key(self, client: str, jwk: Mapping[str, Any], by: str) -> Credential:
        try:
            material = credentials.public_key(jwk)
        except (TypeError, ValueError) as error:
            raise Problem(ProblemCode.INVALID, f"the key is not usable: {error}") from error
        return self._made(self._changes.ids.new("credential"), client, CredentialKind.PUBLIC_KEY, material, by)

    def _made(self, identity: str, client: str, kind: CredentialKind, material: bytes, by: str) -> Credential:
        return Credential(identity, client, kind, material, self._changes.clock.now(), created_by=by)

    async def add_secret(self, holder: Principal, by: str, once: Once[NewSecret] | None = None) -> NewSecret:
        """Give the client one more secret; two live credentials are normal, more are refused. Raises Problem."""
        made = self.secret(holder.client.id, by)
        shown = self.shown(made)
        await self._give(holder, made.credential, by, shown, once)
        return shown

    async def add_key(
        self, holder: Principal, jwk: Mapping[str, Any], by: str, once: Once[Credential] | None = None
    ) -> Credential:
        """Give the client a public key as one more credential (RFC 7523); the private half never leaves it."""
        made = self._key(holder.client.id, jwk, by)
        shown = self._store.aged(made)
        await self._give(holder, made, by, shown, once)
        return shown

    async def _give(
        self, holder: Principal, credential: Credential, by: str, made: Made, once: Once[Made] | None
    ) -> None:
        if len(self._usable(holder)) >= _MOST_ALIVE:
            raise _full(holder)
        outcome = self._outcome(holder, (AddCredential(credential),), f"{credential.id} added", by)
        await self._commit_alone(holder, outcome, made, once)

    async def rotate(self, holder: Principal, wanted: Rotation, by: str, once: Once[Rotated] | None = None) -> Rotated:
        """Give the client a new credential, and the old one its end, in one step. Raises Problem."""
        if wanted.at is not None and wanted.at <= self._changes.clock.now():
            raise Problem(ProblemCode.INVALID, "the deadline lies in the past; to end the old credential now, say so")
        old = self._replaced(holder, wanted.old)
        left = [item for item in self._usable(holder) if wanted.at is not None or item.id != old.id]
        if len(left) >= _MOST_ALIVE:
            raise _full(holder)
        made, secret = self._new(holder.client.id, wanted.jwk, by)
        end, gone = _ended(old, wanted.at)
        told = f"{made.id} takes the place of {old.id}, which is {gone.state.value}"
        dead = (Signal(SignalKind.REVOKED, old.id),) if wanted.at is None else ()
        rotated = Rotated(self._store.aged(made), secret, gone)
        outcome = self._outcome(holder, (AddCredential(made), end), told, by, *dead)
        await self._commit_alone(holder, outcome, rotated, once)
        return rotated

    def _new(self, client: str, jwk: Mapping[str, Any] | None, by: str) -> tuple[Credential, str | None]:
        if jwk is not None:
            return self._key(client, jwk, by), None
        made = self.secret(client, by)
        return made.credential, made.secret

    def _replaced(self, holder: Principal, old: str | None) -> Credential:
        usable = self._usable(holder)
        if old is not None:
            found = next((item for item in usable if item.id == old), None)
            if found is None:
                raise _no_such(holder, old)
            return found
        active = [item for item in usable if item.state is CredentialState.ACTIVE]
        if len(active) != 1:
            text = "two active credentials: name the one to replace" if active else "no active credential: add one"
            raise Problem(ProblemCode.CONFLICT, f"{holder.client.slug} has {text}")
        return active[0]

    async def revoke(self, holder: Principal, credential: str, by: str) -> None:
        """End a credential now; tokens that it obtained die with it, those of other credentials live on."""
        if holder.credential(credential) is None:
            raise Problem(ProblemCode.NOT_FOUND, f"{holder.client.slug} has no credential {credential[:40]!r}")
        void = Signal(SignalKind.REVOKED, credential)
        await self._commit(holder, (RevokeCredential(credential),), f"{credential} revoked", by, void)

    async def retire(self, holder: Principal, credential: str, at: int, by: str) -> Credential:
        """Let a credential work until `at` (microseconds UTC), so that its successor can take over without a gap.

        A deadline can be moved until it has passed. Tokens obtained until then live out their own few minutes. Raises
        Problem.
        """
        found = next((item for item in self._usable(holder) if item.id == credential), None)
        if found is None:
            raise _no_such(holder, credential)
        if at <= self._changes.clock.now():
            raise Problem(ProblemCode.INVALID, "the deadline lies in the past; to end a credential now, revoke it")
        await self._commit(holder, (RetireCredential(credential, at),), f"{credential} retiring", by)
        return replace(found, state=CredentialState.RETIRING, retires_at=at)

    async def end_due(self, now: int, said: Callable[[Credential, int], Awaitable[tuple[Write, ...]]]) -> None:
        """Mark the credentials whose time is over as ended, each once, whichever node comes first.

        They have not worked since their time was over; this is for the record, for the lists, and for whoever is
        `said` to hear of it.
        """
        due = await self._store.over(now, _AT_ONCE)
        for credential in (holding.credential for holding in due):
            event = self._changes.event("credential.end", credential.client, "accredit", f"{credential.id} is over")
            heard = (Signal(SignalKind.CLIENT, credential.client),)
            claims = (EndCredential(credential.id, now),)
            await self._changes.journal.submit(Outcome(None, claims, await said(credential, now), (event,), heard))

    def _usable(self, holder: Principal) -> list[Credential]:
        now = self._changes.clock.now()
        return [item for item in holder.credentials if item.usable(now)]

    async def _commit(self, holder: Principal, writes: tuple[Write, ...], told: str, by: str, *first: Signal) -> None:
        await self._changes.commit(self._outcome(holder, writes, told, by, *first), _crossed(holder))

    async def _commit_alone(
        self, holder: Principal, outcome: Outcome[Any], made: Made, once: Once[Made] | None
    ) -> None:
        """Commit what gives a client one more credential: of all who decided on one state of it, one succeeds."""
        alone = replace(outcome, answer=made, claims=(next_version(holder.client),))
        await self._changes.commit(alone, _crossed(holder), once)

    def _outcome(
        self, holder: Principal, writes: tuple[Write, ...], told: str, by: str, *first: Signal
    ) -> Outcome[Any]:
        client = holder.client
        event = self._changes.event(f"{client.kind.value}.credential", client.id, by, f"{told}, of {client.slug}")
        return Outcome(None, (), writes, (event,), (*first, Signal(SignalKind.CLIENT, client.id)))


def _crossed(holder: Principal) -> Problem:
    return stale(holder.client.kind.value, holder.client.slug)


def _ended(old: Credential, at: int | None) -> tuple[Write, Credential]:
    """Return what ends `old` at `at`, or at once, and what it is then."""
    if at is None:
        return RevokeCredential(old.id), replace(old, state=CredentialState.REVOKED)
    return RetireCredential(old.id, at), replace(old, state=CredentialState.RETIRING, retires_at=at)


def _full(holder: Principal) -> Problem:
    text = f"{holder.client.slug} has two live credentials; revoke the one that is not used any more first"
    return Problem(ProblemCode.CONFLICT, text)


def _no_such(holder: Principal, credential: str) -> Problem:
    return Problem(ProblemCode.NOT_FOUND, f"{holder.client.slug} has no credential {credential[:40]!r} that works")
