"""What a server says to a client, message by message: lists lose what the client may not see, ids are sealed. Pure.

The shape of a message decides, not the request that it answers: a stream, a replay or a task may bring any of them.
Whatever stays keeps the bytes that the server wrote. What two clients could read differently is not passed on.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from accredit_sdk import strict_json
from accredit_sdk.guard import asks
from accredit_sdk.guard.asks import Ask
from accredit_sdk.guard.seals import Seals
from accredit_sdk.methods import ASKS, Era
from accredit_sdk.policy import RESOURCE, Policy

_LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "tools": ("tool", "name"),
    "prompts": ("prompt", "name"),
    "resources": (RESOURCE, "uri"),
    "resourceTemplates": (RESOURCE, "uriTemplate"),
}
"""Member of a result → the kind that it lists, and the member of an item that names it."""

_ENVELOPE: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_INSIDE: Final = frozenset(
    {*_LISTS, "inputRequests", "requestState", "taskId", "task", "tasks", "cacheScope", "uri", "_meta"}
)
_WORDS: Final = (*_LISTS, "method", "inputRequests", "elicitations", "requestState", "taskId", "tasks", "cacheScope")
_TELLING: Final = frozenset(word.lower().encode() for word in _WORDS)
"""A message that holds none of these between quotes, in no case, has nothing in it that could have to change."""

_HIDING: Final = tuple(map(str.encode, "\u017f\u212a"))
"""Letters that some parsers take for an s and a k."""

_RELATED: Final = "io.modelcontextprotocol/related-task"
_PRIVATE: Final = msgspec.Raw(b'"private"')

_Members = dict[str, msgspec.Raw]
_members: Final = msgspec.json.Decoder(_Members).decode
_items: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode: Final = msgspec.json.Encoder().encode
_value: Final = msgspec.json.Decoder().decode


class Unreadable(Exception):
    """What the server said is no JSON-RPC message that means one thing only, so nobody can tell what is in it."""


class Refused(Exception):
    """The server asked for something that its policy does not let it ask."""

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask.method)
        self.ask = ask


class Dropped(Exception):
    """A notification about something that the client may not see."""


class Screen(msgspec.Struct, frozen=True):
    """What is known of the one who listens: its era, what it holds, and what it had asked (`method`, `name`)."""

    policy: Policy
    seals: Seals
    owner: bytes
    held: frozenset[str]
    era: Era
    method: str
    name: str | None

    def told(self, document: bytes) -> tuple[bytes, tuple[Ask, ...]]:
        """Return the message as the client may hear it, and what it asks of the client.

        Raises Unreadable, Refused, Dropped.
        """
        if not _telling(document.lower()):
            return document, ()
        try:
            tree = strict_json.decode_object(document)
            envelope = _members(document)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Unreadable from None
        _check_envelope(tree)
        if "method" in tree:
            return self._said(tree, envelope, document)
        if "error" in tree:
            return document, self._permitted(asks.in_error(tree["error"]))
        return self._answered(tree.get("result"), envelope, document)

    def _said(self, tree: Mapping[str, Any], envelope: _Members, document: bytes) -> tuple[bytes, tuple[Ask, ...]]:
        """Take a request or a notification of the server."""
        method, params = tree["method"], {} if tree.get("params") is None else tree["params"]
        if type(method) is not str or type(params) is not dict:
            raise Unreadable
        _check_members(params, _INSIDE)
        wanted = asks.inside(params)
        if "id" not in tree:
            self._check_notification(method, params)
        elif method != "ping":
            wanted = (*wanted, asks.of(method, params, bytes(envelope["id"])))
        wanted = self._permitted(wanted)
        if params:
            members = _members(envelope["params"])
            if self._sealed_everywhere(members):
                envelope["params"] = msgspec.Raw(_encode(members))
                document = _encode(envelope)
        return document, wanted

    def _check_notification(self, method: str, params: Mapping[str, Any]) -> None:
        """Raise Dropped for news of a resource that is not the listener's, or of a task that it knows by another id."""
        if "taskId" in params and not self.name:
            raise Dropped
        if method == "notifications/resources/updated":
            uri = params.get("uri")
            if type(uri) is not str or not self.policy.open_to(RESOURCE, uri, self.held):
                raise Dropped

    def _answered(self, result: object, envelope: _Members, document: bytes) -> tuple[bytes, tuple[Ask, ...]]:
        if type(result) is not dict:
            return document, ()
        _check_members(result, _INSIDE)
        wanted = self._permitted(asks.inside(result))
        members = _members(envelope["result"])
        changed = self._listed(members, result)
        changed = self._sealed_everywhere(members) or changed
        if type(result.get("requestState")) is str:
            sealed = self.seals.seal("state", self.owner, result["requestState"], self.method, self.name or "")
            members["requestState"] = msgspec.Raw(_encode(sealed))
            changed = True
        if not changed:
            return document, wanted
        envelope["result"] = msgspec.Raw(_encode(members))
        return _encode(envelope), wanted

    def _permitted(self, wanted: tuple[Ask, ...]) -> tuple[Ask, ...]:
        """Return what is asked of the client. Raises Refused for the first thing that may not be."""
        for ask in wanted:
            if not ask.plain or ASKS.get(ask.method) not in self.policy.may_ask:
                raise Refused(ask)
        return wanted

    def _listed(self, members: _Members, result: Mapping[str, Any]) -> bool:
        """Take out of each list what the listener may not see; tell whether anything had to change.

        What is for one listener is never for a cache that others read.
        """
        lists = [name for name in _LISTS if type(result.get(name)) is list]
        for name in lists:
            kind, member = _LISTS[name]
            items = zip(_items(members[name]), result[name], strict=True)
            kept = [raw for raw, item in items if self._shown(kind, member, item)]
            members[name] = msgspec.Raw(_encode(kept))
        shared = "cacheScope" in members or (bool(lists) and self.era is Era.MODERN)
        if shared:
            members["cacheScope"] = _PRIVATE
        tasks = type(result.get("tasks")) is list
        if tasks:
            members["tasks"] = msgspec.Raw(b"[]")
        return bool(lists) or shared or tasks

    def _shown(self, kind: str, member: str, item: object) -> bool:
        name = item.get(member) if isinstance(item, dict) else None
        return type(name) is str and self.policy.visible(kind, name, self.held)

    def _sealed_tasks(self, members: _Members, *below: str) -> bool:
        """Seal the task id among these members, or where `below` leads; tell whether there was one."""
        if below:
            inner = _object(members.get(below[0]))
            if inner is None or not self._sealed_tasks(inner, *below[1:]):
                return False
            members[below[0]] = msgspec.Raw(_encode(inner))
            return True
        task = _value(members["taskId"]) if "taskId" in members else None
        if type(task) is not str:
            return False
        members["taskId"] = msgspec.Raw(_encode(self.seals.seal_task(self.owner, task, self.name or "")))
        return True

    def _sealed_everywhere(self, members: _Members) -> bool:
        """Seal task ids wherever a message can have one; tell whether there was one."""
        found = False
        for path in ((), ("task",), ("_meta", _RELATED)):
            found = self._sealed_tasks(members, *path) or found
        return found


def _check_envelope(tree: Mapping[str, Any]) -> None:
    """Raise Unreadable for what one client takes for an answer and another for a request."""
    _check_members(tree, _ENVELOPE)
    if len(tree.keys() & {"method", "result", "error"}) > 1:
        raise Unreadable


def _check_members(members: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise Unreadable for a member that differs from a known one in case alone."""
    if members.keys() <= known:
        return
    folded = {word.casefold() for word in known}
    if any(member not in known and member.casefold() in folded for member in members):
        raise Unreadable


def _telling(lower: bytes) -> bool:
    """Tell whether something in a message (in lower case) could have to change.

    What stands between two quotes is found by cutting at all of them. An escape could hide a word, and so could another
    encoding than UTF-8, which is full of zeros.
    """
    return (
        not _TELLING.isdisjoint(lower.split(b'"'))
        or b"\0" in lower
        or (b"\\" in lower and b"\\u" in lower)
        or (not lower.isascii() and any(letter in lower for letter in _HIDING))
    )


def _object(raw: msgspec.Raw | None) -> _Members | None:
    """Return the members of a raw object, None for any other value."""
    return _members(raw) if raw is not None and bytes(raw).startswith(b"{") else None
