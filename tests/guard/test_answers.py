"""What the guard answers, row by row of the table in 3.5."""

import json
from typing import Any

import pytest

from accredit_sdk import keys
from accredit_sdk.jws import Algorithm
from accredit_sdk.snapshot import TargetEntry
from tests.support.authority import AGENT, SERVER, FakeAccredit
from tests.support.guarded import VERSION, VERSION_KEY, Guarded, call

METADATA = 'resource_metadata="https://tools.example/.well-known/oauth-protected-resource/mcp"'


@pytest.mark.requirement("RFC6750-2.1-header", "MCP-AUTH-token-every-request")
async def test_a_call_with_enough_scope_reaches_the_server_and_is_recorded_with_who_and_why(
    site: Guarded, accredit: FakeAccredit
) -> None:
    response = await site.send(call(), token=accredit.token())
    assert (response.status, response.json()) == (200, {"reached": True})
    assert site.inner.messages() == [call()]
    (record,) = await site.records()
    assert (record["outcome"], record["reason"], record["target"]) == ("allow", "ok", "read")
    assert (record["subject"], record["client_id"], record["actors"]) == (AGENT, AGENT, [AGENT])
    assert (record["server"], record["policy_version"], record["needed"]) == (SERVER, 5, ["ledger:read"])
    assert record["decision"].startswith("dec_")
    assert record["at"] == accredit.clock.now
    assert (await site.send(call())).status == 401


@pytest.mark.parametrize(("method", "name"), [("prompts/get", "summary"), ("resources/read", "ledger://book/1")])
async def test_prompts_and_resources_are_judged_like_tools(
    site: Guarded, accredit: FakeAccredit, method: str, name: str
) -> None:
    assert (await site.send(call(name, method), token=accredit.token())).status == 200
    assert (await site.send(call(name, method), token=accredit.token("other"))).status == 403


@pytest.mark.parametrize(
    "method", ["server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"]
)
async def test_a_method_without_a_target_needs_a_token_and_no_scope(
    site: Guarded, accredit: FakeAccredit, method: str
) -> None:
    assert (await site.send(call(method=method), token=accredit.token(""))).status == 200
    assert (await site.send(call(method=method))).status == 401
    assert len(site.inner.calls) == 1


@pytest.mark.requirement(
    "RFC6750-3-challenge",
    "RFC6750-3.1-no-error-without-credentials",
    "RFC9728-5.1-challenge",
    "MCP-AUTH-scope-in-challenge",
    "MCP-AUTH-no-offline-access",
)
async def test_no_token_gets_a_challenge_without_error(site: Guarded) -> None:
    for headers in ({}, {"authorization": "Basic QWxhZGRpbjpvcGVu"}, {"authorization": "Bearer"}):
        response = await site.send(call(), headers=headers)
        assert response.status == 401
        assert response.challenge == f'Bearer {METADATA}, scope="ledger:read"'
    assert site.inner.calls == []
    assert [record["reason"] for record in await site.records()] == ["no_token"] * 3


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"iss": "https://id.example.evil.example"}, "issuer"),
        ({"iss": "https://id.example/"}, "issuer"),
        ({"iss": None}, "missing_claim"),
        ({"aud": "https://tools.example/other"}, "audience"),
        ({"aud": "https://tools.example/mcp/"}, "audience"),
        ({"aud": ["https://tools.example/mcp"]}, "malformed"),
        ({"aud": None}, "missing_claim"),
        ({"exp": None}, "missing_claim"),
        ({"exp": 1_790_000_000 - 30}, "expired"),
        ({"nbf": 1_790_000_000 + 31}, "not_yet_valid"),
        ({"cnf": {"jkt": "abc"}}, "bound"),
        ({"scope": "ledger:read  ledger:write"}, "malformed"),
        ({"sub": None}, "missing_claim"),
        ({"client_id": None}, "missing_claim"),
    ],
)
@pytest.mark.requirement(
    "RFC6750-3.1-invalid-token",
    "RFC9068-4-iss",
    "RFC9068-4-aud",
    "RFC9068-4-exp",
    "RFC9068-4-invalid-token",
    "MCP-AUTH-audience",
    "MCP-AUTH-invalid-401",
)
async def test_a_bad_token_gets_invalid_token_and_the_reason_is_in_the_record_alone(
    site: Guarded, accredit: FakeAccredit, claims: dict[str, Any], problem: str
) -> None:
    response = await site.send(call(), token=accredit.token(**claims))
    assert response.status == 401
    assert response.challenge == f'Bearer {METADATA}, error="invalid_token", scope="ledger:read"'
    assert site.inner.calls == []
    (record,) = await site.records()
    assert (record["reason"], record["problem"]) == ("invalid_token", problem)
    assert problem not in response.body.decode() + response.challenge
    assert response.json()["decision_id"] == record["decision"]


