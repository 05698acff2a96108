"""The stand-in that authors of servers test with: it says what Accredit says, and its guard never makes a test wait."""

import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accredit_sdk import ConfigurationError, Target, keys
from accredit_sdk.claims import decode
from accredit_sdk.errors import InvalidToken, Problem
from accredit_sdk.jws import Algorithm, parse
from accredit_sdk.keys import key_set
from accredit_sdk.testing import AGENT, FrozenClock, StandIn, started
from accredit_sdk.verify import Verifier
from tests.support.guarded import Inner, Response, call, headers_of, request

RESOURCE = "https://tools.example/mcp"
ROOT = Path(__file__).parents[2]
TARGETS = (Target.tool("read", "ledger:read"), Target.tool("purge", "ledger:purge", destructive=True))


class Site:
    """A guard of a stand-in, and requests to it."""

    def __init__(self, accredit: StandIn, folder: Path) -> None:
        self.accredit = accredit
        self.inner = Inner()
        self.app = accredit.guard(self.inner, folder)

    async def status(self, token: str | None, tool: str = "read") -> int:
        return (await self.call(token, tool)).status

    async def call(self, token: str | None, tool: str = "read") -> Response:
        message = call(tool)
        fields = [(name.encode(), value.encode()) for name, value in headers_of(message, token).items()]
        return await request(self.app, "POST", "/mcp", fields, json.dumps(message).encode())


@pytest.fixture
def accredit() -> StandIn:
    return StandIn(RESOURCE, TARGETS, scopes=["ledger"], defaults=["ledger:read"])


@pytest.fixture
async def site(accredit: StandIn, tmp_path: Path) -> AsyncIterator[Site]:
    found = Site(accredit, tmp_path / "guard")
    async with started(found.app):
        yield found


async def test_tokens_open_what_their_scopes_cover(site: Site, accredit: StandIn) -> None:
    assert await site.status(accredit.token()) == 200
    assert await site.status(accredit.token("ledger:read"), "purge") == 403
    assert await site.status(accredit.token("ledger"), "purge") == 200
    assert await site.status(accredit.token(""), "read") == 403
    assert await site.status(None) == 401
    assert len(site.inner.calls) == 2


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"lifetime": -60}, "expired"),
        ({"typ": "JWT"}, "type"),
        ({"key": keys.generate(Algorithm.ES256)}, "unknown_key"),
        ({"aud": "https://other.example/mcp"}, "audience"),
        ({"iss": "https://other.example"}, "issuer"),
        ({"exp": None}, "missing_claim"),
        ({"nbf": 4_000_000_000}, "not_yet_valid"),
    ],
)
async def test_tokens_can_be_minted_that_must_be_refused(
    site: Site, accredit: StandIn, wrong: dict[str, Any], problem: str
) -> None:
    assert await site.status(accredit.token(**wrong)) == 401
    assert accredit.decisions()[-1]["problem"] == problem
    assert not site.inner.calls


async def test_a_token_expires_when_the_clock_moves_and_the_guard_still_sees(site: Site, accredit: StandIn) -> None:
    token = accredit.token()
    assert await site.status(token) == 200
    accredit.clock.advance(3600)
    assert await site.status(token) == 401
    assert await site.status(accredit.token()) == 200


async def test_a_revocation_is_felt_by_the_next_call_and_ends_one_token_only(site: Site, accredit: StandIn) -> None:
    token, other = accredit.token(), accredit.token()
    assert await site.status(token) == 200
    accredit.revoke(token)
    assert await site.status(token) == 401
    assert accredit.decisions()[-1]["reason"] == "revoked"
    assert await site.status(other) == 200


async def test_a_suspension_lasts_until_it_is_lifted(site: Site, accredit: StandIn) -> None:
    agent, user = accredit.token(), accredit.token(subject="usr_dana", client_id="app_desk")
    for handle, dead, living in ((AGENT, agent, user), ("usr_dana", user, agent), ("app_desk", user, agent)):
        accredit.suspend(handle)
        assert await site.status(dead) == 401
        assert await site.status(living) == 200
        accredit.resume(handle)
        assert await site.status(dead) == 200
    accredit.suspend(accredit.server)
    assert await site.status(agent) == 401
    accredit.resume(accredit.server)
    assert await site.status(agent) == 200


