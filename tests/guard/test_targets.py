"""A policy from code: the program says what needs what, Accredit still says who holds it."""

from pathlib import Path

import pytest

from accredit_sdk import ConfigurationError, Target
from tests.support.authority import FakeAccredit
from tests.support.guarded import call, guarded

OWN = (
    Target.tool("pay", "ledger:write", destructive=True),
    Target.prompt("letter", "ledger:read"),
    Target.resource("ledger://book/{number}", "ledger:read"),
)


async def test_targets_of_the_program_take_the_place_of_those_of_accredit(
    tmp_path: Path, accredit: FakeAccredit
) -> None:
    async with guarded(tmp_path / "guard", accredit, targets=OWN) as site:
        token = accredit.token("ledger:read")
        assert (await site.send(call("letter", "prompts/get"), token=token)).status == 200
        assert (await site.send(call("ledger://book/7", "resources/read"), token=token)).status == 200
        short = await site.send(call("pay"), token=token)
        assert (short.status, short.json()["error"]["data"]["missing_scopes"]) == (403, ["ledger:write"])
        assert (await site.send(call("read"), token=token)).json()["error"]["code"] == -32602


async def test_they_stay_when_accredit_changes_its_own(tmp_path: Path, accredit: FakeAccredit) -> None:
    async with guarded(tmp_path / "guard", accredit, targets=OWN) as site:
        accredit.signal("policy")
        await site.catch_up()
        assert (await site.send(call("pay"), token=accredit.token("ledger"))).status == 200


async def test_a_scope_that_accredit_does_not_know_is_told(
    tmp_path: Path, accredit: FakeAccredit, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(tmp_path / "guard", accredit, targets=(Target.tool("x", "other:scope"),)):
        assert "other:scope" in caplog.text


@pytest.mark.parametrize("seconds", [2, 86_401])
async def test_state_may_be_as_old_as_a_day_at_the_most(tmp_path: Path, accredit: FakeAccredit, seconds: int) -> None:
    for name in ("stale_after", "stale_after_destructive"):
        bounds = {"stale_after": 60, "stale_after_destructive": 60, name: seconds}
        with pytest.raises(ConfigurationError) as caught:
            async with guarded(tmp_path / "guard", accredit, poll_interval=0.02, **bounds):
                pass
        assert [problem.partition(" ")[0] for problem in caught.value.problems] == [name]


async def test_one_name_twice_is_a_configuration_error(tmp_path: Path, accredit: FakeAccredit) -> None:
    with pytest.raises(ConfigurationError) as caught:
        async with guarded(tmp_path / "guard", accredit, targets=(OWN[0], OWN[0])):
            pass
    assert any(problem.startswith("targets:") for problem in caught.value.problems)
