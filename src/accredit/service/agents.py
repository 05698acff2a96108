"""Agents, as administrators manage them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accredit.identity.agent import Agent
from accredit.identity.changes import AddClient, AddCredential, ReplaceClient, Signal, SignalKind
from accredit.identity.client import Client, ClientKind
from accredit.identity.principal import Principal
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.service import clients
from accredit.service.assignments import Reassigned, reassigned
from accredit.service.changes import Changes
from accredit.service.credentials import Credentials, NewSecret
from accredit.service.once import Once
from accredit.service.problem import crossed, not_found, taken


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
        client = clients.registered(self._changes, ClientKind.AGENT, draft)
        agent = _said(client, draft)
        roles = reassigned(self._changes.directory, Principal(client), draft.roles, client.created_at)
        first = self._credentials.secret(client.id, by)
        event = self._changes.event("agent.add", client.id, by, clients.told(draft, draft.roles))
        made = NewAgent(agent, self._credentials.shown(first))
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
        now = self._changes.clock.now()
        client = clients.edited(agent.client, draft, now)
        changed = _said(client, draft)

        async def drawn() -> Outcome[None]:
            roles = reassigned(self._changes.directory, holder, draft.roles, now)
            told = f"{client.slug}: {_differing(agent, changed, roles)}"
            event = self._changes.event("agent.edit", client.id, by, told)
            heard = (*clients.heard(agent.client, client, now), *roles.signals)
            return Outcome(None, (ReplaceClient(client, changed),), roles.writes, (event,), heard)

        if _differing(agent, changed, reassigned(self._changes.directory, holder, draft.roles, now)):
            await self._changes.settle(drawn, crossed("agent", client.slug))


def _said(client: Client, draft: AgentDraft) -> Agent:
    return Agent(client, draft.owner.strip(), draft.sponsor.strip(), draft.purpose.strip())


def _differing(before: Agent, after: Agent, roles: Reassigned) -> str:
    return clients.differing(
        {
            "owner": (before.owner, after.owner),
            "sponsor": (before.sponsor, after.sponsor),
            "purpose": (before.purpose, after.purpose),
            "name": (before.client.name, after.client.name),
            "expiry": (before.client.expires_at, after.client.expires_at),
            "roles": (None, roles.writes or None),
        }
    )
