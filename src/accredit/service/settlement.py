"""A plan as one outcome: a claim for every noun, what follows from it, an audit event and signals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from accredit.audit.events import Event
from accredit.identity.agent import Agent
from accredit.identity.application import Application
from accredit.identity.changes import (
    AddClient,
    AddGroup,
    AddMember,
    AddRole,
    AddServer,
    Assign,
    Claim,
    RemoveClient,
    RemoveGroup,
    RemoveMember,
    RemoveRole,
    RemoveServer,
    ReplaceClient,
    ReplaceGroup,
    ReplaceRole,
    ReplaceServer,
    Rest,
    Signal,
    SignalKind,
    Unassign,
    Unchanged,
)
from accredit.identity.client import Client, ClientKind
from accredit.identity.denial import barred
from accredit.identity.estate import Estate
from accredit.identity.group import Group
from accredit.identity.holder import Holder, HolderKind, parse
from accredit.identity.losses import losses
from accredit.identity.manifest import ApplicationShape, ClientShape, GroupShape, RoleShape, ServerShape
from accredit.identity.plan import Change, Plan, Step, Verb, applied
from accredit.identity.role import Assignment, Role
from accredit.identity.server import Server
from accredit.identity.software import software
from accredit.identity.state import State
from accredit.identity.wanted import server as described
from accredit.oauth.outcome import Outcome
from accredit.oauth.tokens import LONGEST_LIFETIME
from accredit.service.changes import Changes
from accredit.service.standing import shortened

_LONGEST: Final = 600
"""Characters of an event's summary."""

_STATE_SIGNALS: Final = {State.ACTIVE: SignalKind.RESUMED, State.SUSPENDED: SignalKind.SUSPENDED}


@dataclass(frozen=True, slots=True)
class _Done:
    """What one step amounts to. `about` is the id of its noun, `server` the same for servers."""

    about: str
    claim: Claim
    signals: tuple[Signal, ...]
    server: str | None = None
    taken: tuple[Unassign | RemoveMember, ...] = ()
    given: tuple[Assign | AddMember, ...] = ()


