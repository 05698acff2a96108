"""Who administers: agents that the local administrator names, and takes the name from again."""

from dataclasses import dataclass, field

from accredit.identity.changes import AddRole, Assign, Signal, SignalKind, Unassign
from accredit.identity.management import ADMINISTRATOR_ROLE, AUDITOR_ROLE, MANAGEMENT_SERVER, over, server_role
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment, Role
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.service.changes import Changes
from accredit.service.clients import next_version
from accredit.service.problem import Problem, ProblemCode, crossed, not_found


@dataclass(frozen=True, slots=True)
class Office:
    """All that somebody may do at the management API. `servers` are slugs; `ends_at` is microseconds UTC, or None.

    `ends_at` of an office that is read is the earliest end of its parts.
    """

    administrator: bool = False
    auditor: bool = False
    servers: frozenset[str] = field(default_factory=frozenset)
    ends_at: int | None = None

    def empty(self) -> bool:
        """Tell whether it is none at all."""
        return not (self.administrator or self.auditor or self.servers)


class Administrators:
    """Names administrators, server administrators and auditors."""

    def __init__(self, changes: Changes, clients: Clients) -> None:
        self._changes = changes
        self._clients = clients

    async def page(self, after: str, limit: int) -> tuple[tuple[Principal, Office], ...]:
        """Return at most `limit` holders of an office whose slug sorts after `after`, by slug."""
        roles = tuple(role.id for role in self._changes.directory.builtin_roles())
        return tuple((item, self.office(item)) for item in await self._clients.agents_with(roles, after, limit))

    def office(self, holder: Principal) -> Office:
        """Return the office that a client holds; an empty one for none."""
        names = {role.id: role.slug for role in self._changes.directory.builtin_roles()}
        held = {names[item.role]: item.ends_at for item in holder.assignments if item.role in names}
        servers = {server_role(item.id): item.slug for item in self._changes.directory.servers()}
        ends = [end for end in held.values() if end is not None]
        return Office(
            administrator=ADMINISTRATOR_ROLE in held,
            auditor=AUDITOR_ROLE in held,
            servers=frozenset(servers[name] for name in held if name in servers),
            ends_at=min(ends) if ends else None,
        )

    async def name(self, holder: Principal, office: Office, by: str) -> None:
        """Give a client this office and no other; an empty one takes whatever it has. Raises Problem."""
        if office.ends_at is not None and office.ends_at <= self._changes.clock.now():
            raise Problem(ProblemCode.INVALID, "the end of an office must lie in the future")
        wanted, fresh = self._roles(office)
        known = {role.id for role in self._changes.directory.builtin_roles()}
        gone = [item.role for item in holder.assignments if item.role in known - {role.id for role in wanted}]
        target = holder.client.id
        event = self._changes.event("administrator.name", target, by, f"{holder.client.slug}: {_summary(office)}")
        outcome = Outcome(
            None,
            (*(AddRole(role) for role in fresh), next_version(holder.client)),
            (
                *(Assign(Assignment(role.id, target, office.ends_at)) for role in wanted),
                *(Unassign(role, target) for role in gone),
            ),
            (event,),
            (*(Signal(SignalKind.ROLES, role.id) for role in fresh), Signal(SignalKind.CLIENT, target)),
        )
        await self._changes.commit(outcome, crossed("agent", holder.client.slug))

    def _roles(self, office: Office) -> tuple[list[Role], list[Role]]:
        """Return the built-in roles that make up `office`, and those of them that have to be made first."""
        wanted = [ADMINISTRATOR_ROLE] if office.administrator else []
        wanted += [AUDITOR_ROLE] if office.auditor else []
        found = [role for name in wanted if (role := self._changes.directory.builtin_role(name)) is not None]
        fresh: list[Role] = []
        for slug in sorted(office.servers):
            server = self._changes.directory.server(slug)
            if server is None:
                raise not_found("server", slug)
            if server.builtin:
                raise Problem(ProblemCode.FORBIDDEN, f"{slug} is built in; nobody administers it")
            role = self._changes.directory.builtin_role(server_role(server.id))
            if role is None:
                role = self._made(server.id)
                fresh.append(role)
            found.append(role)
        return found, fresh

    def _made(self, server: str) -> Role:
        management = self._changes.directory.server(MANAGEMENT_SERVER)
        assert management is not None  # noqa: S101  (every deployment is furnished with it)
        name = server_role(server)
        carried = {management.id: frozenset({over(server)})}
        return Role(self._changes.ids.new("role"), name, name, carried, self._changes.clock.now())


def _summary(office: Office) -> str:
    parts = ["administrator"] if office.administrator else []
    parts += ["auditor"] if office.auditor else []
    parts += [f"administrator of {slug}" for slug in sorted(office.servers)]
    return ", ".join(parts) or "no office any more"
