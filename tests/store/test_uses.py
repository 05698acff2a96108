"""The use of credentials on both engines: whoever was last stays, whatever node comes first with what it saw."""

import asyncio
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from accredit.identity.changes import AddClient, AddCredential, EndCredential, NoteUse
from accredit.identity.credential import CredentialState
from accredit.identity.outlook import Holding
from accredit.identity.use import Use
from accredit.oauth.outcome import Lost, Outcome, Won
from accredit.ports.journal import StoreError
from accredit.service.usage import Usage
from accredit.store.conformance import NOW, client, credential, outcome

MINE = credential(1, client(0).id, created_by="dana")


@pytest.fixture
async def holder(store: Any) -> Any:
    made = (AddCredential(MINE), AddCredential(credential(2, client(0).id)))
    await store.commit(store.committer(), [outcome(AddClient(client(0)), writes=made)])
    return store


async def use_of(store: Any, which: str = MINE.id) -> Use | None:
    found: dict[str, Holding] = {one.credential.id: one for one in await store.credentials.of_client(client(0).id)}
    return found[which].use


async def test_a_credential_comes_back_with_its_creator_and_without_a_use_it_did_not_have(holder: Any) -> None:
    found = await holder.credentials.of_client(client(0).id)
    assert found == (Holding(MINE), Holding(credential(2, client(0).id)))


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda order: "".join(map(str, order)))
async def test_the_first_and_the_last_use_stay_in_whatever_order_they_come(holder: Any, order: Any) -> None:
    seen = [Use(MINE.id, NOW + n, NOW + n + 5, f"10.0.0.{n}", f"node-{n}") for n in range(3)]
    for number in order:
        await holder.commit(holder.committer(f"chn_{number}"), [Outcome(None, writes=(NoteUse(seen[number]),))])
    assert await use_of(holder) == Use(MINE.id, NOW, NOW + 7, "10.0.0.2", "node-2")


async def test_two_nodes_that_come_at_once_with_many_uses_lose_none(holder: Any) -> None:
    nodes = [await holder.node() for _ in range(2 if holder.shared else 1)]
    usages = [Usage(node, f"node-{n}") for n, node in enumerate(nodes)]
    for turn in range(20):
        for number, usage in enumerate(usages):
            for which in ((MINE.id, credential(2, client(0).id).id), (credential(2, client(0).id).id, MINE.id))[number]:
                usage.note(which, f"10.0.{number}.{turn}", NOW + 2 * turn + number)
        await asyncio.gather(*(usage.flush() for usage in usages))
    last = len(usages) - 1
    for which in (MINE.id, credential(2, client(0).id).id):
        assert await use_of(holder, which) == Use(which, NOW, NOW + 38 + last, f"10.0.{last}.19", f"node-{last}")


async def test_what_cannot_be_written_is_kept_and_written_later(holder: Any) -> None:
    node = await holder.node()

    class Stubborn:
        broken = True

        def submit(self, one: Outcome[Any]) -> Any:
            if self.broken:
                raise StoreError("away")
            return node.submit(one)

        def healthy(self) -> bool:
            return True

    journal = Stubborn()
    usage = Usage(journal, "a")
    usage.note(MINE.id, "10.0.0.1", NOW)
    with pytest.raises(StoreError, match="away"):
        await usage.flush()
    usage.note(MINE.id, "10.0.0.2", NOW + 1)
    assert usage.known(Holding(MINE)).use == Use(MINE.id, NOW, NOW + 1, "10.0.0.2", "a")
    journal.broken = False
    await usage.flush()
    assert await use_of(holder) == Use(MINE.id, NOW, NOW + 1, "10.0.0.2", "a")


class Slow:
    """A journal that writes when it is let, and then fails as often as it is told to."""

    def __init__(self, node: Any, failing: int) -> None:
        self.node = node
        self.failing = failing
        self.go = asyncio.Event()

    async def submit(self, one: Outcome[Any]) -> Any:
        await self.go.wait()
        if self.failing:
            self.failing -= 1
            raise StoreError("away")
        return await self.node.submit(one)

    def healthy(self) -> bool:
        return True


