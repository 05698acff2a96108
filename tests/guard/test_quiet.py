"""What a guard does beside its server: no token on public paths, no line in the log for every look at Accredit."""

import logging
from pathlib import Path

import pytest

from tests.support.authority import FakeAccredit
from tests.support.guarded import guarded


async def test_a_public_path_gets_no_token(tmp_path: Path, accredit: FakeAccredit) -> None:
    async with guarded(tmp_path / "guard", accredit, public=("/health",)) as site:
        assert (await site.send({}, token=accredit.token(), method="GET", path="/health")).status == 200
        ((scope, _),) = site.inner.calls
        assert b"authorization" not in dict(scope["headers"])


async def test_looking_at_accredit_leaves_no_line_in_the_log_of_the_server(
    tmp_path: Path, accredit: FakeAccredit, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with guarded(tmp_path / "guard", accredit) as site:
            await site.catch_up()
    assert not [record for record in caplog.records if record.name == "httpx2"]
