"""Webhooks: who outside is told what happened or is about to, in the form of Standard Webhooks, and until they hear it.

A signing secret reads `whsec_` and 32 random bytes in base64; it is kept sealed under the master key.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  (the public prefix of every secret, not a secret)
"""What every signing secret begins with (Standard Webhooks)."""

SECRET_BYTES: Final = 32
"""How many random bytes a signing secret has."""

MOST: Final = 32
"""How many webhooks there can be: each has its turn whatever the others do."""

MOST_WAITING: Final = 1000
"""How many deliveries may wait for one webhook."""

_FIRST: Final = 10_000_000
_GROWTH: Final = 2
"""Each span is 2 to the power of this as long as the one before."""
_LONGEST: Final = 86_400_000_000
_ATTEMPTS: Final = 9


class WebhookKind(StrEnum):
    """What a webhook is told of. TEST comes when somebody asks for it, to any webhook."""

    CREDENTIAL_EXPIRING = "credential.expiring"
    CREDENTIAL_EXPIRED = "credential.expired"
    CLIENT_EXPIRING = "client.expiring"
    CLIENT_EXPIRED = "client.expired"
    ROLE_EXPIRING = "role.expiring"
    AGENT_ORPHANED = "agent.orphaned"
    KEY_ROTATED = "key.rotated"
    EMERGENCY_DENIED = "emergency.denied"
    EMERGENCY_LIFTED = "emergency.lifted"
    GUARD_LAPSED = "guard.lapsed"
    TEST = "webhook.test"


SUBSCRIBED: Final = frozenset(WebhookKind) - {WebhookKind.TEST}
"""What can be subscribed to."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where somebody outside is told of `kinds`. `sealed` is the signing secret under the master key.

    `lost` counts what was not even queued, since too much waited already.
    """

    id: str
    slug: str
    url: str
    kinds: frozenset[WebhookKind]
    sealed: bytes
    created_at: int
    created_by: str
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something that webhooks are told once: `key` names it among all of its kind. `body` is the document to send.

    It is not told again before `until` (microseconds UTC). `lasting`: it is announced again by itself while it is true,
    so that what finds no place in a queue is not lost.
    """

    id: str
    kind: WebhookKind
    key: str
    at: int
    until: int
    body: bytes
    lasting: bool = False

    @property
    def places(self) -> int:
        """How many may wait and leave this one its place: what a guard can bring about takes none from the others.

        Nor does what will be announced again by itself, from what happens once.
        """
        if self.kind is WebhookKind.GUARD_LAPSED:
            return MOST_WAITING // 4
        return MOST_WAITING * 3 // 4 if self.lasting else MOST_WAITING


class DeliveryState(StrEnum):
    """WAITING for its time or its answer, DELIVERED, or FAILED for good."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """An announcement on its way to one webhook. `attempts` counts those that began, also by a process that died.

    `status` is that of the last answer, 0 for none; then `failure` says why. Times are microseconds UTC.
    """

    event: str
    webhook: str
    kind: WebhookKind
    body: bytes
    created_at: int
    due_at: int
    attempts: int = 0
    state: DeliveryState = DeliveryState.WAITING
    status: int = 0
    failure: str = ""
    ended_at: int | None = None


def next_attempt(attempts: int, now: int, roll: bytes) -> int | None:
    """Return when to try again after so many attempts, all of which failed (microseconds UTC), or None: never.

    Spans grow from ten seconds to a day, each by up to a fifth longer or shorter, as four random bytes `roll` it.
    """
    if attempts >= _ATTEMPTS:
        return None
    span = min(_FIRST << _GROWTH * max(0, attempts - 1), _LONGEST)
    return now + span * 4 // 5 + span * 2 // 5 * int.from_bytes(roll[:4], "big") // 0xFFFFFFFF


def secret_text(raw: bytes) -> str:
    """Return a signing secret as it is shown, once. Raises ValueError unless 32 bytes are given."""
    if len(raw) != SECRET_BYTES:
        raise ValueError("a signing secret takes exactly 32 random bytes")
    return SECRET_PREFIX + base64.b64encode(raw).decode("ascii")


def seal_context(webhook: str) -> bytes:
    """Return what the sealed secret of the webhook with that id is bound to."""
    return f"webhook:{webhook}".encode("ascii")


def headers(raw: bytes, event: str, now: int, body: bytes) -> dict[str, str]:
    """Return the headers that prove to whoever has the secret `raw` that `body` is ours, and of `now`."""
    seconds = str(now // 1_000_000)
    signed = b".".join((event.encode("ascii"), seconds.encode("ascii"), body))
    signature = base64.b64encode(hmac.digest(raw, signed, hashlib.sha256)).decode("ascii")
    return {
        "content-type": "application/json",
        "webhook-id": event,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{signature}",
    }
