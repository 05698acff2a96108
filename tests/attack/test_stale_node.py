"""stale node: guards refuse what a node issues that has not heard of a revocation; a deaf one issues nothing."""

from typing import Any

import pytest

from accredit.ports.journal import StoreError
from tests.support.house import House


async def test_a_token_decided_before_a_revocation_is_refused_although_it_was_issued_after_it(
    victim: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory: Any = victim.admin.node.directory
    credential = (await victim.admin.ok("GET", "/agents/bot"))["credentials"][0]["id"]
    principal, before = await directory.principal(victim.client_id), directory.cursor
    await victim.admin.ok("DELETE", f"/agents/bot/credentials/{credential}")
    await victim.site.catch_up()

    async def stale(_: str) -> Any:
        return principal

    monkeypatch.setattr(directory, "principal", stale)
    monkeypatch.setattr(type(directory), "cursor", property(lambda _: before))
    await victim.stopped(await victim.token())


async def test_a_node_that_cannot_confirm_for_a_second_that_it_heard_everything_issues_nothing(
    victim: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> None:
        raise StoreError("OperationalError")

    assert (await victim.ask()).status_code == 200
    monkeypatch.setattr(victim.admin.node.directory, "catch_up", fails)
    victim.admin.clock.advance(1.1)
    refused = await victim.ask()
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert refused.headers["retry-after"] == "1"
