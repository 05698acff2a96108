"""Checkpoints: made while something changes, by whoever comes first, and brought outside."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.audit import checkpoint
from accredit.audit.checkpoint import Checkpoint
from accredit.jobs.checkpoints import EVERY, Checkpointing
from accredit.ports.audit_log import Kept
from accredit.ports.outside import OutsideFailed
from accredit.system import CheckpointFolder
from accredit_sdk import keys
from accredit_sdk.jws import Algorithm
from tests.support.admin import Admin, administration


async def made(admin: Admin) -> list[Checkpoint]:
    """Let a checkpoint be made if there is something to say, and return all that there are."""
    while await admin.node.checkpoints.make(admin.clock.now()) is not None:
        pass  # the job may have been first, with less
    return await all_of(admin)


async def all_of(admin: Admin) -> list[Checkpoint]:
    items = (await admin.ok("GET", "/checkpoints", params={"limit": 200}))["items"]
    known = keys.parse_jwks(json.dumps(await admin.ok("GET", "/checkpoints/keys")).encode())
    return [checkpoint.read(item["document"].encode(), known) for item in items]


async def test_a_checkpoint_tells_the_head_of_the_log_and_follows_the_one_before(admin: Admin) -> None:
    await made(admin)
    await admin.ledger()
    *_, before, last = await made(admin)
    (chain,) = (await admin.ok("GET", "/audit/verify"))["chains"]
    assert [(head.chain, head.seq) for head in last.heads] == [(chain["chain"], chain["records"])]
    assert last.number == before.number + 1
    items = (await admin.ok("GET", "/checkpoints"))["items"]
    assert last.previous == checkpoint.digest(items[-2]["document"].encode())


async def test_where_nothing_changes_nothing_is_signed(admin: Admin) -> None:
    before = await made(admin)
    admin.clock.advance(60)
    assert await made(admin) == before


async def test_the_job_comes_back_in_less_than_ten_seconds(admin: Admin) -> None:
    await made(admin)
    await admin.ledger()
    due = await Checkpointing(admin.node.checkpoints).run(1)
    assert due == 1 + EVERY <= 10_000_000
    (chain,) = (await admin.ok("GET", "/audit/verify"))["chains"]
    assert (await all_of(admin))[-1].heads[0].seq == chain["records"]


async def test_a_chain_of_a_process_that_ended_is_closed(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        first = (await made(admin))[-1].heads[0].chain
    async with administration(tmp_path) as admin:
        found = await made(admin)
        (closed,) = [seal for item in found for seal in item.fresh]
        assert (closed.kind.value, closed.chain) == ("closed", first)
        assert first not in {head.chain for head in found[-1].heads}


async def test_a_chain_that_lapses_is_closed_and_opens_again_when_it_goes_on(admin: Admin) -> None:
    before = (await made(admin))[-1]
    admin.clock.advance(4000)
    lapsed = (await made(admin))[-1]
    assert [seal.chain for seal in lapsed.fresh] == [before.heads[0].chain]
    assert lapsed.heads == ()
    await admin.ledger()
    assert [head.chain for head in (await made(admin))[-1].heads] == [before.heads[0].chain]
    assert (await admin.ok("GET", "/audit/verify"))["ok"]


async def test_pages_of_checkpoints_show_each_once(admin: Admin) -> None:
    for name in ("ledger", "archive"):
        await admin.ledger(name, f"https://{name}.example/mcp")
        await made(admin)
    whole = await all_of(admin)
    seen: list[Any] = []
    cursor = "0"
    while cursor:
        page = await admin.ok("GET", "/checkpoints", params={"limit": 1, "cursor": cursor})
        seen += page["items"]
        cursor = page["next"]
    assert [item["number"] for item in seen] == [item.number for item in whole]


async def test_old_checkpoints_verify_after_their_key_was_rotated(admin: Admin) -> None:
    await made(admin)
    await admin.ok("POST", "/keys/checkpoint/rotate")
    admin.clock.advance(10_000_000)
    assert len(await made(admin)) >= 2
    states = [item["state"] for item in (await admin.ok("GET", "/keys"))["items"] if item["use"] == "checkpoint"]
    assert sorted(states) == ["active", "retired", "upcoming"]
    assert (await admin.ok("GET", "/audit/verify"))["ok"]


def lines(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("*.jws")) for line in path.read_bytes().splitlines()]


async def test_a_restart_goes_on_outside_where_it_ended(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for _ in range(2):
        async with administration(tmp_path / "data", checkpoints=outside):
            pass
    numbers = [checkpoint.number_of(line) for line in lines(outside)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 2


@pytest.mark.parametrize("last", [b"nonsense", b"foreign", b"later"])
async def test_what_is_outside_already_must_be_of_this_log(tmp_path: Path, last: bytes) -> None:
    key = keys.generate(Algorithm.ES256)
    foreign = {b"foreign": 1, b"later": 1000}
    if last in foreign:
        last = checkpoint.sign(key, replace(checkpoint.first_of("x"), number=foreign[last]))
    outside = Shelf(last)
    async with administration(tmp_path) as admin:
        await made(admin)
        admin.node.checkpoints._outside = outside
        with pytest.raises(OutsideFailed):
            await admin.node.checkpoints.ship()
        await admin.node.checkpoints.round(admin.clock.now())
    assert outside.added == 0


@dataclass
class Shelf:
    """A place outside with one checkpoint on it."""

    there: bytes
    added: int = 0

    async def last(self) -> bytes:
        return self.there

    async def append(self, kept: Sequence[Kept], keys: bytes) -> None:
        self.added += len(kept)


async def test_who_ships_at_once_adds_each_checkpoint_once(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    async with administration(tmp_path / "data", checkpoints=outside) as admin:
        for number in range(3):
            await admin.ledger(f"one-{number}", f"https://one{number}.example/mcp")
            await made(admin)
            await asyncio.gather(*(admin.node.checkpoints.ship() for _ in range(5)))
    numbers = [checkpoint.number_of(line) for line in lines(outside)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_what_was_cancelled_while_it_was_added_is_not_added_again(tmp_path: Path, monkeypatch: Any) -> None:
    outside, real = tmp_path / "outside", CheckpointFolder.append

    async def cut_off(self: CheckpointFolder, kept: Sequence[Kept], key_set: bytes) -> None:
        await real(self, kept, key_set)
        raise asyncio.CancelledError

    async with administration(tmp_path / "data", checkpoints=outside) as admin:
        await made(admin)
        await admin.node.checkpoints.ship()
        await admin.ledger()
        await made(admin)
        with monkeypatch.context() as broken:
            broken.setattr(CheckpointFolder, "append", cut_off)
            with pytest.raises(asyncio.CancelledError):
                await admin.node.checkpoints.ship()
        await admin.node.checkpoints.ship()
    numbers = [checkpoint.number_of(line) for line in lines(outside)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_two_nodes_never_sign_the_same_number(postgres_url: str, tmp_path: Path) -> None:
    await app.migrate_database(config.load(data=tmp_path, database=postgres_url))
    async with administration(tmp_path, postgres_url) as one, administration(tmp_path, postgres_url) as two:
        for number in range(5):
            await one.ledger(f"one-{number}", f"https://one{number}.example/mcp")
            await made(one)
            await made(two)
        numbers = [item.number for item in await all_of(two)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert (await two.ok("GET", "/audit/verify"))["ok"]