@pytest.mark.requirement("RFC9068-4-typ", "RFC9068-4-signature", "RFC8725-3.11-explicit-typing")
async def test_a_token_of_another_type_or_key_gets_invalid_token(site: Guarded, accredit: FakeAccredit) -> None:
    stranger = keys.generate(Algorithm.ES256)
    for token in (accredit.token(typ="JWT"), accredit.token(key=stranger), accredit.token()[:-4] + "AAAA", "x", "..."):
        assert (await site.send(call(), token=token)).status == 401
    assert site.inner.calls == []
    problems = [record["problem"] for record in await site.records()]
    assert problems == ["type", "unknown_key", "signature", "malformed", "malformed"]


async def test_a_token_dies_at_its_end_also_when_it_was_seen_before(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token()
    assert (await site.send(call(), token=token)).status == 200
    accredit.clock.advance(329.999)
    await site.catch_up()
    assert (await site.send(call(), token=token)).status == 200
    accredit.clock.advance(0.001)
    assert (await site.send(call(), token=token)).status == 401
    accredit.clock.advance(1)
    assert (await site.send(call(), token=token)).status == 401


@pytest.mark.parametrize("request_id", [7, "seven", -1, ""])
@pytest.mark.requirement("RFC6750-3.1-insufficient-scope", "MCP-AUTH-insufficient-403", "MCP-AUTH-all-scopes-at-once")
async def test_too_little_scope_gets_403_with_every_scope_that_the_call_needs(
    site: Guarded, accredit: FakeAccredit, request_id: Any
) -> None:
    response = await site.send(call("post", request_id=request_id), token=accredit.token())
    assert response.status == 403
    scope = 'scope="ledger:read ledger:write"'
    assert response.challenge == f'Bearer {METADATA}, error="insufficient_scope", {scope}'
    assert response.headers["content-type"] == "application/json"
    (record,) = await site.records()
    assert (record["reason"], record["missing"]) == ("insufficient_scope", ["ledger:write"])
    said = response.json()
    assert said["id"] == request_id
    assert said["error"]["code"] == 403
    assert said["error"]["data"] == {
        "required_scopes": ["ledger:read", "ledger:write"],
        "missing_scopes": ["ledger:write"],
        "decision_id": record["decision"],
    }
    assert site.inner.calls == []


@pytest.mark.requirement("MCP-AUTH-hierarchy")
async def test_a_wider_scope_is_enough(site: Guarded, accredit: FakeAccredit) -> None:
    assert (await site.send(call("post"), token=accredit.token("ledger"))).status == 200
    assert (await site.send(call("post"), token=accredit.token("ledge"))).status == 403


@pytest.mark.parametrize(
    ("method", "text"),
    [("tools/call", "Unknown tool"), ("prompts/get", "Unknown prompt"), ("resources/read", "Unknown resource")],
)
async def test_a_name_that_is_not_mapped_is_unknown_whether_the_server_has_it_or_not(
    site: Guarded, accredit: FakeAccredit, method: str, text: str
) -> None:
    response = await site.send(call("unheard-of", method), token=accredit.token("ledger"))
    assert response.status == 400
    named = {"data": {"uri": "unheard-of"}} if method == "resources/read" else {}
    assert response.json() == {"jsonrpc": "2.0", "id": 7, "error": {"code": -32602, "message": text, **named}}
    assert site.inner.calls == []
    (record,) = await site.records()
    assert (record["reason"], record["target"]) == ("tool_unmapped", "unheard-of")


@pytest.mark.parametrize(
    "method", ["tasks/list", "resources/subscribe", "initialize", "ping", "tools/Call", "x/y", "rpc.discover"]
)
@pytest.mark.requirement("MCP-HTTP-unknown-method")
async def test_a_method_that_is_not_listed_is_not_found(site: Guarded, accredit: FakeAccredit, method: str) -> None:
    response = await site.send(call(method=method), token=accredit.token("ledger"))
    assert response.status == 404
    assert response.json() == {"jsonrpc": "2.0", "id": 7, "error": {"code": -32601, "message": "Method not found"}}
    assert site.inner.calls == []
    assert [record["reason"] for record in await site.records()] == ["method_refused"]


@pytest.mark.parametrize("version", ["2031-01-01", "2024-11-05", "", "2026-07-28 "])
async def test_a_revision_that_nobody_speaks_here_is_told_which_one_is_spoken(
    site: Guarded, accredit: FakeAccredit, version: str
) -> None:
    message = {"jsonrpc": "2.0", "id": 0, "method": "tools/list"}
    response = await site.send(message, token=accredit.token(), headers={"mcp-protocol-version": version})
    assert response.status == 400
    error = response.json()["error"]
    assert (error["code"], error["data"]) == (-32022, {"supported": [VERSION], "requested": version})
    assert site.inner.calls == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "HEAD", "post", "TRACE"])
