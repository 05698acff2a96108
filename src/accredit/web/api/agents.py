"""Agents over the management API. A secret is in the answer that makes it, and nowhere else."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from accredit.identity.agent import Agent
from accredit.identity.client import ClientKind
from accredit.identity.principal import Principal
from accredit.service.agents import AgentDraft, NewAgent
from accredit.service.assignments import own_roles
from accredit.web.api.clients import (
    CredentialHandlers,
    HeldRoleView,
    RoleEnds,
    client_members,
    ends,
    given_role_views,
    not_above,
    role_views,
)
from accredit.web.api.credentials import CredentialView, credential_view
from accredit.web.api.fields import Body, Instant, Name, Page, Slug, Span, Text, View, end, example
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import Who
from accredit.web.api.preconditions import IfMatch, MayMatch, check, tagged
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class AgentEditBody(Body):
    """What changes about an agent; what is left out stays. `expires_at: null` takes its end away.

    `roles` are all that it holds from now on; built-in ones stay.
    """

    model_config = example(purpose="Reads and files invoices", roles={"reader": {"ends_in": 7_776_000}})

    owner: Name = ""
    name: Name = ""
    sponsor: Name = ""
    purpose: Text = ""
    roles: Annotated[RoleEnds, Field(default_factory=dict)]
    expires_at: Instant | None = None
    expires_in: Span | None = None


class AgentBody(AgentEditBody):
    """A new agent. It ends at `expires_at`, or `expires_in` seconds from now; neither: it has no end."""

    model_config = example(
        slug="billing-bot", owner="dana@example.com", purpose="Reads invoices", roles=["reader"], expires_in=7_776_000
    )

    slug: Slug
    owner: Name


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


class AgentPage(View):
    """Agents by slug; `next` is the cursor of the page that follows, or null."""

    items: list[AgentSummary]
    next: str | None


class AgentApi(CredentialHandlers):
    """The handlers of `/agents`."""

    kind = ClientKind.AGENT

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._agents = services.agents
        self._standing = services.standing
        self._directory = services.directory
        self._clock = services.clock

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/agents")
        found.add_api_route("", cls.list_agents, methods=["GET"])
        found.add_api_route("", cls.add, methods=["POST"], status_code=201)
        found.add_api_route("/{slug}", cls.show, methods=["GET"])
        found.add_api_route("/{slug}", cls.edit, methods=["PATCH"])
        found.add_api_route("/{slug}", cls.remove, methods=["DELETE"], status_code=204)
        found.add_api_route("/{slug}/suspend", cls.suspend, methods=["POST"])
        found.add_api_route("/{slug}/revoke", cls.revoke, methods=["POST"], status_code=204)
        found.add_api_route("/{slug}/resume", cls.resume, methods=["POST"])
        cls.add_credential_routes(found)
        return found

    async def list_agents(self, page: Annotated[Page, Query()]) -> AgentPage:
        """List agents."""
        found = await self._agents.page(page.cursor, page.limit + 1)
        shown = found[: page.limit]
        following = shown[-1].client.slug if len(found) > len(shown) else None
        return AgentPage(items=[AgentSummary(**_summary(item)) for item in shown], next=following)

    async def add(self, who: Who, body: AgentBody, asked: Repeatable = None) -> NewAgentView:
        """Register an agent, give it its roles, and make its first secret."""
        now = self._clock.now()
        draft = AgentDraft(
            slug=body.slug,
            owner=body.owner,
            name=body.name,
            sponsor=body.sponsor,
            purpose=body.purpose,
            expires_at=end(now, body.expires_at, body.expires_in),
            roles=ends(now, body.roles),
        )
        shown_roles = given_role_views(draft.roles, self._directory)

        def shown(made: NewAgent) -> NewAgentView:
            credentials = [credential_view(made.first.credential)]
            secret = made.first.secret
            return NewAgentView(**_summary(made.agent), credentials=credentials, roles=shown_roles, secret=secret)

        return shown(await self._agents.add(draft, who.name, once(asked, shown)))

    async def show(self, slug: Slug, response: Response) -> AgentView:
        """Show an agent."""
        return await self._tagged(response, slug)

    async def edit(
        self, who: Who, slug: Slug, body: AgentEditBody, response: Response, match: IfMatch = None
    ) -> AgentView:
        """Change what is said of an agent."""
        agent, holder = await self._agents.get(slug)
        if body.model_fields_set & {"expires_at", "expires_in", "roles"}:
            not_above(self._services, who, holder)
        check(match, self._view(agent, holder))
        await self._agents.edit(agent, holder, self._overlaid(agent, holder, body), who.name)
        return await self._tagged(response, slug)

    async def remove(self, who: Who, slug: Slug, match: IfMatch = None) -> None:
        """Delete an agent: its tokens are dead everywhere, it gets no more, and its name is free."""
        agent, holder = await self._agents.get(slug)
        check(match, self._view(agent, holder))
        await self._standing.remove(holder.client, who.name)

    async def suspend(self, who: Who, slug: Slug, response: Response, match: MayMatch = None) -> AgentView:
        """Refuse every token of the agent, everywhere, until it is resumed."""
        agent, holder = await self._agents.get(slug)
        check(match, self._view(agent, holder), required=False)
        await self._standing.suspend(holder.client, who.name)
        return await self._tagged(response, slug)

    async def revoke(self, who: Who, slug: Slug) -> None:
        """End every token that the agent has now, everywhere; it lives on, and gets new ones."""
        _, holder = await self._agents.get(slug)
        await self._standing.revoke(holder.client, who.name)

    async def resume(self, who: Who, slug: Slug, response: Response, match: MayMatch = None) -> AgentView:
        """Let the agent work again."""
        agent, holder = await self._agents.get(slug)
        not_above(self._services, who, holder)
        check(match, self._view(agent, holder), required=False)
        await self._standing.resume(holder.client, who.name)
        return await self._tagged(response, slug)

    def _overlaid(self, agent: Agent, holder: Principal, body: AgentEditBody) -> AgentDraft:
        """Return what is said of the agent once the body has been said, too."""
        now, given = self._clock.now(), body.model_fields_set
        said = {name: getattr(body, name) for name in ("owner", "name", "sponsor", "purpose") if name in given}
        kept = {"owner": agent.owner, "name": agent.client.name, "sponsor": agent.sponsor, "purpose": agent.purpose}
        known = own_roles(self._directory, holder)
        ending = given & {"expires_at", "expires_in"}
        return AgentDraft(
            slug=agent.client.slug,
            expires_at=end(now, body.expires_at, body.expires_in) if ending else agent.client.expires_at,
            roles=ends(now, body.roles) if "roles" in given else known,
            **kept | said,
        )

    async def _tagged(self, response: Response, slug: str) -> AgentView:
        found = self._view(*await self._agents.get(slug))
        tagged(response, found)
        return found

    def _view(self, agent: Agent, holder: Principal) -> AgentView:
        return AgentView(
            **_summary(agent),
            credentials=[credential_view(item) for item in holder.credentials],
            roles=role_views(self._directory.held(holder), self._directory),
        )


def _summary(agent: Agent) -> dict[str, Any]:
    people = {"owner": agent.owner, "sponsor": agent.sponsor, "purpose": agent.purpose}
    return client_members(agent.client) | people
