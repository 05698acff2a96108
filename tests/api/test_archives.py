"""Old records leave the database: archived, verified and told of first, and what remains still proves itself."""

import pytest

from accredit.jobs.retention import EVERY, Retention
from accredit.service.problem import Problem
from accredit.system import ArchiveFolder
from tests.api.test_audit import reported
from tests.support.admin import Admin
from tests.support.archives import FUTURE, Place, records


async def test_what_was_archived_leaves_and_the_rest_still_verifies(place: Place) -> None:
    admin = place.admin
    before = await records(admin)
    found = await admin.ok("POST", "/archives", json={"before": FUTURE})
    assert found["records"] == before
    report = await admin.ok("GET", "/audit/verify")
    assert (report["ok"], await records(admin)) == (True, 1)
    (told,) = (await admin.ok("GET", "/audit"))["items"]
    assert told["person"]["action"] == "audit.archive"
    assert found["file"] in told["person"]["summary"]
    ((name, lines),) = place.files().items()
    assert name == found["file"]
    assert place.verified(lines).first is None
    await admin.ledger("more", "https://more.example/mcp")
    await admin.node.checkpoints.round(admin.clock.now())
    assert place.verified((await admin.http.get("/audit/export")).content.splitlines()).first is None


async def test_only_what_is_old_enough_goes_and_a_chain_is_archived_again_and_again(place: Place) -> None:
    admin = place.admin
    moment = (await admin.ok("GET", "/audit"))["items"][1]["at"]
    total = await records(admin)
    first = await admin.ok("POST", "/archives", json={"before": moment})
    assert first["records"] == total - 2
    assert await admin.ok("POST", "/archives", json={"before": moment}) == {"file": None, "records": 0}
    second = await admin.ok("POST", "/archives", json={"before": FUTURE})
    assert second["records"] == 3
    assert (await admin.ok("GET", "/audit/verify"))["ok"]
    assert all(place.verified(lines).first is None for lines in place.files().values())


async def test_an_altered_log_is_not_archived(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = place.admin
    await reported(admin, {"reason": "ok"}, at=5)
    real = ArchiveFolder.lines

    async def bent(self: ArchiveFolder, name: str) -> tuple[bytes, ...]:
        return tuple(line.replace(b"deny", b"done") for line in await real(self, name))

    monkeypatch.setattr(ArchiveFolder, "lines", bent)
    before = await records(admin)
    assert await admin.refused("POST", "/archives", json={"before": FUTURE}) == (503, "unavailable")
    assert await records(admin) == before


async def test_where_the_archive_cannot_be_written_nothing_is_dropped(place: Place) -> None:
    place.spoil()
    before = await records(place.admin)
    assert await place.admin.refused("POST", "/archives", json={"before": FUTURE}) == (503, "unavailable")
    assert await records(place.admin) == before
    with pytest.raises(Problem):
        await place.admin.node.archives.archive(2**62, "me")
    assert await Retention(place.admin.node.archives, 1).run(2**62) == 2**62 + EVERY


async def test_without_an_archive_nothing_is_archived(admin: Admin) -> None:
    assert await admin.refused("POST", "/archives", json={"before": FUTURE}) == (422, "invalid")


async def test_the_job_keeps_the_days_that_it_is_told(place: Place) -> None:
    admin, day = place.admin, 86_400_000_000
    job = Retention(admin.node.archives, 30)
    before = await records(admin)
    now = admin.clock.now()
    assert await job.run(now + 29 * day) == now + 29 * day + EVERY
    assert await records(admin) == before
    assert await job.run(now + 31 * day) < now + 31 * day + EVERY
    assert await records(admin) == 1


async def test_old_records_are_searched_no_more(place: Place) -> None:
    admin = place.admin
    assert len((await admin.ok("GET", "/audit", params={"member": "bot"}))["items"]) == 1
    await admin.ok("POST", "/archives", json={"before": FUTURE})
    assert (await admin.ok("GET", "/audit", params={"member": "bot"}))["items"] == []
    assert (await admin.ok("GET", "/audit"))["behind"] == {"records": 0, "seconds": 0.0}