@pytest.mark.parametrize("failing", range(3))
async def test_writing_twice_at_once_loses_nothing_whichever_of_them_fails(holder: Any, failing: int) -> None:
    journal, other = Slow(await holder.node(), failing), credential(2, client(0).id)
    usage = Usage(journal, "a")
    usage.note(MINE.id, "10.0.0.1", NOW)
    flushes = [asyncio.create_task(usage.flush())]
    await asyncio.sleep(0)
    usage.note(MINE.id, "10.0.0.2", NOW + 1)
    usage.note(other.id, "10.0.0.3", NOW + 2)
    flushes.append(asyncio.create_task(usage.flush()))
    await asyncio.sleep(0)
    everything = (Use(MINE.id, NOW, NOW + 1, "10.0.0.2", "a"), Use(other.id, NOW + 2, NOW + 2, "10.0.0.3", "a"))
    assert [usage.known(Holding(one)).use for one in (MINE, other)] == [*everything]
    journal.go.set()
    ended = await asyncio.gather(*flushes, return_exceptions=True)
    assert [type(one) for one in ended].count(StoreError) == failing
    held = await holder.credentials.of_client(client(0).id)
    assert [usage.known(one).use for one in held] == [*everything], "between them they know it at every moment"
    await usage.flush()
    assert [await use_of(holder, one.id) for one in (MINE, other)] == [*everything]


async def test_of_many_uses_those_are_kept_that_were_not_written(holder: Any) -> None:
    node, told = await holder.node(), list[int]()

    class Half:
        async def submit(self, one: Outcome[Any]) -> Any:
            told.append(len(one.writes))
            if len(told) == 2:
                raise StoreError("away")
            return await node.submit(one)

        def healthy(self) -> bool:
            return True

    usage = Usage(Half(), "a")
    made = [credential(number, client(0).id) for number in range(1000, 1700)]
    await holder.commit(holder.committer("chn_many"), [outcome(writes=tuple(AddCredential(one) for one in made))])
    for one in made:
        usage.note(one.id, "10.0.0.1", NOW)
    with pytest.raises(StoreError, match="away"):
        await usage.flush()
    await usage.flush()
    assert told == [500, 200, 200]
    found = {one.credential.id: one.use for one in await holder.credentials.of_client(client(0).id)}
    assert all(found[one.id] is not None for one in made)


@pytest.mark.parametrize("address", ["", "unix", "<script>", "10.0.0.1, 10.0.0.2", "a\0b", "\ud800", "9" * 5000])
async def test_an_address_that_is_none_is_never_kept(holder: Any, address: str) -> None:
    usage = Usage(await holder.node(), "a")
    usage.note(MINE.id, address, NOW)
    assert usage.known(Holding(MINE)).use == Use(MINE.id, NOW, NOW, "", "a")
    await usage.flush()
    assert await use_of(holder) == Use(MINE.id, NOW, NOW, "", "a")


async def test_only_a_credential_whose_time_is_over_ends_and_only_once(holder: Any) -> None:
    due = (
        credential(3, client(0).id, expires_at=NOW),
        credential(4, client(0).id, state=CredentialState.RETIRING, retires_at=NOW - 1),
        credential(5, client(0).id, expires_at=NOW + 1),
        credential(6, client(0).id, expires_at=NOW, state=CredentialState.REVOKED),
    )
    committer = holder.committer("chn_end")
    await holder.commit(committer, [outcome(writes=tuple(AddCredential(one) for one in due))])
    assert await holder.credentials.over(NOW, 9) == (Holding(due[0]), Holding(due[1]))
    assert await holder.credentials.over(NOW, 1) == (Holding(due[0]),)
    verdicts = [(await holder.commit(committer, [outcome(EndCredential(one.id, NOW))]))[0] for one in (MINE, *due)]
    assert [type(verdict) for verdict in verdicts] == [Lost, Won, Won, Lost, Lost]
    assert await holder.credentials.over(NOW, 9) == ()
    found = {one.credential.id: one.credential for one in await holder.credentials.of_client(client(0).id)}
    assert found[due[0].id] == replace(due[0], state=CredentialState.REVOKED)
    assert found[due[2].id] == due[2]