class Settlement:
    """Turns the steps of one plan into an outcome. The slugs of a plan become ids here."""

    def __init__(self, changes: Changes, estate: Estate, by: str) -> None:
        self._changes = changes
        self._estate = estate
        self._by = by
        self._servers = {server.slug: server for server in estate.servers}
        self._roles = {role.slug: role for role in estate.roles}
        self._groups = {group.slug: group for group in estate.groups}
        self._clients: dict[Holder, Rest] = {
            **{Holder(HolderKind.AGENT, one.client.slug): one for one in estate.agents},
            **{Holder(HolderKind.APPLICATION, one.client.slug): one for one in estate.applications},
        }
        self._held = estate.held
        self._offices = estate.offices()

    def outcome(self, plan: Plan) -> Outcome[None]:
        """Return everything that `plan` does, to be committed if nothing has changed since the estate was read."""
        done = [(step, self._done(step)) for step in plan.steps]
        claims: tuple[Claim, ...] = (Unchanged(self._estate.seq), *(item.claim for _, item in done))
        taken = [write for _, item in done for write in item.taken]
        given = [write for _, item in done for write in item.given]
        events = tuple(self._event(step, item) for step, item in done)
        heard = (*(one for _, item in done for one in item.signals), *self._reductions(plan))
        return Outcome(None, claims, (*taken, *given), events, heard)

    def _reductions(self, plan: Plan) -> Iterator[Signal]:
        """Yield what guards must take from the tokens of clients whose roles carry less now, by whatever step."""
        before, now = self._estate.shape(), self._changes.clock.now()
        until = now + LONGEST_LIFETIME * 1_000_000
        for loss in losses(before, applied(before, plan), now, until):
            client, server = self._clients[loss.holder].client.id, self._servers[loss.server].id
            yield Signal(SignalKind.REDUCED, client, server, loss.left)

    def _event(self, step: Step, done: _Done) -> Event:
        action = f"{step.noun}.{step.verb}"
        return self._changes.event(action, done.about, self._by, _summary(step), done.server)

    def _done(self, step: Step) -> _Done:
        shape = step.after or step.before
        if isinstance(shape, ServerShape):
            return self._server(step, shape)
        if isinstance(shape, RoleShape):
            return self._role(step, shape)
        if isinstance(shape, GroupShape):
            return self._group(step, shape)
        assert shape is not None  # noqa: S101  (a step is about something)
        return self._client(step, shape)

    # ------------------------------------------------------------------ servers
    def _server(self, step: Step, shape: ServerShape) -> _Done:
        before = self._servers.get(shape.slug)
        if before is None:
            made = described(shape, self._new_server(shape.slug))
            self._servers[shape.slug] = made
            return _Done(made.id, AddServer(made), (Signal(SignalKind.POLICY, made.id),), made.id)
        heard = Signal(SignalKind.POLICY, before.id)
        if step.verb is Verb.REMOVE:
            void = Signal(SignalKind.REVOKED, before.id)
            return _Done(before.id, RemoveServer(before.id, before.version), (void, heard), before.id)
        changed = replace(described(shape, before), version=before.version + 1)
        told = _told(before.id, before.state, changed.state)
        return _Done(before.id, ReplaceServer(changed), (*told, heard), before.id)

    def _new_server(self, slug: str) -> Server:
        identity = self._changes.ids.new("server")
        return Server(id=identity, slug=slug, name=slug, resource="", created_at=self._changes.clock.now())

    # ------------------------------------------------------------------ roles
    def _role(self, step: Step, shape: RoleShape) -> _Done:
        before = self._roles.get(shape.slug)
        if before is None:
            made = Role(
                id=self._changes.ids.new("role"),
                slug=shape.slug,
                name=shape.name,
                scopes=self._scopes(shape),
                created_at=self._changes.clock.now(),
            )
            self._roles[shape.slug] = made
            return _Done(made.id, AddRole(made), (Signal(SignalKind.ROLES, made.id),))
        heard = (Signal(SignalKind.ROLES, before.id),)
        if step.verb is Verb.REMOVE:
            return _Done(before.id, RemoveRole(before.id, before.version), heard)
        changed = replace(before, name=shape.name, scopes=self._scopes(shape), version=before.version + 1)
        return _Done(before.id, ReplaceRole(changed), heard)

    def _scopes(self, shape: RoleShape) -> dict[str, frozenset[str]]:
        return {self._servers[server].id: words for server, words in shape.scopes.items()}

    # ------------------------------------------------------------------ agents and applications
    def _client(self, step: Step, shape: ClientShape) -> _Done:
        holder = _holder(shape)
        before = self._clients.get(holder)
        if before is not None and step.verb is Verb.REMOVE:
            return self._gone(before.client)
        if before is None:
            rest = self._new_client(shape)
            told = self._stopped(None, rest.client)
            claim: Claim = AddClient(rest.client, rest)
        else:
            rest = _described(shape, _changed(before.client, shape))
            ended = shortened(before.client, shape.expires, self._changes.clock.now())
            stopped = self._stopped(before.client, rest.client)
            told = (*_told(rest.client.id, before.client.state, shape.state), *ended, *stopped)
            claim = ReplaceClient(rest.client, rest)
        self._clients[holder] = rest
        taken, given = self._assignments(rest.client.id, shape.roles)
        heard = (*told, Signal(SignalKind.CLIENT, rest.client.id))
        return _Done(rest.client.id, claim, heard, taken=taken, given=given)

    def _stopped(self, before: Client | None, after: Client) -> tuple[Signal, ...]:
        """Return what must be heard of a client that comes to be of a software that is denied."""
        same = before is not None and before.software == after.software
        stopped = not same and barred(self._estate.barred, after.software)
        return (Signal(SignalKind.REVOKED, after.id),) if stopped else ()

    def _gone(self, client: Client) -> _Done:
        heard = (Signal(SignalKind.REVOKED, client.id), Signal(SignalKind.CLIENT, client.id))
        return _Done(client.id, RemoveClient(client.id, client.version), heard)

    def _new_client(self, shape: ClientShape) -> Rest:
        kind = ClientKind.APPLICATION if isinstance(shape, ApplicationShape) else ClientKind.AGENT
        identity = self._changes.ids.new(kind.value)
        client = Client(
            id=identity,
            client_id=identity,
            kind=kind,
            slug=shape.slug,
            name=shape.name,
            created_at=self._changes.clock.now(),
            state=shape.state,
            expires_at=shape.expires,
        )
        return _described(shape, client)

    def _assignments(
        self, holder: str, wanted: Mapping[str, int | None]
    ) -> tuple[tuple[Unassign, ...], tuple[Assign, ...]]:
        known = (item for item in self._held.get(holder, ()) if item.role not in self._offices)
        has = {item.role: item.ends_at for item in known}
        wants = {self._roles[role].id: end for role, end in wanted.items()}
        taken = tuple(Unassign(role, holder) for role in has if role not in wants)
        given = tuple(
            Assign(Assignment(role, holder, end)) for role, end in wants.items() if (role, end) not in has.items()
        )
        return taken, given

    # ------------------------------------------------------------------ groups
    def _group(self, step: Step, shape: GroupShape) -> _Done:
        claim: Claim
        before = self._groups.get(shape.slug)
        has = self._estate.members.get(before.id, frozenset()) if before is not None else frozenset[str]()
        if before is not None and step.verb is Verb.REMOVE:
            heard = (
                Signal(SignalKind.ROLES, before.id),
                *(Signal(SignalKind.CLIENT, member) for member in sorted(has)),
            )
            return _Done(before.id, RemoveGroup(before.id, before.version), heard)
        if before is None:
            now = self._changes.clock.now()
            group = Group(self._changes.ids.new("group"), shape.slug, shape.name, now)
            claim = AddGroup(group)
        else:
            group = replace(before, name=shape.name, version=before.version + 1)
            claim = ReplaceGroup(group)
        wants = frozenset(self._clients[parse(member)].client.id for member in shape.members)
        taken, given = self._assignments(group.id, shape.roles)
        out = tuple(RemoveMember(group.id, member) for member in sorted(has - wants))
        come = tuple(AddMember(group.id, member) for member in sorted(wants - has))
        heard = (Signal(SignalKind.ROLES, group.id), *(Signal(SignalKind.CLIENT, one) for one in sorted(has ^ wants)))
        return _Done(group.id, claim, heard, taken=(*taken, *out), given=(*given, *come))


