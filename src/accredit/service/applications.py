"""Applications, as administrators manage them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from accredit.identity.application import Application, ClientType
from accredit.identity.changes import AddClient, AddCredential, ReplaceClient, Signal, SignalKind
from accredit.identity.client import Client, ClientKind
from accredit.identity.principal import Principal
from accredit.identity.software import Software
from accredit.oauth import redirect_uri
from accredit.oauth.outcome import Outcome
from accredit.oauth.redirect_uri import RedirectError
from accredit.ports.clients import Clients
from accredit.service import clients
from accredit.service.assignments import Reassigned, reassigned
from accredit.service.changes import Changes
from accredit.service.credentials import Credentials, NewSecret
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, crossed, not_found, taken


@dataclass(frozen=True, slots=True)
class ApplicationDraft:
    """All that an administrator says about an application. `expires_at` is microseconds UTC, or None.

    `roles` maps slugs to the ends of the assignments (microseconds UTC, or None).
    """

    slug: str
    owner: str
    name: str = ""
    purpose: str = ""
    type: ClientType = ClientType.CONFIDENTIAL
    redirect_uris: tuple[str, ...] = ()
    expires_at: int | None = None
    roles: Mapping[str, int | None] = field(default_factory=dict)
    software: Software | None = None


@dataclass(frozen=True, slots=True)
class NewApplication:
    """An application that has just been registered, and its first secret unless it was to bring a key or is public."""

    application: Application
    first: NewSecret | None


class Applications:
    """Registers applications and edits them."""

    def __init__(self, changes: Changes, clients: Clients, credentials: Credentials) -> None:
        self._changes = changes
        self._clients = clients
        self._credentials = credentials

    async def page(self, after: str, limit: int) -> tuple[Application, ...]:
        """Return at most `limit` applications whose slug sorts after `after`."""
        return await self._clients.applications(after, limit)

    async def get(self, name: str) -> tuple[Application, Principal]:
        """Return the application with what belongs to it. Raises Problem."""
        principal = await self._clients.by_slug(ClientKind.APPLICATION, name)
        found = await self._clients.application(principal.client.id) if principal is not None else None
        if principal is None or found is None:
            raise not_found("application", name)
        return found, principal

    async def add(self, draft: ApplicationDraft, by: str, once: Once[NewApplication] | None = None) -> NewApplication:
        """Register an application with its roles; a confidential one gets its first secret. Raises Problem."""
        client = replace(clients.registered(self._changes, ClientKind.APPLICATION, draft), software=draft.software)
        found = _said(client, draft, draft.type)
        roles = reassigned(self._changes.directory, Principal(client), draft.roles, client.created_at)
        first = self._credentials.secret(client.id, by) if found.type is ClientType.CONFIDENTIAL else None
        given = (AddCredential(first.credential),) if first is not None else ()
        told = clients.told(draft, draft.roles, f", {found.type.value},")
        event = self._changes.event("application.add", client.id, by, told)
        made = NewApplication(found, self._credentials.shown(first) if first is not None else None)

        async def drawn() -> Outcome[NewApplication]:
            heard = (Signal(SignalKind.CLIENT, client.id), *self._stopped(None, client))
            return Outcome(made, (AddClient(client, found),), (*given, *roles.writes), (event,), heard)

        if client.software is None:
            await self._changes.commit(await drawn(), taken("application", client.slug), once)
        else:
            await self._changes.settle(drawn, taken("application", client.slug), once)
        return made

    async def edit(self, present: Application, holder: Principal, draft: ApplicationDraft, by: str) -> None:
        """Make an application what `draft` says, but for slug and type. Raises Problem, also when it is stale."""
        now = self._changes.clock.now()
        client = replace(clients.edited(present.client, draft, now), software=draft.software)
        changed = _said(client, draft, present.type)

        async def drawn() -> Outcome[None]:
            roles = reassigned(self._changes.directory, holder, draft.roles, now)
            told = f"{client.slug}: {_differing(present, changed, roles)}"
            event = self._changes.event("application.edit", client.id, by, told)
            stopped = self._stopped(present.client, client)
            heard = (*clients.heard(present.client, client, now), *roles.signals, *stopped)
            return Outcome(None, (ReplaceClient(client, changed),), roles.writes, (event,), heard)

        if _differing(present, changed, reassigned(self._changes.directory, holder, draft.roles, now)):
            await self._changes.settle(drawn, crossed("application", client.slug))

    def _stopped(self, before: Client | None, after: Client) -> tuple[Signal, ...]:
        """Return what must be heard of a client that comes to be of a software that is denied."""
        same = before is not None and before.software == after.software
        return () if same or not self._changes.directory.barred(after) else (Signal(SignalKind.REVOKED, after.id),)


def _said(client: Client, draft: ApplicationDraft, kind: ClientType) -> Application:
    """Return what `draft` says of the application. Raises Problem."""
    found = [f"redirect_uris.{place}: {text}" for place, text in redirect_problems(draft.redirect_uris)]
    if found:
        raise Problem(ProblemCode.INVALID, "; ".join(found))
    said = Application(client, draft.owner.strip(), draft.purpose.strip(), kind, frozenset(draft.redirect_uris))
    check_type(said)
    return said


def redirect_problems(uris: Iterable[str]) -> list[tuple[int, str]]:
    """Return what is wrong with redirect URIs, each with its place among them."""
    found = []
    for place, uri in enumerate(uris):
        try:
            redirect_uri.registrable(uri)
        except RedirectError as error:
            found.append((place, str(error)))
    return found


def check_type(found: Application) -> None:
    """Raise Problem unless the application can be used at all: a public one can only come back by a redirect."""
    if found.type is ClientType.PUBLIC and not found.redirect_uris:
        text = "a public application has no credential, so people sign in to it: name its redirect URIs"
        raise Problem(ProblemCode.INVALID, text)


def _differing(before: Application, after: Application, roles: Reassigned) -> str:
    return clients.differing(
        {
            "owner": (before.owner, after.owner),
            "purpose": (before.purpose, after.purpose),
            "name": (before.client.name, after.client.name),
            "expiry": (before.client.expires_at, after.client.expires_at),
            "redirect URIs": (before.redirect_uris, after.redirect_uris),
            "software": (before.client.software, after.client.software),
            "roles": (None, roles.writes or None),
        }
    )
