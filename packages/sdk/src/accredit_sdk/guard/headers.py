"""The headers that a decision needs, and their agreement with the body (MCP transports, RFC 6750, 2). Pure.

What a proxy in front of the guard may have read must be what the body says; the body alone is judged.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from accredit_sdk import traceparent
from accredit_sdk.guard import naming
from accredit_sdk.guard.messages import VERSION, VERSION_KEY, Code, Fault, Message
from accredit_sdk.methods import HANDSHAKE, Era
from accredit_sdk.traceparent import Trace

Fields: TypeAlias = Mapping[bytes, bytes]
"""Header fields by lower-case name, as ASGI gives them."""

_SINGLE: Final = frozenset(
    b"authorization content-encoding content-length content-type host origin transfer-encoding".split()
)
_VERSION: Final = VERSION.encode()
_HANDSHAKE: Final = frozenset(version.encode() for version in HANDSHAKE)
_SENTINEL: Final = (b"=?base64?", b"?=")


class Repeated(Exception):
    """A header that must be alone appears more than once; `name` is the header's, in lower case."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} appears more than once")
        self.name = name


def read(raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the fields of an ASGI scope by name; raise Repeated for one that two readers could take differently."""
    pairs = raw if isinstance(raw, list | tuple) else list(raw)
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    seen: set[bytes] = set()
    for name, _ in pairs:
        if name in seen and (name in _SINGLE or name.startswith(b"mcp-")):
            raise Repeated(name.decode("latin-1"))
        seen.add(name)
    return fields


def plain_json(fields: Fields) -> bool:
    """Tell whether the body is JSON in UTF-8: a server that believes in another charset would read another message."""
    given = fields.get(b"content-type", b"")
    if given == b"application/json":
        return True
    kind, _, parameter = given.lower().partition(b";")
    return kind.strip() == b"application/json" and parameter.strip().replace(b'"', b"") in (b"", b"charset=utf-8")


def era(fields: Fields) -> Era:
    """Return the era of a request: the header alone tells (MCP transports 2025-11-25, "Protocol Version Header")."""
    version = fields.get(b"mcp-protocol-version")
    return Era.HANDSHAKE if version is None or version in _HANDSHAKE else Era.MODERN


def agree(fields: Fields, message: Message, spoken: Era) -> None:
    """Raise Fault unless the MCP headers say what the body says, and both are of the era that is spoken.

    A request of the HANDSHAKE era need not have them, and one about a task no name.
    """
    modern = spoken is Era.MODERN
    if modern is not (message.version == VERSION) or modern is not speaks(fields):
        raise _version_fault(fields, message)
    method, name = fields.get(b"mcp-method"), fields.get(b"mcp-name")
    if (modern or method is not None) and method != message.method.encode("utf-8"):
        raise Fault(Code.HEADER_MISMATCH, "Mcp-Method does not say what the body says", request_id=message.id)
    wanted, named = modern and message.method in naming.IN_HEADER, message.name
    if named is not None and (wanted or name is not None) and not _names(name, named):
        raise Fault(Code.HEADER_MISMATCH, "Mcp-Name does not say what the body says", request_id=message.id)


def unsupported(fields: Fields, message: Message) -> Fault:
    """Return the fault of a message of a revision that nobody speaks here, and which one was asked for."""
    asked = message.asked or message.version
    header = fields.get(b"mcp-protocol-version")
    requested = header.decode("latin-1")[:64] if header is not None else asked[:64] if asked is not None else ""
    data = {"supported": [VERSION], "requested": requested}
    return Fault(Code.UNSUPPORTED_VERSION, "Unsupported protocol version", request_id=message.id, data=data)


def speaks(fields: Fields) -> bool:
    """Tell whether the header names the modern revision that the guard speaks."""
    return fields.get(b"mcp-protocol-version") == _VERSION


def encoded_name(name: str) -> bytes:
    """Return `name` as a header can hold it (MCP transports 2026-07-28, "Value Encoding")."""
    if name.isascii() and name.isprintable() and name == name.strip() and not name.startswith("=?base64?"):
        return name.encode()
    return b"=?base64?%b?=" % base64.b64encode(name.encode())


def repeated_fault() -> Fault:
    """Return the fault of an MCP header that appears more than once."""
    return Fault(Code.HEADER_MISMATCH, "An MCP header appears more than once")


def trace(fields: Fields) -> Trace | None:
    """Return what `traceparent` says, None without a well-formed one."""
    parent = fields.get(b"traceparent")
    return traceparent.read(parent) if parent is not None else None


def _version_fault(fields: Fields, message: Message) -> Fault:
    if message.version == VERSION or (speaks(fields) and message.version is not None):
        text = "MCP-Protocol-Version does not say what the body says"
        return Fault(Code.HEADER_MISMATCH, text, request_id=message.id)
    if speaks(fields):
        return Fault(Code.INVALID_PARAMS, f"params._meta must hold {VERSION_KEY}", request_id=message.id)
    return unsupported(fields, message)


def _names(header: bytes | None, name: str) -> bool:
    if header is None:
        return False
    start, end = _SENTINEL
    if header.startswith(start) and header.endswith(end) and len(header) >= len(start) + len(end):
        return _decoded(header[len(start) : -len(end)]) == name
    return header.isascii() and header == name.encode("utf-8", "replace")


def _decoded(text: bytes) -> str | None:
    """Return the text behind canonical base64 (RFC 4648, 4) of UTF-8, or None."""
    try:
        found = base64.b64decode(text, validate=True)
        return found.decode("utf-8") if base64.b64encode(found) == text else None
    except (binascii.Error, ValueError):
        return None
