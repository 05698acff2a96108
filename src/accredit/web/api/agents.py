"""Agents over the management API. A secret is in the answer that makes it, and nowhere else."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from accredit.identity.agent import Agent
from accredit.identity.credential import Credential
from accredit.identity.management import Authority, Need
from accredit.identity.principal import Principal
from accredit.identity.role import HeldRole
from accredit.service.agents import AgentDraft, Registered
from accredit.service.problem import Problem, ProblemCode
from accredit.web.api import roles, times
from accredit.web.api.fields import Body, Instant, Name, Page, Slug, Span, Text, View, end, example
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import NotPermitted, Who
from accredit.web.api.preconditions import MayMatch, check, tagged
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

CredentialId = Annotated[str, StringConstraints(max_length=64)]
"""The id of a credential."""


class AgentBody(Body):
    """A new agent. It ends at `expires_at`, or `expires_in` seconds from now; neither: it has no end."""

    model_config = example(
        slug="billing-bot", owner="dana@example.com", purpose="Reads invoices", roles=["reader"], expires_in=7_776_000
    )

    slug: Slug
    owner: Name
    name: Name = ""
    sponsor: Name = ""
    purpose: Text = ""
    roles: Annotated[tuple[Slug, ...], Field(max_length=100)] = ()
    expires_at: Instant | None = None
    expires_in: Span | None = None


class CredentialView(View):
    """A credential, without what proves it."""

    id: str
    kind: str
    state: str
    created_at: str | None
    expires_at: str | None
    retires_at: str | None


class HeldRoleView(View):
    """A role that an agent holds, with what it carries by the slugs of servers."""

    slug: str
    ends_at: str | None
    scopes: dict[str, list[str]]


class AgentSummary(View):
    """An agent in a list."""

    id: str
    client_id: str
    slug: str
    name: str
    owner: str
    sponsor: str
    purpose: str
    state: str
    created_at: str | None
    expires_at: str | None


class AgentView(AgentSummary):
    """An agent with what belongs to it."""

    credentials: list[CredentialView]
    roles: list[HeldRoleView]


class NewAgentView(AgentView):
    """An agent that has just been registered. The secret is shown this once, and null in a repetition."""

    secret: str | None


class NewCredentialView(View):
    """A credential that has just been made. Its secret is shown this once, and null in a repetition and for a key."""

    agent: str
    client_id: str
    credential: CredentialView
    secret: str | None


class CredentialBody(Body):
    """A credential that the agent made itself: a public key as a JSON Web Key (RFC 7517)."""

    model_config = example(
        jwk={
            "kty": "EC",
            "crv": "P-256",
            "x": "WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis",
            "y": "y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE",
        },
    )

    jwk: dict[str, Any] | None = None


class RetireBody(Body):
    """When a credential stops working: at `retires_at`, or `retires_in` seconds from now."""

    model_config = example(retires_in=86_400)

    retires_at: Instant | None = None
    retires_in: Span | None = None


class AgentPage(View):
    """Agents by slug; `next` is the cursor of the page that follows, or null."""

    items: list[AgentSummary]
    next: str | None


class AgentApi:
    """The handlers of `/agents`."""

    def __init__(self, services: Services) -> None:
        self._agents = services.agents
        self._roles = services.roles
        self._administrators = services.administrators
        self._directory = services.directory
        self._clock = services.clock

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/agents")
        found.add_api_route("", cls.list_agents, methods=["GET"])
        found.add_api_route("", cls.add, methods=["POST"], status_code=201)
        found.add_api_route("/{slug}", cls.show, methods=["GET"])
        found.add_api_route("/{slug}/suspend", cls.suspend, methods=["POST"])
        found.add_api_route("/{slug}/resume", cls.resume, methods=["POST"])
        found.add_api_route("/{slug}/credentials", cls.add_credential, methods=["POST"], status_code=201)
        found.add_api_route("/{slug}/credentials/{credential}/retire", cls.retire_credential, methods=["POST"])
        found.add_api_route(
            "/{slug}/credentials/{credential}", cls.revoke_credential, methods=["DELETE"], status_code=204
        )
        return found

    async def list_agents(self, page: Annotated[Page, Query()]) -> AgentPage:
        """List agents."""
        found = await self._agents.page(page.cursor, page.limit + 1)
        shown = found[: page.limit]
        following = shown[-1].client.slug if len(found) > len(shown) else None
        return AgentPage(items=[AgentSummary(**_summary(item)) for item in shown], next=following)

    async def add(self, who: Who, body: AgentBody, asked: Repeatable = None) -> NewAgentView:
        """Register an agent, give it its roles, and make its first secret."""
        draft = AgentDraft(
            slug=body.slug,
            owner=body.owner,
            name=body.name,
            sponsor=body.sponsor,
            purpose=body.purpose,
            expires_at=end(self._clock.now(), body.expires_at, body.expires_in),
            roles=body.roles,
        )
        held = [self._role(HeldRole(self._roles.get(name))) for name in sorted(set(body.roles))]

        def shown(made: Registered) -> NewAgentView:
            credentials = [_credential(made.credential)]
            return NewAgentView(**_summary(made.agent), credentials=credentials, roles=held, secret=made.secret)

        return shown(await self._agents.add(draft, who.name, once(asked, shown)))

    async def show(self, slug: Slug, response: Response) -> AgentView:
        """Show an agent."""
        return await self._tagged(response, slug)

    async def suspend(self, who: Who, slug: Slug, response: Response, match: MayMatch = None) -> AgentView:
        """Refuse every token of the agent, everywhere, until it is resumed."""
        check(match, await self._view(slug), required=False)
        await self._agents.suspend(slug, who.name)
        return await self._tagged(response, slug)

    async def resume(self, who: Who, slug: Slug, response: Response, match: MayMatch = None) -> AgentView:
        """Let the agent work again."""
        await self._not_above(who, slug)
        check(match, await self._view(slug), required=False)
        await self._agents.resume(slug, who.name)
        return await self._tagged(response, slug)

    async def add_credential(
        self, who: Who, slug: Slug, body: CredentialBody | None = None, asked: Repeatable = None
    ) -> NewCredentialView:
        """Give the agent one more credential: the public key in the body, or without one a secret."""
        await self._not_above(who, slug)
        if body is not None and body.jwk is not None:
            return _new(await self._agents.add_key(slug, body.jwk, who.name, once(asked, _new)))
        return _new(await self._agents.add_secret(slug, who.name, once(asked, _new)))

    async def retire_credential(
        self, who: Who, slug: Slug, credential: CredentialId, body: RetireBody
    ) -> CredentialView:
        """Let a credential work until a deadline, and no longer; its successor takes over meanwhile."""
        await self._not_above(who, slug)
        at = end(self._clock.now(), body.retires_at, body.retires_in)
        if at is None:
            raise Problem(ProblemCode.INVALID, "say when the credential stops working: retires_at or retires_in")
        return _credential(await self._agents.retire_credential(slug, credential, at, who.name))

    async def revoke_credential(self, who: Who, slug: Slug, credential: CredentialId) -> None:
        """End a credential now, and every token that it obtained."""
        await self._agents.revoke_credential(slug, credential, who.name)

    async def _not_above(self, who: Authority, slug: str) -> None:
        """Raise NotPermitted when a token would give power: who holds an office is trusted by the local side alone."""
        if not who.local and not self._administrators.office(await self._agents.principal(slug)).empty():
            raise NotPermitted(Need.LOCAL)

    async def _tagged(self, response: Response, slug: str) -> AgentView:
        found = await self._view(slug)
        tagged(response, found)
        return found

    async def _view(self, slug: str) -> AgentView:
        agent, principal = await self._agents.get(slug)
        return AgentView(
            **_summary(agent),
            credentials=[_credential(item) for item in principal.credentials],
            roles=self._held(principal),
        )

    def _held(self, principal: Principal) -> list[HeldRoleView]:
        held = sorted(self._directory.held(principal), key=lambda item: item.role.slug)
        return [self._role(item) for item in held]

    def _role(self, item: HeldRole) -> HeldRoleView:
        carried = roles.scopes(item.role, self._directory)
        return HeldRoleView(slug=item.role.slug, ends_at=times.render(item.ends_at), scopes=carried)


def _summary(agent: Agent) -> dict[str, str | None]:
    client = agent.client
    return {
        "id": client.id,
        "client_id": client.client_id,
        "slug": client.slug,
        "name": client.name,
        "owner": agent.owner,
        "sponsor": agent.sponsor,
        "purpose": agent.purpose,
        "state": client.state.value,
        "created_at": times.render(client.created_at),
        "expires_at": times.render(client.expires_at),
    }


def _new(made: Registered) -> NewCredentialView:
    client = made.agent.client
    credential = _credential(made.credential)
    return NewCredentialView(agent=client.slug, client_id=client.client_id, credential=credential, secret=made.secret)


def _credential(item: Credential) -> CredentialView:
    return CredentialView(
        id=item.id,
        kind=item.kind.value,
        state=item.state.value,
        created_at=times.render(item.created_at),
        expires_at=times.render(item.expires_at),
        retires_at=times.render(item.retires_at),
    )
