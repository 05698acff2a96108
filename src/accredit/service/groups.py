"""Groups, what they hold and who is in them, as administrators manage them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from accredit.identity.changes import (
    AddGroup,
    AddMember,
    Assign,
    Claim,
    RemoveGroup,
    RemoveMember,
    ReplaceGroup,
    Signal,
    SignalKind,
    Unassign,
    Write,
)
from accredit.identity.group import MOST, Group
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment, HeldRole, Role
from accredit.identity.slug import SlugError, slug
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.service import clients
from accredit.service.changes import Changes
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, crossed, not_found, taken
from accredit.service.reductions import reductions


class Groups:
    """Creates groups, gives them roles, and lets clients in and out.

    Whatever changes what somebody may do through a group claims its version: the roles that were looked at when it was
    permitted are those that it holds when it happens.
    """

    def __init__(self, changes: Changes, clients: Clients) -> None:
        self._changes = changes
        self._clients = clients

    def all(self) -> tuple[Group, ...]:
        """Return every group by slug."""
        return self._changes.directory.groups()

    async def get(self, name: str) -> Group:
        """Return the group with that slug, as it is everywhere now. Raises Problem."""
        await self._changes.directory.catch_up()
        found = self._changes.directory.group(name)
        if found is None:
            raise not_found("group", name)
        return found

    async def members(self, group: Group) -> tuple[Principal, ...]:
        """Return the clients that are in the group, by kind and slug."""
        return await self._clients.members(group.id)

    async def add(self, name: str, title: str, by: str, once: Once[Group] | None = None) -> Group:
        """Create a group that holds nothing. Raises Problem."""
        try:
            checked = slug(name)
        except SlugError as error:
            raise Problem(ProblemCode.INVALID, str(error)) from error
        now = self._changes.clock.now()
        group = Group(self._changes.ids.new("group"), checked, title or checked, now)
        event = self._changes.event("group.add", group.id, by, f"group {checked}")
        outcome = Outcome(group, (AddGroup(group),), (), (event,), (Signal(SignalKind.ROLES, group.id),))
        await self._changes.commit(outcome, taken("group", checked), once)
        return group

    async def remove(self, group: Group, by: str) -> None:
        """Drop a group: whoever was in it does not have its roles any more, and guards take them from tokens."""

        async def drawn() -> Outcome[None]:
            members = await self.members(group)
            heard = [*self._touched(members), *self._reduced(members, group, ())]
            return self._outcome(group, RemoveGroup(group.id, group.version), (), "group.remove", group.slug, by, heard)

        await self._changes.settle(drawn, crossed("group", group.slug))

    async def let_in(self, group: Group, member: Principal, by: str) -> None:
        """Make a client a member of the group. Raises Problem."""

        async def drawn() -> Outcome[None]:
            present = await clients.present(self._clients, member)
            if group.id not in present.groups and len(present.groups) >= MOST:
                text = f"{present.client.slug} is in {MOST} groups, and that is the most; take it out of one first"
                raise Problem(ProblemCode.CONFLICT, text)
            write, told = AddMember(group.id, present.client.id), f"{present.client.slug} into {group.slug}"
            return self._moved(group, present, write, told, by, ())

        if group.id not in member.groups:
            await self._changes.settle(drawn, crossed("group", group.slug))

    async def let_out(self, group: Group, member: Principal, by: str) -> None:
        """Take a client out of the group; its tokens lose what it had through that alone. Raises Problem."""

        async def drawn() -> Outcome[None]:
            present = await clients.present(self._clients, member)
            if group.id not in present.groups:
                raise Problem(ProblemCode.NOT_FOUND, f"{present.client.slug} is not in the group {group.slug}")
            write, told = RemoveMember(group.id, present.client.id), f"{present.client.slug} out of {group.slug}"
            return self._moved(group, present, write, told, by, self._reduced([present], group, ()))

        await self._changes.settle(drawn, crossed("group", group.slug))

    async def assign(self, role: Role, group: Group, ends_at: int | None, by: str) -> Assignment:
        """Give the role to whoever is in the group, until `ends_at` (microseconds UTC) or for good. Raises Problem."""
        if ends_at is not None and ends_at <= self._changes.clock.now():
            raise Problem(ProblemCode.INVALID, "the end of an assignment must lie in the future")
        assignment = Assignment(role.id, group.id, ends_at)
        after = (*self._without(group, role), HeldRole(role, ends_at, group.id))
        told = f"{role.slug} to the group {group.slug}"
        await self._hold(group, after, Assign(assignment), "role.assign", told, by)
        return assignment

    async def unassign(self, role: Role, group: Group, by: str) -> None:
        """Take the role from the group, and so from whoever has it through that alone. Raises Problem."""
        if all(item.role != role.id for item in group.assignments):
            raise Problem(ProblemCode.NOT_FOUND, f"the group {group.slug} does not hold the role {role.slug}")
        told = f"{role.slug} from the group {group.slug}"
        await self._hold(group, self._without(group, role), Unassign(role.id, group.id), "role.unassign", told, by)

    def _without(self, group: Group, role: Role) -> tuple[HeldRole, ...]:
        held = self._changes.directory.held_by(group)
        return tuple(item for item in held if item.role.id != role.id)

    def _touched(self, members: Iterable[Principal]) -> list[Signal]:
        return [Signal(SignalKind.CLIENT, member.client.id) for member in members]

    def _reduced(self, members: Iterable[Principal], group: Group, after: tuple[HeldRole, ...]) -> Iterator[Signal]:
        """Yield what members lose once the group holds `after`."""
        directory, now = self._changes.directory, self._changes.clock.now()
        for member in members:
            others = directory.held(replace(member, groups=member.groups - {group.id}))
            yield from reductions(member.client.id, directory.held(member), (*others, *after), now)

    async def _hold(
        self, group: Group, after: tuple[HeldRole, ...], write: Write, action: str, told: str, by: str
    ) -> None:
        """Let the group hold `after`; who is in it, and what they have besides, is what it is at that moment."""

        async def drawn() -> Outcome[None]:
            heard = [*self._reduced(await self.members(group), group, after)]
            return self._outcome(group, _next(group), (write,), action, told, by, heard)

        await self._changes.settle(drawn, crossed("group", group.slug))

    def _moved(
        self, group: Group, member: Principal, write: Write, told: str, by: str, reduced: Iterable[Signal]
    ) -> Outcome[None]:
        """Return what lets a member in or out."""
        heard = [*self._touched([member]), *reduced]
        found = self._outcome(group, _next(group), (write,), "group.member", told, by, heard)
        return replace(found, claims=(*found.claims, clients.next_version(member.client)))

    def _outcome(
        self,
        group: Group,
        claim: Claim,
        writes: tuple[Write, ...],
        action: str,
        told: str,
        by: str,
        heard: list[Signal],
    ) -> Outcome[None]:
        event = self._changes.event(action, group.id, by, told)
        return Outcome(None, (claim,), writes, (event,), (Signal(SignalKind.ROLES, group.id), *heard))


def _next(group: Group) -> ReplaceGroup:
    return ReplaceGroup(replace(group, version=group.version + 1))
