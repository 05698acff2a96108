"""Agents and their credentials, as administrators manage them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from accredit.identity import credential as credentials
from accredit.identity.agent import Agent
from accredit.identity.changes import (
    AddClient,
    AddCredential,
    Assign,
    ReplaceClient,
    RetireCredential,
    RevokeCredential,
    Signal,
    SignalKind,
)
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential, CredentialKind, CredentialState
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment
from accredit.identity.slug import SlugError, slug
from accredit.identity.state import State
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.ports.randomness import Randomness
from accredit.service.changes import Changes
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, not_found, stale, taken

_LIVE_CREDENTIALS = 2


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
    """A new credential with its secret, which is shown this once and kept nowhere. A public key has none."""

    agent: Agent
    credential: Credential
    secret: str | None = None


class Agents:
    """Registers agents, gives them credentials, suspends and resumes them."""

    def __init__(self, changes: Changes, clients: Clients, randomness: Randomness) -> None:
        self._changes = changes
        self._clients = clients
        self._randomness = randomness

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

    async def add(self, draft: AgentDraft, by: str, once: Once[Registered] | None = None) -> Registered:
        """Register an agent with its roles and make its first secret, all or nothing. Raises Problem."""
        agent = self._drafted(draft)
        assigned = tuple(Assign(Assignment(self._role(name), agent.client.id)) for name in sorted(set(draft.roles)))
        credential, secret = self._secret(agent.client.id)
        event = self._changes.event("agent.add", agent.client.id, by, _summary(draft))
        made = Registered(agent, credential, secret)
        outcome = Outcome(
            made,
            (AddClient(agent.client, agent),),
            (AddCredential(credential), *assigned),
            (event,),
            (Signal(SignalKind.CLIENT, agent.client.id),),
        )
        await self._changes.commit(outcome, taken("agent", agent.client.slug), once)
        return made

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

    def _secret(self, client: str) -> tuple[Credential, str]:
        identity = self._changes.ids.new("credential")
        secret = credentials.secret(identity, self._randomness.bytes(32))
        made = Credential(
            id=identity,
            client=client,
            kind=CredentialKind.SECRET,
            material=credentials.digest(secret),
            created_at=self._changes.clock.now(),
        )
        return made, secret

    async def add_secret(self, name: str, by: str, once: Once[Registered] | None = None) -> Registered:
        """Give the agent one more secret; two live credentials are normal, more are refused."""
        agent = await self._with_room(name)
        made = Registered(agent, *self._secret(agent.client.id))
        await self._give(made, by, once)
        return made

    async def add_key(
        self, name: str, jwk: Mapping[str, Any], by: str, once: Once[Registered] | None = None
    ) -> Registered:
        """Give the agent a public key as one more credential (RFC 7523); the private half never leaves the agent."""
        try:
            material = credentials.public_key(jwk)
        except (TypeError, ValueError) as error:
            raise Problem(ProblemCode.INVALID, f"the key is not usable: {error}") from error
        agent = await self._with_room(name)
        key = Credential(
            id=self._changes.ids.new("credential"),
            client=agent.client.id,
            kind=CredentialKind.PUBLIC_KEY,
            material=material,
            created_at=self._changes.clock.now(),
        )
        made = Registered(agent, key)
        await self._give(made, by, once)
        return made

    async def _with_room(self, name: str) -> Agent:
        """Return the agent if it may have one more credential. Raises Problem."""
        agent, principal = await self.get(name)
        now = self._changes.clock.now()
        if sum(item.usable(now) for item in principal.credentials) >= _LIVE_CREDENTIALS:
            text = f"{name} has two live credentials; revoke the one that is not used any more first"
            raise Problem(ProblemCode.CONFLICT, text)
        return agent

    async def _give(self, made: Registered, by: str, once: Once[Registered] | None) -> None:
        agent, credential, name = made.agent, made.credential, made.agent.client.slug
        event = self._changes.event("agent.credential", agent.client.id, by, f"{credential.id} added to {name}")
        heard = (Signal(SignalKind.CLIENT, agent.client.id),)
        outcome = Outcome(made, (), (AddCredential(credential),), (event,), heard)
        await self._changes.commit(outcome, stale("agent", name), once)

    async def revoke_credential(self, name: str, credential: str, by: str) -> None:
        """End a credential now; tokens that it obtained die with it, those of other credentials live on."""
        agent, principal = await self.get(name)
        found = principal.credential(credential)
        if found is None:
            raise Problem(ProblemCode.NOT_FOUND, f"{name} has no credential {credential[:40]!r}")
        if found.state is CredentialState.REVOKED:
            return
        event = self._changes.event("agent.credential", agent.client.id, by, f"{credential} of {name} revoked")
        heard = (Signal(SignalKind.REVOKED, credential), Signal(SignalKind.CLIENT, agent.client.id))
        outcome = Outcome(None, (), (RevokeCredential(credential),), (event,), heard)
        await self._changes.commit(outcome, stale("agent", name))

    async def retire_credential(self, name: str, credential: str, at: int, by: str) -> Credential:
        """Let a credential work until `at` (microseconds UTC), so that its successor can take over without a gap.

        A deadline can be moved. Tokens obtained until then live out their own few minutes. Raises Problem.
        """
        agent, principal = await self.get(name)
        found = principal.credential(credential)
        if found is None or found.state is CredentialState.REVOKED:
            raise Problem(ProblemCode.NOT_FOUND, f"{name} has no credential {credential[:40]!r} that works")
        if at <= self._changes.clock.now():
            raise Problem(ProblemCode.INVALID, "the deadline lies in the past; to end a credential now, revoke it")
        changed = replace(found, state=CredentialState.RETIRING, retires_at=at)
        event = self._changes.event("agent.credential", agent.client.id, by, f"{credential} of {name} retiring")
        heard = (Signal(SignalKind.CLIENT, agent.client.id),)
        outcome = Outcome(changed, (), (RetireCredential(credential, at),), (event,), heard)
        await self._changes.commit(outcome, stale("agent", name))
        return changed

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