def _holder(shape: ClientShape) -> Holder:
    kind = HolderKind.APPLICATION if isinstance(shape, ApplicationShape) else HolderKind.AGENT
    return Holder(kind, shape.slug)


def _changed(before: Client, shape: ClientShape) -> Client:
    return replace(
        before, name=shape.name, state=shape.state, expires_at=shape.expires, version=before.version + 1
    )  # fmt: skip


def _described(shape: ClientShape, client: Client) -> Rest:
    if isinstance(shape, ApplicationShape):
        named = replace(client, software=software(shape.software_id, shape.software_version))
        return Application(named, shape.owner, shape.purpose, shape.type, shape.redirect_uris)
    return Agent(client, shape.owner, shape.sponsor, shape.purpose)


def _told(handle: str, before: State, after: State) -> tuple[Signal, ...]:
    return () if before is after else (Signal(_STATE_SIGNALS[after], handle),)


def _summary(step: Step) -> str:
    """Say in one sentence what the step does, as the plan showed it."""
    told = "; ".join(_sentence(change) for change in step.changes)
    whole = f"{step.slug}: {told}" if told else step.slug
    return whole if len(whole) <= _LONGEST else whole[: _LONGEST - 1] + "…"


def _sentence(change: Change) -> str:
    name = ".".join(change.path)
    if change.after is None:
        return f"{name} taken out"
    after = " ".join(change.after) if isinstance(change.after, list) else str(change.after)
    return f"{name} is {after or 'nothing'}"
