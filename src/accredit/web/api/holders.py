"""Holders of roles and members of groups, as they are named in the addresses of the management API."""

from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from accredit.identity.client import ClientKind
from accredit.identity.holder import Holder, HolderKind, parse
from accredit.identity.principal import Principal
from accredit.service.problem import Problem, ProblemCode, not_found
from accredit.web.api.services import Services

_SLUG: Final = "[a-z0-9]+(-[a-z0-9]+)*"
_KINDS: Final = {HolderKind.AGENT: ClientKind.AGENT, HolderKind.APPLICATION: ClientKind.APPLICATION}
_OF_CLIENTS: Final = {kind: holder for holder, kind in _KINDS.items()}

HolderName = Annotated[
    str,
    AfterValidator(lambda text: parse(text).render()),
    WithJsonSchema({"type": "string", "maxLength": 70, "pattern": f"^((agent|app|group):)?{_SLUG}$"}),
]
"""A holder: the slug of an agent, `app:` and the slug of an application, `group:` and that of a group."""


async def client(services: Services, holder: Holder) -> Principal:
    """Return the client that is named. Raises Problem for one that is not there, and for a group."""
    if holder.kind not in _KINDS:
        raise Problem(ProblemCode.INVALID, "a group cannot be in a group: name an agent or an application")
    kind = _KINDS[holder.kind]
    found = await services.clients.by_slug(kind, holder.slug)
    if found is None:
        raise not_found(kind.value, holder.slug)
    return found


def name(member: Principal) -> str:
    """Return a client as holders are named."""
    return Holder(_OF_CLIENTS[member.client.kind], member.client.slug).render()
