"""What is written of every decision: a header, a person part, and a link that makes a later change visible. Pure.

commitment = SHA-256(salt, person part); link = SHA-256(previous link, header, commitment), every part with its length
in front. Without salt and person part the links still hold: that is redaction.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from accredit_sdk.errors import AccreditError

START: Final = bytes(32)
"""The link before the first record of every chain."""


class BrokenChain(AccreditError):
    """The chain does not hold at record `seq` (counted from the first one looked at, when that one cannot be read)."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(seq, why)
        self.seq = seq
        self.why = why

    def __str__(self) -> str:
        return self.why


class RecordHeader(msgspec.Struct, frozen=True, gc=False):
    """The part of a record that is never redacted. `at` is microseconds UTC, `server` a server's id or empty."""

    seq: int
    chain: str
    at: int
    kind: str
    decision: str
    server: str
    outcome: str


class RecordPerson(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The part of a guard's record that may concern a person. `arguments` is a keyed hash in hex, `jti` a token's id.

    `lossy` says that the guard kept this record in memory only, so that others of its chain may be lost. `mode` is
    there when the server does not simply enforce; `candidate` is what another policy would have said, and
    `candidate_missing` the scopes that it would have missed.
    """

    reason: str
    method: str | None = None
    target: str | None = None
    subject: str | None = None
    client_id: str | None = None
    actors: tuple[str, ...] = ()
    grant_id: str | None = None
    jti: str | None = None
    needed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problem: str | None = None
    policy_version: int = 0
    mode: str | None = None
    candidate: str | None = None
    candidate_missing: tuple[str, ...] = ()
    lossy: bool = False
    arguments: str | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is kept and shipped: `header` and `person` are JSON exactly as hashed."""

    header: bytes
    person: bytes | None
    salt: bytes | None
    commitment: bytes
    hash: bytes


class _Line(msgspec.Struct, frozen=True, gc=False):
    header: str
    hash: str
    commitment: str
    person: str | None = None
    salt: str | None = None


_Read = TypeVar("_Read", _Line, RecordHeader)

_encode: Final = msgspec.json.Encoder().encode
_lines = msgspec.json.Decoder(_Line)
_headers = msgspec.json.Decoder(RecordHeader)


def commit(salt: bytes, person: bytes) -> bytes:
    """Return the commitment to a person part."""
    return hashlib.sha256(len(salt).to_bytes(4, "big") + salt + len(person).to_bytes(4, "big") + person).digest()


def link(previous: bytes, header: bytes, commitment: bytes) -> bytes:
    """Return the link of a record to the one before it."""
    return hashlib.sha256(previous + len(header).to_bytes(4, "big") + header + commitment).digest()


def arguments_digest(key: bytes, raw: bytes) -> str:
    """Return the keyed hash of the arguments as received (HMAC-SHA-256, hex)."""
    inner, outer = _begun(key)
    inside, outside = inner.copy(), outer.copy()
    inside.update(raw)
    outside.update(inside.digest())
    return outside.hexdigest()


@lru_cache(maxsize=4)
def _begun(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """RFC 2104, 4: return the inner and the outer hash of `key` after their first block, to be copied and not used up.

    A call of `hmac` makes both anew, which takes as long as the rest of its work.
    """
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return hashlib.sha256(bytes([one ^ 0x36 for one in block])), hashlib.sha256(bytes([one ^ 0x5C for one in block]))


def decode_header(header: bytes) -> RecordHeader:
    """Read a header. Raises ValueError."""
    return _read(_headers, header)


def encode_line(record: Record) -> bytes:
    """Return the record as one line of JSON, without the line's end."""
    return line(record.header, record.person, record.salt, record.commitment, record.hash)


def line(header: bytes, person: bytes | None, salt: bytes | None, commitment: bytes, link: bytes) -> bytes:
    """Return what `encode_line` does of a record with these members."""
    return _encode(
        _Line(
            header=header.decode(),
            hash=link.hex(),
            commitment=commitment.hex(),
            person=person.decode() if person is not None else None,
            salt=salt.hex() if salt is not None else None,
        )
    )


def decode_line(line: bytes) -> Record:
    """Read a line. Raises ValueError."""
    found = _read(_lines, line)
    return Record(
        header=found.header.encode(),
        person=found.person.encode() if found.person is not None else None,
        salt=bytes.fromhex(found.salt) if found.salt is not None else None,
        commitment=bytes.fromhex(found.commitment),
        hash=bytes.fromhex(found.hash),
    )


def verify(records: Iterable[Record], start: bytes = START) -> None:
    """Check that `records` continue a chain whose last link is `start`. Raises BrokenChain for the first bad one."""
    previous, expected = start, None
    for count, record in enumerate(records, start=1):
        try:
            seq = decode_header(record.header).seq
        except ValueError:
            raise BrokenChain(count if expected is None else expected, "the header cannot be read") from None
        if expected is not None and seq != expected:
            raise BrokenChain(expected, "a record is missing or out of order")
        if (record.person is None) != (record.salt is None):
            raise BrokenChain(seq, "half a redaction")
        if (
            record.person is not None
            and record.salt is not None
            and commit(record.salt, record.person) != record.commitment
        ):
            raise BrokenChain(seq, "the person part was changed")
        if link(previous, record.header, record.commitment) != record.hash:
            raise BrokenChain(seq, "the header was changed, or the record before it")
        previous, expected = record.hash, seq + 1


def _read(decoder: msgspec.json.Decoder[_Read], text: bytes) -> _Read:
    try:
        return decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
