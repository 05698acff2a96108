"""Webhooks, the queue of what is on its way to them, and what they were told already."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from accredit.identity.changes import (
    AddWebhook,
    Announce,
    ForgetDeliveries,
    RemoveWebhook,
    SettleDelivery,
    TakeDelivery,
)
from accredit.identity.webhook import MOST, Delivery, DeliveryState, Webhook, WebhookKind
from accredit.store import inserts, keys
from accredit.store.webhook_tables import webhook_deliveries, webhook_told, webhooks

_WAITING: Final = webhook_deliveries.c.state == DeliveryState.WAITING.value


def add(conn: sa.Connection, claims: Sequence[AddWebhook]) -> list[bool]:
    """Keep every webhook whose slug is free, while there is room; tell which."""
    return [_add(conn, claim) for claim in claims]


def remove(conn: sa.Connection, claims: Sequence[RemoveWebhook]) -> list[bool]:
    """Forget webhooks with all that is theirs; tell which were there."""
    return [_remove(conn, claim.webhook) for claim in claims]


def take(conn: sa.Connection, claims: Sequence[TakeDelivery]) -> list[bool]:
    """Begin to try every delivery that nobody else has begun to try since; tell which."""
    return [_take(conn, claim) for claim in claims]


def announce(conn: sa.Connection, writes: Sequence[Announce]) -> None:
    """Queue what is announced for every webhook that wants it and was not told, in one order on all nodes."""
    found = everyone(conn)
    if not found:
        return
    waiting = {hook.id: _waiting(conn, hook.id) for hook in found}
    for hook in sorted(found, key=lambda one: one.id):
        for write in sorted(writes, key=lambda one: one.announcement.key):
            if write.announcement.kind in hook.kinds:
                full = waiting[hook.id] >= write.announcement.places
                waiting[hook.id] += _queue(conn, hook, write, full=full)


def settle(conn: sa.Connection, writes: Sequence[SettleDelivery]) -> None:
    """Keep how attempts ended, unless somebody else has begun another one."""
    for write in writes:
        over = write.state is not DeliveryState.WAITING
        conn.execute(
            sa.update(webhook_deliveries)
            .where(*_of(write), _WAITING, webhook_deliveries.c.attempts == write.attempts)
            .values(
                state=write.state.value,
                due_at=write.due_at,
                status=write.status,
                failure=write.failure,
                ended_at=write.at if over else None,
            )
        )


def forget(conn: sa.Connection, writes: Sequence[ForgetDeliveries]) -> None:
    """Drop what is over, and what belongs to no webhook any more."""
    table = webhook_deliveries.c
    for write in writes:
        limits = ((DeliveryState.DELIVERED, write.delivered), (DeliveryState.FAILED, write.failed))
        for state, before in limits:
            conn.execute(sa.delete(webhook_deliveries).where(table.state == state.value, table.ended_at < before))
        conn.execute(sa.delete(webhook_told).where(webhook_told.c.until < write.now))
        for of in (webhook_deliveries, webhook_told):
            conn.execute(sa.delete(of).where(of.c.webhook.not_in(sa.select(webhooks.c.id))))


def everyone(conn: sa.Connection) -> tuple[Webhook, ...]:
    """Return all webhooks by slug."""
    return tuple(_webhook(row) for row in conn.execute(sa.select(webhooks).order_by(webhooks.c.slug)))


def due(conn: sa.Connection, now: int) -> tuple[Webhook, ...]:
    """Return the webhooks for which something is to be tried at `now` (microseconds UTC)."""
    ready = sa.select(webhook_deliveries.c.webhook).where(_WAITING, webhook_deliveries.c.due_at <= now)
    query = sa.select(webhooks).where(webhooks.c.id.in_(ready)).order_by(webhooks.c.slug)
    return tuple(_webhook(row) for row in conn.execute(query))


def next_due(conn: sa.Connection, webhook: str, now: int) -> Delivery | None:
    """Return the delivery for the webhook with that id whose turn it is, or None."""
    table = webhook_deliveries.c
    query = sa.select(webhook_deliveries).where(table.webhook == webhook, _WAITING, table.due_at <= now)
    row = conn.execute(query.order_by(table.due_at, table.event).limit(1)).one_or_none()
    return None if row is None else _delivery(row)


def newest(conn: sa.Connection, webhook: str, limit: int) -> tuple[Delivery, ...]:
    """Return at most `limit` deliveries for the webhook with that id, the newest first."""
    table = webhook_deliveries.c
    query = sa.select(webhook_deliveries).where(table.webhook == webhook).order_by(table.event.desc()).limit(limit)
    return tuple(_delivery(row) for row in conn.execute(query))


def counts(conn: sa.Connection) -> dict[tuple[str, DeliveryState], int]:
    """Return how many deliveries each webhook (an id) has in each state."""
    table = webhook_deliveries.c
    query = sa.select(table.webhook, table.state, sa.func.count().label("n")).group_by(table.webhook, table.state)
    return {(row.webhook, DeliveryState(row.state)): row.n for row in conn.execute(query)}


def told(conn: sa.Connection, wanted: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Return which webhook (an id) was told of which of these keys."""
    query = sa.select(webhook_told.c.webhook, webhook_told.c.key).where(webhook_told.c.key.in_(list(wanted)))
    return frozenset((row.webhook, row.key) for row in conn.execute(query))


