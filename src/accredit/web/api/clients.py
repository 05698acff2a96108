"""What agents and applications have in common over the management API: their credentials and their roles."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter
from pydantic import BeforeValidator, Field, StringConstraints

from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential
from accredit.identity.management import Authority, Need
from accredit.identity.principal import Principal
from accredit.identity.role import HeldRole
from accredit.service.credentials import NewSecret
from accredit.service.directory import Directory
from accredit.service.problem import Problem, ProblemCode, not_found
from accredit.web.api import roles, times
from accredit.web.api.fields import Body, Instant, Slug, Span, View, end, example
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import NotPermitted, Who
from accredit.web.api.services import Services

MOST_ROLES = 100
"""Roles that one request gives."""

CredentialId = Annotated[str, StringConstraints(max_length=64)]
"""The id of a credential."""


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


class CredentialView(View):
    """A credential, without what proves it."""

    id: str
    kind: str
    state: str
    created_at: str | None
    expires_at: str | None
    retires_at: str | None


class HeldRoleView(View):
    """A role that is held, with what it carries by the slugs of servers. `through` is the slug of a group, or null."""

    slug: str
    ends_at: str | None
    through: str | None
    scopes: dict[str, list[str]]


class NewCredentialView(View):
    """A credential that has just been made. Its secret is shown this once, and null in a repetition and for a key."""

    client: str
    client_id: str
    credential: CredentialView
    secret: str | None


class CredentialBody(Body):
    """A credential that the client made itself: a public key as a JSON Web Key (RFC 7517)."""

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
        router.add_api_route("/{slug}/credentials", cls.add_credential, methods=["POST"], status_code=201)
        router.add_api_route(f"{one}/retire", cls.retire_credential, methods=["POST"])
        router.add_api_route(one, cls.revoke_credential, methods=["DELETE"], status_code=204)

    async def add_credential(
        self, who: Who, slug: Slug, body: CredentialBody | None = None, asked: Repeatable = None
    ) -> NewCredentialView:
        """Give the client one more credential: the public key in the body, or without one a secret."""
        holder = await self._receiver(slug)
        client = holder.client
        not_above(self._services, who, holder)

        def key(made: Credential) -> NewCredentialView:
            return _new(client, made, None)

        def secret(made: NewSecret) -> NewCredentialView:
            return _new(client, made.credential, made.secret)

        if body is not None and body.jwk is not None:
            return key(await self._credentials.add_key(holder, body.jwk, who.name, once(asked, key)))
        return secret(await self._credentials.add_secret(holder, who.name, once(asked, secret)))

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


def credential_view(item: Credential) -> CredentialView:
    """Return a credential as the API shows it."""
    return CredentialView(
        id=item.id,
        kind=item.kind.value,
        state=item.state.value,
        created_at=times.render(item.created_at),
        expires_at=times.render(item.expires_at),
        retires_at=times.render(item.retires_at),
    )


def role_views(held: tuple[HeldRole, ...], directory: Directory) -> list[HeldRoleView]:
    """Return held roles as the API shows them, by slug."""
    return [_role(item, directory) for item in sorted(held, key=lambda item: (item.role.slug, item.through or ""))]


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


def _new(client: Client, credential: Credential, secret: str | None) -> NewCredentialView:
    return NewCredentialView(
        client=client.slug, client_id=client.client_id, credential=credential_view(credential), secret=secret
    )
