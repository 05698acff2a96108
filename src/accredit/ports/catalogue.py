"""The part of the state that every node keeps whole in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from accredit.identity.changes import NumberedSignal
from accredit.identity.denial import SoftwareDenial
from accredit.identity.group import Group
from accredit.identity.role import Role
from accredit.identity.server import Server
from accredit.identity.signing_key import StoredKey


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Servers, roles, groups, published keys and denied software, read in one transaction.

    `seq` is the last signal that it contains.
    """

    seq: int
    servers: tuple[Server, ...]
    roles: tuple[Role, ...]
    keys: tuple[StoredKey, ...]
    groups: tuple[Group, ...] = ()
    barred: tuple[SoftwareDenial, ...] = ()


class CatalogueStore(Protocol):
    """Reads the catalogue and what changed since."""

    async def load(self) -> Catalogue:
        """Return the whole catalogue of one moment."""
        ...

    async def signals(self, after: int, limit: int) -> tuple[NumberedSignal, ...]:
        """Return at most `limit` signals with a number above `after`, in order and without gaps."""
        ...

    async def signals_about(self, handles: Sequence[str], after: int) -> tuple[NumberedSignal, ...]:
        """Return every signal about one of `handles` with a number above `after`, in order."""
        ...

    async def signals_since(self, at: int) -> tuple[NumberedSignal, ...]:
        """Return every signal raised at or after `at` (microseconds UTC), in order."""
        ...
