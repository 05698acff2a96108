"""What guards have applied: leases and acknowledgements as guards send them, and as administrators see them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from accredit.identity.changes import ForgetLeases
from accredit.identity.lease import Lease
from accredit.ports.journal import StoreError
from accredit.service import leases
from accredit.testing.serving import MovingClock
from tests.support.admin import Admin
from tests.support.listening import Listener, listener

FIRST, SECOND = ("gin_" + letter * 26 for letter in "0a")


@pytest.fixture
async def guard(admin: Admin) -> AsyncIterator[Listener]:
    """A guard of the ledger, and an agent to talk about."""
    await admin.ledger()
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    async with listener(admin, "door") as found:
        yield found


async def said(guard: Listener, instance: str = FIRST, **more: Any) -> httpx2.Response:
    """Let a process of the guard speak."""
    seq = guard.admin.node.directory.cursor
    body = {"schema": 1, "instance": instance, "seq": seq, "bound": 300, "beat": 5} | more
    headers = {"authorization": f"Bearer {await guard.token()}"}
    content = {name: one for name, one in body.items() if one is not None}
    return await guard.http.post("/guard/v1/ack", json=content, headers=headers)


async def processes(admin: Admin) -> list[dict[str, Any]]:
    (found,) = (await admin.ok("GET", "/guards"))["items"]
    return list(found["processes"])


async def reach(admin: Admin, **query: Any) -> Any:
    return await admin.ok("GET", "/signals/reach", params=query)


async def test_a_guard_is_listed_with_its_processes_and_how_far_each_is(admin: Admin, guard: Listener) -> None:
    assert await processes(admin) == []
    assert (await said(guard)).status_code == 204
    assert (await said(guard, SECOND, seq=1)).status_code == 204
    one, two = await processes(admin)
    head = admin.node.directory.cursor
    assert (one["instance"], one["state"], one["applied"], one["behind"]) == (FIRST, "live", head, 0)
    assert (two["instance"], two["state"], two["applied"], two["behind"]) == (SECOND, "live", 1, head - 1)


async def test_a_lease_lapses_after_three_beats_and_is_harmless_after_its_bound(admin: Admin, guard: Listener) -> None:
    await said(guard)
    for seconds, state in ((14, "live"), (2, "silent"), (284, "silent"), (2, "gone")):
        admin.clock.advance(seconds)
        assert [one["state"] for one in await processes(admin)] == [state]


async def test_a_process_that_takes_its_leave_is_gone_at_once(admin: Admin, guard: Listener) -> None:
    await said(guard)
    await said(guard, ended=True)
    assert [one["state"] for one in await processes(admin)] == ["gone"]
    await admin.ok("POST", "/agents/bot/suspend")
    assert (await reach(admin))["everywhere"] is True


async def test_dead_everywhere_is_when_every_process_has_it_and_how_long_it_took_is_told(
    admin: Admin, guard: Listener
) -> None:
    await said(guard)
    await said(guard, SECOND)
    await admin.ok("POST", "/agents/bot/suspend")
    found = await reach(admin)
    assert (found["everywhere"], found["acknowledged"], found["took_ms"]) == (False, 0, None)
    assert [(one["guard"], one["instance"]) for one in found["waiting"]] == [("door", FIRST), ("door", SECOND)]
    admin.clock.advance(0.2)
    await said(guard)
    admin.clock.advance(0.3)
    await said(guard, SECOND)
    found = await reach(admin)
    assert (found["everywhere"], found["acknowledged"], found["waiting"]) == (True, 2, [])
    assert 500 <= found["took_ms"] < 5000
    assert found["seq"] == admin.node.directory.cursor


async def test_hearing_it_again_does_not_make_it_late(admin: Admin, guard: Listener) -> None:
    await admin.ok("POST", "/agents/bot/suspend")
    await said(guard)
    admin.clock.advance(8)
    await said(guard)
    assert (await reach(admin))["took_ms"] < 5000


async def test_a_silent_process_keeps_it_from_being_everywhere_until_it_refuses_by_itself(
    admin: Admin, guard: Listener
) -> None:
    await said(guard)
    await admin.ok("POST", "/agents/bot/suspend")
    admin.clock.advance(20)
    found = await reach(admin, wait=30)
    assert (found["everywhere"], found["waiting"]) == (False, [])
    assert [one["guard"] for one in found["silent"]] == ["door"]
    assert found["everywhere_at"] == found["silent"][0]["refuses_at"]
    admin.clock.advance(282)
    assert (await reach(admin))["everywhere"] is True


async def test_whoever_waits_is_told_as_soon_as_the_last_one_has_it(admin: Admin, guard: Listener) -> None:
    await said(guard)
    await admin.ok("POST", "/agents/bot/suspend")
    asked = asyncio.create_task(reach(admin, wait=30))
    await said(guard)
    assert (await asked)["everywhere"] is True
    await admin.ok("POST", "/agents/bot/resume")
    assert (await reach(admin, wait=0.01))["everywhere"] is False


async def test_only_signals_that_were_raised_can_be_asked_for(admin: Admin, guard: Listener) -> None:
    for seq in (0, admin.node.directory.cursor + 1):
        assert await admin.refused("GET", "/signals/reach", params={"seq": seq}) == (404, "not_found")
    assert (await reach(admin, seq=1))["seq"] == 1


async def test_signals_are_listed_in_order_the_last_ones_first_of_all(admin: Admin, guard: Listener) -> None:
    bot = (await admin.ok("POST", "/agents/bot/suspend"))["id"]
    head = admin.node.directory.cursor
    found = await admin.ok("GET", "/signals", params={"limit": 2})
    assert [one["seq"] for one in found["items"]] == [head - 1, head]
    assert (found["items"][-1]["kind"], found["items"][-1]["handle"]) == ("suspended", bot)
    rest = await admin.ok("GET", "/signals", params={"cursor": head - 1})
    assert ([one["seq"] for one in rest["items"]], rest["next"]) == ([head], None)
    assert (await admin.ok("GET", "/signals", params={"cursor": head}))["items"] == []
    everything, cursor = [], 0
    while cursor is not None:
        page = await admin.ok("GET", "/signals", params={"cursor": cursor, "limit": 3})
        everything += [one["seq"] for one in page["items"]]
        cursor = page["next"]
    assert everything == list(range(1, head + 1))


@pytest.mark.parametrize(
    "lie",
    [
        {"schema": 2},
        {"schema": None},
        {"instance": "gin_x"},
        {"instance": FIRST + "\n"},
        {"seq": -1},
        {"seq": 2**60},
        {"seq": True},
        {"bound": 0},
        {"bound": 86_401},
        {"beat": 31},
        {"ended": "no"},
    ],
    ids=str,
)
async def test_what_is_no_acknowledgement_is_refused(admin: Admin, guard: Listener, lie: dict[str, Any]) -> None:
    assert (await said(guard, **lie)).status_code == 400
    assert await processes(admin) == []


async def test_members_that_nobody_knows_are_passed_over(admin: Admin, guard: Listener) -> None:
    assert (await said(guard, mood="good")).status_code == 204


async def test_what_has_not_happened_yet_cannot_have_been_applied(admin: Admin, guard: Listener) -> None:
    assert (await said(guard, seq=2**53)).status_code == 204
    (one,) = await processes(admin)
    assert (one["applied"], one["behind"]) == (admin.node.directory.cursor, 0)
    await admin.ok("POST", "/agents/bot/suspend")
    assert (await reach(admin))["everywhere"] is False


async def test_a_guard_speaks_for_itself_alone(admin: Admin, guard: Listener) -> None:
    async with listener(admin, "gate") as other:
        await said(guard)
        await said(other, seq=1, ended=True)
        shown = {item["slug"]: item["processes"] for item in (await admin.ok("GET", "/guards"))["items"]}
    assert [one["state"] for one in shown["door"]] == ["live"]
    assert [one["state"] for one in shown["gate"]] == ["gone"]
    answer = await guard.http.post("/guard/v1/ack", json={}, headers={"authorization": "Bearer x"})
    assert answer.status_code == 401


async def test_a_guard_has_so_many_processes_and_the_silent_ones_make_room(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "MOST_OF_ONE", 1)
    await said(guard)
    assert (await said(guard, SECOND)).status_code == 503
    admin.clock.advance(16)
    assert (await said(guard, SECOND)).status_code == 204


async def test_a_guard_that_comes_as_ever_new_processes_is_not_remembered_without_end(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "MOST_OF_ONE", 1)
    monkeypatch.setattr(leases, "MOST_REMEMBERED", 2)
    names = ["gin_" + letter * 26 for letter in "0123"]
    for name in names[:2]:
        assert (await said(guard, name, beat=1)).status_code == 204
        admin.clock.advance(4)
    assert (await said(guard, names[2])).status_code == 503
    assert (await said(guard, names[0], beat=1)).status_code == 204, "who is known is heard"
    admin.clock.advance(300)
    assert (await said(guard, names[3])).status_code == 204


class Kept:
    """A store and a journal that remember what they were asked to keep."""

    def __init__(self) -> None:
        self.outcomes: list[Any] = []
        self.broken = asyncio.Event()

    async def leases(self) -> tuple[Lease, ...]:
        return ()

    async def submit(self, outcome: Any) -> Any:
        if self.broken.is_set():
            await asyncio.sleep(0)
            raise StoreError("away")
        self.outcomes.append(outcome)
        await asyncio.sleep(0)


async def test_leases_are_written_down_many_at_once_and_seldom() -> None:
    kept, clock, second = Kept(), MovingClock(), 1_000_000
    service = leases.Leases(kept, kept, clock)
    now = clock.now()
    await service.flush(now)
    kept.outcomes.clear()
    lease = Lease("grd_1", FIRST, 7, now, now, bound=300, beat=5)
    service.take(lease)
    service.take(replace(lease, instance=SECOND))
    await service.flush(now)
    assert [len(one.writes[0].leases) for one in kept.outcomes] == [2]
    service.take(replace(lease, seen_at=now + second))
    await service.flush(now + second)
    assert len(kept.outcomes) == 1, "that it is still there can wait"
    service.take(replace(lease, instance=SECOND, seq=8, seen_at=now + 2 * second))
    await service.flush(now + 2 * second)
    assert len(kept.outcomes[-1].writes[0].leases) == 2, "what it has applied cannot, and takes the rest along"
    service.take(replace(lease, seen_at=now + 3 * second))
    await service.flush(now + 8 * second)
    assert len(kept.outcomes) == 3
    await service.flush(now + 9 * second)
    assert len(kept.outcomes) == 3, "where nothing is new, nothing is written"
    assert len(await service.all()) == 2
    await service.flush(now + 4000 * second)
    assert await service.all() == ()


async def test_a_lease_is_kept_for_as_long_as_its_process_says_that_it_may_go_on() -> None:
    kept, clock, second = Kept(), MovingClock(), 1_000_000
    service = leases.Leases(kept, kept, clock)
    now = clock.now()
    silent = Lease("grd_1", FIRST, 7, now, now, bound=86_400, beat=5)
    service.take(silent)
    for passed in (4_000, 86_400, 86_401 + 3_600):
        await service.flush(now + passed * second)
        assert await service.all() == (silent,)
        (forgotten,) = kept.outcomes[-1].writes[-1:]
        assert forgotten.before <= silent.harmless_at()
    await service.flush(now + (86_402 + 3_660) * second)
    assert await service.all() == ()


async def test_leases_that_cannot_be_written_are_kept_and_written_at_the_next_turn() -> None:
    kept, clock, second = Kept(), MovingClock(), 1_000_000
    service = leases.Leases(kept, kept, clock)
    now = clock.now()
    first = Lease("grd_1", FIRST, 7, now, now, bound=300, beat=5)
    newer = replace(first, seq=9, acked_at=now + second, seen_at=now + second)
    service.take(first)
    service.take(replace(first, instance=SECOND))
    kept.broken.set()
    flush = asyncio.create_task(service.flush(now))
    await asyncio.sleep(0)
    service.take(newer)
    with pytest.raises(StoreError):
        await flush
    kept.broken.clear()
    assert kept.outcomes == []
    await service.flush(now + 1)
    (outcome,) = kept.outcomes
    said, gone = outcome.writes
    assert {lease.instance: lease.seq for lease in said.leases} == {FIRST: 9, SECOND: 7}
    assert isinstance(gone, ForgetLeases)
    await service.flush(now + 2)
    assert len(kept.outcomes) == 1, "and only once"
