"""The OpenAPI document: what FastAPI knows of the routes, and all that it does not: needs, examples, every answer."""

import re
from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any, Final

from accredit.web.api.answers import ANSWERS, HEADERS, SCHEMAS
from accredit.web.api.idempotency import KEY, REPLAYED
from accredit.web.api.permissions import OPERATIONS
from accredit.web.api.preconditions import MATCH, MUST

_ABOUT: Final = """\
JSON over HTTP/1.1. Whoever can open the Unix socket of the data folder needs no token and is the local administrator; \
at the public address of the issuer a request carries the access token of an agent that was named administrator, \
administrator of some servers, or auditor, with the issuer and `/api` as its `resource`.

Each operation names what it needs. Whatever is refused is a problem document (RFC 9457); what its `type` ends with is \
stable, its `detail` is for people. An address that does not exist answers 404, a method that is not offered 405. A \
request that carries a body where none is asked for can be answered with 408, 413 or 415. A 500 is a defect.

A read answers with an `ETag` where a change asks for `If-Match`. What makes something takes an `Idempotency-Key`: \
with one, a request can be sent again when its answer was lost. Lists come in pages: while `next` is not null, send \
it as `cursor`. A list shows what the caller may see, so a page can hold fewer items than its limit."""

_SECURITY: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token for the management API. At the Unix socket none is needed.",
    }
}

_MORE: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "agents.add": (404,),
        "agents.add_credential": (412,),
        "applications.add": (404,),
        "applications.add_credential": (412,),
        "audit.search": (404,),
        "files.apply": (412,),
        "groups.let_in": (409, 412),
        "groups.let_out": (412,),
        "keys.rotate": (412,),
        "proofs.export": (404,),
        "reports.unused_scopes": (404,),
        "roles.add": (404,),
        "roles.assign": (412,),
        "roles.unassign": (412,),
        "signals.reach": (404,),
        "software.deny": (412,),
        "software.lift": (404,),
        "suggestions.suggest": (404,),
    }
)
"""Answers of an operation that its shape does not tell."""

_SENTENCE: Final = re.compile(r"(.+?)\.(?:\s|$)", re.DOTALL)


def complete(document: dict[str, Any], tags: Mapping[str, str], tagged: Set[str]) -> dict[str, Any]:
    """Return the `document` of FastAPI with what it lacks.

    `tags` say what each noun is about, `tagged` names the operations that answer with an ETag.
    """
    document["info"]["description"] = _ABOUT
    document["tags"] = [{"name": name, "description": text} for name, text in tags.items()]
    document["security"] = [{"token": []}]
    schemas = document["components"]["schemas"]
    for operation in (found for item in document["paths"].values() for found in item.values()):
        _complete(operation, schemas)
        _answers(operation, tagged=operation["operationId"] in tagged)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for schema in schemas.values():
        _untitle(schema)
    schemas.update(SCHEMAS)
    document["components"] |= {"securitySchemes": _SECURITY, "headers": dict(HEADERS)}
    document["components"]["responses"] = {str(status): answer.response(status) for status, answer in ANSWERS.items()}
    return document


def _complete(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    rule = OPERATIONS[operation["operationId"]]
    told = " ".join(operation["description"].split())
    first = _SENTENCE.match(told)
    operation["summary"] = first[1] if first is not None else told
    operation["description"] = f"{told} Needs {rule.need.value}."
    operation["x-accredit-need"] = rule.need.name.lower()
    for parameter in operation.get("parameters", ()):
        _parameter(parameter)
    if "requestBody" in operation:
        _body(operation["requestBody"]["content"]["application/json"], schemas)


def _parameter(found: dict[str, Any]) -> None:
    """Take out what FastAPI says twice, and null: a parameter that is not there is left out."""
    schema = found["schema"]
    _untitle(schema)
    description = schema.pop("description", None) or found.get("description")
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        found["schema"] = schema = kinds[0]
    found["description"] = description or _NAMES[found["name"]]
    found["required"] = found["required"] or description == MUST


_NAMES: Final = {
    "agent": "The slug of an agent.",
    "credential": "The id of a credential.",
    "decision": "The id of a decision.",
    "holder": "The slug of an agent, or `app:` or `group:` and the slug of an application or a group.",
    "kind": "Whether it is a tool, a resource or a prompt.",
    "kid": "The id of a key: its thumbprint (RFC 7638).",
    "member": "The slug of an agent, or `app:` and the slug of an application.",
    "name": "The name of a tool, a resource or a prompt, as the server spells it.",
    "server": "The slug of a server.",
    "slug": "The slug of the noun.",
    "use": "What the keys sign.",
    "word": "A scope word.",
}
"""Parameters that explain themselves no better."""


def _body(content: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Give the request the example of its schema."""
    schema = content["schema"]
    _untitle(schema)
    references = [kind["$ref"] for kind in schema.get("anyOf", [schema]) if "$ref" in kind]
    (content["example"],) = schemas[references[0].rpartition("/")[2]]["examples"]


def _answers(operation: dict[str, Any], *, tagged: bool) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    (good,) = responses
    responses[good]["description"] = _GOOD[good]
    for content in responses[good].get("content", {}).values():
        _untitle(content["schema"])
    headers = ["ETag"] if tagged else []
    if any(parameter["name"] == KEY for parameter in operation.get("parameters", ())):
        headers.append(REPLAYED)
    if headers:
        responses[good]["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    for status in sorted(_possible(operation, good)):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}


_GOOD: Final = {"200": "Done.", "201": "Made.", "204": "Done; there is nothing to show."}


def _possible(operation: Mapping[str, Any], good: str) -> set[int]:
    """Return the statuses of the problems that the operation can answer with."""
    given = {found["name"]: found for found in operation.get("parameters", ())}
    found = {400, 401, 403, 503, *_MORE.get(operation["operationId"], ())}
    if any(parameter["in"] == "path" and name != "use" for name, parameter in given.items()):
        found |= {404}
    if "requestBody" in operation:
        found |= {408, 413, 415}
    if "requestBody" in operation or given:
        found |= {422}
    if MATCH in given:
        found |= {412, 428} if given[MATCH]["required"] else {412}
    return found | {409} if good == "201" else found


def _untitle(schema: Any) -> None:
    """Take the titles away that pydantic makes of the names of members: they say nothing."""
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for part in schema.values():
            _untitle(part)
    elif isinstance(schema, list):
        for part in schema:
            _untitle(part)
