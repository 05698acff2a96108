"""Whoever archives at the same time, nothing is dropped that is in no file, and every file proves itself."""

import asyncio
import copy
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.audit import checkpoint, export
from accredit.jobs.retention import EVERY, Retention
from accredit.service import archives
from accredit.service.archives import Archives
from accredit.service.checkpoints import Checkpoints
from accredit.service.projection import Projection
from accredit.system import ArchiveFolder
from accredit_sdk import keys
from tests.support.admin import Admin, administration
from tests.support.archives import FUTURE, Place, archiving, between
from tests.support.tampering import Tamperer

FAR = 2**60


def rival(place: Place) -> Archives:
    """Return what another node would archive with: the same database, and no lock in common."""
    found = copy.copy(place.admin.node.archives)
    found._alone = asyncio.Lock()
    return found


async def sound(place: Place, before: Sequence[tuple[str, int]]) -> None:
    """Assert that every record of before is in a file or still in the database, and that all of it verifies."""
    assert set(before) <= {*place.held(), *await place.kept()}
    assert all(place.verified(lines).first is None for lines in place.files().values())
    assert (await place.admin.ok("GET", "/audit/verify"))["ok"]


async def test_two_runs_on_one_node_make_each_record_leave_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_PAGE", 2)
    before = await place.kept()
    runs = (place.admin.ok("POST", "/archives", json={"before": FUTURE}) for _ in range(3))
    found = await asyncio.gather(*runs)
    assert sum(item["records"] for item in found) == len(place.held())
    assert len(set(place.held())) == len(place.held())
    await sound(place, before)


