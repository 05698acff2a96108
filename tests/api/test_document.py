"""The OpenAPI document says of every operation what it needs, what is sent, and everything that can be answered."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from accredit.identity.management import Need
from accredit.web.api.application import document
from accredit.web.api.fields import Body
from accredit.web.api.permissions import OPERATIONS
from tests.support.admin import Admin
from tests.support.management import Staff

DOCUMENT = document("1")
OPERATION = {operation["operationId"]: operation for item in DOCUMENT["paths"].values() for operation in item.values()}


def bodies(kind: type[Body] = Body) -> Iterator[type[Body]]:
    for found in kind.__subclasses__():
        yield found
        yield from bodies(found)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_says_what_it_is_and_what_it_needs(name: str) -> None:
    found = OPERATION[name]
    assert found["description"].startswith(found["summary"])
    assert found["description"].endswith(f"Needs {OPERATIONS[name].need.value}.")
    assert found["x-accredit-need"] in {need.name.lower() for need in Need}
    assert all(parameter["description"] for parameter in found.get("parameters", ()))
    assert found["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"] if len(tag["description"]) > 20}
    assert {"400", "401", "403", "503"} <= set(found["responses"])


def test_every_body_has_an_example_that_its_operation_can_read() -> None:
    named = {found.__name__: found for found in bodies()}
    sent = {
        reference.rpartition("/")[2]: operation["requestBody"]["content"]["application/json"]["example"]
        for operation in OPERATION.values()
        for reference in references(operation.get("requestBody", {}))
    }
    assert len(sent) > 10
    for name, example in sent.items():
        assert named[name].model_validate(example).model_dump(exclude_unset=True).keys() == example.keys()


def test_every_problem_that_is_named_is_shown() -> None:
    for status, response in DOCUMENT["components"]["responses"].items():
        content = response["content"]["application/problem+json"]
        for code, example in content["examples"].items():
            assert example["value"]["status"] == int(status)
            assert example["value"]["type"] == f"urn:accredit:problem:{code}"
            assert example["value"]["type"] in content["schema"]["allOf"][1]["properties"]["type"]["enum"]
            assert example["value"]["detail"]


def test_nothing_in_the_document_points_nowhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 30
    for reference in found:
        part: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
        assert part
    pointed = {reference.rpartition("/")[2] for reference in found}
    assert set(DOCUMENT["components"]["schemas"]) <= pointed, "a schema that nothing uses"
    assert not re.search(r"HTTPValidationError|accredit__web", str(DOCUMENT))


def test_a_change_that_must_name_its_state_says_so() -> None:
    asked = {name for name, found in OPERATION.items() if "428" in found["responses"]}
    assert {"servers.put_tool", "roles.put_scopes"} <= asked
    for name, found in OPERATION.items():
        (header,) = [one for one in found.get("parameters", ()) if one["name"] == "If-Match"] or [None]
        assert (header is not None and header["required"]) is (name in asked)
        assert header is None or "412" in found["responses"]


async def test_the_document_is_the_same_at_both_doors_and_is_no_page(admin: Admin, staff: Staff) -> None:
    local = await admin.http.get("/openapi.json")
    public = await staff.clients["eye"].get("/openapi.json")
    assert (local.status_code, local.headers["content-type"]) == (200, "application/json")
    assert local.json() == public.json()
    for where in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert (await admin.http.get(where)).status_code == 404
