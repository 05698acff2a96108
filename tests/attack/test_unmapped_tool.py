"""unmapped_tool: what the policy does not map is answered by the guard; the server never sees it."""

import base64
import json
from typing import Any

import pytest

from tests.support.guarded import META, Inner, Response, call
from tests.support.house import House

LOOKALIKES = [
    "List_invoices",
    "LIST_INVOICES",
    "list_invoices ",
    " list_invoices",
    "list_invoices\n",
    "list_invoices\u200b",
    "list\u00adinvoices",
    "l\u0456st_invoices",
    "\uff4cist_invoices",
    "list-invoices",
    "list_invoices/",
    "./list_invoices",
    "list_invoices?x",
    "list_invoices#",
    "list%5Finvoices",
    "list_invoices\\u0000",
    "ledger.list_invoices",
    "drop_everything",
    "__proto__",
    "*",
]

METHODS = [
    "Tools/call",
    "TOOLS/CALL",
    "tools/Call",
    "tools/call ",
    "tools//call",
    "tools/call/",
    "/tools/call",
    "tools\\call",
    "tools.call",
    "tools\u200b/call",
    "tools/call_async",
    "tools/execute",
    "tasks/list",
    "tasks/result",
    "resources/subscribe",
    "logging/setLevel",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "ping",
    "initialize",
    "rpc.discover",
    "",
]


def shown(answer: Response) -> tuple[int, Any]:
    return answer.status, answer.json()


async def test_a_name_that_only_looks_like_a_mapped_one_is_unknown(victim: House) -> None:
    token = await victim.token()
    for name in LOOKALIKES:
        header = {"mcp-name": f"=?base64?{_base64(name)}?="}
        answer = await victim.reach(token, name, headers=header)
        expected = {"jsonrpc": "2.0", "id": 7, "error": {"code": -32602, "message": "Unknown tool"}}
        assert shown(answer) == (400, expected), name
    assert victim.site.inner.calls == []
    assert (await victim.reach(token)).status == 200


async def test_a_method_that_is_not_listed_is_not_served(victim: House) -> None:
    token = await victim.token()
    for method in METHODS:
        message = call("list_invoices", method) | {"params": {"name": "list_invoices", "_meta": META}}
        header = method.encode().decode("latin-1")
        headers: dict[str, str | None] = {"mcp-name": "list_invoices", "mcp-method": header}
        answer = await victim.site.send(message, token=token, headers=headers)
        assert (answer.status, answer.json()["error"]["code"]) == (404, -32601), method
    assert victim.site.inner.calls == []


async def test_a_tool_is_no_prompt_and_no_resource(victim: House) -> None:
    token = await victim.token()
    for method in ("prompts/get", "resources/read"):
        answer = await victim.site.send(call("list_invoices", method), token=token)
        assert (answer.status, answer.json()["error"]["code"]) == (400, -32602)
    assert victim.site.inner.calls == []


async def test_a_call_in_disguise_of_a_notification_goes_nowhere(victim: House) -> None:
    token = await victim.token()
    for method in ("tools/call", "notifications/tools/call", "notifications/initialized"):
        message = {"jsonrpc": "2.0", "method": method, "params": {"name": "drop_everything", "_meta": META}}
        answer = await victim.site.send(message, token=token)
        assert answer.status in (202, 400)
    assert victim.site.inner.calls == []


async def test_a_second_name_beside_the_mapped_one_is_not_passed_on(victim: House) -> None:
    token = await victim.token()
    good = json.dumps(call("list_invoices"))
    for body in (
        good.replace('"name": "list_invoices"', '"name": "list_invoices", "name": "drop_everything"'),
        good.replace('"name": "list_invoices"', '"name": "list_invoices", "Name": "drop_everything"'),
        good.replace('"name": "list_invoices"', '"name": ["list_invoices", "drop_everything"]'),
        good.replace('"params"', '"params": {"name": "drop_everything"}, "params"'),
        good.replace('"params"', '"Params": {"name": "drop_everything"}, "params"'),
        f"[{good}]",
        good + json.dumps(call("drop_everything")),
        good + "\n" + json.dumps(call("drop_everything")),
    ):
        answer = await victim.reach(token, body=body.encode())
        assert answer.status == 400, body
    assert victim.site.inner.calls == []


async def test_a_tool_that_is_taken_out_of_the_policy_is_unknown_from_then_on(victim: House) -> None:
    token = await victim.token()
    assert (await victim.reach(token)).status == 200
    await victim.admin.ok("DELETE", "/servers/ledger/tools/list_invoices")
    await victim.site.catch_up()
    answer = await victim.reach(token)
    assert (answer.status, answer.json()["error"]["code"]) == (400, -32602)
    assert len(victim.site.inner.calls) == 1


@pytest.mark.parametrize("kind", ["tool", "prompt", "resource"])
async def test_a_concealed_target_answers_like_one_that_does_not_exist(victim: House, kind: str) -> None:
    names = {"tool": "hidden", "prompt": "hidden", "resource": "ledger://hidden"}
    method = {"tool": "tools/call", "prompt": "prompts/get", "resource": "resources/read"}[kind]
    body = {"needs": ["ledger:purge"], "kind": kind, "visibility": "conceal"}
    await victim.admin.ok("PUT", f"/servers/ledger/tools/{names[kind]}", json=body)
    await victim.site.catch_up()
    token = await victim.token()
    found = [await victim.site.send(call(name, method), token=token) for name in (names[kind], names[kind] + "x")]
    # Unknown resources are named in the client's own words; nothing else may differ.
    assert found[0].body == found[1].body.replace(f'"{names[kind]}x"'.encode(), f'"{names[kind]}"'.encode())
    assert {**found[0].headers, "content-length": ""} == {**found[1].headers, "content-length": ""}
    assert (found[0].status, found[0].json()["error"]["code"]) == (400, -32602)
    assert victim.site.inner.calls == []
    await victim.site.ship()
    items = (await victim.admin.ok("GET", "/audit", params={"kind": "decision"}))["items"]
    missing = {item["person"]["target"]: item["person"].get("missing") for item in items}
    assert missing == {names[kind]: ["ledger:purge"], names[kind] + "x": None}


async def test_unmapped_and_forbidden_tools_of_others_cannot_be_told_apart_by_a_stranger(victim: House) -> None:
    answers = [await victim.reach(None, name) for name in ("list_invoices", "drop_everything")]
    first, second = (answer.json() | {"decision_id": ""} for answer in answers)
    assert first == second
    assert answers[0].challenge == answers[1].challenge
    assert {answer.status for answer in answers} == {401}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "post", "PO ST"])
async def test_another_verb_is_no_way_round(victim: House, method: str) -> None:
    headers = {"x-http-method-override": "POST"}
    answer = await victim.site.send(call("drop_everything"), token=await victim.token(), method=method, headers=headers)  # type: ignore[arg-type]
    assert answer.status == 405
    assert victim.site.inner.calls == []


async def test_a_name_is_recorded_with_what_was_wrong(victim: House) -> None:
    await victim.reach(await victim.token(), "drop_everything")
    await victim.site.ship()
    found = await victim.admin.ok("GET", "/audit", params={"kind": "decision", "outcome": "deny"})
    person = found["items"][0]["person"]
    assert (person["reason"], person["target"], person["client_id"]) == (
        "tool_unmapped",
        "drop_everything",
        victim.client_id,
    )
    assert isinstance(victim.site.inner, Inner)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
