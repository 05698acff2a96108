"""Server-sent events, taken apart and said again in our own words (WHATWG HTML, 9.2). Pure.

Parsers differ in what ends a line and in what they make of a field that they do not know. So what is passed on is
never the bytes that came, but the fields that are known, each on lines that end alike for everybody.
"""

import re
from typing import Final

import msgspec

_END: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE: Final = re.compile(rb"\r\n|\n|\r")
_LONGEST_END: Final = 4
_MARK: Final = b"\xef\xbb\xbf"
_PRINTABLE: Final = re.compile(rb"[ -~]*")
_FIELDS: Final = {b"event": _PRINTABLE, b"id": _PRINTABLE, b"retry": re.compile(rb"[0-9]{1,9}")}
"""Field → what its value has to be; some parsers end a line at more characters than others."""


class TooLong(Exception):
    """An event is longer than can be kept."""


class Event(msgspec.Struct, frozen=True):
    """One event: the value of each field, None when it has none that every reader reads alike.

    `data` is the lines of data, joined by newlines; `comment` tells that there was a comment, which keeps a connection
    awake.
    """

    data: bytes | None = None
    id: bytes | None = None
    kind: bytes | None = None
    retry: bytes | None = None
    comment: bool = False


class Splitter:
    """Finds the events in a stream that comes in pieces; none may be longer than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._looked_at = 0
        self._begun = False

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events that are whole now. Raises TooLong. What is never finished is no event."""
        self._rest += piece
        if not self._begun and not self._begin():
            return []
        events: list[Event] = []
        start = 0
        while (found := _END.search(self._rest, max(start, self._looked_at))) is not None:
            events.append(_event(bytes(self._rest[start : found.end()])))
            start = self._looked_at = found.end()
        del self._rest[:start]
        self._looked_at = max(len(self._rest) - _LONGEST_END + 1, 0)
        if len(self._rest) > self._limit:
            raise TooLong
        return events

    def _begin(self) -> bool:
        """Leave out the mark that a stream may begin with; tell whether enough of it is here to know."""
        if len(self._rest) < len(_MARK) and _MARK.startswith(self._rest):
            return False
        self._begun = True
        if self._rest.startswith(_MARK):
            del self._rest[: len(_MARK)]
        return True


def rendered(event: Event) -> bytes:
    """Return the event as it is passed on; nothing when nobody would notice it."""
    lines: list[bytes] = []
    if event.kind is not None and event.data is not None:
        lines.append(b"event: " + event.kind)
    if event.id is not None:
        lines.append(b"id: " + event.id)
    if event.retry is not None:
        lines.append(b"retry: " + event.retry)
    if event.data is not None:
        lines += [b"data: " + line for line in event.data.split(b"\n")]
    if not lines and event.comment:
        lines.append(b":")
    return b"\n".join([*lines, b"", b""]) if lines else b""


def message(document: bytes) -> bytes:
    """Return a JSON-RPC message as an event of its own."""
    return rendered(Event(data=document, kind=b"message"))


def _event(raw: bytes) -> Event:
    data: list[bytes] = []
    fields: dict[bytes, bytes] = {}
    comment = False
    for line in _LINE.split(raw):
        name, colon, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name in _FIELDS and _FIELDS[name].fullmatch(value):
            fields[name] = value
        elif colon and not name:
            comment = True
    joined = b"\n".join(data) if data else None
    return Event(joined, fields.get(b"id"), fields.get(b"event"), fields.get(b"retry"), comment)
