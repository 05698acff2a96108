"""JSON-RPC 2.0 in, and the same message out in the guard's own words (MCP transports, both eras). Pure.

The guard judges the message that the server will read, so nothing may pass that two parsers could read differently:
not UTF-8, batches, duplicate members at any depth, members that differ from a known one in case alone, numbers that
overflow. What is passed on holds the known members of the envelope and no other.
"""

import json
from collections.abc import Iterable, Mapping
from enum import IntEnum
from http import HTTPStatus
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

from accredit_sdk.guard import naming
from accredit_sdk.methods import MODERN, Era, Treatment, treatment
from accredit_sdk.policy import Name

Id: TypeAlias = int | str
"""The id of a request. JSON-RPC 2.0, 4, and MCP: an integer or a string, never null."""


class Code(IntEnum):
    """Error codes: of JSON-RPC 2.0, 5.1, of MCP 2026-07-28, and ours, outside of the range that both reserve."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    HEADER_MISMATCH = -32020
    MISSING_CAPABILITY = -32021
    UNSUPPORTED_VERSION = -32022
    INVALID_TOKEN = 401
    INSUFFICIENT_SCOPE = 403
    NOT_FOUND = 404
    BAD_SERVER = 502
    UNAVAILABLE = 503


VERSION: Final = MODERN
"""The protocol revision of the modern era that the guard speaks."""

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
"""The member of `params._meta` that names the protocol revision."""

_TASKS: Final = "io.modelcontextprotocol/tasks"
_LONGEST_ID: Final = 256
_LARGEST_ID: Final = 2**63
_ENVELOPE: Final = frozenset({"jsonrpc", "id", "method", "params"})
_REPLY: Final = frozenset({"jsonrpc", "id", "result", "error"})
_PARAMS: Final = frozenset(
    {"name", "arguments", "uri", "cursor", "ref", "argument", "context", "notifications", "protocolVersion"}
    | {"_meta", "inputResponses", "requestState", "task", "taskId", "capabilities", "clientInfo", "level"}
)
_FOLDED: Final = {word.casefold() for word in _ENVELOPE | _REPLY}, {word.casefold() for word in _PARAMS}

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


class Fault(Exception):
    """A message that is refused for its form.

    `status` is the HTTP status, `code` and `message` are the JSON-RPC error's, `data` its further members (JSON), `id`
    the id of the request when it is known to be one. The text never quotes the message.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        request_id: Id | None = None,
        data: Mapping[str, Any] | None = None,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.data = data
        self.id = request_id


class Message(msgspec.Struct, frozen=True, gc=False):
    """A request, a notification or a posted response that means one thing only.

    `id` is None for a notification; `names` is what it names, in the order of the
    message; `version` is the protocol revision of its `_meta`, None if there is none; `arguments` are the bytes of
    `params.arguments` as they were received (empty when absent); `body` is what the guard passes on.
    """

    id: Id | None
    method: str
    names: tuple[Name, ...]
    version: str | None
    arguments: bytes
    body: bytes
    asked: str | None = None
    """The revision that an `initialize` asks for."""
    task: str | None = None
    """The task that it is about, as the client knows it."""
    state: str | None = None
    """The `requestState` of a retry, as the client knows it."""
    reply: bool = False
    """It is a response to something that the server had asked."""

    @property
    def name(self) -> str | None:
        """What `Mcp-Name` has to say, or None."""
        return self.names[0][1] if self.method in naming.IN_HEADER else self.task


class _Params(msgspec.Struct, frozen=True):
    arguments: msgspec.Raw = msgspec.Raw(b"")


class _Received(msgspec.Struct, frozen=True):
    params: msgspec.Raw = msgspec.Raw(b"")
    result: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")


_received: Final = msgspec.json.Decoder(_Received).decode
_params: Final = msgspec.json.Decoder(_Params).decode
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def parse(body: bytes, era: Era = Era.MODERN) -> Message:
    """Return the one message of `body`, or raise Fault. A posted response is a message of the HANDSHAKE era only."""
    tree, plain = _tree(body)
    if type(tree) is not dict:
        raise Fault(Code.INVALID_REQUEST, "The body must be one JSON-RPC request or notification")
    if era is Era.HANDSHAKE and "method" not in tree:
        return _reply(tree, body)
    known = tree.keys() <= _ENVELOPE
    if not known:
        _no_variant(tree, _ENVELOPE, _FOLDED[0])
    request_id = _id(tree)
    method = tree.get("method")
    if tree.get("jsonrpc") != "2.0" or type(method) is not str:
        raise Fault(Code.INVALID_REQUEST, "Not a JSON-RPC 2.0 request", request_id=request_id)
    params = tree.get("params")
    if params is None and "params" not in tree:
        params = {}
    elif type(params) is not dict:
        raise Fault(Code.INVALID_REQUEST, "params must be an object", request_id=request_id)
    if not params.keys() <= _PARAMS:
        _no_variant(params, _PARAMS, _FOLDED[1], request_id)
    try:
        names, task = _named(era, method, params)
        state = naming.state(params)
    except naming.Misnamed as error:
        raise Fault(Code.INVALID_PARAMS, str(error), request_id=request_id) from None
    if task is not None and era is Era.MODERN and not _declares_tasks(params):
        needed: dict[str, Any] = {"requiredCapabilities": {"extensions": {_TASKS: {}}}}
        text = "The client did not declare that it knows tasks"
        raise Fault(Code.MISSING_CAPABILITY, text, request_id=request_id, data=needed)
    return Message(
        request_id,
        method,
        names,
        _version(params),
        _arguments(params, body, plain),
        body if plain and known else _rebuilt(tree, body),
        _text(params.get("protocolVersion")) if method == "initialize" else None,
        task,
        state,
    )


