"""What would have to change of a client's roles so that it may do more: the least first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from accredit.identity.role import HeldRole, Role, ceiling
from accredit.identity.server import Server
from accredit_sdk import scopes as words


class Way(StrEnum):
    """How a client comes to a scope: a role that it held lasts longer, it gets one that is there, or one is made."""

    EXTEND = "extend"
    ASSIGN = "assign"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class RoleChange:
    """One way to `scopes`. `role` is None for one that has to be made.

    `opens` counts what the client could use of the server besides what the scopes are wanted for; `elsewhere` the
    other servers that the role reaches.
    """

    way: Way
    scopes: frozenset[str]
    role: Role | None = None
    opens: int = 0
    elsewhere: int = 0

    def order(self) -> tuple[int, int, int, str]:
        """Return what to sort by, so that what gives away the least comes first."""
        name = self.role.slug if self.role is not None else ""
        return self.elsewhere, self.opens, tuple(Way).index(self.way), name


def changes(
    missing: frozenset[str], roles: Iterable[Role], held: Iterable[HeldRole], server: Server, now: int
) -> tuple[RoleChange, ...]:
    """Return the smallest change of each way that gives a client `missing` on `server`, the smallest of all first.

    `roles` are all that could be given, `held` those that the client has or had.
    """
    if not missing:
        return ()
    has = tuple(held)
    found = [RoleChange(Way.CREATE, missing), *_existing(missing, roles, has, server, now)]
    least: dict[Way, RoleChange] = {}
    for one in sorted(found, key=RoleChange.order):
        least.setdefault(one.way, one)
    return tuple(least.values())


def _existing(
    missing: frozenset[str], roles: Iterable[Role], held: tuple[HeldRole, ...], server: Server, now: int
) -> Iterator[RoleChange]:
    before = ceiling(held, server.id, now)
    wanted = _open(server, words.smallest(before | missing))
    known = {item.role.id for item in held}
    for role in roles:
        carried = role.scopes.get(server.id, frozenset())
        if words.missing(before | carried, missing):
            continue
        opens = len(_open(server, before | carried) - wanted)
        elsewhere = sum(bool(carries) for other, carries in role.scopes.items() if other != server.id)
        yield RoleChange(Way.EXTEND if role.id in known else Way.ASSIGN, missing, role, opens, elsewhere)


def _open(server: Server, scopes: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Return what of the server (kinds and names) is open to somebody with these scopes."""
    return frozenset((tool.kind.value, tool.name) for tool in server.tools if not words.missing(scopes, tool.needs))
