"""Groups: holders of roles that clients are members of. Whoever is in one has its roles, for as long as it is in it."""

from dataclasses import dataclass
from typing import Final

from accredit.identity.role import Assignment

MOST: Final = 50
"""Groups that one client can be in: their roles are read with every decision about it."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group and the roles that were assigned to it. Its members are read with the clients."""

    id: str
    slug: str
    name: str
    created_at: int
    version: int = 1
    assignments: tuple[Assignment, ...] = ()
