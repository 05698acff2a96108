"""What the guard answers, row by row of the table."""


from tests.support.authority import AGENT, SERVER, FakeAccredit
from tests.support.guarded import Guarded, call

METADATA = 'resource_metadata="https://tools.example/.well-known/oauth-protected-resource/mcp"'


async def test_a_call_with_enough_scope_reaches_the_server(site: Guarded, accredit: FakeAccredit) -> None:
    response = await site.send(call(), token=accredit.token())
    assert response.status == 200
    assert site.inner.messages() == [call()]
    (record,) = await site.records()
    assert (record["outcome"], record["reason"], record["target"]) == ("allow", "ok", "read")
    assert (record["subject"], record["actors"], record["server"]) == (AGENT, [AGENT], SERVER)
    assert record["decision"].startswith("dec_")


async def test_no_token_gets_a_challenge_without_error(site: Guarded) -> None:
    response = await site.send(call())
    assert response.status == 401
    assert response.challenge == f'Bearer {METADATA}, scope="ledger:read"'
    assert site.inner.calls == []
