"""Agents, as administrators manage them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from accredit.identity.agent import Agent
from accredit.identity.changes import AddClient, AddCredential, ReplaceClient, Signal, SignalKind
from accredit.identity.client import Client, ClientKind
from accredit.identity.principal import Principal
from accredit.identity.slug import SlugError, slug
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.service.assignments import Reassigned, reassigned
from accredit.service.changes import Changes
from accredit.service.credentials import Credentials, NewSecret
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, not_found, stale, taken
from accredit.service.standing import shortened


@dataclass(frozen=True, slots=True)
class AgentDraft:
    """All that an administrator says about an agent. `expires_at` is microseconds UTC, or None.

    `roles` maps slugs to the ends of the assignments (microseconds UTC, or None).
    """

    slug: str
    owner: str
    name: str = ""
    sponsor: str = ""
    purpose: str = ""
    expires_at: int | None = None
    roles: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewAgent:
    """An agent that has just been registered, and its first secret."""

    agent: Agent
    first: NewSecret


class Agents:
    """Registers agents and edits them."""

    def __init__(self, changes: Changes, clients: Clients, credentials: Credentials) -> None:
        self._changes = changes
        self._clients = clients
        self._credentials = credentials

    async def page(self, after: str, limit: int) -> tuple[Agent, ...]:
        """Return at most `limit` agents whose slug sorts after `after`."""
        return await self._clients.agents(after, limit)

    async def principal(self, name: str) -> Principal:
        """Return the agent's client with its credentials and roles. Raises Problem."""
        found = await self._clients.by_slug(ClientKind.AGENT, name)
        if found is None:
            raise not_found("agent", name)
        return found

    async def get(self, name: str) -> tuple[Agent, Principal]:
        """Return the agent with what belongs to it. Raises Problem."""
        principal = await self.principal(name)
        agent = await self._clients.agent(principal.client.id)
        if agent is None:
            raise not_found("agent", name)
        return agent, principal

    async def add(self, draft: AgentDraft, by: str, once: Once[NewAgent] | None = None) -> NewAgent:
        """Register an agent with its roles and make its first secret, all or nothing. Raises Problem."""
        agent = self._drafted(draft)
        client = agent.client
        roles = reassigned(self._changes.directory, Principal(client), draft.roles, client.created_at)
        first = self._credentials.secret(client.id, by)
        event = self._changes.event("agent.add", client.id, by, _registered(draft))
        made = NewAgent(agent, first)
        outcome = Outcome(
            made,
            (AddClient(client, agent),),
            (AddCredential(first.credential), *roles.writes),
            (event,),
            (Signal(SignalKind.CLIENT, client.id),),
        )
        await self._changes.commit(outcome, taken("agent", client.slug), once)
        return made

    async def edit(self, agent: Agent, holder: Principal, draft: AgentDraft, by: str) -> None:
        """Make an agent what `draft` says, but for its slug. Raises Problem, also when `agent` is of yesterday."""
        now, before = self._changes.clock.now(), agent.client
        self._check(draft, now if draft.expires_at != before.expires_at else None)
        roles = reassigned(self._changes.directory, holder, draft.roles, now)
        client = replace(
            before, name=draft.name or before.slug, expires_at=draft.expires_at, version=before.version + 1
        )
        changed = Agent(client, draft.owner.strip(), draft.sponsor.strip(), draft.purpose.strip())
        told = _edited(agent, changed, roles)
        if told:
            event = self._changes.event("agent.edit", client.id, by, f"{client.slug}: {told}")
            ended = shortened(before, client.expires_at, now)
            heard = (*ended, Signal(SignalKind.CLIENT, client.id), *roles.signals)
            outcome = Outcome(changed, (ReplaceClient(client, changed),), roles.writes, (event,), heard)
            await self._changes.commit(outcome, stale("agent", client.slug))

    def _drafted(self, draft: AgentDraft) -> Agent:
        try:
            name = slug(draft.slug)
        except SlugError as error:
            raise Problem(ProblemCode.INVALID, str(error)) from error
        now = self._changes.clock.now()
        self._check(draft, now)
        identity = self._changes.ids.new("agent")
        client = Client(
            id=identity,
            client_id=identity,
            kind=ClientKind.AGENT,
            slug=name,
            name=draft.name or name,
            created_at=now,
            expires_at=draft.expires_at,
        )
        return Agent(client, draft.owner.strip(), draft.sponsor.strip(), draft.purpose.strip())

    def _check(self, draft: AgentDraft, now: int | None) -> None:
        if not draft.owner.strip():
            raise Problem(ProblemCode.INVALID, "an agent has an owner: say whose it is")
        if now is not None and draft.expires_at is not None and draft.expires_at <= now:
            raise Problem(
                ProblemCode.INVALID, "the expiry of an agent must lie in the future; to end it now, remove it"
            )


def _registered(draft: AgentDraft) -> str:
    held = ", ".join(sorted(draft.roles))
    return f"registered {draft.slug} for {draft.owner.strip()}" + (f" with {held}" if held else "")


def _edited(before: Agent, after: Agent, roles: Reassigned) -> str:
    """Name the members that change; nothing when none does."""
    pairs = {
        "owner": (before.owner, after.owner),
        "sponsor": (before.sponsor, after.sponsor),
        "purpose": (before.purpose, after.purpose),
        "name": (before.client.name, after.client.name),
        "expiry": (before.client.expires_at, after.client.expires_at),
        "roles": (None, roles.writes or None),
    }
    return ", ".join(name for name, (old, new) in pairs.items() if old != new)
