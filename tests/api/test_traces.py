"""One trace from the agent's token request to the decision at the tool, tied together by ids."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from opentelemetry import trace

from accredit.telemetry.traces import NAME
from accredit_sdk import AgentAuth
from accredit_sdk.guard import spans as of_guard
from tests.support.guarded import call, headers_of
from tests.support.house import ISSUER, RESOURCE, House, house
from tests.support.spans import SAMPLED, TRACE, UNSAMPLED, Recorded, trace_of


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    """A real node and a real guard."""
    async with house(tmp_path) as found:
        yield found


async def ask(home: House, secret: str, parent: str | None, **form: str) -> httpx2.Response:
    """Ask for a token, perhaps as a part of a trace."""
    body = {"grant_type": "client_credentials", "resource": RESOURCE, **form}
    headers = {} if parent is None else {"traceparent": parent}
    return await home.public.post("/token", data=body, auth=(home.client_id, secret), headers=headers)


async def test_a_token_request_on_a_sampled_trace_is_a_span_with_its_decision(home: House) -> None:
    spans = Recorded()
    answers = [await ask(home, home.secret, SAMPLED), await ask(home, "wrong", SAMPLED)]
    found = [dict(span.attributes or {}) for span in spans.named(NAME)]
    assert found == [
        {
            "accredit.decision": answer.headers["accredit-decision"],
            "accredit.grant": "client_credentials",
            "accredit.outcome": outcome,
        }
        for answer, outcome in zip(answers, ("issued", "invalid_client"), strict=True)
    ]
    for span in spans.named(NAME):
        assert trace_of(span) == TRACE
        assert span.start_time is not None
        assert span.end_time is not None
        assert 0 <= span.end_time - span.start_time < 60_000_000_000
        hidden = (home.secret, answers[0].json()["access_token"], home.client_id)
        assert not [text for text in hidden if text in span.to_json()]


@pytest.mark.parametrize("parent", [None, UNSAMPLED, "garbage", SAMPLED.replace(TRACE, "0" * 32)])
async def test_without_a_sampled_trace_a_token_request_is_no_span(home: House, parent: str | None) -> None:
    spans = Recorded()
    assert (await ask(home, home.secret, parent)).status_code == 200
    assert spans.named(NAME) == []


async def test_what_a_stranger_calls_his_grant_is_cut_off_before_it_is_an_attribute(home: House) -> None:
    spans = Recorded()
    await ask(home, home.secret, SAMPLED, grant_type="x" * 5000)
    (span,) = spans.named(NAME)
    assert len(str((span.attributes or {})["accredit.grant"])) <= 100


async def test_one_trace_leads_from_the_agent_to_the_decision_at_the_tool(home: House) -> None:
    spans = Recorded()
    auth = AgentAuth(
        client_id=home.client_id, issuer=ISSUER, secret=home.secret, scope="ledger:read",
        client=lambda: httpx2.AsyncClient(transport=Doors(home), base_url=ISSUER),
    )  # fmt: skip
    message = call("list_invoices")
    async with httpx2.AsyncClient(transport=Doors(home), auth=auth) as http:
        with trace.get_tracer("agent").start_as_current_span("work") as work:
            answer = await http.post(RESOURCE, json=message, headers=headers_of(message, None))
    assert answer.status_code == 200, answer.text
    mine = f"{work.get_span_context().trace_id:032x}"
    (token,), (decision,) = spans.named(NAME), spans.named(of_guard.NAME)
    assert [trace_of(token), trace_of(decision)] == [mine, mine]
    person = await home.person(str((decision.attributes or {})["accredit.decision"]))
    assert person["trace_id"] == mine


async def test_an_agent_that_is_in_no_trace_sends_none_and_one_that_names_its_own_keeps_it(home: House) -> None:
    doors = Doors(home)
    auth = AgentAuth(
        client_id=home.client_id, issuer=ISSUER, secret=home.secret, scope="ledger:read",
        client=lambda: httpx2.AsyncClient(transport=Doors(home), base_url=ISSUER),
    )  # fmt: skip
    message = call("list_invoices")
    async with httpx2.AsyncClient(transport=doors, auth=auth) as http:
        await http.post(RESOURCE, json=message, headers=headers_of(message, None))
        with trace.get_tracer("agent").start_as_current_span("work"):
            own = {**headers_of(message, None), "traceparent": UNSAMPLED}
            await http.post(RESOURCE, json=message, headers=own)
    assert [doors.heard[0], doors.heard[-1]] == [None, UNSAMPLED]


class Doors(httpx2.AsyncBaseTransport):
    """Leads to the node or to the guarded server, by the host of a request; keeps every `traceparent`."""

    def __init__(self, home: House) -> None:
        self._node = httpx2.ASGITransport(app=home.admin.node.public)
        self._server = httpx2.ASGITransport(app=home.site.guard)
        self.heard: list[str | None] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.heard.append(request.headers.get("traceparent"))
        inside = self._node if str(request.url).startswith(ISSUER) else self._server
        return await inside.handle_async_request(request)