async def test_two_nodes_at_once_drop_nothing_that_is_in_no_file(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_PAGE", 2)
    async with archiving(postgres_url, tmp_path) as place:
        other = tmp_path / "archive", tmp_path / "outside2"
        async with administration(tmp_path / "data", postgres_url, archive=other[0], checkpoints=other[1]) as two:
            for number in range(2):
                await place.admin.ledger(f"one-{number}", f"https://one{number}.example/mcp")
                await two.ledger(f"two-{number}", f"https://two{number}.example/mcp")
                before = await place.kept()
                await asyncio.gather(attempted(place.admin), attempted(two))
                await place.admin.node.checkpoints.round(place.admin.clock.now())
                await sound(place, before)


async def attempted(admin: Admin) -> None:
    answer = await admin.http.post("/archives", json={"before": FUTURE})
    assert answer.status_code in (200, 409), answer.text


async def test_what_another_node_has_moved_meanwhile_is_not_told_of_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await place.kept()
    between(monkeypatch, ArchiveFolder, "put", 1, lambda: rival(place).archive(FAR, "rival"))
    assert await place.admin.refused("POST", "/archives", json={"before": FUTURE}) == (409, "conflict")
    assert len(place.files()) == 1
    await sound(place, before)


async def test_the_job_comes_back_soon_where_another_node_archives(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    between(monkeypatch, ArchiveFolder, "put", 1, lambda: rival(place).archive(FAR, "rival"))
    assert 2**62 < await Retention(place.admin.node.archives, 1).run(2**62) < 2**62 + EVERY // 10
    assert caplog.records == []


async def test_a_file_that_only_repeats_what_another_node_moved_is_known_as_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await place.kept()
    between(monkeypatch, Checkpoints, "ship", 2, lambda: rival(place).archive(FAR, "rival"))
    found = await place.admin.ok("POST", "/archives", json={"before": FUTURE})
    assert (len(place.files()), found["records"]) == (2, 0)
    told = [item["person"]["summary"] for item in (await place.admin.ok("GET", "/audit"))["items"]]
    (repeats,) = [summary for summary in told if "repeats" in summary]
    assert found["file"] in repeats
    await sound(place, before)


async def test_a_node_that_died_while_it_dropped_leaves_the_rest_for_another_file(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_PAGE", 2)
    before = await place.kept()
    dead = rival(place)
    dead._changes = Dying(dead._changes)

    async def half() -> None:
        with pytest.raises(Killed):
            await dead.archive(FAR, "rival")

    between(monkeypatch, Checkpoints, "ship", 2, half)
    assert (await place.admin.ok("POST", "/archives", json={"before": FUTURE}))["records"] == 0
    await sound(place, before)
    assert (await place.admin.ok("POST", "/archives", json={"before": FUTURE}))["records"] > 0
    await sound(place, before)
    assert len(place.files()) == 3


class Killed(Exception):
    """The process has ended."""


class Dying:
    """Commits one change and dies."""

    def __init__(self, changes: Any) -> None:
        self._changes = changes
        self._done = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._changes, name)

    async def attempt(self, outcome: Any) -> Any:
        if self._done:
            raise Killed
        self._done = True
        return await self._changes.attempt(outcome)


async def test_a_chain_whose_beginning_is_gone_is_not_archived_and_not_passed_over(
    place: Place, engine_url: str, tmp_path: Path
) -> None:
    (chain,) = {chain for chain, _ in await place.kept()}
    url = engine_url if engine_url.startswith("postgres") else f"sqlite:///{tmp_path / 'data' / 'accredit.db'}"
    await Tamperer(url).drop(chain, 1)
    before = await place.kept()
    assert await place.admin.refused("POST", "/archives", json={"before": FUTURE}) == (503, "unavailable")
    assert (place.files(), await place.kept()) == ({}, before)


async def test_what_is_archived_was_proved_outside_before_its_file_was_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, proved = ArchiveFolder.put, dict[str, int]()

    async def looking(self: ArchiveFolder, name: str, lines: Sequence[bytes]) -> bytes:
        proved.update(heads_outside(place.outside))
        return await real(self, name, lines)

    monkeypatch.setattr(ArchiveFolder, "put", looking)
    await place.admin.ok("POST", "/archives", json={"before": FUTURE})
    assert all(seq <= proved.get(chain, 0) for chain, seq in place.held())


def heads_outside(folder: Path) -> dict[str, int]:
    """Return up to which record the last checkpoint outside proves each chain."""
    known = keys.parse_jwks((folder / "keys.json").read_bytes())
    last = max(folder.glob("*.jws")).read_bytes().splitlines()[-1]
    return {head.chain: head.seq for head in checkpoint.read(last, known).heads}


@pytest.mark.parametrize("step", ["line", "record"], ids=["writing", "verifying"])
async def test_while_a_file_is_made_and_verified_the_node_goes_on_serving(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    owner: Any = export if step == "line" else archives.Examination
    real, begun, served = getattr(owner, "line"), threading.Event(), threading.Event()  # noqa: B009  (either of two)

    def held(*given: Any) -> Any:
        begun.set()
        assert served.wait(20), "nobody was served"
        return real(*given)

    monkeypatch.setattr(owner, "line", held)
    run = asyncio.create_task(place.admin.ok("POST", "/archives", json={"before": FUTURE}))
    assert await asyncio.to_thread(begun.wait, 20)
    await place.admin.ok("GET", "/servers")
    served.set()
    assert (await run)["records"] > 0


async def test_an_archive_does_not_wait_for_the_search_tables(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck(*_: Any) -> bool:
        await asyncio.Event().wait()
        return False

    with monkeypatch.context() as broken:
        broken.setattr(Projection, "catch_up", stuck)
        async with asyncio.timeout(20):
            assert (await place.admin.ok("POST", "/archives", json={"before": FUTURE}))["records"] > 0
    (told,) = (await place.admin.ok("GET", "/audit"))["items"]
    assert told["person"]["action"] == "audit.archive"


async def test_a_file_has_the_seals_of_its_own_chains_and_no_others(engine_url: str, tmp_path: Path) -> None:
    database = None if engine_url.startswith("sqlite") else engine_url
    if database is not None:
        await app.migrate_database(config.load(data=tmp_path / "data", database=database))
    for number in range(2):
        async with administration(tmp_path / "data", database, checkpoints=tmp_path / "outside") as admin:
            await admin.ledger(f"one-{number}", f"https://one{number}.example/mcp")
    async with archiving(engine_url, tmp_path) as place:
        before = await place.kept()
        for number in range(2):
            await place.admin.ledger(f"more-{number}", f"https://more{number}.example/mcp")
            before += [item for item in await place.kept() if item not in before]
            await place.admin.ok("POST", "/archives", json={"before": FUTURE})
        await place.admin.node.checkpoints.round(place.admin.clock.now())
        first, *later = place.files().values()
        assert len({chain for chain, _ in sealed(first)}) == 2
        for lines in later:
            assert len(sealed(lines)) == 1
        await sound(place, before)


def sealed(lines: Sequence[bytes]) -> list[tuple[str, int]]:
    """Return chain and record of each seal in a file."""
    found = [json.loads(line) for line in lines]
    return [(item["chain"], item["seq"]) for item in found if "seal" in item]
