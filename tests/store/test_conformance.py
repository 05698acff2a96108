"""Every claim is raced fifty-fold on every engine, and exactly one rival wins, wherever the rivals meet."""

import asyncio
from typing import Any, get_args

import pytest

from accredit.identity.changes import Claim, Write
from accredit.oauth.outcome import Lost, Won
from accredit.store import batch
from accredit.store.conformance import Rivalry, rivalries
from tests.store import checks

FOLD = 50
ALL = {rivalry.name: rivalry for rivalry in rivalries()}


@pytest.fixture(params=list(ALL), name="rivalry")
def _rivalry(request: pytest.FixtureRequest) -> Rivalry:
    return ALL[request.param]


def test_every_claim_and_write_has_its_verb() -> None:
    assert set(batch.CLAIMS) == set(get_args(Claim))
    assert set(batch.WRITES) == set(get_args(Write))


def test_every_claim_is_raced() -> None:
    raced = {type(claim) for rivalry in ALL.values() for claim in rivalry.rival(0).claims}
    assert raced == set(get_args(Claim))


async def test_one_rival_wins_when_all_meet_in_one_batch(store: Any, rivalry: Rivalry) -> None:
    committer = store.committer()
    prepared = [(await store.commit(committer, [before]))[0] for before in rivalry.before]
    verdicts = await store.commit(committer, [rivalry.rival(n) for n in range(FOLD)])
    await _one_winner(store, rivalry, prepared, verdicts)


async def test_one_rival_wins_when_they_meet_in_batches_of_ten(store: Any, rivalry: Rivalry) -> None:
    committer = store.committer()
    prepared = [(await store.commit(committer, [before]))[0] for before in rivalry.before]
    verdicts = []
    for first in range(0, FOLD, 10):
        verdicts += await store.commit(committer, [rivalry.rival(n) for n in range(first, first + 10)])
    await _one_winner(store, rivalry, prepared, verdicts)


async def test_one_rival_wins_when_they_come_through_the_journals_of_all_nodes(store: Any, rivalry: Rivalry) -> None:
    nodes = [await store.node() for _ in range(2 if store.shared else 1)]
    prepared = [await nodes[0].submit(before) for before in rivalry.before]
    waiting = [nodes[n % len(nodes)].submit(rivalry.rival(n)) for n in range(FOLD)]
    await _one_winner(store, rivalry, prepared, await asyncio.gather(*waiting))


async def _one_winner(store: Any, rivalry: Rivalry, prepared: list[Any], verdicts: list[Any]) -> None:
    """One won, the others were told which claim they lost, and of them nothing was written."""
    assert all(isinstance(verdict, Won) for verdict in prepared)
    winners = [n for n, verdict in enumerate(verdicts) if isinstance(verdict, Won)]
    assert len(winners) == 1
    for n, verdict in enumerate(verdicts):
        assert n in winners or (isinstance(verdict, Lost) and verdict.claim in rivalry.rival(n).claims)
    chains = await checks.sound(store)
    kept = [line for lines in chains.values() for line in lines if b"test.race" in (line.person or b"")]
    events = sum(len(outcome.events) for outcome in (*rivalry.before, rivalry.rival(0)))
    assert len(kept) == events
    assert (await store.catalogue.load()).seq == sum(len(o.signals) for o in (*rivalry.before, rivalry.rival(0)))
