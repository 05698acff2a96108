"""What clients may do no longer once one state has become another: what guards must take from tokens that are out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accredit.identity.holder import Holder, HolderKind
from accredit.identity.manifest import ClientShape, Shape
from accredit.identity.role import HeldRole, Role, remaining


@dataclass(frozen=True, slots=True)
class Loss:
    """A client may do less on a server (a slug) than before: `left` is all that its tokens may still carry there."""

    holder: Holder
    server: str
    left: frozenset[str]


def losses(before: Shape, after: Shape, now: int, until: int) -> Iterator[Loss]:
    """Yield what the clients that stay lose on the servers that stay, as `role.remaining` tells it."""
    held_before, held_after = _Holding(before), _Holding(after)
    for holder in _clients(before):
        if holder in held_after.clients:
            yield from _of_one(holder, held_before, held_after, now, until)


def _clients(shape: Shape) -> dict[Holder, ClientShape]:
    agents = {Holder(HolderKind.AGENT, slug): one for slug, one in shape.agents.items()}
    return agents | {Holder(HolderKind.APPLICATION, slug): one for slug, one in shape.applications.items()}


class _Holding:
    """Who holds what in one state, its own roles and those of its groups."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.clients: Mapping[Holder, ClientShape] = _clients(shape)
        self._groups: dict[str, list[Mapping[str, int | None]]] = defaultdict(list)
        for _, group in sorted(shape.groups.items()):
            for member in group.members:
                self._groups[member].append(group.roles)

    def ends(self, holder: Holder) -> list[tuple[str, int | None]]:
        """Return the slugs of its roles with their ends."""
        roles = (self.clients[holder].roles, *self._groups.get(holder.render(), ()))
        return [item for one in roles for item in sorted(one.items(), key=lambda pair: pair[0])]


def _of_one(holder: Holder, before: _Holding, after: _Holding, now: int, until: int) -> Iterator[Loss]:
    old, new = before.ends(holder), after.ends(holder)
    if old == new and all(before.shape.roles[name] == after.shape.roles[name] for name, _ in old):
        return
    had, has = _held(old, before.shape), _held(new, after.shape)
    reached = {server for item in had for server in item.role.scopes}
    for server in sorted(reached & after.shape.servers.keys()):
        left = remaining(had, has, server, now, until)
        if left is not None:
            yield Loss(holder, server, left)


def _held(ends: list[tuple[str, int | None]], shape: Shape) -> list[HeldRole]:
    """Return roles with slugs for ids."""
    roles = ((shape.roles[name], end) for name, end in ends)
    return [HeldRole(Role(role.slug, role.slug, role.name, role.scopes, 0), end) for role, end in roles]
