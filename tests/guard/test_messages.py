"""The envelope: what is passed on means the same to every parser, and everything else stays outside."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import CallToolRequest
from mcp_types.jsonrpc import JSONRPCNotification, JSONRPCRequest, jsonrpc_message_adapter

from accredit_sdk.guard.messages import VERSION, VERSION_KEY, Code, Fault, Message, parse

META = {VERSION_KEY: VERSION, "io.modelcontextprotocol/clientCapabilities": {}}


def call(**members: Any) -> dict[str, Any]:
    params = {"name": "read", "arguments": {"account": "4711"}, "_meta": META}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params} | members


def encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def refused(body: bytes) -> Fault:
    with pytest.raises(Fault) as caught:
        parse(body)
    return caught.value


def test_a_call_is_read_and_passed_on_as_it_came() -> None:
    body = encoded(call())
    assert parse(body) == Message(7, "tools/call", (("tool", "read"),), VERSION, b'{"account":"4711"}', body)


def test_spaces_and_escapes_do_not_change_what_is_read_and_arguments_stay_as_received() -> None:
    body = (
        b' { "method" : "tools\\/call", "jsonrpc":"2.0",\n"id":"a\\u0062", "params":'
        b'{"name":"re\\u0061d", "arguments": { "n" : 1.00000000000000000001, "t": "\\u00e4" } } }'
    )
    message = parse(body)
    assert (message.id, message.method, message.name) == ("ab", "tools/call", "read")
    assert message.arguments == b'{ "n" : 1.00000000000000000001, "t": "\\u00e4" }'
    assert json.loads(message.body) == json.loads(body)
    assert b"1.00000000000000000001" in message.body


def test_unknown_members_of_the_envelope_are_dropped_and_those_of_params_kept() -> None:
    message = parse(encoded(call(extra=1, params={"name": "read", "more": [1, 2]})))
    assert json.loads(message.body) == call(params={"name": "read", "more": [1, 2]})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xef\xbb\xbf" + encoded(call()),
        json.dumps(call()).encode("utf-16"),
        json.dumps(call()).encode("utf-16-le"),
        encoded(call()) + b"x",
        encoded(call()) + encoded(call()),
        b"[" * 5000 + b"]" * 5000,
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":NaN}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":1e999}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":"\\ud800"}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":"\xff"}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":%s}}}' % (b"1" * 5000),
        encoded(call()).replace(b"4711", b"47\x0011"),
    ],
    ids=range(14),
)
def test_what_parsers_disagree_about_is_no_json(body: bytes) -> None:
    fault = refused(body)
    assert (fault.code, fault.status, fault.id) == (Code.PARSE_ERROR, 400, None)


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"read"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","name":"post"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","n\\u0061me":"post"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"},"params":{"name":"post"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":[{"b":1,"b":1}]}}}',
        b'{"jsonrpc":"2.0","id":1,"id":1,"method":"tools/list"}',
    ],
)
@pytest.mark.requirement("MCP-HTTP-one-message")
def test_a_duplicate_member_at_any_depth_is_refused(body: bytes) -> None:
    assert refused(body).code is Code.INVALID_REQUEST


@pytest.mark.parametrize(
    "extra",
    [
        {"Method": "tools/list"},
        {"METHOD": "x"},
        {"Id": 8},
        {"Params": {}},
        {"result": {}},
        {"error": {}},
        {"\u017fid": 1},
    ],
)
def test_a_member_of_the_envelope_in_another_case_is_refused_and_so_is_a_response(extra: dict[str, Any]) -> None:
    if list(extra) == ["\u017fid"]:
        assert json.loads(parse(encoded(call(**extra))).body) == call()
    else:
        assert refused(encoded(call() | extra)).code is Code.INVALID_REQUEST


@pytest.mark.parametrize("member", ["Name", "NAME", "Arguments", "argument\u017f", "_Meta", "URI", "inputresponses"])
def test_a_member_of_params_in_another_case_is_refused(member: str) -> None:
    params = {"name": "read", member: "post"}
    fault = refused(encoded(call(params=params)))
    assert (fault.code, fault.id) == (Code.INVALID_REQUEST, 7)


@pytest.mark.parametrize("body", [[call()], [], [[call()]], "tools/call", 7, None, True])
@pytest.mark.requirement("MCP-HTTP-one-message")
def test_a_batch_or_anything_that_is_no_object_is_refused(body: Any) -> None:
    assert refused(encoded(body)).code is Code.INVALID_REQUEST


@pytest.mark.parametrize("bad", [None, True, 1.0, [], {}, "x" * 257, 2**63, -(2**63) - 1, 10**40])
def test_an_id_that_is_no_integer_or_short_string_is_refused_and_not_echoed(bad: Any) -> None:
    fault = refused(encoded(call(id=bad)))
    assert (fault.code, fault.id) == (Code.INVALID_REQUEST, None)


@pytest.mark.parametrize(
    "members",
    [
        {"jsonrpc": "1.0"},
        {"jsonrpc": 2.0},
        {"method": None},
        {"method": ["tools/call"]},
        {"params": []},
        {"params": None},
    ],
)
def test_what_is_no_request_of_json_rpc_2_is_refused(members: dict[str, Any]) -> None:
    assert refused(encoded(call(**members))).code is Code.INVALID_REQUEST


@pytest.mark.parametrize("params", [{}, {"name": None}, {"name": 7}, {"name": ["read"]}, {"name": ""}, {"uri": "read"}])
def test_a_call_without_a_name_is_refused(params: dict[str, Any]) -> None:
    fault = refused(encoded(call(params=params)))
    assert (fault.code, fault.id) == (Code.INVALID_PARAMS, 7)


@pytest.mark.parametrize("arguments", [[], "x", 1, True])
def test_arguments_that_are_no_object_are_refused(arguments: Any) -> None:
    assert refused(encoded(call(params={"name": "read", "arguments": arguments}))).code is Code.INVALID_PARAMS


def test_a_message_without_id_is_a_notification() -> None:
    message = parse(b'{"jsonrpc":"2.0","method":"notifications/cancelled"}')
    assert message.id is None
    assert message.body == b'{"jsonrpc":"2.0","method":"notifications/cancelled"}'


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
KEYS = TEXT | st.sampled_from(["name", "Name", "arguments", "uri", "_meta", "method", "id", "params"])
METHODS = st.sampled_from(["tools/call", "prompts/get", "resources/read", "tools/list", "Tools/Call", "initialize"])
PARAMS = st.dictionaries(KEYS, VALUES, max_size=4) | st.fixed_dictionaries(
    {"name": TEXT}, optional={"arguments": st.dictionaries(TEXT, VALUES, max_size=3), "uri": TEXT, "_meta": VALUES}
)
MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": METHODS | TEXT},
    optional={"id": st.integers() | TEXT, "params": PARAMS, "extra": VALUES},
)


@st.composite
def spelled(draw: st.DrawFn, value: Any) -> str:
    """Spell a JSON value with drawn spaces, escapes, number forms, and now and then a repeated member."""
    space = draw(st.sampled_from(["", "", " ", "\n\t"]))
    if isinstance(value, dict):
        members = list(value.items())
        if members and draw(st.integers(0, 15)) == 0:
            members.append(draw(st.sampled_from(members)))
        inside = ",".join(f"{space}{draw(spelled(key))}{space}:{draw(spelled(item))}" for key, item in members)
        return f"{{{inside}{space}}}"
    if isinstance(value, list):
        return "[" + ",".join(draw(spelled(item)) for item in value) + space + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=draw(st.booleans()))
    return json.dumps(value)


@given(MESSAGES.flatmap(spelled))
def test_what_is_passed_on_means_the_same_to_json_and_to_the_official_models(text: str) -> None:
    try:
        message = parse(text.encode())
    except Fault:
        return
    repeated: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.extend({key for key, _ in found if [name for name, _ in found].count(key) > 1})
        return dict(found)

    passed = json.loads(message.body, object_pairs_hook=pairs)
    received = json.loads(text)
    assert not repeated
    assert passed == {key: received[key] for key in passed}
    assert set(passed) == set(received) & {"jsonrpc", "id", "method", "params"}
    model = jsonrpc_message_adapter.validate_json(message.body)
    assert isinstance(model, JSONRPCNotification if message.id is None else JSONRPCRequest)
    assert model.method == message.method == passed["method"]
    assert getattr(model, "id", None) == message.id
    if message.name is not None:
        member = "uri" if message.method == "resources/read" else "name"
        assert (model.params or {})[member] == message.name
    arguments = passed.get("params", {}).get("arguments")
    if message.arguments:
        assert json.loads(message.arguments) == arguments
    elif message.name is not None:
        assert arguments is None


@given(st.dictionaries(TEXT, VALUES, max_size=4), TEXT.filter(bool))
def test_the_official_server_reads_the_same_tool_and_the_same_arguments(arguments: dict[str, Any], name: str) -> None:
    params = {"name": name, "arguments": arguments, "_meta": META}
    message = parse(json.dumps(call(params=params)).encode())
    model = CallToolRequest.model_validate_json(message.body, by_name=False)
    assert (model.params.name, model.params.arguments) == (name, arguments)
    assert message.name == name


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_end_in_anything_but_a_message_or_a_fault(body: bytes) -> None:
    with contextlib.suppress(Fault):
        assert isinstance(parse(body), Message)
