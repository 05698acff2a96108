"""Agents, as administrators manage them."""

from dataclasses import dataclass, replace

from accredit.identity.agent import Agent
from accredit.identity.changes import (
    AddClient,
    AddCredential,
    Assign,
    ReplaceClient,
    Signal,
    SignalKind,
)
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment
from accredit.identity.slug import SlugError, slug
from accredit.identity.state import State
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.service.changes import Changes
from accredit.service.credentials import Credentials
from accredit.service.problem import Problem, ProblemCode, not_found, stale, taken


@dataclass(frozen=True, slots=True)
class AgentDraft:
    """What an administrator says about a new agent. `expires_at` is microseconds UTC, or None; `roles` are slugs."""

    slug: str
    owner: str
    name: str = ""
    sponsor: str = ""
    purpose: str = ""
    expires_at: int | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Registered:
    """A new agent with its first credential, whose secret is shown this once and kept nowhere."""

    agent: Agent
    credential: Credential
    secret: str


class Agents:
    """Registers agents, suspends and resumes them."""

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

    async def behind(self, principal: Principal) -> Agent | None:
        """Return the agent that this client is, or None when it is no agent."""
        return await self._clients.agent(principal.client.id) if principal.client.kind is ClientKind.AGENT else None

    async def add(self, draft: AgentDraft, by: str) -> Registered:
        """Register an agent with its roles and make its first secret, all or nothing. Raises Problem."""
        agent = self._drafted(draft)
        assigned = tuple(Assign(Assignment(self._role(name), agent.client.id)) for name in sorted(set(draft.roles)))
        credential, secret = self._credentials.secret(agent.client.id, by)
        event = self._changes.event("agent.add", agent.client.id, by, _summary(draft))
        outcome = Outcome(
            agent,
            (AddClient(agent.client, agent),),
            (AddCredential(credential), *assigned),
            (event,),
            (Signal(SignalKind.CLIENT, agent.client.id),),
        )
        await self._changes.commit(outcome, taken("agent", agent.client.slug))
        return Registered(agent, credential, secret)

    def _role(self, name: str) -> str:
        role = self._changes.directory.role(name)
        if role is None:
            raise not_found("role", name)
        return role.id

    def _drafted(self, draft: AgentDraft) -> Agent:
        try:
            name = slug(draft.slug)
        except SlugError as error:
            raise Problem(ProblemCode.INVALID, str(error)) from error
        if not draft.owner.strip():
            raise Problem(ProblemCode.INVALID, "an agent has an owner: say whose it is")
        now = self._changes.clock.now()
        if draft.expires_at is not None and draft.expires_at <= now:
            raise Problem(ProblemCode.INVALID, "the expiry of an agent must lie in the future")
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

    async def suspend(self, name: str, by: str) -> Client:
        """Refuse every token of this agent, everywhere, until it is resumed."""
        return await self._set_state(name, State.SUSPENDED, SignalKind.SUSPENDED, "agent.suspend", by)

    async def resume(self, name: str, by: str) -> Client:
        """Let the agent work again."""
        return await self._set_state(name, State.ACTIVE, SignalKind.RESUMED, "agent.resume", by)

    async def _set_state(self, name: str, state: State, kind: SignalKind, action: str, by: str) -> Client:
        client = (await self.principal(name)).client
        if client.state is state:
            return client
        changed = replace(client, state=state, version=client.version + 1)
        event = self._changes.event(action, client.id, by, name)
        outcome = Outcome(changed, (ReplaceClient(changed),), (), (event,), (Signal(kind, client.id),))
        await self._changes.commit(outcome, stale("agent", name))
        return changed


def _summary(draft: AgentDraft) -> str:
    held = ", ".join(sorted(set(draft.roles)))
    return f"registered {draft.slug} for {draft.owner.strip()}" + (f" with {held}" if held else "")