async def test_nothing_but_three_verbs_is_served_at_the_endpoint(
    site: Guarded, accredit: FakeAccredit, method: str
) -> None:
    response = await site.send(call(), token=accredit.token(), method=method)
    assert (response.status, response.headers["allow"]) == (405, "GET, POST, DELETE")
    assert site.inner.calls == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_the_modern_era_has_neither_streams_of_their_own_nor_sessions(
    site: Guarded, accredit: FakeAccredit, method: str
) -> None:
    response = await site.send(call(), token=accredit.token(), method=method)
    assert (response.status, response.headers["allow"]) == (405, "POST")
    assert site.inner.calls == []


async def test_a_notification_is_accepted_and_goes_no_further(site: Guarded, accredit: FakeAccredit) -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    response = await site.send(message, token=accredit.token())
    assert (response.status, response.body) == (202, b"")
    assert (await site.send(message)).status == 401
    other = await site.send(message, token=accredit.token(), headers={"mcp-protocol-version": "2031-01-01"})
    assert other.json()["error"]["code"] == -32022
    assert site.inner.calls == []


async def test_other_paths_need_a_token_and_are_refused_even_then(site: Guarded, accredit: FakeAccredit) -> None:
    for path in ("/", "/mcp/", "/MCP", "/mcp//", "/admin", "/mcp/../admin", "/.well-known/oauth-protected-resource"):
        for method in ("GET", "POST"):
            assert (await site.send(call(), method=method, path=path)).status == 401
            assert (await site.send(call(), token=accredit.token(), method=method, path=path)).status == 404
    assert site.inner.calls == []
    assert "GET /admin" in {record.get("method") for record in await site.records()}


@pytest.mark.requirement("MCP-AUTH-no-passthrough")
async def test_the_token_and_any_session_stay_with_the_guard(site: Guarded, accredit: FakeAccredit) -> None:
    await site.send(call(), token=accredit.token(), headers={"mcp-session-id": "somebody-else's"})
    ((scope, body),) = site.inner.calls
    fields = dict(scope["headers"])
    assert not fields.keys() & {b"authorization", b"mcp-session-id"}
    assert fields[b"content-length"] == b"%d" % len(body)
    assert accredit.token().encode() not in repr(scope).encode()


async def test_the_trace_of_a_call_is_in_its_record(site: Guarded, accredit: FakeAccredit) -> None:
    parents = {
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": "4bf92f3577b34da6a3ce929d0e0e4736",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01": None,
        '00-4bf92f3577b34da6a3ce929d0e0e47"6-00f067aa0ba902b7-01': None,
        "nonsense": None,
    }
    for parent in parents:
        await site.send(call(), token=accredit.token(), headers={"traceparent": parent})
    assert [record.get("trace_id") for record in await site.records()] == list(parents.values())


async def test_arguments_are_recorded_as_a_keyed_hash_of_what_was_received(
    site: Guarded, accredit: FakeAccredit
) -> None:
    import hashlib
    import hmac

    raw = b'{ "iban" : "DE02 1203 0000" , "n": 1.0000000000000000001 }'
    body = json.dumps(call()).encode().replace(b'"name"', b'"arguments": ' + raw + b', "name"')
    assert (await site.send(call(), token=accredit.token(), body=body)).status == 200
    await site.send(call(arguments={"iban": "DE02"}), token=accredit.token())
    spaced, tight = await site.records()
    key = bytes.fromhex("ab" * 32)
    assert spaced["arguments"] == hmac.new(key, raw, hashlib.sha256).hexdigest()
    assert tight["arguments"] == hmac.new(key, b'{"iban":"DE02"}', hashlib.sha256).hexdigest()
    (_, passed), _ = site.inner.calls
    assert raw in passed


async def test_a_target_without_scopes_is_never_let_through(site: Guarded, accredit: FakeAccredit) -> None:
    accredit.targets = (TargetEntry("tool", "read", []),)
    accredit.signal("policy")
    await site.catch_up()
    assert (await site.send(call(), token=accredit.token("ledger"))).status == 403


async def test_the_metadata_of_the_request_itself_must_name_the_revision(site: Guarded, accredit: FakeAccredit) -> None:
    missing = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "read"}}
    response = await site.send(missing, token=accredit.token())
    assert (response.status, response.json()["error"]["code"]) == (400, -32602)
    other = call(_meta={VERSION_KEY: "2025-11-25"})
    response = await site.send(other, token=accredit.token())
    assert (response.status, response.json()["error"]["code"]) == (400, -32020)
    assert site.inner.calls == []
