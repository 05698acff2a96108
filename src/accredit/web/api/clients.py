"""What agents and applications have in common over the management API: their credentials and their roles."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from fastapi import APIRouter
from pydantic import BeforeValidator, Field

from accredit.identity import times
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential
from accredit.identity.management import Authority, Need
from accredit.identity.principal import Principal
from accredit.identity.role import HeldRole
from accredit.service.credentials import NewSecret, Rotated, Rotation
from accredit.service.directory import Directory
from accredit.service.problem import Problem, ProblemCode, not_found
from accredit.web.api import roles
from accredit.web.api.credentials import (
    CredentialBody,
    CredentialId,
    CredentialList,
    CredentialView,
    NewCredentialView,
    RetireBody,
    RotateBody,
    RotatedView,
    credential_list,
    credential_view,
    new_members,
)
from accredit.web.api.fields import Body, Instant, Slug, Span, View, end
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import NotPermitted, Who
from accredit.web.api.services import Services

MOST_ROLES = 100
"""Roles that one request gives."""


class EndBody(Body):
    """Until when a role is held: `ends_at`, or `ends_in` seconds from now; neither: for good."""

    ends_at: Instant | None = None
    ends_in: Span | None = None


def _listed(value: object) -> object:
    """Let a list of names stand for roles without an end."""
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value) and len(value) <= MOST_ROLES:
        return {one: {} for one in value}
    return value


RoleEnds = Annotated[dict[Slug, EndBody], BeforeValidator(_listed), Field(max_length=MOST_ROLES)]
"""Roles by slug with their ends; a list of slugs: roles without an end."""


class HeldRoleView(View):
    """A role that is held, with what it carries by the slugs of servers. `through` is the slug of a group, or null."""

    slug: str
    ends_at: str | None
    through: str | None
    scopes: dict[str, list[str]]


class CredentialHandlers:
    """The handlers of `/{slug}/credentials`, for the nouns whose clients have them."""

    kind: ClassVar[ClientKind]

    def __init__(self, services: Services) -> None:
        self._services = services
        self._credentials = services.credentials

    @classmethod
    def add_credential_routes(cls, router: APIRouter) -> None:
        """Add the routes to those of the noun."""
        one = "/{slug}/credentials/{credential}"
        router.add_api_route("/{slug}/credentials", cls.list_credentials, methods=["GET"])
        router.add_api_route("/{slug}/credentials", cls.add_credential, methods=["POST"], status_code=201)
        router.add_api_route("/{slug}/credentials/rotate", cls.rotate_credential, methods=["POST"], status_code=201)
        router.add_api_route(f"{one}/retire", cls.retire_credential, methods=["POST"])
        router.add_api_route(one, cls.revoke_credential, methods=["DELETE"], status_code=204)

    async def list_credentials(self, slug: Slug) -> CredentialList:
        """List the credentials of the client, who comes with each, and which can go without anybody noticing."""
        client = (await self._holder(slug)).client
        held = await self._credentials.held(client.id)
        return credential_list(client, held, self._services.clock.now())

    async def add_credential(
        self, who: Who, slug: Slug, body: CredentialBody | None = None, asked: Repeatable = None
    ) -> NewCredentialView:
        """Give the client one more credential: the public key in the body, or without one a secret."""
        holder = await self._receiver(slug)
        client = holder.client
        not_above(self._services, who, holder)

        def key(made: Credential) -> NewCredentialView:
            return NewCredentialView(**new_members(client, made, None))

        def secret(made: NewSecret) -> NewCredentialView:
            return NewCredentialView(**new_members(client, made.credential, made.secret))

        if body is not None and body.jwk is not None:
            return key(await self._credentials.add_key(holder, body.jwk, who.name, once(asked, key)))
        return secret(await self._credentials.add_secret(holder, who.name, once(asked, secret)))

    async def rotate_credential(
        self, who: Who, slug: Slug, body: RotateBody | None = None, asked: Repeatable = None
    ) -> RotatedView:
        """Make a new credential and give the old one its end, in one step."""
        holder = await self._holder(slug)
        not_above(self._services, who, holder)
        body = body or RotateBody()

        def shown(made: Rotated) -> RotatedView:
            new = new_members(holder.client, made.credential, made.secret)
            return RotatedView(**new, old=credential_view(made.old))

        wanted = Rotation(body.old, body.until(self._services.clock.now()), body.jwk)
        return shown(await self._credentials.rotate(holder, wanted, who.name, once(asked, shown)))

    async def retire_credential(
        self, who: Who, slug: Slug, credential: CredentialId, body: RetireBody
    ) -> CredentialView:
        """Let a credential work until a deadline, and no longer; its successor takes over meanwhile."""
        holder = await self._holder(slug)
        not_above(self._services, who, holder)
        at = end(self._services.clock.now(), body.retires_at, body.retires_in)
        if at is None:
            raise Problem(ProblemCode.INVALID, "say when the credential stops working: retires_at or retires_in")
        return credential_view(await self._credentials.retire(holder, credential, at, who.name))

    async def revoke_credential(self, who: Who, slug: Slug, credential: CredentialId) -> None:
        """End a credential now, and every token that it obtained."""
        await self._credentials.revoke(await self._holder(slug), credential, who.name)

    async def _receiver(self, slug: str) -> Principal:
        """Return the client if it can have credentials at all. Raises Problem."""
        return await self._holder(slug)

    async def _holder(self, slug: str) -> Principal:
        found = await self._services.clients.by_slug(self.kind, slug)
        if found is None:
            raise not_found(self.kind.value, slug)
        return found


def not_above(services: Services, who: Authority, holder: Principal) -> None:
    """Raise NotPermitted when a token would give power: who holds an office is trusted by the local side alone."""
    if not who.local and not services.administrators.office(holder).empty():
        raise NotPermitted(Need.LOCAL)


def ends(now: int, given: Mapping[str, EndBody]) -> dict[str, int | None]:
    """Return the ends that were given, by role."""
    return {slug: end(now, one.ends_at, one.ends_in) for slug, one in given.items()}


def role_views(held: tuple[HeldRole, ...], directory: Directory) -> list[HeldRoleView]:
    """Return held roles as the API shows them, by slug."""
    return [_role(item, directory) for item in sorted(held, key=lambda item: (item.role.slug, item.through or ""))]


def given_role_views(given: Mapping[str, int | None], directory: Directory) -> list[HeldRoleView]:
    """Return the roles that somebody new gets, by slug with their ends, as the API shows them."""
    known = ((directory.role(slug), at) for slug, at in given.items())
    return role_views(tuple(HeldRole(role, at) for role, at in known if role is not None), directory)


def _role(item: HeldRole, directory: Directory) -> HeldRoleView:
    group = directory.group_by_id(item.through) if item.through is not None else None
    return HeldRoleView(
        slug=item.role.slug,
        ends_at=times.render(item.ends_at),
        through=group.slug if group is not None else None,
        scopes=roles.scopes(item.role, directory),
    )


def client_members(client: Client) -> dict[str, str | None]:
    """Return the members that every client's view has."""
    return {
        "id": client.id,
        "client_id": client.client_id,
        "slug": client.slug,
        "name": client.name,
        "state": client.state.value,
        "created_at": times.render(client.created_at),
        "expires_at": times.render(client.expires_at),
    }
