"""What agents and applications have in common: the client behind them, as administrators register and edit it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from accredit.identity import holder
from accredit.identity.changes import ReplaceClient, Signal, SignalKind
from accredit.identity.client import Client, ClientKind
from accredit.identity.holder import HolderKind
from accredit.identity.principal import Principal
from accredit.identity.slug import SlugError, slug
from accredit.ports.clients import Clients
from accredit.service.changes import Changes
from accredit.service.problem import Problem, ProblemCode, not_found
from accredit.service.standing import shortened

_KINDS: Final = {HolderKind.AGENT: ClientKind.AGENT, HolderKind.APPLICATION: ClientKind.APPLICATION}


class Draft(Protocol):
    """What is said about every client. `expires_at` is microseconds UTC, or None."""

    @property
    def slug(self) -> str:
        """Its name among clients of its kind."""
        ...

    @property
    def name(self) -> str:
        """Its name for people; empty: its slug."""
        ...

    @property
    def owner(self) -> str:
        """Whose it is."""
        ...

    @property
    def expires_at(self) -> int | None:
        """When it ends."""
        ...


def registered(changes: Changes, kind: ClientKind, draft: Draft) -> Client:
    """Return a new client. Raises Problem."""
    try:
        name = slug(draft.slug)
    except SlugError as error:
        raise Problem(ProblemCode.INVALID, str(error)) from error
    now, identity = changes.clock.now(), changes.ids.new(kind.value)
    _check_owner(kind, draft)
    _check_end(kind, draft, now)
    return Client(identity, identity, kind, name, draft.name or name, now, expires_at=draft.expires_at)


def edited(before: Client, draft: Draft, now: int) -> Client:
    """Return the next version of a client; its slug stays. Raises Problem."""
    _check_owner(before.kind, draft)
    if draft.expires_at != before.expires_at:
        _check_end(before.kind, draft, now)
    name, version = draft.name or before.slug, before.version + 1
    return replace(before, name=name, expires_at=draft.expires_at, version=version)


async def named(store: Clients, text: str) -> Principal | None:
    """Return the client that people mean by `text`: the slug of an agent, or `app:` and that of an application."""
    try:
        found = holder.parse(text)
    except ValueError:
        return None
    kind = _KINDS.get(found.kind)
    return await store.by_slug(kind, found.slug) if kind is not None else None


async def present(store: Clients, holder: Principal) -> Principal:
    """Return the same client as it is now. Raises Problem when it has gone."""
    client = holder.client
    found = await store.by_slug(client.kind, client.slug)
    if found is None or found.client.id != client.id:
        raise not_found(client.kind.value, client.slug)
    return found


def next_version(client: Client) -> ReplaceClient:
    """Return the claim of a change that was decided on this version of a client: of all such changes one succeeds."""
    return ReplaceClient(replace(client, version=client.version + 1))


def heard(before: Client, after: Client, now: int) -> tuple[Signal, ...]:
    """Return what nodes and guards must hear of an edited client."""
    return (*shortened(before, after.expires_at, now), Signal(SignalKind.CLIENT, after.id))


def differing(pairs: Mapping[str, tuple[Any, Any]]) -> str:
    """Name the members whose values differ; nothing when none do."""
    return ", ".join(name for name, (old, new) in pairs.items() if old != new)


def told(draft: Draft, roles: Mapping[str, int | None], what: str = "") -> str:
    """Return what the log says of a registration."""
    held = ", ".join(sorted(roles))
    return f"registered {draft.slug}{what} for {draft.owner.strip()}" + (f" with {held}" if held else "")


def _check_owner(kind: ClientKind, draft: Draft) -> None:
    if not draft.owner.strip():
        raise Problem(ProblemCode.INVALID, f"an {kind.value} has an owner: say whose it is")


def _check_end(kind: ClientKind, draft: Draft, now: int) -> None:
    if draft.expires_at is not None and draft.expires_at <= now:
        text = f"the expiry of an {kind.value} must lie in the future; to end it now, remove it"
        raise Problem(ProblemCode.INVALID, text)
