"""What webhooks are told: for each kind the document that is sent, which names a noun and never holds a secret."""

from collections.abc import Mapping
from typing import Final

import msgspec

from accredit.identity.client import ClientKind
from accredit.identity.lease import BEATS, Lease
from accredit.identity.report import Ending, EndingKind, Noticed
from accredit.identity.times import render
from accredit.identity.webhook import Announcement, WebhookKind

DAY: Final = 86_400_000_000
"""A day in microseconds."""

THRESHOLDS: Final = (30, 7, 1)
"""So many days before its end, something is told of."""

AHEAD: Final = THRESHOLDS[0] * DAY
"""How far ahead to look, in microseconds."""

PAST: Final = DAY
"""How far back to look for what has ended, in microseconds."""

_REMINDED: Final = 30 * DAY
_SILENT: Final = 10_000_000
_NOUNS: Final = {ClientKind.AGENT: "agent", ClientKind.APPLICATION: "app", ClientKind.GUARD: "guard"}
_EXPIRING: Final = {
    EndingKind.CREDENTIAL: WebhookKind.CREDENTIAL_EXPIRING,
    EndingKind.CLIENT: WebhookKind.CLIENT_EXPIRING,
    EndingKind.ROLE: WebhookKind.ROLE_EXPIRING,
}


def threshold(remaining: int) -> int | None:
    """Return the fewest days of THRESHOLDS that `remaining` (microseconds) is within, or None."""
    return min((days for days in THRESHOLDS if remaining <= days * DAY), default=None)


def expiring(event: str, item: Ending, now: int) -> Announcement | None:
    """Return what is told of something that ends, None while its end is far. Each threshold is told once."""
    days = threshold(item.ends_at - now)
    if days is None:
        return None
    kind = _EXPIRING[item.kind]
    name, _, client = item.name.partition(" ")
    key = f"{item.kind.value}:{item.name}:{item.ends_at}:{days}d"
    data = _ending(item, name, client) | {"within_days": days}
    return _made(event, kind, key, now, item.ends_at + DAY, data)


def client_expired(event: str, item: Ending, now: int) -> Announcement:
    """Return what is told of an agent or an application that has ended."""
    key = f"client:{item.name}:{item.ends_at}"
    return _made(event, WebhookKind.CLIENT_EXPIRED, key, now, item.ends_at + 2 * PAST, _ending(item, item.name, ""))


def credential_expired(event: str, item: Ending, now: int) -> Announcement:
    """Return what is told of a credential whose time was over, in the moment in which it is ended."""
    data = _ending(item, item.name, "")
    return _made(event, WebhookKind.CREDENTIAL_EXPIRED, f"credential:{item.name}", now, now + DAY, data, lasting=False)


def orphaned(event: str, item: Noticed, now: int) -> Announcement:
    """Return what is told of an agent without a sponsor, and again after thirty days."""
    data = _noun("agent", item.id, item.slug, item.owner) | {
        "advice": f"accredit agent edit {item.slug} --sponsor NAME"
    }
    return _made(event, WebhookKind.AGENT_ORPHANED, item.id, now, now + _REMINDED, data)


def rotated(event: str, kid: str, use: str, why: str, now: int) -> Announcement:
    """Return what is told of a signing key that begins to sign, or is withdrawn."""
    data = {"noun": "key", "id": kid, "use": use, "what": why, "advice": "accredit key list"}
    return _made(event, WebhookKind.KEY_ROTATED, event, now, now + DAY, data, lasting=False)


def braked(event: str, server: str, slug: str, target: str, by: str, now: int, *, denied: bool) -> Announcement:
    """Return what is told when `target` of a server (an id) is denied to everybody, or no longer."""
    kind = WebhookKind.EMERGENCY_DENIED if denied else WebhookKind.EMERGENCY_LIFTED
    data = _noun("server", server, slug, "") | {"target": target, "by": by, "advice": "accredit emergency list"}
    return _made(event, kind, event, now, now + DAY, data, lasting=False)


def silent(lease: Lease, now: int, since: int) -> bool:
    """Tell whether a guard has gone silent, seen from a process that could hear it from `since` on."""
    heard = max(lease.seen_at, since)
    return not lease.ended and now >= heard + BEATS * lease.beat * 1_000_000 + _SILENT


def lapsed(event: str, lease: Lease, slug: str, now: int) -> Announcement:
    """Return what is told of a process of a guard that has gone silent."""
    data = _noun("guard", lease.guard, slug, "") | {
        "instance": lease.instance,
        "seen_at": render(lease.seen_at),
        "refuses_from": render(lease.harmless_at()),
        "advice": "look whether its process runs and reaches Accredit; accredit guard list",
    }
    key = f"{lease.guard}:{lease.instance}:{lease.seen_at}"
    return _made(event, WebhookKind.GUARD_LAPSED, key, now, now + DAY, data)


def test(event: str, webhook: str, slug: str, now: int) -> Announcement:
    """Return what is told when somebody tries a webhook."""
    return _made(event, WebhookKind.TEST, event, now, now, _noun("webhook", webhook, slug, ""), lasting=False)


def _ending(item: Ending, name: str, client: str) -> dict[str, object]:
    """Return what is told of something of a client that ends, and what to do."""
    word = _NOUNS[item.client_kind]
    advice = {
        EndingKind.CREDENTIAL: f"accredit {word} credential rotate {item.slug}",
        EndingKind.CLIENT: f"accredit {word} edit {item.slug} --expires 90d",
        EndingKind.ROLE: f"accredit role assign {name} {'app:' if word == 'app' else ''}{item.slug} --until 90d",
    }[item.kind]
    if item.client_kind is ClientKind.GUARD:
        advice = "enrol it anew: accredit guard enrol SERVER"
    of = {"kind": item.client_kind.value, "slug": item.slug} | ({"id": client} if client else {})
    noun: dict[str, object] = {"noun": item.kind.value, "slug" if item.kind is EndingKind.ROLE else "id": name}
    return noun | {"client": of, "owner": item.owner, "ends_at": render(item.ends_at), "advice": advice}


def _noun(noun: str, identity: str, slug: str, owner: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {"noun": noun, "id": identity, "slug": slug}
    return found | ({"owner": owner} if owner else {})


def _made(
    event: str,
    kind: WebhookKind,
    key: str,
    now: int,
    until: int,
    data: Mapping[str, object],
    *,
    lasting: bool = True,
) -> Announcement:
    body = msgspec.json.encode({"type": kind.value, "timestamp": render(now), "data": data})
    return Announcement(event, kind, f"{kind.value}:{key}", now, until, body, lasting)
