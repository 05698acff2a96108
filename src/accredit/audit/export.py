"""The log as lines of JSON that can be verified by whoever holds them, and the reading of such lines. Pure.

One line that says what it is; the seals; the checkpoints; then of each chain a line that begins it and its records, as
guards ship them; and a line that ends it all. Every line is a JSON object.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from accredit.audit.chain import Head
from accredit.audit.verification import Fault, Flaw, Report, Verifier
from accredit.identity.changes import Seal, SealKind, StoredRecord
from accredit_sdk import record
from accredit_sdk.jws import VerifyingKey
from accredit_sdk.record import Record

FORMAT: Final = 1
"""The version of the lines."""

_BROKEN: Final = b'{"broken":'
_SEAL: Final = b'{"seal":'
_OPENING: Final = b'{"export":%d,' % FORMAT

STORED: Final = "stored"
"""The sequence of checkpoints that the log itself keeps."""

OUTSIDE: Final = "outside"
"""The sequence of checkpoints that were kept outside."""


class _Beginning(msgspec.Struct, frozen=True, omit_defaults=True):
    export: int
    issuer: str
    at: int
    part: bool = False


class _SealLine(msgspec.Struct, frozen=True, omit_defaults=True):
    seal: int
    kind: str
    chain: str
    seq: int
    hash: str
    archive: str = ""


class _CheckpointLine(msgspec.Struct, frozen=True):
    checkpoint: str


class _ChainLine(msgspec.Struct, frozen=True):
    chain: str
    guard: str | None
    anchor: tuple[int, str]
    end: tuple[int, str]


class _RawLine(msgspec.Struct, frozen=True):
    """A record with bytes that are no text: both of its parts in hex."""

    header: str
    person: str | None
    salt: str | None
    commitment: str
    hash: str
    raw: bool = True


class _End(msgspec.Struct, frozen=True):
    complete: bool


class _Broken(msgspec.Struct, frozen=True):
    broken: str


class _Any(msgspec.Struct, frozen=True, gc=False):
    """Whatever a line may have: its members tell which one it is."""

    export: int | None = None
    issuer: str = ""
    at: int = 0
    part: bool = False
    seal: int | None = None
    kind: str = ""
    checkpoint: str | None = None
    chain: str | None = None
    guard: str | None = None
    anchor: tuple[int, str] | None = None
    end: tuple[int, str] | None = None
    seq: int = 0
    archive: str = ""
    complete: bool = False
    broken: str | None = None
    header: str | None = None
    person: str | None = None
    salt: str | None = None
    commitment: str = ""
    hash: str = ""
    raw: bool = False


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Any).decode


def beginning(issuer: str, at: int, *, part: bool = False) -> bytes:
    """Return the first line of an export that was begun at `at` (microseconds UTC).

    A `part` has some chains only, and of each what lies between its anchor and its end: that is an archive.
    """
    return _encode(_Beginning(FORMAT, issuer, at, part))


def begins(first: bytes) -> bool:
    """Tell whether `first` is the first line of an export, or what there is of it when it broke off in the middle."""
    if not first.endswith(b"\n"):
        return first.startswith(_OPENING) or _OPENING.startswith(first)
    try:
        return msgspec.json.decode(first, type=_Beginning).export == FORMAT
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False


def seal(item: Seal) -> bytes:
    """Return the line of a seal."""
    line = _SealLine(item.number, item.kind.value, item.chain, item.seq, item.hash.hex(), item.archive.hex())
    return _encode(line)


def checkpoint(document: bytes) -> bytes:
    """Return the line of a checkpoint."""
    return _encode(_CheckpointLine(document.decode("ascii")))


def chain(name: str, guard: str | None, anchor: Head, end: Head) -> bytes:
    """Return the line that begins a chain."""
    return _encode(_ChainLine(name, guard, (anchor.seq, anchor.hash.hex()), (end.seq, end.hash.hex())))


def line(item: StoredRecord) -> bytes:
    """Return the line of a record."""
    try:
        return record.line(item.header, item.person, item.salt, item.commitment, item.hash)
    except UnicodeDecodeError:
        person, salt = _hex(item.person), _hex(item.salt)
        return _encode(_RawLine(item.header.hex(), person, salt, item.commitment.hex(), item.hash.hex()))


def number_of_seal(line: bytes) -> int | None:
    """Return the number of the seal in a line, None for any other line. Raises ValueError for one that is torn."""
    return _decode(line).seal if line.startswith(_SEAL) else None


def end() -> bytes:
    """Return the last line: without it, an export is not whole."""
    return _encode(_End(complete=True))


def broken(why: str) -> bytes:
    """Return the last line of an export that could not be brought to its end: it has to begin anew."""
    return _encode(_Broken(why))


def why_broken(line: bytes) -> str | None:
    """Return what such a line says, None for any other. Raises ValueError for one that cannot be read."""
    return _decode(line).broken if line.startswith(_BROKEN) else None


def broke_off_at(last: bytes) -> str | None:
    """Return the place behind `last`, the last whole line of an export, as `chain_name.number`.

    Empty when nothing is missing; None when the export has to begin anew. Raises ValueError for a line of another kind.
    """
    found = _decode(last)
    if found.complete:
        return ""
    if found.header is not None:
        header = record.decode_header(found.header.encode())
        return f"{header.chain}.{header.seq}"
    if found.chain is not None and found.anchor is not None:
        return f"{found.chain}.{found.anchor[0]}"
    return None


class Examination:
    """Verifies an export, line by line. `outside` are checkpoints that were kept elsewhere, one document a line."""

    def __init__(self, keys: Mapping[str, VerifyingKey], outside: Iterable[bytes] = ()) -> None:
        self._keys = keys
        self._outside: Iterator[bytes] = iter(outside)
        self._verifier: Verifier | None = None
        self._place = 0
        self._ended = False
        self._chains: set[str] = set()
        self.records = 0
        """How many records were seen."""
        self.part = False
        """Whether this says that it is a part of a log."""

    def line(self, text: bytes) -> None:
        """Take the next line, with or without its end."""
        self._place += 1
        try:
            self._take(_decode(text))
        except (ValueError, RecursionError):
            self._begun().flaw(Flaw(Fault.EXPORT_DAMAGED, seq=self._place))

    def report(self) -> Report:
        """Return what was found, when all lines were taken."""
        verifier = self._begun()
        self._hold_against()
        if not self._ended:
            verifier.flaw(Flaw(Fault.EXPORT_INCOMPLETE, seq=self._place + 1))
        return verifier.report()

    def _begun(self) -> Verifier:
        if self._verifier is None:
            self._verifier = Verifier("", self._keys)
        return self._verifier

    def _take(self, found: _Any) -> None:
        if found.header is not None:
            self._record(found, found.header)
        elif found.anchor is not None and found.end is not None and found.chain is not None:
            self._chain(found.chain, found.guard, found.anchor, found.end)
        elif found.seal is not None and found.chain is not None:
            linked, archive = bytes.fromhex(found.hash), bytes.fromhex(found.archive)
            kind = SealKind(found.kind)
            self._begun().seal(Seal(found.seal, kind, found.chain, found.seq, linked, archive))
        elif found.checkpoint is not None:
            self._begun().checkpoint(found.checkpoint.encode(), STORED, self._place)
        elif found.export == FORMAT and self._verifier is None:
            self._verifier = Verifier(found.issuer, self._keys, part=found.part)
            self.part = found.part
        elif found.complete:
            self._ended = True
        elif found.broken is not None:
            self._begun().cut_off()
        else:
            raise ValueError("a line of no kind")

    def _record(self, found: _Any, header: str) -> None:
        self.records += 1
        part = bytes.fromhex if found.raw else str.encode
        item = Record(
            header=part(header),
            person=part(found.person) if found.person is not None else None,
            salt=bytes.fromhex(found.salt) if found.salt is not None else None,
            commitment=bytes.fromhex(found.commitment),
            hash=bytes.fromhex(found.hash),
        )
        self._begun().record(item)

    def _chain(self, name: str, guard: str | None, anchor: tuple[int, str], end: tuple[int, str]) -> None:
        if name in self._chains:
            raise ValueError("a chain comes twice")
        self._chains.add(name)
        self._hold_against()
        self._begun().begin(name, guard, _head(name, anchor), _head(name, end))

    def _hold_against(self) -> None:
        """Feed the checkpoints from outside, once: before the first chain, behind what the log says itself."""
        verifier = self._begun()
        for place, document in enumerate(self._outside, 1):
            verifier.checkpoint(document.strip(), OUTSIDE, place)


def _hex(part: bytes | None) -> str | None:
    return part.hex() if part is not None else None


def _head(name: str, said: tuple[int, str]) -> Head:
    return Head(name, said[0], bytes.fromhex(said[1]))
