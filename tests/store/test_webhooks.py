"""The queue of webhooks: what is announced is queued once, whoever comes first, and goes when it is over."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from accredit.identity import changes
from accredit.identity.webhook import MOST, DeliveryState, WebhookKind
from accredit.oauth.outcome import Lost, Won
from accredit.ports.deployment import Deployment
from accredit.store import readers
from accredit.store.conformance import NOW, announcement, outcome, webhook
from accredit.store.webhook_readers import Webhooks

Submit = Callable[..., Awaitable[Any]]


@pytest.fixture
def submit(store: Any) -> Submit:
    """Commits claims and writes as one outcome, in a batch of its own, and returns the verdict."""
    committer = store.committer()

    async def commit(*made: Any, writes: tuple[Any, ...] = ()) -> Any:
        return (await store.commit(committer, [outcome(*made, writes=writes)]))[0]

    return commit


@pytest.fixture
def hooks(store: Any) -> Webhooks:
    return Webhooks(store.database)


async def test_a_webhook_comes_back_as_it_was(submit: Submit, hooks: Webhooks) -> None:
    long = webhook(1, url="https://hooks.example/" + "x" * 1900, kinds=frozenset(WebhookKind))
    for made in (webhook(0), long):
        assert isinstance(await submit(changes.AddWebhook(made)), Won)
    assert await hooks.all() == (webhook(0), long)
    assert isinstance(await submit(changes.RemoveWebhook(long.id)), Won)
    assert await hooks.all() == (webhook(0),)


async def test_there_is_an_end_to_the_number_of_webhooks(submit: Submit, hooks: Webhooks) -> None:
    for n in range(MOST):
        await submit(changes.AddWebhook(webhook(n)))
    claim = changes.AddWebhook(webhook(MOST))
    assert await submit(claim) == Lost(claim)
    assert len(await hooks.all()) == MOST


async def test_a_secret_under_another_master_key_is_not_taken(store: Any, submit: Submit) -> None:
    await readers.Deployments(store.database).establish(Deployment("https://one.example", b"one", NOW))
    assert isinstance(await submit(changes.AddWebhook(webhook(0), b"one")), Won)
    claim = changes.AddWebhook(webhook(1), b"two")
    assert await submit(claim) == Lost(claim)


async def test_the_secrets_of_webhooks_change_with_the_master_key_or_nothing_does(
    store: Any, submit: Submit, hooks: Webhooks
) -> None:
    await readers.Deployments(store.database).establish(Deployment("https://one.example", b"one", NOW))
    await submit(changes.AddWebhook(webhook(0)))
    await submit(changes.AddWebhook(webhook(1)))
    first, second = webhook(0).sealed, webhook(1).sealed
    for wrong in ((), ((first, b"a"),), ((first, b"a"), (b"x", b"b"))):
        claim = changes.Reseal(b"one", b"two", (), wrong)
        assert await submit(claim) == Lost(claim)
    assert [hook.sealed for hook in await hooks.all()] == [first, second]
    assert isinstance(await submit(changes.Reseal(b"one", b"two", (), ((second, b"b"), (first, b"a")))), Won)
    assert [hook.sealed for hook in await hooks.all()] == [b"a", b"b"]


async def test_what_is_announced_twice_is_queued_once_for_each_who_asked_for_it(
    submit: Submit, hooks: Webhooks
) -> None:
    other = webhook(2, kinds=frozenset({WebhookKind.GUARD_LAPSED}))
    for made in (webhook(0), webhook(1), other):
        await submit(changes.AddWebhook(made))
    again = announcement(7, key=announcement(0).key)
    await submit(writes=(changes.Announce(announcement(0)), changes.Announce(again), changes.Announce(announcement(1))))
    await submit(writes=(changes.Announce(again),))
    for made in (webhook(0), webhook(1)):
        found = await hooks.newest(made.id, 10)
        assert [one.event for one in found] == [announcement(1).id, announcement(0).id]
    assert await hooks.newest(other.id, 10) == ()
    assert await hooks.told(["key 0", "nothing"]) == {(webhook(0).id, "key 0"), (webhook(1).id, "key 0")}
    assert [hook.id for hook in await hooks.due(NOW)] == [webhook(0).id, webhook(1).id]
    assert await hooks.due(NOW - 1) == ()


async def test_however_many_guards_lapse_what_ends_and_what_happens_once_finds_its_place(
    submit: Submit, hooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.identity.webhook.MOST_WAITING", 8)
    await submit(changes.AddWebhook(webhook(0, kinds=frozenset(WebhookKind))))
    numbers = iter(range(100))

    async def announce(kind: WebhookKind, *, lasting: bool) -> None:
        for _ in range(10):
            said = announcement(next(numbers), kind=kind, lasting=lasting)
            await submit(writes=(changes.Announce(said),))

    await announce(WebhookKind.GUARD_LAPSED, lasting=True)
    await announce(WebhookKind.CLIENT_EXPIRING, lasting=True)
    await announce(WebhookKind.EMERGENCY_DENIED, lasting=False)
    found = [one.kind for one in await hooks.newest(webhook(0).id, 20)]
    kinds = (WebhookKind.EMERGENCY_DENIED, WebhookKind.CLIENT_EXPIRING, WebhookKind.GUARD_LAPSED)
    assert {kind: found.count(kind) for kind in kinds} == dict(zip(kinds, (2, 4, 2), strict=True))
    assert (await hooks.all())[0].lost == 8


async def test_a_delivery_is_left_to_who_took_it_and_settled_by_who_has_it(submit: Submit, hooks: Webhooks) -> None:
    await submit(changes.AddWebhook(webhook(0)))
    await submit(writes=(changes.Announce(announcement(0)),))
    place = {"event": announcement(0).id, "webhook": webhook(0).id}
    assert isinstance(await submit(changes.TakeDelivery(**place, attempts=0, until=NOW + 60)), Won)
    assert await hooks.next_due(webhook(0).id, NOW + 59) is None
    assert isinstance(await submit(changes.TakeDelivery(**place, attempts=1, until=NOW + 120)), Won)
    told: dict[str, Any] = {**place, "due_at": NOW, "status": 200, "failure": "", "at": NOW + 5}
    late = changes.SettleDelivery(**told, attempts=1, state=DeliveryState.DELIVERED)
    await submit(writes=(late,))
    (found,) = await hooks.newest(webhook(0).id, 1)
    assert (found.state, found.attempts, found.ended_at) == (DeliveryState.WAITING, 2, None)
    await submit(writes=(replace(late, attempts=2),))
    (found,) = await hooks.newest(webhook(0).id, 1)
    assert (found.state, found.status, found.ended_at) == (DeliveryState.DELIVERED, 200, NOW + 5)
    await submit(writes=(replace(late, attempts=2, state=DeliveryState.FAILED),))
    assert await hooks.counts() == {(webhook(0).id, DeliveryState.DELIVERED): 1}


async def test_what_is_over_goes_and_what_was_told_may_be_told_again(submit: Submit, hooks: Webhooks) -> None:
    await submit(changes.AddWebhook(webhook(0)))
    for n in range(3):
        await submit(writes=(changes.Announce(announcement(n)),))
    for n, state in enumerate((DeliveryState.DELIVERED, DeliveryState.FAILED)):
        event = announcement(n).id
        await submit(changes.TakeDelivery(event, webhook(0).id, 0, NOW + 1))
        await submit(writes=(changes.SettleDelivery(event, webhook(0).id, 1, state, NOW, 0, "", NOW),))
    await submit(writes=(changes.ForgetDeliveries(NOW, NOW, NOW + 10),))
    assert len(await hooks.newest(webhook(0).id, 10)) == 3
    assert len(await hooks.told(["key 0", "key 1", "key 2"])) == 3
    await submit(writes=(changes.ForgetDeliveries(NOW + 1, NOW, NOW + 11),))
    assert [one.event for one in await hooks.newest(webhook(0).id, 10)] == [announcement(2).id, announcement(1).id]
    assert await hooks.told(["key 0", "key 1", "key 2"]) == frozenset()
    await submit(writes=(changes.ForgetDeliveries(NOW + 1, NOW + 1, NOW + 11),))
    assert [one.event for one in await hooks.newest(webhook(0).id, 10)] == [announcement(2).id]


async def test_a_kind_that_an_older_version_does_not_know_stands_in_nobodys_way(
    submit: Submit, hooks: Webhooks, store: Any
) -> None:
    await submit(changes.AddWebhook(webhook(0, kinds=frozenset({WebhookKind.KEY_ROTATED, "of.tomorrow"}))))
    assert isinstance(await submit(writes=(changes.Announce(announcement(0)),)), Won)
    (found,) = await hooks.all()
    assert found.kinds == {WebhookKind.KEY_ROTATED}
