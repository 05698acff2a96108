"""Applications over the management API: clients that are registered up-front, with redirect URIs and a type."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from accredit.identity.application import Application, ClientType
from accredit.identity.client import ClientKind
from accredit.identity.principal import Principal
from accredit.identity.software import Software, software
from accredit.oauth import redirect_uri
from accredit.service.applications import ApplicationDraft, NewApplication
from accredit.service.assignments import own_roles
from accredit.service.problem import Problem, ProblemCode
from accredit.web.api.clients import (
    CredentialHandlers,
    HeldRoleView,
    RoleEnds,
    client_members,
    ends,
    given_role_views,
    role_views,
)
from accredit.web.api.credentials import CredentialView, credential_view
from accredit.web.api.fields import Body, Instant, Name, Page, Slug, Span, Text, View, end, example
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import Who
from accredit.web.api.preconditions import IfMatch, MayMatch, check, tagged
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services
from accredit.web.api.software import SoftwareText

RedirectUris = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=redirect_uri.LONGEST)], ...], Field(max_length=redirect_uri.MOST)
]
"""Redirect URIs; their order does not matter."""


class ApplicationEditBody(Body):
    """What changes about an application; what is left out stays. `expires_at: null` takes its end away.

    `roles` and `redirect_uris` are all that it has from now on. Its type cannot change.
    """

    model_config = example(redirect_uris=["https://portal.example.com/callback"])

    owner: Name = ""
    name: Name = ""
    purpose: Text = ""
    software_id: SoftwareText = ""
    software_version: SoftwareText = ""
    redirect_uris: RedirectUris = ()
    roles: Annotated[RoleEnds, Field(default_factory=dict)]
    expires_at: Instant | None = None
    expires_in: Span | None = None


class ApplicationBody(ApplicationEditBody):
    """A new application. It ends at `expires_at`, or `expires_in` seconds from now; neither: it has no end.

    A confidential one gets its first secret; a public one authenticates with `none`, and needs redirect URIs.
    """

    model_config = example(
        slug="portal",
        owner="dana@example.com",
        type="confidential",
        redirect_uris=["https://portal.example.com/callback"],
        roles={"reader": {"ends_in": 7_776_000}},
    )

    slug: Slug
    owner: Name
    type: ClientType = ClientType.CONFIDENTIAL


class ApplicationSummary(View):
    """An application in a list."""

    id: str
    client_id: str
    slug: str
    name: str
    owner: str
    purpose: str
    type: ClientType
    redirect_uris: list[str]
    software_id: str
    software_version: str
    state: str
    created_at: str | None
    expires_at: str | None


class ApplicationView(ApplicationSummary):
    """An application with what belongs to it."""

    credentials: list[CredentialView]
    roles: list[HeldRoleView]


class NewApplicationView(ApplicationView):
    """An application that has just been registered. Its secret is shown this once; a public one has none."""

    secret: str | None


class ApplicationPage(View):
    """Applications by slug; `next` is the cursor of the page that follows, or null."""

    items: list[ApplicationSummary]
    next: str | None


class ApplicationApi(CredentialHandlers):
    """The handlers of `/applications`."""

    kind = ClientKind.APPLICATION

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._applications = services.applications
        self._standing = services.standing
        self._directory = services.directory
        self._clock = services.clock

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/applications")
        found.add_api_route("", cls.list_applications, methods=["GET"])
        found.add_api_route("", cls.add, methods=["POST"], status_code=201)
        found.add_api_route("/{slug}", cls.show, methods=["GET"])
        found.add_api_route("/{slug}", cls.edit, methods=["PATCH"])
        found.add_api_route("/{slug}", cls.remove, methods=["DELETE"], status_code=204)
        found.add_api_route("/{slug}/suspend", cls.suspend, methods=["POST"])
        found.add_api_route("/{slug}/revoke", cls.revoke, methods=["POST"], status_code=204)
        found.add_api_route("/{slug}/resume", cls.resume, methods=["POST"])
        cls.add_credential_routes(found)
        return found

    async def list_applications(self, page: Annotated[Page, Query()]) -> ApplicationPage:
        """List applications."""
        found = await self._applications.page(page.cursor, page.limit + 1)
        shown = found[: page.limit]
        following = shown[-1].client.slug if len(found) > len(shown) else None
        return ApplicationPage(items=[ApplicationSummary(**_summary(item)) for item in shown], next=following)

    async def add(self, who: Who, body: ApplicationBody, asked: Repeatable = None) -> NewApplicationView:
        """Register an application and give it its roles; a confidential one gets its first secret."""
        now = self._clock.now()
        draft = ApplicationDraft(
            slug=body.slug,
            owner=body.owner,
            name=body.name,
            purpose=body.purpose,
            type=body.type,
            redirect_uris=body.redirect_uris,
            software=_software(body.software_id, body.software_version),
            expires_at=end(now, body.expires_at, body.expires_in),
            roles=ends(now, body.roles),
        )
        shown_roles = given_role_views(draft.roles, self._directory)

        def shown(made: NewApplication) -> NewApplicationView:
            credentials = [credential_view(made.first.credential)] if made.first is not None else []
            secret = made.first.secret if made.first is not None else None
            told = _summary(made.application)
            return NewApplicationView(**told, credentials=credentials, roles=shown_roles, secret=secret)

        return shown(await self._applications.add(draft, who.name, once(asked, shown)))

    async def show(self, slug: Slug, response: Response) -> ApplicationView:
        """Show an application."""
        return await self._tagged(response, slug)

    async def edit(
        self, who: Who, slug: Slug, body: ApplicationEditBody, response: Response, match: IfMatch = None
    ) -> ApplicationView:
        """Change what is said of an application."""
        present, holder = await self._applications.get(slug)
        check(match, self._view(present, holder))
        await self._applications.edit(present, holder, self._overlaid(present, holder, body), who.name)
        return await self._tagged(response, slug)

    async def remove(self, who: Who, slug: Slug, match: IfMatch = None) -> None:
        """Delete an application: its tokens are dead everywhere, it gets no more, and its name is free."""
        present, holder = await self._applications.get(slug)
        check(match, self._view(present, holder))
        await self._standing.remove(holder.client, who.name)

    async def suspend(self, who: Who, slug: Slug, response: Response, match: MayMatch = None) -> ApplicationView:
        """Refuse every token of the application, everywhere, until it is resumed."""
        present, holder = await self._applications.get(slug)
        check(match, self._view(present, holder), required=False)
        await self._standing.suspend(holder.client, who.name)
        return await self._tagged(response, slug)

    async def revoke(self, who: Who, slug: Slug) -> None:
        """End every token that the application has now, everywhere; it lives on, and gets new ones."""
        _, holder = await self._applications.get(slug)
        await self._standing.revoke(holder.client, who.name)

    async def resume(self, who: Who, slug: Slug, response: Response, match: MayMatch = None) -> ApplicationView:
        """Let the application work again."""
        present, holder = await self._applications.get(slug)
        check(match, self._view(present, holder), required=False)
        await self._standing.resume(holder.client, who.name)
        return await self._tagged(response, slug)

    async def _receiver(self, slug: str) -> Principal:
        """Return the application's client. Raises Problem for a public one, which can keep no credential."""
        present, holder = await self._applications.get(slug)
        if present.type is ClientType.PUBLIC:
            raise Problem(ProblemCode.CONFLICT, f"{slug} is public: it can keep no secret and no key")
        return holder

    def _overlaid(self, present: Application, holder: Principal, body: ApplicationEditBody) -> ApplicationDraft:
        """Return what is said of the application once the body has been said, too."""
        now, given = self._clock.now(), body.model_fields_set
        said = {name: getattr(body, name) for name in ("owner", "name", "purpose", "redirect_uris") if name in given}
        kept: dict[str, Any] = {
            "owner": present.owner,
            "name": present.client.name,
            "purpose": present.purpose,
            "redirect_uris": tuple(sorted(present.redirect_uris)),
        }
        had = present.client.software or Software("")
        identity = body.software_id if "software_id" in given else had.id
        version = body.software_version if "software_version" in given else had.version if identity == had.id else ""
        ending = given & {"expires_at", "expires_in"}
        return ApplicationDraft(
            slug=present.client.slug,
            expires_at=end(now, body.expires_at, body.expires_in) if ending else present.client.expires_at,
            roles=ends(now, body.roles) if "roles" in given else own_roles(self._directory, holder),
            software=_software(identity, version),
            **kept | said,
        )

    async def _tagged(self, response: Response, slug: str) -> ApplicationView:
        found = self._view(*await self._applications.get(slug))
        tagged(response, found)
        return found

    def _view(self, present: Application, holder: Principal) -> ApplicationView:
        return ApplicationView(
            **_summary(present),
            credentials=[credential_view(item) for item in holder.credentials],
            roles=role_views(self._directory.held(holder), self._directory),
        )


def _summary(found: Application) -> dict[str, Any]:
    more: dict[str, Any] = {"owner": found.owner, "purpose": found.purpose, "type": found.type}
    named = found.client.software or Software("")
    more |= {"software_id": named.id, "software_version": named.version}
    return client_members(found.client) | more | {"redirect_uris": sorted(found.redirect_uris)}


def _software(identity: str, version: str) -> Software | None:
    """Return what an application is an installation of. Raises Problem."""
    try:
        return software(identity, version)
    except ValueError as error:
        raise Problem(ProblemCode.INVALID, f"software_version: {error}") from error
