"""What the OpenAPI document says is what the API does: all that it allows is sent, and much that it forbids."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from accredit.testing.serving import Served, serve
from accredit.web.api.application import document
from tests.support.terminal import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES: Final = 8
"""How many requests of each mode each operation gets at each door."""

REAL: Final = {
    "administrators": {"agent": "bot"},
    "agents": {"slug": "bot"},
    "applications": {"slug": "portal"},
    "groups": {"slug": "readers", "member": "bot"},
    "roles": {"slug": "reader", "server": "ledger", "agent": "bot"},
    "servers": {"slug": "ledger", "word": "ledger:read", "name": "list_invoices"},
}
"""What is there, by the noun of an operation: every other request is about it."""

CHECKS: Final = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
DOCUMENT: Final = {name: part for name, part in document("1").items() if name != "security"}
"""Without what opens the door: every request here may come in."""


@dataclass
class Door:
    """A client of one door, what it was answered, and what was wrong with that."""

    client: httpx2.Client
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)
    _turn: int = 0

    def send(self, case: Case) -> None:
        """Send one request, and judge the answer by the document."""
        operation = case.operation.definition.raw
        self._turn += 1
        if self._turn % 2 and case.path_parameters:
            known = REAL.get(operation["tags"][0], {})
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        answer = self.client.send(self._request(case))
        self.answered[operation["operationId"], answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseExceptionGroup as found:
            for failure in found.exceptions:
                self.wrong.setdefault(f"{operation['operationId']}: {str(failure)[:80]}", str(failure))

    def _request(self, case: Case) -> httpx2.Request:
        given = case.as_transport_kwargs(base_url=str(self.client.base_url).removesuffix("/api/v1/"))
        known = ("method", "url", "headers", "params", "json", "data")
        made = requests.Request(**{name: given[name] for name in known if name in given}).prepare()
        headers = {str(name): value for name, value in made.headers.items()} | {"accept-encoding": "identity"}
        return self.client.build_request(str(made.method), str(made.url), headers=headers, content=made.body)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("node") / "data", port=free_port()) as found:
        yield found


@pytest.fixture(scope="module")
def local(node: Served) -> Iterator[httpx2.Client]:
    """The local administrator, with something there to ask about."""
    transport = httpx2.HTTPTransport(uds=str(node.socket))
    with httpx2.Client(transport=transport, base_url="http://accredit/api/v1", trust_env=False) as client:
        ledger = {
            "slug": "ledger",
            "resource": "http://127.0.0.1:9000/mcp",
            "scopes": [{"word": "ledger:read"}],
            "tools": [{"name": "list_invoices", "needs": ["ledger:read"]}],
        }
        for where, body in (
            ("/servers", ledger),
            ("/roles", {"slug": "reader", "scopes": {"ledger": ["ledger:read"]}}),
            ("/agents", {"slug": "bot", "owner": "dana"}),
            ("/applications", {"slug": "portal", "owner": "dana"}),
            ("/groups", {"slug": "readers"}),
        ):
            assert client.post(where, json=body).status_code == 201
        yield client


@pytest.fixture(scope="module")
def public(node: Served, local: httpx2.Client) -> Iterator[httpx2.Client]:
    """An administrator with a token."""
    made = local.post("/agents", json={"slug": "root", "owner": "dana"}).json()
    named = local.put("/administrators/root", json={"administrator": True}, headers={"If-Match": "*"})
    assert named.status_code == 200
    form = {"grant_type": "client_credentials", "resource": f"{node.issuer}/api", "scope": "admin audit server"}
    secret = (made["client_id"], made["secret"])
    token = httpx2.post(f"{node.issuer}/token", data=form, auth=secret, trust_env=False).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=f"{node.issuer}/api/v1", headers=headers, trust_env=False) as client:
        yield client


def ask_everything(door: Door) -> None:
    """Send all operations what they allow and what they forbid."""
    for result in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations():
        operation = result.ok()
        for mode in GenerationMode:

            @given(operation.as_strategy(generation_mode=mode))
            @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
            def each(case: Case) -> None:
                door.send(case)

            # What takes nothing cannot be sent anything wrong.
            with contextlib.suppress(Unsatisfiable):
                each()


@pytest.mark.parametrize("name", ["public", "local"])
def test_nothing_is_answered_that_the_document_does_not_say(request: pytest.FixtureRequest, name: str) -> None:
    door = Door(request.getfixturevalue(name))
    ask_everything(door)
    assert not door.wrong, "\n\n".join(door.wrong.values())
    asked: dict[str, set[int]] = {}
    for operation, status in door.answered:
        asked.setdefault(operation, set()).add(status)
    known = {operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()}
    assert asked.keys() == known
    good = {operation for operation, statuses in asked.items() if min(statuses) < 300}
    assert len(good) > len(known) // 3, sorted(known - good)


def test_what_is_not_documented_is_found() -> None:
    wrong: Any = {**DOCUMENT, "paths": {"/api/v1/status": DOCUMENT["paths"]["/api/v1/status"]}}
    (operation,) = [result.ok() for result in schemathesis.openapi.from_dict(wrong).get_all_operations()]
    case = operation.Case()
    asked = httpx2.Request("GET", "http://accredit/api/v1/status")
    for answer in (
        httpx2.Response(418, request=asked, json={}),
        httpx2.Response(500, request=asked, json={}),
        httpx2.Response(200, request=asked, json={"issuer": 5}),
        httpx2.Response(200, request=asked, text="x"),
    ):
        answer.elapsed = timedelta()
        with pytest.raises(BaseExceptionGroup):
            case.validate_response(answer, checks=CHECKS)
