"""Tools learn who calls them from the official SDK's own function, and never get the token."""

import asyncio
import contextlib
import sys
from typing import Any

import pytest
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context

from tests.support.authority import AGENT, FakeAccredit
from tests.support.guarded import Guarded, call, event, says, streams

found: list[Any] = []


def looking(then: Any) -> Any:
    """Return a script that looks who calls, and goes on."""

    async def script(scope: Any, body: bytes, receive: Any, send: Any) -> None:
        found.append((get_access_token(), scope.get("user"), scope.get("auth")))
        await then(scope, body, receive, send)

    return script


@pytest.fixture(autouse=True)
def _clean() -> None:
    found.clear()


async def test_a_tool_learns_who_calls_and_with_which_scopes(site: Guarded, accredit: FakeAccredit) -> None:
    site.inner.script = looking(says({}))
    token = accredit.token("ledger:read ledger:write", sub="usr_1", jti="jti-7")
    await site.send(call(), token=token)
    ((access, user, auth),) = found
    assert (access.client_id, access.subject, access.resource) == (AGENT, "usr_1", "https://tools.example/mcp")
    assert (access.scopes, auth.scopes) == (["ledger:read", "ledger:write"],) * 2
    assert access.expires_at == accredit.seconds() + 300
    assert access.claims["iss"] == "https://id.example"
    assert isinstance(user, AuthenticatedUser)
    assert user.access_token is access
    assert token not in repr((access, user, vars(user), vars(auth)))
    assert token.rpartition(".")[2] not in repr(vars(user))
    assert access.token == "jti-7"
    assert get_access_token() is None


@pytest.mark.parametrize(("message", "method"), [(None, "GET"), (None, "DELETE")])
async def test_streams_and_the_end_of_a_session_are_of_somebody_too(
    site: Guarded, accredit: FakeAccredit, message: Any, method: str
) -> None:
    site.inner.script = looking(says({}))
    await site.before(message, token=accredit.token(), method=method)
    assert [access.client_id for access, _, _ in found] == [AGENT]


async def test_two_callers_at_once_are_not_mixed_up(site: Guarded, accredit: FakeAccredit) -> None:
    both = asyncio.Barrier(2)

    async def script(scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await both.wait()
        access = get_access_token()
        await says({"who": access.subject if access is not None else None})(scope, body, receive, send)

    site.inner.script = script
    one, two = await asyncio.gather(
        site.send(call(), token=accredit.token(sub="usr_1")), site.send(call(), token=accredit.token(sub="usr_2"))
    )
    assert (one.json(), two.json()) == ({"who": "usr_1"}, {"who": "usr_2"})


async def test_the_sdk_takes_a_renewed_token_for_the_same_caller_and_another_client_for_another(
    site: Guarded, accredit: FakeAccredit
) -> None:
    site.inner.script = looking(says({}))
    for claims in ({"jti": "a"}, {"jti": "b", "scope": "ledger"}, {"client_id": "app_2"}, {"sub": "usr_2"}):
        await site.send(call(), token=accredit.token(**claims))
    first, renewed, *others = (authorization_context(user) for _, user, _ in found)
    assert first == renewed
    assert first not in others


async def test_the_caller_is_known_when_the_server_is_told_that_a_request_was_dropped(
    site: Guarded, accredit: FakeAccredit
) -> None:
    ask = {"jsonrpc": "2.0", "id": 1, "method": "roots/list"}
    site.inner.script = looking(streams(event(ask)))
    await site.before({"jsonrpc": "2.0", "id": 7, "method": "tools/list"}, token=accredit.token())
    await asyncio.gather(*site.guard._way._declining)
    assert [access.client_id for access, _, _ in found] == [AGENT, AGENT]


async def test_the_caller_is_forgotten_after_a_failure(site: Guarded, accredit: FakeAccredit) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError

    site.inner.script = looking(broken)
    with contextlib.suppress(RuntimeError):
        await site.send(call(), token=accredit.token())
    assert len(found) == 1
    assert get_access_token() is None


async def test_without_the_sdk_nothing_of_it_is_loaded(
    site: Guarded, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "mcp.server")
    site.inner.script = looking(says({}))
    await site.send(call(), token=accredit.token())
    assert found == [(None, None, None)]