def _declares_tasks(params: Mapping[str, Any]) -> bool:
    match params.get("_meta"):
        case {"io.modelcontextprotocol/clientCapabilities": {"extensions": dict(found)}}:
            return _TASKS in found
    return False


def replaced(body: bytes, **members: str | list[str]) -> bytes:
    """Return the body of a request with other values for some members of its `params`; all else stays as it is."""
    envelope = _members(body)
    params = _members(envelope["params"])
    for name, value in members.items():
        params[name] = msgspec.Raw(_encode(value))
    envelope["params"] = msgspec.Raw(_encode(params))
    return _encode(envelope)


def _tree(body: bytes) -> tuple[Any, bool]:
    """Return the value of `body`, and whether its bytes are exactly those that our encoder makes of that value.

    If they are, there can be no duplicate member in them; else the standard library looks for one, and the two
    parsers must agree.
    """
    try:
        tree = _decode(body)
        if _encode(tree) == body:
            return tree, True
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Fault(Code.PARSE_ERROR, "Parse error") from None
    try:
        other = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Fault(Code.PARSE_ERROR, "Parse error") from None
    if other != tree:
        raise Fault(Code.PARSE_ERROR, "Parse error")
    return tree, False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Fault(Code.INVALID_REQUEST, "A member appears more than once")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _no_variant(members: Iterable[str], known: frozenset[str], folded: set[str], request_id: Id | None = None) -> None:
    for member in members:
        if member not in known and member.casefold() in folded:
            raise Fault(Code.INVALID_REQUEST, "A member is not the one it looks like", request_id=request_id)


def _id(tree: Mapping[str, Any]) -> Id | None:
    found = tree.get("id")
    if (type(found) is str and len(found) <= _LONGEST_ID) or (
        type(found) is int and -_LARGEST_ID <= found < _LARGEST_ID
    ):
        return found
    if "id" in tree:
        raise Fault(Code.INVALID_REQUEST, "id must be an integer or a short string")
    return None


def _reply(tree: Mapping[str, Any], body: bytes) -> Message:
    """Take the response to something that the server had asked."""
    if not tree.keys() <= _REPLY:
        _no_variant(tree, _REPLY, _FOLDED[0])
    outcome = [name for name in ("result", "error") if type(tree.get(name)) is dict]
    request_id = _id(tree)
    if tree.get("jsonrpc") != "2.0" or request_id is None or len(outcome) != 1 or len(tree.keys() & _REPLY) != 3:
        raise Fault(Code.INVALID_REQUEST, "Neither a JSON-RPC 2.0 request nor a response")
    kept = bytes(getattr(_received(body), outcome[0]))
    rebuilt = b'{"jsonrpc":"2.0","id":%b,"%b":%b}' % (_encode(request_id), outcome[0].encode(), kept)
    return Message(request_id, "", (), None, b"", rebuilt, reply=True)


def _named(era: Era, method: str, params: Mapping[str, Any]) -> tuple[tuple[Name, ...], str | None]:
    """Return what a request names, and its task; of a method that is refused anyway, nothing is wanted."""
    if treatment(era, method) is Treatment.REFUSED:
        return (), None
    return naming.named(method, params), naming.task(method, params)


def _version(params: Mapping[str, Any]) -> str | None:
    meta = params.get("_meta")
    return _text(meta.get(VERSION_KEY)) if type(meta) is dict else None


def _text(found: object) -> str | None:
    return found if type(found) is str else None


def _arguments(params: Mapping[str, Any], body: bytes, plain: bool) -> bytes:
    if "arguments" not in params:
        return b""
    if plain:
        return _encode(params["arguments"])
    return bytes(_params(_received(body).params).arguments)


def _rebuilt(tree: Mapping[str, Any], body: bytes) -> bytes:
    """Return the known members in our order; `params` keep the bytes that were received, where no digit is lost."""
    parts = [b'{"jsonrpc":"2.0"']
    if "id" in tree:
        parts.append(b',"id":' + _encode(tree["id"]))
    parts.append(b',"method":' + _encode(tree["method"]))
    if "params" in tree:
        parts.append(b',"params":' + bytes(_received(body).params))
    parts.append(b"}")
    return b"".join(parts)
