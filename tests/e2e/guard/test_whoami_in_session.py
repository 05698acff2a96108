"""A session outlives the token that began it: tools are told what the token of each request says."""

import json
from pathlib import Path

import pytest

from tests.support.authority import AGENT, FakeAccredit
from tests.support.guarded_site import guarded_site
from tests.support.http import http_client
from tests.support.ledgers import PURGE, READ, TARGETS, Ledger, Sdk
from tests.support.raw import OLD, headers_for, request_of, session


@pytest.mark.parametrize("sdk", ["official", "fastmcp"])
@pytest.mark.parametrize("form", ["json", "sse"])
async def test_a_tool_is_told_the_scopes_of_the_newest_token_of_a_session(tmp_path: Path, sdk: Sdk, form: str) -> None:
    async with (
        guarded_site(tmp_path, Ledger(sdk), FakeAccredit(targets=TARGETS), json=form == "json") as site,
        http_client() as http,
    ):
        session_id = await session(site.url, site.accredit.token(READ))
        for scope in (f"{READ} {PURGE}", READ):
            message = request_of("tools/call", 2, OLD, name="whoami", arguments={})
            headers = headers_for(site.accredit.token(scope), OLD, mcp_session_id=session_id)
            answer = await http.post(site.url, json=message, headers=headers)
            body = answer.text if form == "json" else answer.text.partition("data: ")[2].partition("\r\n")[0]
            found = json.loads(json.loads(body)["result"]["content"][0]["text"])
            assert found == [[AGENT, AGENT, sorted(scope.split())]] * 2
