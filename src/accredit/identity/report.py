"""What a report tells of clients: what ends soon, and what nobody answers for or uses."""

from dataclasses import dataclass
from enum import StrEnum

from accredit.identity.client import ClientKind


class EndingKind(StrEnum):
    """What ends: the CREDENTIAL of a client, the CLIENT itself, or the assignment of a ROLE to it."""

    CLIENT = "client"
    CREDENTIAL = "credential"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Ending:
    """Something of the client `slug` that ends at `ends_at` (microseconds UTC).

    `name` is the id of the credential, the slug of the role with the id of the client behind a space, or that id alone.
    `owner` is whose the client is, empty for a guard.
    """

    kind: EndingKind
    name: str
    client_kind: ClientKind
    slug: str
    ends_at: int
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A client that a report names. `last_at` is when it last got a token (microseconds UTC), or None for never.

    `owner` is empty for one that has none.
    """

    id: str
    kind: ClientKind
    slug: str
    owner: str
    created_at: int
    last_at: int | None
