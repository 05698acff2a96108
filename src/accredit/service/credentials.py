"""Credentials of agents and applications: made, given a deadline, and ended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from accredit.identity import credential as credentials
from accredit.identity.changes import AddCredential, RetireCredential, RevokeCredential, Signal, SignalKind, Write
from accredit.identity.credential import Credential, CredentialKind, CredentialState
from accredit.identity.principal import Principal
from accredit.oauth.outcome import Outcome
from accredit.ports.randomness import Randomness
from accredit.service.changes import Changes
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, stale

_MOST_ALIVE: Final = 2

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, repr=False)
class NewSecret:
    """A new credential with its secret, which is shown this once and kept nowhere."""

    credential: Credential
    secret: str


class Credentials:
    """Gives clients their credentials, and ends them."""

    def __init__(self, changes: Changes, randomness: Randomness) -> None:
        self._changes = changes
        self._randomness = randomness

    def secret(self, client: str) -> NewSecret:
        """Make a secret for the client with that id; it works once it has been written."""
        identity = self._changes.ids.new("credential")
        text = credentials.secret(identity, self._randomness.bytes(32))
        made = self._made(identity, client, CredentialKind.SECRET, credentials.digest(text))
        return NewSecret(made, text)

    async def add_secret(self, holder: Principal, by: str, once: Once[NewSecret] | None = None) -> NewSecret:
        """Give the client one more secret; two live credentials are normal, more are refused. Raises Problem."""
        self._check_room(holder)
        made = self.secret(holder.client.id)
        await self._give(holder, made.credential, by, made, once)
        return made

    async def add_key(
        self, holder: Principal, jwk: Mapping[str, Any], by: str, once: Once[Credential] | None = None
    ) -> Credential:
        """Give the client a public key as one more credential (RFC 7523); the private half never leaves it."""
        try:
            material = credentials.public_key(jwk)
        except (TypeError, ValueError) as error:
            raise Problem(ProblemCode.INVALID, f"the key is not usable: {error}") from error
        self._check_room(holder)
        identity = self._changes.ids.new("credential")
        made = self._made(identity, holder.client.id, CredentialKind.PUBLIC_KEY, material)
        await self._give(holder, made, by, made, once)
        return made

    async def revoke(self, holder: Principal, credential: str, by: str) -> None:
        """End a credential now; tokens that it obtained die with it, those of other credentials live on."""
        found = holder.credential(credential)
        if found is None:
            raise Problem(ProblemCode.NOT_FOUND, f"{holder.client.slug} has no credential {credential[:40]!r}")
        if found.state is not CredentialState.REVOKED:
            void = Signal(SignalKind.REVOKED, credential)
            await self._commit(holder, RevokeCredential(credential), f"{credential} revoked", by, void)

    async def retire(self, holder: Principal, credential: str, at: int, by: str) -> Credential:
        """Let a credential work until `at` (microseconds UTC), so that its successor can take over without a gap.

        A deadline can be moved. Tokens obtained until then live out their own few minutes. Raises Problem.
        """
        found = holder.credential(credential)
        if found is None or found.state is CredentialState.REVOKED:
            text = f"{holder.client.slug} has no credential {credential[:40]!r} that works"
            raise Problem(ProblemCode.NOT_FOUND, text)
        if at <= self._changes.clock.now():
            raise Problem(ProblemCode.INVALID, "the deadline lies in the past; to end a credential now, revoke it")
        await self._commit(holder, RetireCredential(credential, at), f"{credential} retiring", by)
        return replace(found, state=CredentialState.RETIRING, retires_at=at)

    def _made(self, identity: str, client: str, kind: CredentialKind, material: bytes) -> Credential:
        return Credential(identity, client, kind, material, self._changes.clock.now())

    def _check_room(self, holder: Principal) -> None:
        now = self._changes.clock.now()
        if sum(item.usable(now) for item in holder.credentials) >= _MOST_ALIVE:
            text = f"{holder.client.slug} has two live credentials; revoke the one that is not used any more first"
            raise Problem(ProblemCode.CONFLICT, text)

    async def _give(
        self, holder: Principal, credential: Credential, by: str, made: Made, once: Once[Made] | None
    ) -> None:
        outcome = self._outcome(holder, AddCredential(credential), f"{credential.id} added", by)
        lost = stale(holder.client.kind.value, holder.client.slug)
        await self._changes.commit(replace(outcome, answer=made), lost, once)

    async def _commit(self, holder: Principal, write: Write, told: str, by: str, *first: Signal) -> None:
        outcome = self._outcome(holder, write, told, by, *first)
        await self._changes.commit(outcome, stale(holder.client.kind.value, holder.client.slug))

    def _outcome(self, holder: Principal, write: Write, told: str, by: str, *first: Signal) -> Outcome[Any]:
        client = holder.client
        event = self._changes.event(f"{client.kind.value}.credential", client.id, by, f"{told}, of {client.slug}")
        return Outcome(None, (), (write,), (event,), (*first, Signal(SignalKind.CLIENT, client.id)))
