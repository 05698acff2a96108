"""What a request names: the tools, prompts and resources whose scopes it needs (MCP, server features). Pure."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from accredit_sdk.policy import Name

IN_HEADER: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
"""The methods whose name also stands in the header `Mcp-Name` (MCP transports 2026-07-28)."""

TASKS: Final = frozenset({"tasks/get", "tasks/cancel", "tasks/result", "tasks/update"})
"""The methods about one task. The tool that began it is sealed into its id."""

_MOST: Final = 256


class Misnamed(Exception):
    """A request that must name something does not, or not in the right form. The text quotes nothing of it."""


def named(method: str, params: Mapping[str, Any]) -> tuple[Name, ...]:
    """Return everything that a request names. Raises Misnamed."""
    find = _NAMING.get(method)
    return () if find is None else find(params)


def task(method: str, params: Mapping[str, Any]) -> str | None:
    """Return the id of the task that a request is about, None for other methods. Raises Misnamed."""
    return _string(params, "taskId") if method in TASKS else None


def state(params: Mapping[str, Any]) -> str | None:
    """Return the request state of a retry, None if there is none. Raises Misnamed."""
    return _string(params, "requestState") if "requestState" in params else None


def _tool(params: Mapping[str, Any]) -> tuple[Name, ...]:
    _arguments(params)
    return (("tool", _string(params, "name")),)


def _prompt(params: Mapping[str, Any]) -> tuple[Name, ...]:
    _arguments(params)
    return (("prompt", _string(params, "name")),)


def _resource(params: Mapping[str, Any]) -> tuple[Name, ...]:
    return (("resource", _string(params, "uri")),)


def _completed(params: Mapping[str, Any]) -> tuple[Name, ...]:
    ref = params.get("ref")
    _no_variant(ref, "type", "name", "uri")
    match ref:
        case {"type": "ref/prompt", "name": str(name)} if name:
            return (("prompt", name),)
        case {"type": "ref/resource", "uri": str(uri)} if uri:
            return (("resource", uri),)
    raise Misnamed("params.ref must name a prompt or a resource")


def _listened(params: Mapping[str, Any]) -> tuple[Name, ...]:
    wanted = params.get("notifications")
    if type(wanted) is not dict:
        raise Misnamed("params.notifications must be an object")
    _no_variant(wanted, "resourceSubscriptions", "taskIds")
    uris = wanted.get("resourceSubscriptions") or []
    if type(uris) is not list or len(uris) > _MOST or not all(type(uri) is str and uri for uri in uris):
        raise Misnamed(f"resourceSubscriptions must be a list of at most {_MOST} URIs")
    if wanted.get("taskIds"):
        raise Misnamed("tasks are asked about one by one")
    return tuple(("resource", uri) for uri in uris)


def _string(params: Mapping[str, Any], member: str) -> str:
    found = params.get(member)
    if type(found) is not str or not found:
        raise Misnamed(f"params.{member} must be a string")
    return found


def _no_variant(members: object, *known: str) -> None:
    """Raise Misnamed for a member that differs from a known one in case alone: a server might take it for that one."""
    folded = {word.casefold() for word in known}
    if isinstance(members, dict) and any(one not in known and one.casefold() in folded for one in members):
        raise Misnamed("a member is not the one it looks like")


def _arguments(params: Mapping[str, Any]) -> None:
    found = params.get("arguments")
    if found is not None and type(found) is not dict:
        raise Misnamed("params.arguments must be an object")


_NAMING: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[Name, ...]]]] = MappingProxyType(
    {
        "tools/call": _tool,
        "prompts/get": _prompt,
        "resources/read": _resource,
        "resources/subscribe": _resource,
        "resources/unsubscribe": _resource,
        "completion/complete": _completed,
        "subscriptions/listen": _listened,
    }
)
