"""What can be written about webhooks, as values; see `changes.py`."""

from dataclasses import dataclass

from accredit.identity.webhook import Announcement, DeliveryState, Webhook


@dataclass(frozen=True, slots=True)
class AddWebhook:
    """Claim: keep a new webhook. Loses when its slug is taken, or there are as many as there can be.

    `check` is the check value of the master key that its secret is sealed under: it loses, too, when the database
    belongs to another one by now.
    """

    webhook: Webhook
    check: bytes = b""


@dataclass(frozen=True, slots=True)
class RemoveWebhook:
    """Claim: forget a webhook (an id), its secret, and whatever waits for it. Loses when it is not there."""

    webhook: str


@dataclass(frozen=True, slots=True)
class TakeDelivery:
    """Claim: try a delivery now, and leave it to nobody else until `until` (microseconds UTC).

    Loses unless it waits, and began to be tried exactly `attempts` times so far.
    """

    event: str
    webhook: str
    attempts: int
    until: int


@dataclass(frozen=True, slots=True)
class Announce:
    """Write: let every webhook be told that is subscribed to it, and was not told of it before."""

    announcement: Announcement


@dataclass(frozen=True, slots=True)
class SettleDelivery:
    """Write: keep how the attempt numbered `attempts` of a delivery ended; nothing if somebody else tries it by now.

    `due_at` is when it is tried again, `at` now (microseconds UTC).
    """

    event: str
    webhook: str
    attempts: int
    state: DeliveryState
    due_at: int
    status: int
    failure: str
    at: int


@dataclass(frozen=True, slots=True)
class ForgetDeliveries:
    """Write: drop what was delivered before `delivered` or failed before `failed`, and of what was told what is over.

    Times are microseconds UTC; `now` is the present.
    """

    delivered: int
    failed: int
    now: int
