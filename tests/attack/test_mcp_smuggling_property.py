"""mcp_smuggling, for any body: whatever reaches a server means to each of its readers what the guard has judged."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pydantic_core
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp.types import CallToolRequest, GetPromptRequest, ReadResourceRequest
from mcp_types.jsonrpc import JSONRPCNotification, JSONRPCRequest, jsonrpc_message_adapter

from accredit_sdk.guard.messages import VERSION
from tests.support.authority import FakeAccredit
from tests.support.guarded import META, Guarded, guarded

ALLOWED = {
    ("tools/call", "read"),
    ("tools/call", "prüfe"),
    ("prompts/get", "summary"),
    ("resources/read", "ledger://book/1"),
}
MODELS: dict[str, Any] = {
    "tools/call": CallToolRequest,
    "prompts/get": GetPromptRequest,
    "resources/read": ReadResourceRequest,
}
WORDS = ("post", "purge", "Read", "read ", "summary", "prüfe", "read", "read", "ledger://book/1", "ledger://book/1", "")
METHODS = (*MODELS, *MODELS, *MODELS, "tools/list", "Tools/Call", "initialize", "notifications/cancelled")


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """A guard around a server that notes what reaches it."""
    async with guarded(tmp_path_factory.mktemp("guard"), FakeAccredit()) as found:
        yield found


@st.composite
def text(draw: st.DrawFn, words: tuple[str, ...]) -> str:
    """Spell one of the words as a JSON string, some characters escaped."""
    word = draw(st.sampled_from(words))
    escaped = draw(st.sets(st.integers(0, max(len(word) - 1, 0)), max_size=2))
    inner = (f"\\u{ord(char):04x}" if at in escaped else json.dumps(char)[1:-1] for at, char in enumerate(word))
    return f'"{"".join(inner)}"' if draw(st.booleans()) else json.dumps(word, ensure_ascii=False)


@st.composite
def members(draw: st.DrawFn, usual: dict[str, st.SearchStrategy[str]], odd: st.SearchStrategy[str]) -> str:
    """Spell an object of the usual members, now and then with one more, twice, in another order or another case."""
    pairs = [(json.dumps(name), draw(value)) for name, value in usual.items()]
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 1, 2)))):
        name = draw(st.sampled_from((*usual, "x", "Name", "METHOD", "uri", "result", "arguments", "task", "\u017f")))
        pairs.append((draw(text((name,))), draw(odd)))
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    space = draw(st.sampled_from(("", "", " ", "\n\t")))
    return "{" + ",".join(f"{space}{name}{space}:{space}{value}{space}" for name, value in pairs) + "}"


SCALARS = st.sampled_from(
    ("1", "-0", "1.0", "1e2", "true", "null", '""', "[]", "{}", "[[]]", "9" * 30, '"read"', "1E400")
)
ANYTHING = SCALARS | text(WORDS)
ARGUMENTS = st.just("{}") | members({"account": ANYTHING, "n": SCALARS}, ANYTHING)
IDS = st.sampled_from(("7", '"a"', '"\\u0061"', "-1")) | ANYTHING


def bodies(old: bool) -> st.SearchStrategy[str]:
    """Return what spells requests of an era."""
    meta = st.just("{}" if old else json.dumps(META))
    named = {"name": text(WORDS), "uri": text(WORDS[-3:]), "arguments": ARGUMENTS, "_meta": meta}
    usual = {"jsonrpc": st.just('"2.0"'), "id": IDS, "method": text(METHODS)}
    return members(usual | {"params": members(named, ANYTHING)}, ANYTHING)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bool, bytes]:
    """Return whether a body is of the older era, and the body with a few bytes changed."""
    old = draw(st.booleans())
    body = bytearray(draw(bodies(old)).encode())
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        at = draw(st.integers(0, len(body) - 1))
        body[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from((b"", b'"', b",", b"{", b"\\", b"\xff", b" ", b"/"))
        )
    return old, bytes(body)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that one reader could read differently from another."""
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.slow
@given(sent=mutated())
@settings(max_examples=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_reader_of_what_is_passed_on_sees_the_call_that_was_allowed(
    site: Guarded, sent: tuple[bool, bytes]
) -> None:
    old, body = sent
    site.inner.calls.clear()
    await site.send(token=site.accredit.token(), body=body, headers=claimed(body, old))
    if not site.inner.calls:
        return
    ((scope, passed),) = site.inner.calls
    assert dict(scope["headers"])[b"content-length"] == b"%d" % len(passed)
    found = json.loads(passed, object_pairs_hook=unique)
    assert found == pydantic_core.from_json(passed)
    assert set(found) <= {"jsonrpc", "id", "method", "params"}
    model = jsonrpc_message_adapter.validate_json(passed)
    assert isinstance(model, JSONRPCRequest | JSONRPCNotification)
    assert model.method == found["method"]
    if isinstance(model, JSONRPCNotification):
        assert model.method.startswith("notifications/")
        return
    assert (type(model.id), model.id) == (type(found["id"]), found["id"])
    if model.method in MODELS:
        named = MODELS[model.method].model_validate_json(passed, by_name=False).params
        name = named.uri if model.method == "resources/read" else named.name
        assert (model.method, str(name)) in ALLOWED
        record = (await site.records())[-1]
        assert (record["outcome"], record["method"], record["target"]) == ("allow", model.method, str(name))
    else:
        assert model.method in ("tools/list", "initialize")


def claimed(body: bytes, old: bool) -> dict[str, str | None]:
    """Return the headers that fit the body best, as somebody would send them who wants it to pass."""
    if old:
        return {"mcp-protocol-version": "2025-11-25", "mcp-method": None, "mcp-name": None}
    try:
        found = json.loads(body)
        params = found["params"]
        name = params["uri"] if found["method"] == "resources/read" else params["name"]
        encoded = f"=?base64?{base64.b64encode(str(name).encode()).decode()}?="
        return {"mcp-protocol-version": VERSION, "mcp-method": str(found["method"]), "mcp-name": encoded}
    except (ValueError, TypeError, KeyError):
        return {"mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": "read"}


async def test_what_is_generated_does_pass_often_enough(site: Guarded) -> None:
    site.inner.calls.clear()
    for method, name in sorted(ALLOWED):
        member = "uri" if method == "resources/read" else "name"
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {member: name}}
        body = json.dumps(message, indent=1).encode()
        assert (await site.send(token=site.accredit.token(), body=body, headers=claimed(body, True))).status == 200
    assert len(site.inner.calls) == len(ALLOWED)
