"""What a guard tells of itself: what it decided, how old what it knows is, and what still waits."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from accredit_sdk.decision import Reason
from accredit_sdk.guard import Guard
from tests.docs.walk import blocks
from tests.laws.tree import ROOT
from tests.support.authority import FakeAccredit
from tests.support.guarded import Guarded, Inner, call, guarded


async def test_a_guard_that_has_not_begun_knows_nothing(tmp_path: Path, accredit: FakeAccredit) -> None:
    state = Guard(Inner(), issuer=accredit.issuer, resource=accredit.resource, folder=tmp_path, code="once").state
    assert (state.decisions, state.unrecorded, state.signal, state.age, state.waiting) == ({}, 0, None, None, 0)


async def test_decisions_are_counted_by_reason_and_records_wait_until_they_are_taken(
    site: Guarded, accredit: FakeAccredit
) -> None:
    token = accredit.token()
    for name in ("read", "read", "post"):
        await site.send(call(name), token=token)
    await site.send(call(), token=None)
    state = site.guard.state
    assert state.decisions == {Reason.OK: 2, Reason.INSUFFICIENT_SCOPE: 1, Reason.NO_TOKEN: 1}
    assert state.waiting == 1 + sum(state.decisions.values()), "and the beginning of the chain"
    await site.ship()
    assert site.guard.state.waiting == 0
    before = site.guard.state
    accredit.clock.advance(7)
    assert site.guard.state.age == pytest.approx((before.age or 0) + 7)
    accredit.signal("revoked", "somebody")
    await site.catch_up()
    assert site.guard.state.signal == (before.signal or 0) + 1


async def test_what_cannot_be_recorded_is_counted(tmp_path: Path, accredit: FakeAccredit) -> None:
    async with guarded(tmp_path, accredit, spool_limit=1500) as site:
        while (await site.send(call(), token=accredit.token())).status == 200:
            pass
        assert site.guard.state.unrecorded == 1


async def test_the_collector_in_the_howto_shows_it(site: Guarded, accredit: FakeAccredit) -> None:
    registry = CollectorRegistry()
    await site.send(call(), token=accredit.token())
    (block,) = [one for one in blocks(ROOT / "docs/howto/observe.md") if one.language == "python"]
    text = block.text.replace("from prometheus_client import REGISTRY\n", "")
    exec(compile(text, block.where, "exec"), {"guard": site.guard, "REGISTRY": registry})
    shown = generate_latest(registry).decode()
    assert 'guard_decisions_total{reason="ok"} 1.0' in shown
    assert "guard_records_waiting 2.0" in shown
