"""Everything that a request names is judged: by completion, by subscription, by listening, in both eras."""

from typing import Any

import pytest

from accredit_sdk.guard.naming import Misnamed, named, state, task
from tests.support.authority import FakeAccredit
from tests.support.guarded import Guarded, call

BOOK = "ledger://book/1"


@pytest.mark.parametrize(
    ("method", "params", "names"),
    [
        ("tools/call", {"name": "a"}, [("tool", "a")]),
        ("prompts/get", {"name": "a", "arguments": {}}, [("prompt", "a")]),
        ("resources/read", {"uri": "a:b"}, [("resource", "a:b")]),
        ("resources/subscribe", {"uri": "a:b"}, [("resource", "a:b")]),
        ("resources/unsubscribe", {"uri": "a:b"}, [("resource", "a:b")]),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "a"}}, [("prompt", "a")]),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": "a:{b}"}}, [("resource", "a:{b}")]),
        ("subscriptions/listen", {"notifications": {}}, []),
        ("subscriptions/listen", {"notifications": {"toolsListChanged": True, "resourceSubscriptions": []}}, []),
        (
            "subscriptions/listen",
            {"notifications": {"resourceSubscriptions": ["a:b", "a:c"]}},
            [("resource", "a:b"), ("resource", "a:c")],
        ),
        ("tools/list", {"name": "a"}, []),
        ("unheard-of", {"name": "a"}, []),
    ],
)
def test_what_a_request_names(method: str, params: Any, names: Any) -> None:
    assert named(method, params) == tuple(names)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {}),
        ("tools/call", {"name": ""}),
        ("tools/call", {"name": "a", "arguments": []}),
        ("prompts/get", {"name": ["a"]}),
        ("prompts/get", {"name": "a", "arguments": "x"}),
        ("resources/read", {"uri": None}),
        ("completion/complete", {}),
        ("completion/complete", {"ref": "ref/prompt"}),
        ("completion/complete", {"ref": {"type": "ref/prompt"}}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": ""}}),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": 7}}),
        ("completion/complete", {"ref": {"type": "ref/tool", "name": "a"}}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "a", "Name": "b"}}),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": "a:b", "URI": "a:c"}}),
        ("subscriptions/listen", {}),
        ("subscriptions/listen", {"notifications": []}),
        ("subscriptions/listen", {"notifications": {"resourceSubscriptions": "a:b"}}),
        ("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["a:b", 7]}}),
        ("subscriptions/listen", {"notifications": {"resourceSubscriptions": [""]}}),
        ("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["a:b"] * 257}}),
        ("subscriptions/listen", {"notifications": {"ResourceSubscriptions": ["a:b"]}}),
        ("subscriptions/listen", {"notifications": {"taskIds": ["t"]}}),
    ],
)
def test_what_does_not_say_what_it_names_is_refused(method: str, params: Any) -> None:
    with pytest.raises(Misnamed):
        named(method, params)


def test_tasks_and_request_states_are_texts_or_absent() -> None:
    assert task("tasks/get", {"taskId": "t"}) == "t"
    assert task("tools/call", {"taskId": 7}) is None
    assert state({}) is None
    assert state({"requestState": "s"}) == "s"
    for bad in (None, 7, "", {}):
        with pytest.raises(Misnamed):
            state({"requestState": bad})
        with pytest.raises(Misnamed):
            task("tasks/get", {"taskId": bad})


def completion(ref: Any) -> dict[str, Any]:
    return call(method="completion/complete", ref=ref, argument={"name": "x", "value": "y"})


@pytest.mark.parametrize(
    ("message", "scope", "status"),
    [
        (completion({"type": "ref/prompt", "name": "summary"}), "ledger:read", 200),
        (completion({"type": "ref/prompt", "name": "summary"}), "", 403),
        (completion({"type": "ref/prompt", "name": "unheard-of"}), "ledger", 400),
        (completion({"type": "ref/resource", "uri": BOOK}), "ledger:read", 200),
        (completion({"type": "ref/resource", "uri": BOOK}), "", 403),
        (completion({"type": "ref/prompt"}), "ledger", 400),
        (call(method="subscriptions/listen", notifications={"toolsListChanged": True}), "", 200),
        (call(method="subscriptions/listen", notifications={"resourceSubscriptions": [BOOK]}), "ledger:read", 200),
        (call(method="subscriptions/listen", notifications={"resourceSubscriptions": [BOOK]}), "", 403),
        (call(method="subscriptions/listen", notifications={"resourceSubscriptions": [BOOK, "x:y"]}), "ledger", 400),
        (call(method="subscriptions/listen", notifications={"RESOURCEsubscriptions": [BOOK]}), "ledger", 400),
        (call(method="subscriptions/listen"), "ledger", 400),
    ],
)
async def test_each_thing_that_is_named_needs_its_scopes(
    site: Guarded, accredit: FakeAccredit, message: Any, scope: str, status: int
) -> None:
    assert (await site.send(message, token=accredit.token(scope))).status == status
    assert len(site.inner.calls) == (status == 200)


@pytest.mark.parametrize("method", ["resources/subscribe", "resources/unsubscribe", "resources/read"])
async def test_a_subscription_is_judged_like_a_read(site: Guarded, accredit: FakeAccredit, method: str) -> None:
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {"uri": BOOK}}
    assert (await site.before(message, token=accredit.token())).status == 200
    assert (await site.before(message, token=accredit.token(""))).status == 403
    other = {**message, "params": {"uri": "ledger://book/2"}}
    unknown = await site.before(other, token=accredit.token("ledger"))
    assert (unknown.status, unknown.json()["error"]["code"]) == (200, -32602)
    assert len(site.inner.calls) == 1


@pytest.mark.parametrize("method", ["subscriptions/listen", "server/discover", "tasks/list", "x/y"])
async def test_a_method_of_no_table_is_not_found_in_the_way_of_its_era(
    site: Guarded, accredit: FakeAccredit, method: str
) -> None:
    response = await site.before({"jsonrpc": "2.0", "id": 7, "method": method}, token=accredit.token("ledger"))
    assert (response.status, response.json()["error"]["code"]) == (200, -32601)
    assert site.inner.calls == []


async def test_the_scopes_that_are_missing_are_those_of_everything_named(site: Guarded, accredit: FakeAccredit) -> None:
    uris = [BOOK, "LEDGER://book/%31"]
    message = call(method="subscriptions/listen", notifications={"resourceSubscriptions": uris})
    response = await site.send(message, token=accredit.token(""))
    assert response.json()["error"]["data"]["required_scopes"] == ["ledger:read"]
    (record,) = await site.records()
    assert record["target"] == " ".join(uris)


async def test_a_revision_that_is_no_text_is_asked_for_in_vain(site: Guarded, accredit: FakeAccredit) -> None:
    for asked in (7, None, ["2025-11-25"], {}):
        message = {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {"protocolVersion": asked}}
        assert (await site.before(message, token=accredit.token())).status == 200
        response = await site.send(message, token=accredit.token(), headers={"mcp-protocol-version": "2031-01-01"})
        assert (response.status, response.json()["error"]["code"]) == (400, -32022)