def _add(conn: sa.Connection, claim: AddWebhook) -> bool:
    hook = claim.webhook
    fits = claim.check in (b"", keys.owner(conn) if claim.check else b"")
    if not fits or conn.execute(sa.select(sa.func.count()).select_from(webhooks)).scalar_one() >= MOST:
        return False
    row = {
        "id": hook.id,
        "slug": hook.slug,
        "url": hook.url,
        "kinds": " ".join(sorted(hook.kinds)),
        "sealed": hook.sealed,
        "created_at": hook.created_at,
        "created_by": hook.created_by,
        "lost": hook.lost,
    }
    return inserts.claim(conn, webhooks, [row])[0]


def _remove(conn: sa.Connection, webhook: str) -> bool:
    for table in (webhook_deliveries, webhook_told):
        conn.execute(sa.delete(table).where(table.c.webhook == webhook))
    return conn.execute(sa.delete(webhooks).where(webhooks.c.id == webhook)).rowcount == 1


def _take(conn: sa.Connection, claim: TakeDelivery) -> bool:
    table = webhook_deliveries.c
    update = sa.update(webhook_deliveries).where(*_of(claim), _WAITING, table.attempts == claim.attempts)
    return conn.execute(update.values(attempts=claim.attempts + 1, due_at=claim.until)).rowcount == 1


def _of(change: TakeDelivery | SettleDelivery) -> tuple[sa.ColumnElement[bool], ...]:
    table = webhook_deliveries.c
    return table.event == change.event, table.webhook == change.webhook


def _waiting(conn: sa.Connection, webhook: str) -> int:
    query = sa.select(sa.func.count()).where(webhook_deliveries.c.webhook == webhook, _WAITING)
    return conn.execute(query).scalar_one()


def _queue(conn: sa.Connection, hook: Webhook, write: Announce, *, full: bool) -> bool:
    """Queue an announcement for a webhook, unless it was told or too much waits; tell whether it was queued."""
    said = write.announcement
    if full:
        if not said.lasting:
            count = sa.update(webhooks).where(webhooks.c.id == hook.id).values(lost=webhooks.c.lost + 1)
            conn.execute(count)
        return False
    insert = inserts.fresh(conn, webhook_told).on_conflict_do_nothing().returning(webhook_told.c.key)
    if conn.execute(insert, {"webhook": hook.id, "key": said.key, "until": said.until}).one_or_none() is None:
        return False
    row = {
        "event": said.id,
        "webhook": hook.id,
        "kind": said.kind.value,
        "body": said.body,
        "created_at": said.at,
        "due_at": said.at,
        "attempts": 0,
        "state": DeliveryState.WAITING.value,
        "status": 0,
        "failure": "",
    }
    inserts.all_rows(conn, webhook_deliveries, [row])
    return True


def _webhook(row: Any) -> Webhook:
    kinds = frozenset(kind for kind in WebhookKind if kind.value in row.kinds.split())
    return Webhook(row.id, row.slug, row.url, kinds, row.sealed, row.created_at, row.created_by, row.lost)


def _delivery(row: Any) -> Delivery:
    return Delivery(
        event=row.event,
        webhook=row.webhook,
        kind=WebhookKind(row.kind),
        body=row.body,
        created_at=row.created_at,
        due_at=row.due_at,
        attempts=row.attempts,
        state=DeliveryState(row.state),
        status=row.status,
        failure=row.failure,
        ended_at=row.ended_at,
    )
