"""What a server says to a client, message by message: lists lose what the client may not see, ids are sealed. Pure.

The shape of a message decides, not the request that it answers: a stream, a replay or a task may bring any of them.
Whatever stays keeps the bytes that the server wrote.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

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

_WORDS: Final = (*_LISTS, "method", "inputRequests", "requestState", "taskId", "tasks")
_TELLING: Final = (*(f'"{word}"'.encode() for word in _WORDS), b"\\u")
"""What is no JSON-RPC and holds none of these has nothing in it that could have to change; an escape could hide one."""

_RELATED: Final = "io.modelcontextprotocol/related-task"
_NOTHING: Final = msgspec.Raw()
_PRIVATE: Final = msgspec.Raw(b'"private"')

_Members = dict[str, msgspec.Raw]
_members: Final = msgspec.json.Decoder(_Members).decode
_items: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode: Final = msgspec.json.Encoder().encode
_value: Final = msgspec.json.Decoder().decode


class _Meta(msgspec.Struct, frozen=True, gc=False):
    related: msgspec.Raw = msgspec.field(default=_NOTHING, name=_RELATED)


class _Result(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Every member of a result that may have to change. What a result has besides is skipped, and not made."""

    tools: msgspec.Raw = _NOTHING
    prompts: msgspec.Raw = _NOTHING
    resources: msgspec.Raw = _NOTHING
    resource_templates: msgspec.Raw = _NOTHING
    tasks: msgspec.Raw = _NOTHING
    task: msgspec.Raw = _NOTHING
    task_id: msgspec.Raw = _NOTHING
    input_requests: msgspec.Raw = _NOTHING
    request_state: msgspec.Raw = _NOTHING
    meta: _Meta = msgspec.field(default=_Meta(), name="_meta")


class _Glance(msgspec.Struct, frozen=True, gc=False):
    method: msgspec.Raw = _NOTHING
    result: _Result = _Result()


_INNOCENT: Final = _Glance()
_glance: Final = msgspec.json.Decoder(_Glance).decode


class Ask(msgspec.Struct, frozen=True):
    """Something that the server asks of the client: a method of `ASKS`, and the host of a URL that it wants opened."""

    method: str
    host: str | None = None


class Unreadable(Exception):
    """What the server said is no JSON-RPC message, so nobody can tell what is in it."""


class Refused(Exception):
    """The server asked for something that its policy does not let it ask; `id` is the id of its request, if it has one.

    `answered` says that this was in the place of a result: then the client must be told.
    """

    def __init__(self, ask: Ask, *, answered: bool, request_id: bytes = b"") -> None:
        super().__init__(ask.method)
        self.ask = ask
        self.answered = answered
        self.id = request_id


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
        if _innocent(document):
            return document, ()
        try:
            envelope = _members(document)
            if "method" in envelope:
                return self._asked(envelope, document)
            if "result" in envelope:
                return self._answered(envelope, document)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Unreadable from None
        return document, ()

    def _asked(self, envelope: _Members, document: bytes) -> tuple[bytes, tuple[Ask, ...]]:
        method = _value(envelope["method"])
        params = _members(envelope["params"]) if "params" in envelope else {}
        if "id" in envelope:
            ask = _ask(method, params)
            if method != "ping" and ASKS.get(method) not in self.policy.may_ask:
                raise Refused(ask, answered=False, request_id=bytes(envelope["id"]))
        else:
            ask = None
            self._check_notification(method, params)
        if self._sealed_everywhere(params):
            envelope["params"] = msgspec.Raw(_encode(params))
            document = _encode(envelope)
        return document, (ask,) if ask is not None and method != "ping" else ()

    def _check_notification(self, method: object, params: _Members) -> None:
        if method == "notifications/resources/updated":
            uri = _value(params["uri"]) if "uri" in params else None
            if type(uri) is not str or not self.policy.open_to(RESOURCE, uri, self.held):
                raise Dropped

    def _answered(self, envelope: _Members, document: bytes) -> tuple[bytes, tuple[Ask, ...]]:
        result = _value(envelope["result"])
        if type(result) is not dict:
            return document, ()
        members = _members(envelope["result"])
        asks = self._permitted(result)
        changed = self._listed(members, result)
        changed = self._sealed_everywhere(members) or changed
        if type(result.get("requestState")) is str:
            sealed = self.seals.seal("state", self.owner, result["requestState"], self.method, self.name or "")
            members["requestState"] = msgspec.Raw(_encode(sealed))
            changed = True
        if not changed:
            return document, asks
        envelope["result"] = msgspec.Raw(_encode(members))
        return _encode(envelope), asks

    def _permitted(self, result: Mapping[str, Any]) -> tuple[Ask, ...]:
        """Return what a multi-round-trip result asks of the client. Raises Refused."""
        wanted = result.get("inputRequests")
        if type(wanted) is not dict:
            return ()
        asks = [_ask(one.get("method"), one.get("params")) for one in wanted.values() if type(one) is dict]
        for ask in asks:
            if ASKS.get(ask.method) not in self.policy.may_ask:
                raise Refused(ask, answered=True)
        return tuple(asks)

    def _listed(self, members: _Members, result: Mapping[str, Any]) -> bool:
        """Take out of each list what the listener may not see; tell whether there was a list."""
        lists = [name for name in _LISTS if type(result.get(name)) is list]
        for name in lists:
            kind, member = _LISTS[name]
            items = zip(_items(members[name]), result[name], strict=True)
            kept = [raw for raw, item in items if self._shown(kind, member, item)]
            members[name] = msgspec.Raw(_encode(kept))
        if lists and self.era is Era.MODERN:
            members["cacheScope"] = _PRIVATE
        if type(result.get("tasks")) is not list:
            return bool(lists)
        members["tasks"] = msgspec.Raw(b"[]")
        return True

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


def _innocent(document: bytes) -> bool:
    """Tell that nothing in what the server said could have to change."""
    try:
        return _glance(document) == _INNOCENT
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return not any(word in document for word in _TELLING)


def _object(raw: msgspec.Raw | None) -> _Members | None:
    """Return the members of a raw object, None for any other value."""
    return _members(raw) if raw is not None and bytes(raw).startswith(b"{") else None


def _ask(method: object, params: object) -> Ask:
    if isinstance(params, dict):
        known = {name: _value(one) if isinstance(one, msgspec.Raw) else one for name, one in params.items()}
        if known.get("mode") == "url" and type(known.get("url")) is str:
            return Ask(str(method), _host(known["url"]))
    return Ask(str(method))


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
