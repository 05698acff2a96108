"""Clients: anything that asks for tokens. RFC 6749, 2."""

from dataclasses import dataclass
from enum import StrEnum

from accredit.identity.software import Software
from accredit.identity.state import State


class ClientKind(StrEnum):
    """What a client is; the value is also its `client_profile` in tokens."""

    AGENT = "agent"
    APPLICATION = "application"
    GUARD = "guard"


@dataclass(frozen=True, slots=True)
class Client:
    """What every client has. `client_id` is what it calls itself on the wire: unique, and not always its id.

    `servers` names the ids of the servers that a guard speaks for; it is empty for every other kind.
    `expires_at` is the first microsecond (UTC) at which the client gets no more tokens, or None.
    `software` is what it is an installation of, None when nobody said so.
    """

    id: str
    client_id: str
    kind: ClientKind
    slug: str
    name: str
    created_at: int
    state: State = State.ACTIVE
    expires_at: int | None = None
    servers: frozenset[str] = frozenset()
    version: int = 1
    software: Software | None = None

    def usable(self, now: int) -> bool:
        """Tell whether the client may get tokens at `now` (microseconds UTC)."""
        return self.state is State.ACTIVE and (self.expires_at is None or now < self.expires_at)
