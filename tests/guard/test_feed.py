"""How the guard stays true: snapshot, numbered changes, freshness, keys; and what it does when Accredit is away."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from accredit_sdk import jws, keys, snapshot
from accredit_sdk.errors import InvalidToken
from accredit_sdk.snapshot import Change, ServerEntry, SnapshotError, TargetEntry
from tests.support.authority import AGENT, SERVER, FakeAccredit
from tests.support.guarded import Guarded, call, guarded


async def statuses(site: Guarded, token: str, *names: str) -> list[int]:
    return [(await site.send(call(name), token=token)).status for name in names]


async def test_a_suspended_agent_is_refused_and_let_in_again_when_it_is_resumed(
    site: Guarded, accredit: FakeAccredit
) -> None:
    token = accredit.token()
    assert await statuses(site, token, "read") == [200]
    accredit.signal("suspended", AGENT)
    await site.catch_up()
    response = await site.send(call(), token=token)
    assert response.status == 401
    assert 'error="invalid_token"' in response.challenge
    assert await statuses(site, accredit.token(), "read") == [401]
    accredit.signal("resumed", AGENT)
    await site.catch_up()
    assert await statuses(site, token, "read") == [200]
    assert [record["reason"] for record in await site.records()] == ["ok", "suspended", "suspended", "ok"]


async def test_a_revocation_ends_older_tokens_and_no_newer_ones(site: Guarded, accredit: FakeAccredit) -> None:
    old = accredit.token()
    assert await statuses(site, old, "read") == [200]
    accredit.signal("revoked", AGENT)
    new = accredit.token()
    await site.catch_up()
    assert await statuses(site, old, "read") == [401]
    assert await statuses(site, new, "read") == [200]
    other = accredit.token(rev=["somebody-else"], ver=1)
    assert await statuses(site, other, "read") == [200]


async def test_a_changed_policy_counts_for_tokens_that_were_seen_before(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token()
    assert await statuses(site, token, "read") == [200]
    accredit.targets = (TargetEntry("tool", "read", ["ledger:write"]), TargetEntry("tool", "new", ["ledger:read"]))
    accredit.signal("policy")
    await site.catch_up()
    assert await statuses(site, token, "read", "new", "post") == [403, 200, 400]


async def test_a_suspended_server_lets_nobody_in(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token()
    assert await statuses(site, token, "read") == [200]
    accredit.server_suspended = True
    accredit.signal("policy")
    await site.catch_up()
    assert await statuses(site, token, "read") == [401]
    assert await statuses(site, accredit.token(), "read") == [401]


async def test_a_number_that_does_not_concern_this_guard_is_passed_over(site: Guarded, accredit: FakeAccredit) -> None:
    accredit.signal("none")
    accredit.signal("none")
    await site.catch_up()
    assert accredit.asked[-1] == "GET /guard/v1/changes"
    known = site.guard._gate.knowledge
    assert known is not None
    assert known.seq == accredit.seq


async def test_many_pages_are_read_before_the_guard_rests(tmp_path: Path, accredit: FakeAccredit) -> None:
    accredit.page = 2
    async with guarded(tmp_path / "guard", accredit) as site:
        for _ in range(6):
            accredit.signal("none")
        accredit.signal("suspended", AGENT)
        await site.catch_up()
        assert await statuses(site, accredit.token(), "read") == [401]


@pytest.mark.parametrize("kind", ["policy", "keys", "unheard-of", "revoked-2"])
async def test_a_change_that_cannot_be_applied_makes_the_guard_read_the_whole_state(
    site: Guarded, accredit: FakeAccredit, kind: str
) -> None:
    accredit.signal(kind, AGENT)
    accredit.asked.clear()
    await site.catch_up()
    assert accredit.asked == ["GET /guard/v1/changes", "GET /guard/v1/snapshot"]


async def test_a_gap_makes_the_guard_read_the_whole_state(site: Guarded, accredit: FakeAccredit) -> None:
    accredit.signal("suspended", AGENT)
    accredit.signal("none")
    del accredit.changes[0]
    await site.catch_up()
    assert accredit.asked[-1] == "GET /guard/v1/snapshot"
    assert await statuses(site, accredit.token(), "read") == [401]


def replaced(accredit: FakeAccredit, **more: Any) -> ServerEntry:
    entry = snapshot.decode_snapshot(jws.parse(accredit.snapshot()).payload).server
    return ServerEntry(**{name: getattr(entry, name) for name in entry.__struct_fields__} | more)


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"schema": 2},
        {"mode": "watch"},
        {"at": 1_790_000_031},
        {"arguments_key": "ab"},
        {"arguments_key": "x" * 64},
        {"server": {"id": "srv_other"}},
        {"server": {"resource": "https://tools.example/other"}},
        {"server": {"targets": [TargetEntry("tool", "read", [], visibility="blink")]}},
        {"seq": 4},
    ],
    ids=str,
)
async def test_a_snapshot_that_is_not_ours_or_not_understood_changes_nothing(
    site: Guarded, accredit: FakeAccredit, lie: dict[str, Any]
) -> None:
    before = site.guard._gate.knowledge
    accredit.signal("policy")
    honest = accredit.snapshot
    if "server" in lie:
        lie = {"server": replaced(accredit, **lie["server"])}
    accredit.snapshot = lambda: honest(**lie)  # type: ignore[method-assign]
    with pytest.raises(SnapshotError):
        await site.catch_up()
    assert site.guard._gate.knowledge is before


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"server": "srv_other"},
        {"schema": 2},
        {"at": 1_790_000_031},
    ],
    ids=str,
)
async def test_a_page_that_is_not_ours_changes_nothing(
    site: Guarded, accredit: FakeAccredit, lie: dict[str, Any]
) -> None:
    before = site.guard._gate.knowledge
    accredit.signal("none")
    honest = accredit.changes_after
    accredit.changes_after = lambda after: honest(after, **lie)  # type: ignore[method-assign]
    with pytest.raises(SnapshotError):
        await site.catch_up()
    assert site.guard._gate.knowledge is before


async def test_only_the_pinned_signal_key_is_believed(site: Guarded, accredit: FakeAccredit) -> None:
    before = site.guard._gate.knowledge
    accredit.signal_key = keys.generate(jws.Algorithm.ES256)
    with pytest.raises(InvalidToken):
        await site.catch_up()
    accredit.signal_key = accredit.access_keys[0]
    with pytest.raises(InvalidToken):
        await site.catch_up()
    assert site.guard._gate.knowledge is before


async def test_a_snapshot_is_no_page_and_a_page_is_no_snapshot(site: Guarded, accredit: FakeAccredit) -> None:
    page, whole = accredit.changes_after, accredit.snapshot
    accredit.changes_after = lambda after: whole()  # type: ignore[method-assign]
    with pytest.raises(InvalidToken):
        await site.catch_up()
    accredit.changes_after = page  # type: ignore[method-assign]
    accredit.snapshot = lambda: page(5)  # type: ignore[method-assign]
    accredit.signal("policy")
    with pytest.raises(InvalidToken):
        await site.catch_up()


async def test_signal_keys_change_through_a_signed_snapshot_and_are_remembered(
    tmp_path: Path, accredit: FakeAccredit
) -> None:
    async with guarded(tmp_path / "guard", accredit) as site:
        accredit.next_signal_key = keys.generate(jws.Algorithm.ES256)
        accredit.signal("keys")
        await site.catch_up()
        accredit.signal_key, accredit.next_signal_key = accredit.next_signal_key, None
        accredit.signal("suspended", AGENT)
        await site.catch_up()
        assert await statuses(site, accredit.token(), "read") == [401]
    async with guarded(tmp_path / "guard", accredit) as site:
        assert await statuses(site, accredit.token(rev=[]), "read") == [200]


async def test_a_token_of_a_key_that_is_gone_is_refused_also_when_it_was_seen_before(
    site: Guarded, accredit: FakeAccredit
) -> None:
    token = accredit.token()
    assert await statuses(site, token, "read") == [200]
    accredit.access_keys = [keys.generate(jws.Algorithm.ES256)]
    accredit.signal("keys")
    await site.catch_up()
    assert await statuses(site, token, "read") == [401]
    assert await statuses(site, accredit.token(), "read") == [200]


async def test_an_unknown_key_is_asked_for_once_for_all_who_wait(site: Guarded, accredit: FakeAccredit) -> None:
    accredit.access_keys.append(keys.generate(jws.Algorithm.ES256))
    accredit.asked.clear()
    found = await asyncio.gather(*(site.send(call(), token=accredit.token()) for _ in range(20)))
    assert [response.status for response in found] == [200] * 20
    assert accredit.asked.count("GET /guard/v1/snapshot") == 1


async def test_tokens_of_made_up_keys_do_not_make_the_guard_ask_again_and_again(
    site: Guarded, accredit: FakeAccredit
) -> None:
    accredit.asked.clear()
    for _ in range(10):
        token = accredit.token(key=keys.generate(jws.Algorithm.ES256))
        assert await statuses(site, token, "read") == [401]
    assert accredit.asked.count("GET /guard/v1/snapshot") == 1
    accredit.clock.advance(6)
    await site.catch_up()
    assert await statuses(site, accredit.token(key=keys.generate(jws.Algorithm.ES256)), "read") == [401]
    assert accredit.asked.count("GET /guard/v1/snapshot") == 2


async def test_without_accredit_the_guard_goes_on_then_says_503_and_never_401_and_recovers(
    site: Guarded, accredit: FakeAccredit
) -> None:
    token = accredit.token("ledger", exp=accredit.seconds() + 3600)
    accredit.away = True
    accredit.clock.advance(29)
    assert await statuses(site, token, "read", "purge") == [200, 200]
    accredit.clock.advance(2)
    response = await site.send(call("purge"), token=token)
    assert (response.status, response.headers["retry-after"]) == (503, "2")
    assert response.json()["id"] == 7
    accredit.clock.advance(268)
    assert await statuses(site, token, "read", "purge", "post") == [200, 503, 200]
    accredit.clock.advance(2)
    for response in (
        await site.send(call(), token=token),
        await site.send(call(), token=accredit.token()),
        await site.send(call(), token="nonsense"),
        await site.send(call()),
    ):
        assert (response.status, response.headers["retry-after"]) == (503, "2")
    accredit.away = False
    await site.catch_up()
    assert await statuses(site, token, "read", "purge") == [200, 200]


async def test_an_unknown_key_while_accredit_is_away_is_503_and_not_401(site: Guarded, accredit: FakeAccredit) -> None:
    accredit.away = True
    accredit.access_keys.append(keys.generate(jws.Algorithm.ES256))
    assert await statuses(site, accredit.token(), "read") == [503]
    accredit.away = False
    accredit.clock.advance(6)
    runtime = site.guard._runtime
    assert runtime is not None
    assert runtime.feed is not None
    runtime.feed._failures = 0
    assert await statuses(site, accredit.token(), "read") == [200]


async def test_a_guard_that_starts_without_accredit_begins_with_the_snapshot_on_disk(
    tmp_path: Path, accredit: FakeAccredit
) -> None:
    async with guarded(tmp_path / "guard", accredit):
        pass
    accredit.away = True
    accredit.clock.advance(200)
    async with guarded(tmp_path / "guard", accredit) as site:
        assert await statuses(site, accredit.token(), "read") == [200]
        accredit.clock.advance(101)
        assert await statuses(site, accredit.token(), "read") == [503]


async def test_a_forged_snapshot_on_disk_does_not_count(tmp_path: Path, accredit: FakeAccredit) -> None:
    async with guarded(tmp_path / "guard", accredit):
        pass
    forger = FakeAccredit(clock=accredit.clock, access_keys=accredit.access_keys)
    for forged in (forger.snapshot(), b"", b"\xff", accredit.snapshot()[:-3]):
        (tmp_path / "guard" / "snapshot.jwt").write_bytes(forged)
        accredit.away = True
        async with guarded(tmp_path / "guard", accredit) as site:
            assert await statuses(site, accredit.token(), "read") == [503]
        accredit.away = False


async def test_the_copy_on_disk_is_renewed_while_nothing_changes(tmp_path: Path, accredit: FakeAccredit) -> None:
    async with guarded(tmp_path / "guard", accredit) as site:
        accredit.clock.advance(76)
        await site.catch_up()
        stored = jws.parse((tmp_path / "guard" / "snapshot.jwt").read_bytes()).payload
        assert snapshot.decode_snapshot(stored).at == accredit.seconds()
    assert (tmp_path / "guard" / "snapshot.jwt").stat().st_mode & 0o777 == 0o600


async def test_the_guard_catches_up_by_itself(tmp_path: Path, accredit: FakeAccredit) -> None:
    async with guarded(tmp_path / "guard", accredit, background=True, poll_interval=0.02) as site:
        runtime = site.guard._runtime
        assert runtime is not None
        assert runtime.feed is not None
        accredit.signal("suspended", AGENT)
        async with asyncio.timeout(10):
            while True:
                known = site.guard._gate.knowledge
                if known is not None and known.seq == accredit.seq:
                    break
                runtime.feed._round.clear()
                await runtime.feed._round.wait()
        assert await statuses(site, accredit.token(), "read") == [401]


async def test_a_body_that_comes_after_the_revocation_is_judged_by_it(site: Guarded, accredit: FakeAccredit) -> None:
    from tests.support.guarded import headers_of

    token = accredit.token()
    gate = site.guard._gate
    seen = gate.enter({name.encode(): value.encode() for name, value in headers_of(call(), token).items()}, b"")
    accredit.signal("suspended", AGENT)
    await site.catch_up()
    found = gate.judge(seen, {}, b"{}")  # type: ignore[arg-type]
    assert found.status == 401  # type: ignore[union-attr]


async def test_a_change_of_another_server_in_a_page_for_us_is_not_applied_twice(
    site: Guarded, accredit: FakeAccredit
) -> None:
    accredit.changes.append(Change(accredit.seq, "suspended", SERVER))
    await site.catch_up()
    assert await statuses(site, accredit.token(), "read") == [200]
