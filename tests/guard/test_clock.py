"""A guard whose clock is wrong: what it cannot date it does not trust, and nothing dead comes back to life."""

from pathlib import Path
from typing import Any

import pytest

from accredit_sdk.guard import Guard
from accredit_sdk.snapshot import SnapshotError
from tests.support.authority import AGENT, FakeAccredit
from tests.support.guarded import call, guarded


@pytest.mark.parametrize("seconds", [31, 3600, 365 * 86400])
async def test_a_guard_whose_clock_is_set_back_lets_nobody_in_until_it_is_right_again(
    tmp_path: Path, accredit: FakeAccredit, seconds: int
) -> None:
    behind = 0

    def clock() -> int:
        return accredit.clock() - behind * 1_000_000

    token = accredit.token()
    async with guarded(tmp_path, accredit, clock=clock) as site:
        assert (await site.send(call(), token=token)).status == 200
        behind = seconds
        answer = await site.send(call(), token=token)
        assert (answer.status, answer.headers["retry-after"] != "") == (503, True)
        accredit.signal("revoked", AGENT)
        with pytest.raises(SnapshotError):
            await site.catch_up()
        assert (await site.send(call(), token=token)).status == 503, "it has not heard of the revocation"
        behind = 0
        await site.catch_up()
        assert (await site.send(call(), token=token)).status == 401


async def test_a_clock_that_is_a_little_behind_does_no_harm(tmp_path: Path, accredit: FakeAccredit) -> None:
    behind, token = 0, accredit.token()
    async with guarded(tmp_path, accredit, clock=lambda: accredit.clock() - behind) as site:
        behind = 29_000_000
        assert (await site.send(call(), token=token)).status == 200
        await site.catch_up()
        assert (await site.send(call(), token=token)).status == 200


async def test_a_guard_whose_clock_runs_ahead_is_blind_and_not_wrong(tmp_path: Path, accredit: FakeAccredit) -> None:
    ahead: dict[str, Any] = {"seconds": 0}
    token = accredit.token()
    async with guarded(
        tmp_path, accredit, clock=lambda: accredit.clock() + ahead["seconds"] * 1_000_000
    ) as site:  # fmt: skip
        assert isinstance(site.guard, Guard)
        assert (await site.send(call(), token=token)).status == 200
        ahead["seconds"] = 4000
        assert (await site.send(call(), token=token)).status in (401, 503)
        ahead["seconds"] = 0
        assert (await site.send(call(), token=token)).status in (200, 503)
