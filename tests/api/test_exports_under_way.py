"""While records are archived under it, an export says that it has to begin anew, never that a log was altered."""

import json
from typing import Any

import pytest

from accredit.audit.export import Examination, why_broken
from accredit.audit.verification import Fault, Report
from accredit.service import exports
from accredit.store.readers import AuditLog, Checkpoints
from accredit_sdk import keys
from tests.support.archives import FUTURE, Place, between

MOMENTS = [
    (Checkpoints, "newest", 1),
    (Checkpoints, "seals", 1),
    (Checkpoints, "checkpoints", 1),
    (AuditLog, "chains", 1),
    (AuditLog, "records", 1),
    (AuditLog, "records", 3),
]
moments = pytest.mark.parametrize(("owner", "name", "number"), MOMENTS, ids=[f"{m[1]}-{m[2]}" for m in MOMENTS])


@pytest.fixture
async def long(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A log that is read in several pages, and was archived before."""
    await place.admin.ok("POST", "/archives", json={"before": FUTURE})
    for number in range(6):
        await place.admin.ledger(f"more-{number}", f"https://more{number}.example/mcp")
    monkeypatch.setattr(exports, "_PAGE", 2)
    return place


def archiving_at(place: Place, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, number: int) -> None:
    between(monkeypatch, owner, name, number, lambda: place.admin.node.archives.archive(2**60, "somebody"))


async def examined(place: Place, lines: list[bytes]) -> Report:
    known = keys.parse_jwks(json.dumps(await place.admin.ok("GET", "/checkpoints/keys")).encode())
    examination = Examination(known)
    for line in lines:
        examination.line(line)
    return examination.report()


@pytest.mark.parametrize("engine_url", ["sqlite"], indirect=True)
@moments
async def test_an_export_is_whole_or_says_that_it_has_to_begin_anew(
    long: Place, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, number: int
) -> None:
    with monkeypatch.context() as racing:
        archiving_at(long, racing, owner, name, number)
        lines = (await long.admin.http.get("/audit/export")).content.splitlines()
    report = await examined(long, lines)
    assert {flaw.fault for flaw in report.all_flaws()} <= {Fault.EXPORT_INCOMPLETE}
    assert (why_broken(lines[-1]) is None) == (report.first is None)
    assert len(long.files()) == 2
    again = (await long.admin.http.get("/audit/export")).content.splitlines()
    assert (await examined(long, again)).first is None


@pytest.mark.parametrize(("owner", "name", "number"), [MOMENTS[1], MOMENTS[-1]], ids=["seals", "records"])
async def test_the_log_verifies_while_it_is_archived(
    long: Place, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, number: int
) -> None:
    archiving_at(long, monkeypatch, owner, name, number)
    assert (await long.admin.ok("GET", "/audit/verify"))["first"] is None
    assert len(long.files()) == 2


async def test_where_there_is_no_end_of_archiving_it_says_what_to_do(
    long: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, number = AuditLog.records, [0]

    async def moving(self: Any, *given: Any) -> Any:
        number[0] += 1
        if not number[0] % 2:
            return ()
        return await real(self, *given)

    async def further(self: Any, chain: str) -> Any:
        (end,) = await self.chains()
        return type(end)(end.chain, end.guard, end.seq, end.hash, anchor=end.seq)

    monkeypatch.setattr(AuditLog, "records", moving)
    monkeypatch.setattr(AuditLog, "chain_end", further)
    assert await long.admin.refused("GET", "/audit/verify") == (409, "conflict")


async def test_an_export_goes_on_only_where_nothing_was_archived_since(long: Place) -> None:
    lines = (await long.admin.http.get("/audit/export")).content.splitlines()
    sealed = [item["seal"] for item in map(json.loads, lines) if "seal" in item][-1]
    header = json.loads(next(json.loads(line)["header"] for line in lines if b'"header"' in line))
    place = {"after": f"{header['chain']}.{header['seq']}", "sealed": sealed}
    rest = (await long.admin.http.get("/audit/export", params=place)).content.splitlines()
    first = lines.index(next(line for line in lines if b'"header"' in line))
    assert rest[:2] == lines[first + 1 : first + 3]
    assert await long.admin.refused("GET", "/audit/export", params=place | {"sealed": 0}) == (409, "conflict")
    await long.admin.ok("POST", "/archives", json={"before": FUTURE})
    assert await long.admin.refused("GET", "/audit/export", params=place) == (409, "conflict")
