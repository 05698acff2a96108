"""Server-sent events, taken apart and put together again (WHATWG HTML, 9.2). Pure."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

_END: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE: Final = re.compile(rb"\r\n|\n|\r")


class TooLong(Exception):
    """An event is longer than can be kept."""


class Event(msgspec.Struct, frozen=True):
    """One event. `raw` is as it came, with its end; `data` is None when it has no such line, `id` likewise."""

    raw: bytes
    data: bytes | None
    id: bytes | None


class Splitter:
    """Finds the events in a stream that comes in pieces; none may be longer than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Return the events that are whole now. Raises TooLong."""
        self._rest += piece
        while (found := _END.search(self._rest)) is not None:
            raw, self._rest = self._rest[: found.end()], self._rest[found.end() :]
            yield _event(raw)
        if len(self._rest) > self._limit:
            raise TooLong

    def rest(self) -> bytes:
        """Return what is left when the stream has ended: no event, since it was never finished."""
        return self._rest


def rebuilt(event: Event, data: bytes, event_id: bytes | None) -> bytes:
    """Return the event with other data and another id. Its further fields stay."""
    kept = [line for line in _LINE.split(event.raw) if line and _field(line)[0] not in (b"data", b"id")]
    if event_id is not None:
        kept.append(b"id: " + event_id)
    if event.data is not None:
        kept += [b"data: " + line for line in data.split(b"\n")]
    return b"\r\n".join([*kept, b"", b""])


def message(document: bytes) -> bytes:
    """Return a JSON-RPC message as an event of its own."""
    return b"event: message\r\ndata: " + document + b"\r\n\r\n"


def _event(raw: bytes) -> Event:
    data: list[bytes] = []
    event_id: bytes | None = None
    for line in _LINE.split(raw):
        name, value = _field(line)
        if name == b"data":
            data.append(value)
        elif name == b"id" and b"\x00" not in value:
            event_id = value
    return Event(raw, b"\n".join(data) if data else None, event_id)


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")
