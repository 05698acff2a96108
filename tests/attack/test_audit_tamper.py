"""audit_tamper: somebody with the database changes the log of a real node, and `verify` names what he did."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.audit import checkpoint
from accredit.audit.chain import Head
from accredit.audit.export import Examination
from accredit.identity.changes import AppendRecords
from accredit.oauth.outcome import Outcome, Won
from accredit.store.conformance import records
from accredit_sdk import keys
from accredit_sdk.jws import Algorithm
from tests.support.admin import Admin, administration, enrolled
from tests.support.house import LINES, House
from tests.support.tampering import Tamperer


@dataclass
class Scene:
    """A node whose log has grown over three checkpoints, which were kept outside too."""

    admin: Admin
    culprit: Tamperer
    folder: Path
    outside: Path
    guard: str
    chain: str = "chn_" + "1" * 26
    earlier: str = ""
    head: Head = field(default=Head("chn_" + "1" * 26))

    async def grow(self, count: int) -> None:
        """Let the guard deliver some more records of its chain."""
        lines = records(self.chain, self.head.seq, count, self.head.hash, mark=self.head.seq + 1)
        claim = AppendRecords(self.chain, self.guard, self.head.seq, self.head.hash, lines)
        assert isinstance(await self.admin.node.journal.submit(Outcome(None, (claim,))), Won)
        self.head = Head(self.chain, lines[-1].seq, lines[-1].hash)

    async def signed(self) -> int:
        """Let a checkpoint be made of everything so far, and return its number."""
        checkpoints = self.admin.node.checkpoints
        while await checkpoints.make(self.admin.clock.now()) is not None:
            pass  # the job may have been first, with less
        await checkpoints.ship()
        return (await self.admin.ok("GET", "/checkpoints", params={"limit": 200}))["items"][-1]["number"]

    async def found(self) -> tuple[str, str | None, int | None]:
        """Return the first flaw that the node itself finds."""
        report = await self.admin.ok("GET", "/audit/verify")
        assert not report["ok"]
        return report["first"]["fault"], report["first"]["chain"], report["first"]["seq"]

    async def found_outside(self) -> tuple[str, str, int]:
        """Return the first flaw that whoever holds the checkpoints outside finds in an export."""
        flaw = (await examined(self)).first
        assert flaw is not None
        return flaw.fault.value, flaw.chain, flaw.seq


def kept(outside: Path) -> Any:
    """Return the keys and the checkpoints that are outside."""
    lines = [line for path in sorted(outside.glob("*.jws")) for line in path.read_bytes().splitlines()]
    return keys.parse_jwks((outside / "keys.json").read_bytes()), lines


def doubled(outside: Path) -> None:
    (file,) = outside.glob("*.jws")
    file.write_bytes(file.read_bytes() * 2)


async def examined(scene: Scene) -> Any:
    examination = Examination(*kept(scene.outside))
    answer = await scene.admin.http.get("/audit/export")
    assert answer.status_code == 200
    for line in answer.content.splitlines():
        examination.line(line)
    return examination.report()


@pytest.fixture
async def scene(engine_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    data, outside = tmp_path / "data", tmp_path / "outside"
    database = None if engine_url.startswith("sqlite") else engine_url
    if database is not None:
        await app.migrate_database(config.load(data=data, database=database))
    async with administration(data, database, checkpoints=outside) as admin:
        await admin.ledger()
    async with administration(data, database, checkpoints=outside) as admin:
        url = engine_url if database else f"sqlite:///{data / 'accredit.db'}"
        made = Scene(admin, Tamperer(url), data, outside, await enrolled(admin, "front"))
        for _ in range(3):
            await made.grow(2)
            await made.signed()
        made.earlier = next(iter(await made.culprit.chains()))
        yield made


async def test_an_unaltered_log_holds_here_and_outside(scene: Scene) -> None:
    report = await scene.admin.ok("GET", "/audit/verify")
    assert (report["ok"], report["first"]) == (True, None)
    assert [item["records"] for item in report["chains"] if item["chain"] == scene.chain] == [6]
    outside = await examined(scene)
    assert outside.first is None
    assert outside.proofs["outside"].number == report["proved"]["number"] == outside.proofs["stored"].number


async def test_a_changed_header_is_named_with_its_decision(scene: Scene) -> None:
    item = (await scene.culprit.chains())[scene.chain][2]
    await scene.culprit.set(scene.chain, 3, header=item.header.replace(b"done", b"deny"))
    assert await scene.found() == ("header_changed", scene.chain, 3)
    first = (await scene.admin.ok("GET", "/audit/verify"))["first"]
    assert first["decision"] == item.decision


async def test_a_changed_person_part_is_named(scene: Scene) -> None:
    item = (await scene.culprit.chains())[scene.chain][1]
    assert item.person is not None
    await scene.culprit.set(scene.chain, 2, person=item.person.replace(b"call", b"fall"))
    assert await scene.found() == ("person_changed", scene.chain, 2)


async def test_a_dropped_record_is_named(scene: Scene) -> None:
    await scene.culprit.drop(scene.chain, 2)
    assert await scene.found() == ("record_missing", scene.chain, 2)


async def test_reordered_records_are_named(scene: Scene) -> None:
    await scene.culprit.swap(scene.chain, 2, 3, "header", "person", "salt", "commitment", "hash")
    assert await scene.found() == ("record_missing", scene.chain, 2)


async def test_swapped_person_parts_are_named(scene: Scene) -> None:
    await scene.culprit.swap(scene.chain, 2, 3, "person", "salt")
    assert await scene.found() == ("person_changed", scene.chain, 2)


async def test_a_chain_that_was_linked_anew_is_named_though_every_link_fits(scene: Scene) -> None:
    await scene.culprit.rechain(scene.chain, 3)
    assert await scene.found() == ("rewritten", scene.chain, 3)
    await scene.culprit.drop_checkpoints()
    assert (await scene.admin.ok("GET", "/audit/verify"))["ok"]
    assert await scene.found_outside() == ("rewritten", scene.chain, 3)


async def test_a_whole_chain_that_was_dropped_is_named(scene: Scene) -> None:
    await scene.culprit.drop_chain(scene.earlier)
    assert (await scene.found())[:2] == ("chain_missing", scene.earlier)
    await scene.culprit.drop_checkpoints()
    assert (await scene.admin.ok("GET", "/audit/verify"))["ok"]
    assert (await scene.found_outside())[:2] == ("chain_missing", scene.earlier)


async def test_a_chain_truncated_after_a_checkpoint_is_named(scene: Scene) -> None:
    await scene.culprit.truncate(scene.chain, 3)
    assert await scene.found() == ("end_missing", scene.chain, 4)
    await scene.culprit.drop_checkpoints()
    assert await scene.found_outside() == ("end_missing", scene.chain, 4)


async def test_a_forged_checkpoint_is_named(scene: Scene) -> None:
    number = await scene.signed()
    known = keys.generate(Algorithm.ES256)
    forged = checkpoint.sign(known, checkpoint.first_of("http://127.0.0.1:8700"))
    await scene.culprit.put_checkpoint(number, forged)
    assert (await scene.found())[0] == "checkpoint_forged"


async def test_a_replayed_checkpoint_is_named(scene: Scene) -> None:
    number = await scene.signed()
    items = (await scene.admin.ok("GET", "/checkpoints"))["items"]
    await scene.culprit.put_checkpoint(number, items[0]["document"].encode())
    assert (await scene.found())[0] == "checkpoint_replayed"


async def test_a_replayed_file_of_checkpoints_is_named(scene: Scene) -> None:
    doubled(scene.outside)
    assert (await scene.found_outside())[0] == "checkpoint_replayed"


async def test_an_altered_log_is_not_signed_again(scene: Scene) -> None:
    number = await scene.signed()
    await scene.culprit.rechain(scene.chain, 3)
    await scene.admin.ledger("more", "https://more.example/mcp")
    await scene.admin.node.checkpoints.round(scene.admin.clock.now())
    assert (await scene.admin.ok("GET", "/checkpoints", params={"limit": 200}))["items"][-1]["number"] == number


async def test_a_log_that_was_set_back_is_not_signed_again(scene: Scene) -> None:
    number = await scene.signed()
    await scene.culprit.drop_checkpoints(number - 1)
    await scene.admin.ledger("more", "https://more.example/mcp")
    await scene.admin.node.checkpoints.round(scene.admin.clock.now())
    assert (await scene.admin.ok("GET", "/checkpoints", params={"limit": 200}))["items"][-1]["number"] == number - 1


async def delivered(victim: House, body: bytes) -> int:
    header = {"authorization": f"Bearer {await victim.guard_token()}", "content-type": LINES}
    return (await victim.public.post("/guard/v1/records", content=body, headers=header)).status_code


async def test_the_credential_of_a_guard_delivers_no_record_of_another_server(victim: House) -> None:
    other = next(item["id"] for item in (await victim.admin.ok("GET", "/servers"))["items"] if item["slug"] == "other")
    for server in (other, "", "srv_" + "0" * 26):
        assert await delivered(victim, victim.line(server=server)) == 403
    assert await delivered(victim, victim.line()) == 200


async def test_the_credential_of_a_guard_continues_no_chain_of_another_writer(victim: House) -> None:
    report = await victim.admin.ok("GET", "/audit/verify")
    (own,) = (item for item in report["chains"] if item["guard"] is None)
    forged = victim.line(chain=own["chain"], seq=own["records"] + 1)
    assert await delivered(victim, forged) == 403
    assert (await victim.admin.ok("GET", "/audit/verify"))["ok"]
