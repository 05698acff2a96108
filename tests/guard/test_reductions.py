"""A role became smaller: tokens that are out carry less at once, and are refused with 403, not 401."""

from pathlib import Path

from msgspec import structs

from tests.support.authority import AGENT, FakeAccredit
from tests.support.guarded import Guarded, call, guarded, says


async def reach(site: Guarded, token: str, *names: str) -> list[int]:
    return [(await site.send(call(name), token=token)).status for name in names]


async def test_a_reduction_is_felt_by_a_token_that_has_been_used(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token("ledger")
    assert await reach(site, token, "read", "post", "purge") == [200, 200, 200]
    accredit.signal("reduced", AGENT, ["ledger:read"])
    await site.catch_up()
    assert await reach(site, token, "read", "post", "purge") == [200, 403, 403]
    refused = (await site.send(call("post"), token=token)).json()["error"]["data"]
    assert refused["missing_scopes"] == ["ledger:write"]


async def test_a_token_of_afterwards_carries_what_it_says(site: Guarded, accredit: FakeAccredit) -> None:
    accredit.signal("reduced", AGENT, ["ledger:read"])
    await site.catch_up()
    assert await reach(site, accredit.token("ledger"), "post") == [200]
    assert await reach(site, accredit.token("ledger", ver=accredit.seq - 1), "post", "read") == [403, 200]


async def test_others_keep_what_they_have(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token("ledger", sub="agt_other", client_id="agt_other", rev=["agt_other"])
    accredit.signal("reduced", AGENT, [])
    await site.catch_up()
    assert await reach(site, token, "post") == [200]


async def test_a_guard_that_starts_afterwards_knows_of_it(tmp_path: Path, accredit: FakeAccredit) -> None:
    token = accredit.token("ledger")
    accredit.signal("reduced", AGENT, [])
    async with guarded(tmp_path / "guard", accredit) as site:
        assert await reach(site, token, "read") == [403]


async def test_lists_show_what_is_left(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token("ledger")
    tools = [{"name": name} for name in ("read", "purge")]
    accredit.targets = tuple(structs.replace(one, visibility="hide") for one in accredit.targets)
    accredit.signal("policy")
    await site.catch_up()
    site.inner.script = says({"jsonrpc": "2.0", "id": 7, "result": {"tools": tools}})
    assert len((await site.send(call(method="tools/list"), token=token)).json()["result"]["tools"]) == 2
    accredit.signal("reduced", AGENT, ["ledger:read"])
    await site.catch_up()
    assert (await site.send(call(method="tools/list"), token=token)).json()["result"]["tools"] == [{"name": "read"}]
