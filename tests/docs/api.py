"""The page of the management API, made of its OpenAPI document."""

import json
from collections.abc import Iterator
from typing import Any, Final

from accredit.web.api.application import document

_HEAD: Final = """\
The document that this page is made of is served at `/api/v1/openapi.json`, to those who may come in."""
_EVERY: Final = (400, 401, 403, 503)
_SHOWN: Final = "Every operation can answer with the problems 400, 401, 403 and 503; each names the others."


def parts() -> Iterator[str]:
    """Yield the parts of the page."""
    found = document("1")
    yield found["info"]["description"]
    yield _HEAD
    yield _problems(found)
    for tag in found["tags"]:
        yield f"## {tag['name'].capitalize()}"
        yield tag["description"]
        for path, item in found["paths"].items():
            for method, operation in item.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(f"{method.upper()} {path}", operation, found)
    yield "## What is shown"
    for name in sorted(_reached(found)):
        yield f"### {name}"
        yield from _members(found["components"]["schemas"][name], sent=False)


def _problems(found: dict[str, Any]) -> str:
    rows = ["| status | `type` ends with | when |", "|---|---|---|"]
    for status, response in found["components"]["responses"].items():
        content = response["content"]["application/problem+json"]
        codes = ", ".join(f"`{code}`" for code in content["examples"])
        rows.append(f"| {status} | {codes} | {_cell(response['description'])} |")
    return "\n".join([_SHOWN, "", *rows])


def _operation(request: str, operation: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    yield f"### {operation['summary']}"
    yield f"`{request}` · `{operation['operationId']}`"
    yield operation["description"].removeprefix(f"{operation['summary']}. ")
    parameters = operation.get("parameters", ())
    if parameters:
        rows = [
            f"| `{item['name']}` | {item['in']}{', required' if item['required'] else ''} | {_kind(item['schema'])} "
            f"| {_cell(item['description'])} |"
            for item in parameters
        ]
        yield "\n".join(["| | | | |", "|---|---|---|---|", *rows])
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        yield from _members(found["components"]["schemas"][_reference(content["schema"])], sent=True)
        yield f"```json\n{json.dumps(content['example'], indent=2)}\n```"
    yield _answers(operation)


def _answers(operation: dict[str, Any]) -> str:
    (status, good), *problems = operation["responses"].items()
    schema = next(iter(good.get("content", {}).values()), {}).get("schema", {})
    named = f" {_kind(schema)}" if schema else ""
    headers = "".join(f" with `{name}`" for name in good.get("headers", ()))
    more = ", ".join(name for name, _ in problems if int(name) not in _EVERY)
    return f"Answers {status}{named}{headers}{'; problems: ' + more if more else ''}."


def _members(schema: dict[str, Any], *, sent: bool) -> Iterator[str]:
    """Yield what a schema is and what it holds; what is shown is always whole, what is sent need not be."""
    yield schema["description"]
    if "enum" in schema:
        yield _kind(schema)
    needed = schema.get("required", ()) if sent else ()
    rows = [
        f"| `{name}` | {_kind(member)}{', required' if name in needed else ''} |"
        for name, member in schema.get("properties", {}).items()
    ]
    if rows:
        yield "\n".join(["| member | |", "|---|---|", *rows])


def _kind(schema: dict[str, Any]) -> str:
    """Return what a value may be, in a few words."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return _cell(" or ".join(f"`{value}`" for value in schema["enum"]))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_kind(schema['items'])}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _reference(schema: dict[str, Any]) -> str:
    (name,) = [one["$ref"].rpartition("/")[2] for one in schema.get("anyOf", [schema]) if "$ref" in one]
    return str(name)


def _reached(found: dict[str, Any]) -> set[str]:
    """Return the names of all schemas that are not told with an operation, as its body."""
    bodies = {
        _reference(operation["requestBody"]["content"]["application/json"]["schema"])
        for item in found["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    }
    return set(found["components"]["schemas"]) - bodies


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
