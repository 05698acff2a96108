"""Roles and who holds them, as administrators manage them."""

from collections.abc import Iterator
from dataclasses import replace

from accredit.audit.events import Administered
from accredit.identity.changes import AddRole, Assign, ReplaceRole, Signal, SignalKind, Unassign, Write
from accredit.identity.management import RESERVED_PREFIX
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment, HeldRole, Role
from accredit.identity.server import Server, unusable
from accredit.identity.slug import SlugError, slug
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.service import clients
from accredit.service.changes import Changes
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, crossed, not_found, taken
from accredit.service.reductions import reductions
from accredit_sdk import scopes as words


class Roles:
    """Creates roles, fills them, and gives them to clients."""

    def __init__(self, changes: Changes, clients: Clients) -> None:
        self._changes = changes
        self._clients = clients

    def all(self) -> tuple[Role, ...]:
        """Return every role by slug."""
        return self._changes.directory.roles()

    def get(self, name: str) -> Role:
        """Return the role with that slug. Raises Problem."""
        found = self._changes.directory.role(name)
        if found is None:
            raise not_found("role", name)
        return found

    async def add(
        self, name: str, title: str, scopes: dict[str, frozenset[str]], by: str, once: Once[Role] | None = None
    ) -> Role:
        """Create a role; `scopes` maps server slugs to words. Raises Problem when a scope or a server is unknown."""
        try:
            checked = slug(name)
        except SlugError as error:
            raise Problem(ProblemCode.INVALID, str(error)) from error
        if checked.startswith(RESERVED_PREFIX):
            raise Problem(ProblemCode.INVALID, f"names that begin with {RESERVED_PREFIX} belong to built-in roles")
        resolved = {}
        for server, wanted in scopes.items():
            resolved.update(self._on_server(server, wanted))
        role = Role(
            id=self._changes.ids.new("role"),
            slug=checked,
            name=title or checked,
            scopes=resolved,
            created_at=self._changes.clock.now(),
        )
        event = self._changes.event("role.add", role.id, by, _summary(role.slug, scopes))
        outcome = Outcome(role, (AddRole(role),), (), (event,), (Signal(SignalKind.ROLES, role.id),))
        await self._changes.commit(outcome, taken("role", checked), once)
        return role

    async def put_scopes(self, name: str, server: str, scopes: frozenset[str], by: str) -> Role:
        """Set what the role carries on one server (slugs); an empty set takes the server out of it."""
        role = self.get(name)
        target = self._server(server).id
        kept = {key: value for key, value in role.scopes.items() if key != target}
        changed = replace(role, scopes=kept | self._on_server(server, scopes), version=role.version + 1)
        event = self._changes.event("role.scopes", role.id, by, _summary(name, {server: scopes}))

        async def drawn() -> Outcome[Role]:
            reduced = [
                signal
                for holder in await self._clients.holders(role.id)
                for signal in self._reduced(holder, tuple(self._as(item, changed) for item in self._held(holder)))
            ]
            heard = (Signal(SignalKind.ROLES, role.id), *reduced)
            return Outcome(changed, (ReplaceRole(changed),), (), (event,), heard)

        await self._changes.settle(drawn, crossed("role", name))
        return changed

    async def assign(self, role: Role, holder: Principal, ends_at: int | None, by: str) -> Assignment:
        """Give the role to a client until `ends_at` (microseconds UTC), or for good. Raises Problem."""
        if ends_at is not None and ends_at <= self._changes.clock.now():
            raise Problem(ProblemCode.INVALID, "the end of an assignment must lie in the future")
        assignment = Assignment(role.id, holder.client.id, ends_at)

        async def drawn() -> Outcome[None]:
            present = await clients.present(self._clients, holder)
            after = (*self._without(present, role), HeldRole(self._seen(role), ends_at))
            event = self._changes.event("role.assign", role.id, by, f"{role.slug} to {present.client.slug}")
            return self._moved(present, after, Assign(assignment), event)

        await self._changes.settle(drawn, crossed("role", role.slug))
        return assignment

    async def unassign(self, role: Role, holder: Principal, by: str) -> None:
        """Take the role from a client: its next token is without it, and guards take it from the tokens that it has."""

        async def drawn() -> Outcome[None]:
            present = await clients.present(self._clients, holder)
            if all(item.role != role.id for item in present.assignments):
                raise Problem(ProblemCode.NOT_FOUND, f"{present.client.slug} does not hold the role {role.slug}")
            after = self._without(present, self._seen(role))
            event = self._changes.event("role.unassign", role.id, by, f"{role.slug} from {present.client.slug}")
            return self._moved(present, after, Unassign(role.id, present.client.id), event)

        await self._changes.settle(drawn, crossed("role", role.slug))

    def _seen(self, role: Role) -> Role:
        """Return the role if it is what it was when this was permitted. Raises Problem."""
        if self._changes.directory.role(role.slug) != role:
            raise crossed("role", role.slug)
        return role

    def _moved(
        self, holder: Principal, after: tuple[HeldRole, ...], write: Write, event: Administered
    ) -> Outcome[None]:
        heard = (Signal(SignalKind.CLIENT, holder.client.id), *self._reduced(holder, after))
        return Outcome(None, (clients.next_version(holder.client),), (write,), (event,), heard)

    def _held(self, holder: Principal) -> tuple[HeldRole, ...]:
        return self._changes.directory.held(holder)

    def _without(self, holder: Principal, role: Role) -> tuple[HeldRole, ...]:
        """Return what the client has once the role is not assigned to itself; it may still have it through a group."""
        return tuple(item for item in self._held(holder) if item.role.id != role.id or item.through is not None)

    def _as(self, item: HeldRole, changed: Role) -> HeldRole:
        return replace(item, role=changed) if item.role.id == changed.id else item

    def _reduced(self, holder: Principal, after: tuple[HeldRole, ...]) -> Iterator[Signal]:
        return reductions(holder.client.id, self._held(holder), after, self._changes.clock.now())

    def _server(self, name: str) -> Server:
        server = self._changes.directory.server(name)
        if server is None:
            raise not_found("server", name)
        if server.builtin:
            raise Problem(ProblemCode.FORBIDDEN, f"{name} is built in; no role can reach it")
        return server

    def _on_server(self, name: str, wanted: frozenset[str]) -> dict[str, frozenset[str]]:
        server = self._server(name)
        unknown = unusable(server, wanted)
        if unknown:
            text = f"{name} has no scope {', '.join(repr(word[:80]) for word in unknown)}; add it to the server first"
            raise Problem(ProblemCode.INVALID, text)
        return {server.id: wanted} if wanted else {}


def _summary(name: str, scopes: dict[str, frozenset[str]]) -> str:
    return f"{name}: " + ", ".join(f"{server} [{words.render(found)}]" for server, found in sorted(scopes.items()))
