"""A plan as one outcome: a claim for every noun, what follows from it, an audit event and signals."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from accredit.audit.events import Event
from accredit.identity.agent import Agent
from accredit.identity.changes import (
    AddClient,
    AddRole,
    AddServer,
    Assign,
    Claim,
    RemoveClient,
    RemoveRole,
    RemoveServer,
    ReplaceClient,
    ReplaceRole,
    ReplaceServer,
    Signal,
    SignalKind,
    Unassign,
    Unchanged,
)
from accredit.identity.client import Client, ClientKind
from accredit.identity.estate import Estate
from accredit.identity.losses import losses
from accredit.identity.manifest import AgentShape, RoleShape, ServerShape
from accredit.identity.plan import Change, Plan, Step, Verb, applied
from accredit.identity.role import Assignment, Role
from accredit.identity.server import Server
from accredit.identity.state import State
from accredit.identity.wanted import server as described
from accredit.oauth.outcome import Outcome
from accredit.service.changes import Changes

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
    taken: tuple[Unassign, ...] = ()
    given: tuple[Assign, ...] = ()


class Settlement:
    """Turns the steps of one plan into an outcome. The slugs of a plan become ids here."""

    def __init__(self, changes: Changes, estate: Estate, by: str) -> None:
        self._changes = changes
        self._estate = estate
        self._by = by
        self._servers = {server.slug: server for server in estate.servers}
        self._roles = {role.slug: role for role in estate.roles}
        self._agents = {agent.client.slug: agent for agent in estate.agents}
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
        """Yield what guards must take from the tokens of agents whose roles carry less now, by whatever step."""
        before = self._estate.shape()
        for loss in losses(before, applied(before, plan), self._changes.clock.now()):
            agent, server = self._agents[loss.agent].client.id, self._servers[loss.server].id
            yield Signal(SignalKind.REDUCED, agent, server, loss.left)

    def _event(self, step: Step, done: _Done) -> Event:
        action = f"{step.noun}.{step.verb}"
        return self._changes.event(action, done.about, self._by, _summary(step), done.server)

    def _done(self, step: Step) -> _Done:
        shape = step.after or step.before
        if isinstance(shape, ServerShape):
            return self._server(step, shape)
        if isinstance(shape, RoleShape):
            return self._role(step, shape)
        assert isinstance(shape, AgentShape)  # noqa: S101  (there is no fourth noun)
        return self._agent(step, shape)

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

    # ------------------------------------------------------------------ agents
    def _agent(self, step: Step, shape: AgentShape) -> _Done:
        before = self._agents.get(shape.slug)
        if before is None:
            agent = self._new_agent(shape)
            told: tuple[Signal, ...] = ()
            claim: Claim = AddClient(agent.client, agent)
        elif step.verb is Verb.REMOVE:
            return self._gone(before)
        else:
            agent = _changed(before, shape)
            told = (*_told(agent.client.id, before.client.state, shape.state), *self._ended(before, shape))
            claim = ReplaceClient(agent.client, agent)
        taken, given = self._assignments(agent.client.id, shape)
        heard = (*told, Signal(SignalKind.CLIENT, agent.client.id))
        return _Done(agent.client.id, claim, heard, taken=taken, given=given)

    def _gone(self, agent: Agent) -> _Done:
        client = agent.client
        heard = (Signal(SignalKind.REVOKED, client.id), Signal(SignalKind.CLIENT, client.id))
        return _Done(client.id, RemoveClient(client.id, client.version), heard)

    def _ended(self, before: Agent, shape: AgentShape) -> tuple[Signal, ...]:
        """Return the end of the tokens of an agent whose new expiry has passed already."""
        now, old, new = self._changes.clock.now(), before.client.expires_at, shape.expires
        ended = new is not None and new <= now and (old is None or now < old)
        return (Signal(SignalKind.REVOKED, before.client.id),) if ended else ()

    def _new_agent(self, shape: AgentShape) -> Agent:
        identity = self._changes.ids.new("agent")
        client = Client(
            id=identity,
            client_id=identity,
            kind=ClientKind.AGENT,
            slug=shape.slug,
            name=shape.name,
            created_at=self._changes.clock.now(),
            state=shape.state,
            expires_at=shape.expires,
        )
        return Agent(client, shape.owner, shape.sponsor, shape.purpose)

    def _assignments(self, holder: str, shape: AgentShape) -> tuple[tuple[Unassign, ...], tuple[Assign, ...]]:
        known = (item for item in self._held.get(holder, ()) if item.role not in self._offices)
        has = {item.role: item.ends_at for item in known}
        wants = {self._roles[role].id: end for role, end in shape.roles.items()}
        taken = tuple(Unassign(role, holder) for role in has if role not in wants)
        given = tuple(
            Assign(Assignment(role, holder, end)) for role, end in wants.items() if (role, end) not in has.items()
        )
        return taken, given


def _changed(before: Agent, shape: AgentShape) -> Agent:
    client = replace(
        before.client,
        name=shape.name,
        state=shape.state,
        expires_at=shape.expires,
        version=before.client.version + 1,
    )
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