async def test_a_rotated_key_signs_and_the_one_before_still_verifies(site: Site, accredit: StandIn) -> None:
    old = accredit.token()
    accredit.rotate_keys()
    assert await site.status(accredit.token()) == 200
    assert await site.status(old) == 200
    accredit.rotate_keys(forget=True)
    assert await site.status(accredit.token()) == 200
    assert await site.status(old) == 401


async def test_a_declared_tool_can_be_called_at_once(site: Site, accredit: StandIn) -> None:
    assert (await site.call(accredit.token("ledger"), "draft")).json()["error"]["code"] == -32602
    accredit.declare(Target.tool("draft", "ledger:draft"))
    assert await site.status(accredit.token("ledger"), "draft") == 200


async def test_accredit_can_be_away_until_the_policy_is_too_old(
    site: Site, accredit: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    assert await site.status(accredit.token()) == 200
    accredit.away = True
    accredit.clock.advance(100)
    assert await site.status(accredit.token()) == 200
    accredit.clock.advance(300)
    assert await site.status(accredit.token()) == 503
    accredit.away = False
    assert await site.status(accredit.token()) == 200


async def test_decisions_say_who_through_whom_and_why(site: Site, accredit: StandIn) -> None:
    refused = await site.call(accredit.token(subject="usr_dana", client_id="app_desk"), "purge")
    (told,) = accredit.decisions()
    assert told["decision"] == refused.json()["error"]["data"]["decision_id"]
    assert (told["outcome"], told["reason"], told["missing"]) == ("deny", "insufficient_scope", ["ledger:purge"])
    assert (told["subject"], told["client_id"], told["actors"]) == ("usr_dana", "app_desk", ["app_desk"])


async def test_two_guards_of_one_server_hear_the_same(accredit: StandIn, tmp_path: Path) -> None:
    first, second = (Site(accredit, tmp_path / name) for name in ("first", "second"))
    async with started(first.app), started(second.app):
        token = accredit.token()
        assert (await first.status(token), await second.status(token)) == (200, 200)
        accredit.suspend(AGENT)
        assert (await first.status(token), await second.status(token)) == (401, 401)
    assert len(accredit.decisions()) == 4


async def test_a_guard_works_without_its_lifespan_and_in_the_folder_of_an_earlier_test(tmp_path: Path) -> None:
    for _ in range(2):
        accredit = StandIn(RESOURCE, TARGETS)
        assert await Site(accredit, tmp_path).status(accredit.token("ledger:read")) == 200


def test_the_key_set_verifies_what_was_minted_and_nothing_else(accredit: StandIn) -> None:
    known, verifier = key_set(accredit.key_set()["keys"]), Verifier(accredit.issuer, RESOURCE)
    claims = verifier.verify(accredit.token("ledger", client_id="app_desk"), known, accredit.clock())
    assert (claims.scope, claims.client_id, claims.sub, claims.act) == ("ledger", "app_desk", "app_desk", None)
    with pytest.raises(InvalidToken) as refused:
        verifier.verify(StandIn(RESOURCE, TARGETS).token("ledger"), known, accredit.clock())
    assert refused.value.problem is Problem.UNKNOWN_KEY


def test_no_two_tokens_are_the_same(accredit: StandIn) -> None:
    assert len({decode(parse(accredit.token()).payload).jti for _ in range(50)}) == 50


def test_a_frozen_clock_moves_when_it_is_told_to() -> None:
    clock = FrozenClock(1_000_000)
    clock.advance(1.5)
    assert clock() == 2_500_000
    clock.advance(-2)
    assert clock() == 500_000


def test_a_folder_that_cannot_be_used_is_said(accredit: StandIn, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError) as refused:
        accredit.guard(Inner(), tmp_path / "file" / "guard")
    assert "give the guard a folder of its own" in str(refused.value)


async def test_an_app_that_cannot_start_is_said(accredit: StandIn, tmp_path: Path) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no disk"})

    with pytest.raises(RuntimeError, match="startup failed: no disk"):
        async with started(accredit.guard(broken, tmp_path)):
            pytest.fail("the block must not run")


def test_the_module_loads_no_server_no_framework_and_no_test_runner() -> None:
    program = "import accredit_sdk.testing, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not {"accredit", "mcp", "pytest", "sqlalchemy", "starlette", "uvicorn"} & set(said.split())
