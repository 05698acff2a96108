"""What a server asks of a client, wherever a message can hold it (MCP: sampling, elicitation, roots). Pure.

It may be a request of its own, stand in the place of a result (multi round-trip requests, MCP 2026-07-28), or in the
data of an error (URLElicitationRequiredError, MCP 2025-11-25).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_MEMBERS: Final = frozenset({"elicitations", "data", "method", "params", "url"})
_ELICIT: Final = "elicitation/create"
_FOLDED: Final = {word.casefold() for word in _MEMBERS}
_URL: Final = re.compile(
    r"https?://(?:[^@/?#]*@)?([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?(?:[/?#].*)?", re.IGNORECASE
)
_PLAIN: Final = re.compile(r"[!#-;=?-\[\]_a-z~]*")


class Ask(msgspec.Struct, frozen=True):
    """Something that the server asks of the client: a method, usually of `ASKS`.

    `host` is that of a URL that the client shall open. `id` is the id of the server's request (JSON); it is empty in
    the place of an answer, where the client must be told what became of it. `plain` is False when nobody can tell
    what is asked, or where the URL leads.
    """

    method: str
    host: str | None = None
    id: bytes = b""
    plain: bool = True


def of(method: object, params: object, request_id: bytes = b"") -> Ask:
    """Return what a request asks for."""
    if type(method) is not str:
        return Ask(str(method)[:64], None, request_id, plain=False)
    if type(params) is not dict:
        return Ask(method, None, request_id, plain=params is None)
    url = params.get("url")
    if not _unmistakable(params) or (url is not None and type(url) is not str):
        return Ask(method, None, request_id, plain=False)
    host = _host(url) if url is not None else None
    return Ask(method, host, request_id, plain=url is None or host is not None)


def inside(members: Mapping[str, Any]) -> tuple[Ask, ...]:
    """Return what a result, or a notification, asks for because there can be no result before."""
    found = _listed(members.get("inputRequests"))
    task = members.get("task")
    return (*found, *_listed(task.get("inputRequests"))) if type(task) is dict else found


def in_error(error: object) -> tuple[Ask, ...]:
    """Return the URLs that an error asks the client to open."""
    for member in ("data", "elicitations"):
        if type(error) is not dict:
            return ()
        if not _unmistakable(error):
            return (Ask(_ELICIT, plain=False),)
        error = error.get(member)
    return tuple(of(_ELICIT, one) for one in error) if type(error) is list else ()


def _listed(wanted: object) -> tuple[Ask, ...]:
    if wanted is None:
        return ()
    if type(wanted) is not dict:
        return (Ask("inputRequests", plain=False),)
    return tuple(_one(found) for found in wanted.values())


def _one(found: object) -> Ask:
    if type(found) is dict and _unmistakable(found):
        return of(found.get("method"), found.get("params"))
    return Ask("inputRequests", plain=False)


def _unmistakable(members: Mapping[str, Any]) -> bool:
    """Tell whether no member differs from one that leads somewhere in case alone."""
    return all(member in _MEMBERS or member.casefold() not in _FOLDED for member in members)


def _host(url: str) -> str | None:
    """Return the host of a URL that every reader takes to the same place, None for any other (WHATWG URL, 4.4)."""
    found = _URL.fullmatch(url) if _PLAIN.fullmatch(url) else None
    return found[1].lower() if found is not None else None
