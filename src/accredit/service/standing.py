"""Suspending, resuming and deleting any client: its tokens end everywhere, and nobody else's are touched."""

from dataclasses import dataclass, replace

from accredit.identity.changes import Claim, RemoveClient, ReplaceClient, Signal, SignalKind
from accredit.identity.client import Client
from accredit.identity.state import State
from accredit.oauth.outcome import Outcome
from accredit.oauth.tokens import LONGEST_LIFETIME
from accredit.service.changes import Changes
from accredit.service.problem import crossed


@dataclass(frozen=True, slots=True)
class Standing:
    """Changes whether a client may do anything at all."""

    changes: Changes

    async def suspend(self, client: Client, by: str) -> Client:
        """Refuse every token of the client, everywhere, until it is resumed."""
        return await self._set(client, State.SUSPENDED, SignalKind.SUSPENDED, "suspend", by)

    async def resume(self, client: Client, by: str) -> Client:
        """Let the client work again."""
        return await self._set(client, State.ACTIVE, SignalKind.RESUMED, "resume", by)

    async def revoke(self, client: Client, by: str) -> None:
        """End every token that the client has now; it lives on, and gets new ones."""
        kind = client.kind.value
        event = self.changes.event(f"{kind}.revoke", client.id, by, client.slug)
        outcome = Outcome(None, events=(event,), signals=(Signal(SignalKind.REVOKED, client.id),))
        await self.changes.commit(outcome, crossed(kind, client.slug))

    async def remove(self, client: Client, by: str) -> None:
        """Make the client a tombstone: it never comes back, its tokens are dead, its name is free again."""
        void = Signal(SignalKind.REVOKED, client.id)
        await self._commit(client, RemoveClient(client.id, client.version), "remove", by, void)

    async def _set(self, client: Client, state: State, kind: SignalKind, verb: str, by: str) -> Client:
        if client.state is state:
            return client
        changed = replace(client, state=state, version=client.version + 1)
        await self._commit(client, ReplaceClient(changed), verb, by, Signal(kind, client.id))
        return changed

    async def _commit(self, client: Client, claim: Claim, verb: str, by: str, heard: Signal) -> None:
        kind = client.kind.value
        event = self.changes.event(f"{kind}.{verb}", client.id, by, client.slug)
        await self.changes.commit(Outcome(None, (claim,), (), (event,), (heard,)), crossed(kind, client.slug))


def shortened(before: Client, ends_at: int | None, now: int) -> tuple[Signal, ...]:
    """Return what must be said when the end of a client moves to `ends_at`, and a token that is out could outlive it.

    A token ends with its client, as that was when it was issued; one that was issued before the end moved might not.
    """
    sooner = ends_at is not None and (before.expires_at is None or ends_at < before.expires_at)
    matters = ends_at is not None and ends_at < now + LONGEST_LIFETIME * 1_000_000
    alive = before.expires_at is None or now < before.expires_at
    return (Signal(SignalKind.REVOKED, before.id),) if sooner and matters and alive else ()
