"""Applications, as administrators manage them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from accredit.identity.application import Application, ClientType
from accredit.identity.changes import AddClient, AddCredential, ReplaceClient, Signal, SignalKind
from accredit.identity.client import Client, ClientKind
from accredit.identity.principal import Principal
from accredit.identity.slug import SlugError, slug
from accredit.oauth import redirect_uri
from accredit.oauth.outcome import Outcome
from accredit.oauth.redirect_uri import RedirectError
from accredit.ports.clients import Clients
from accredit.service.assignments import Reassigned, reassigned
from accredit.service.changes import Changes
from accredit.service.credentials import Credentials, NewSecret
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, not_found, stale, taken
from accredit.service.standing import shortened


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
        found = self._drafted(draft)
        client = found.client
        roles = reassigned(self._changes.directory, Principal(client), draft.roles, client.created_at)
        first = self._credentials.secret(client.id, by) if found.type is ClientType.CONFIDENTIAL else None
        given = (AddCredential(first.credential),) if first is not None else ()
        told = f"registered {client.slug}, {found.type.value}, for {found.owner}"
        held = ", ".join(sorted(draft.roles))
        event = self._changes.event("application.add", client.id, by, told + (f" with {held}" if held else ""))
        heard = (Signal(SignalKind.CLIENT, client.id),)
        made = NewApplication(found, first)
        outcome = Outcome(made, (AddClient(client, found),), (*given, *roles.writes), (event,), heard)
        await self._changes.commit(outcome, taken("application", client.slug), once)
        return made

    async def edit(self, present: Application, holder: Principal, draft: ApplicationDraft, by: str) -> None:
        """Make an application what `draft` says, but for slug and type. Raises Problem, also when it is stale."""
        now, before = self._changes.clock.now(), present.client
        self._check(draft, now if draft.expires_at != before.expires_at else None)
        roles = reassigned(self._changes.directory, holder, draft.roles, now)
        version = before.version + 1
        client = replace(before, name=draft.name or before.slug, expires_at=draft.expires_at, version=version)
        uris = frozenset(draft.redirect_uris)
        changed = Application(client, draft.owner.strip(), draft.purpose.strip(), present.type, uris)
        check_type(changed)
        told = _edited(present, changed, roles)
        if told:
            event = self._changes.event("application.edit", client.id, by, f"{client.slug}: {told}")
            ended = shortened(before, client.expires_at, now)
            heard = (*ended, Signal(SignalKind.CLIENT, client.id), *roles.signals)
            outcome = Outcome(changed, (ReplaceClient(client, changed),), roles.writes, (event,), heard)
            await self._changes.commit(outcome, stale("application", client.slug))

    def _drafted(self, draft: ApplicationDraft) -> Application:
        try:
            name = slug(draft.slug)
        except SlugError as error:
            raise Problem(ProblemCode.INVALID, str(error)) from error
        now = self._changes.clock.now()
        self._check(draft, now)
        identity = self._changes.ids.new("application")
        client = Client(
            id=identity,
            client_id=identity,
            kind=ClientKind.APPLICATION,
            slug=name,
            name=draft.name or name,
            created_at=now,
            expires_at=draft.expires_at,
        )
        uris = frozenset(draft.redirect_uris)
        made = Application(client, draft.owner.strip(), draft.purpose.strip(), draft.type, uris)
        check_type(made)
        return made

    def _check(self, draft: ApplicationDraft, now: int | None) -> None:
        if not draft.owner.strip():
            raise Problem(ProblemCode.INVALID, "an application has an owner: say whose it is")
        if now is not None and draft.expires_at is not None and draft.expires_at <= now:
            text = "the expiry of an application must lie in the future; to end it now, remove it"
            raise Problem(ProblemCode.INVALID, text)
        found = [f"redirect_uris.{place}: {text}" for place, text in redirect_problems(draft.redirect_uris)]
        if found:
            raise Problem(ProblemCode.INVALID, "; ".join(found))


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


def _edited(before: Application, after: Application, roles: Reassigned) -> str:
    """Name the members that change; nothing when none does."""
    pairs: dict[str, tuple[Any, Any]] = {
        "owner": (before.owner, after.owner),
        "purpose": (before.purpose, after.purpose),
        "name": (before.client.name, after.client.name),
        "expiry": (before.client.expires_at, after.client.expires_at),
        "redirect URIs": (before.redirect_uris, after.redirect_uris),
        "roles": (None, roles.writes or None),
    }
    return ", ".join(name for name, (old, new) in pairs.items() if old != new)
