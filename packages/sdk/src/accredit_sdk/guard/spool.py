"""The spool: records in files until Accredit has acknowledged them. What is appended survives the process.

One chain of records per process, in segments named `<chain>.<first number>.ndjson`. A live process holds the lock
`<chain>.lock`; the system lets go of it when the process dies, and then the next one may ship the chain.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from accredit_sdk.guard.folder import REFUSED
from accredit_sdk.guard.lock import Lock

_SEGMENT: Final = 1024 * 1024
_BATCH: Final = 256 * 1024
_LINES: Final = 500
_SUFFIX: Final = ".ndjson"
_fdatasync: Final = getattr(os, "fdatasync", os.fsync)


class SpoolFull(Exception):
    """There is no room for a record, or the disk does not take it. The record is not in the spool."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive lines of one chain: the numbers of the first and the last, and their bytes."""

    first: int
    last: int
    lines: bytes


@dataclass(slots=True)
class _Segment:
    path: Path
    first: int
    count: int = 0
    size: int = 0

    @property
    def last(self) -> int:
        return self.first + self.count - 1


class Spool:
    """One chain on disk, owned by this process. `limit` is the most bytes that may wait."""

    def __init__(self, folder: Path, chain: str, lock: Lock, limit: int) -> None:
        self.chain = chain
        self._folder = folder
        self._lock = lock
        self._limit = limit
        self._segments = _found(folder, chain)
        self._room = limit - sum(segment.size for segment in self._segments)
        self._handle = -1
        self._dirty = False

    @classmethod
    def begin(cls, folder: Path, chain: str, limit: int) -> Self:
        """Begin the new chain `chain` in `folder`. Raises SpoolFull when the disk does not take it."""
        try:
            lock = Lock.take(folder / f"{chain}.lock")
        except OSError as error:
            raise SpoolFull(_reason(error)) from None
        if lock is None:
            raise SpoolFull("another process has this chain")
        return cls(folder, chain, lock, limit)

    @classmethod
    def orphans(cls, folder: Path) -> Iterator[Self]:
        """Adopt, one after the other, the chains of processes that are gone. Whoever takes one closes it."""
        for path in sorted(folder.glob("*.lock")):
            lock = None
            with contextlib.suppress(OSError):
                lock = Lock.take(path)
            if lock is not None:
                yield cls(folder, path.stem, lock, 0)

    def append(self, number: int, line: bytes) -> None:
        """Write one line (with its end); when this returns, the operating system has it. Raises SpoolFull."""
        size = len(line)
        if size > self._room:
            raise SpoolFull("the spool has reached its limit")
        try:
            segment = self._segments[-1] if self._handle >= 0 else None
            if segment is None or segment.size > _SEGMENT:
                segment = self._begin(number)
            if os.write(self._handle, line) != size:
                raise OSError("a part of a record")
        except OSError as error:
            self._undo()
            raise SpoolFull(_reason(error)) from None
        segment.count += 1
        segment.size += size
        self._room -= size
        self._dirty = True

    @property
    def dirty(self) -> bool:
        """Tell whether something was appended since the last flush."""
        return self._dirty

    def flush(self) -> None:
        """Bring what was appended to the disk itself; takes as long as the disk does. Raises OSError."""
        handle = self._handle
        if self._dirty and handle >= 0:
            self._dirty = False
            try:
                _fdatasync(handle)
            except OSError:
                if handle == self._handle:  # else its segment ended meanwhile: Accredit has what was in it
                    raise

    def batch(self, after: int) -> Batch | None:
        """Return the oldest lines with a number above `after`, None if there are none. Raises OSError."""
        for segment in self._segments:
            if segment.last > after and segment.count:
                lines = _lines(segment)[max(after + 1 - segment.first, 0) :][:_LINES]
                return _cut(max(after + 1, segment.first), lines)
        return None

    def acknowledged(self, last: int) -> None:
        """Delete every segment whose lines all have a number up to `last`."""
        while self._segments and self._segments[0].last <= last:
            if len(self._segments) == 1:
                self._end()
            segment = self._segments.pop(0)
            segment.path.unlink(missing_ok=True)
            self._room += segment.size

    def set_aside(self) -> Path:
        """Move what is left of the chain to where it is kept for a person, and return that folder. Raises OSError."""
        self._end()
        place = self._folder / REFUSED
        place.mkdir(mode=0o700, exist_ok=True)
        while self._segments:
            segment = self._segments.pop(0)
            segment.path.replace(place / segment.path.name)
            self._room += segment.size
        return place

    def close(self) -> None:
        """Let go of the chain; if nothing of it is left, leave no trace."""
        with contextlib.suppress(OSError):
            self.flush()
        self._end()
        self._lock.release(remove=not self._segments)

    def _begin(self, number: int) -> _Segment:
        self.flush()  # nobody flushes a segment that has ended
        self._end()
        path = self._folder / f"{self.chain}.{number:012d}{_SUFFIX}"
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        segment = _Segment(path, number)
        self._segments.append(segment)
        return segment

    def _undo(self) -> None:
        """Take a part of a line back; where that fails too, the segment ends here and its torn end is ignored."""
        if self._handle >= 0:
            try:
                os.ftruncate(self._handle, self._segments[-1].size)
            except OSError:
                self._end()
                if not self._segments[-1].count:
                    self._segments.pop().path.unlink(missing_ok=True)

    def _end(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class Memory:
    """What stands in for a spool where nothing may be written: bounded, and lost with the process."""

    def __init__(self, chain: str, limit: int) -> None:
        self.chain = chain
        self._limit = limit
        self._first = 1
        self._lines: list[bytes] = []

    def append(self, number: int, line: bytes) -> None:
        """Keep one line. Raises SpoolFull when `limit` lines wait already."""
        if len(self._lines) >= self._limit:
            raise SpoolFull("too many records wait")
        if not self._lines:
            self._first = number
        self._lines.append(line)

    @property
    def dirty(self) -> bool:
        """Tell that there is nothing to flush."""
        return False

    def flush(self) -> None:
        """Do nothing: there is no disk."""

    def batch(self, after: int) -> Batch | None:
        """Return the oldest lines with a number above `after`, None if there are none."""
        lines = self._lines[max(after + 1 - self._first, 0) :][:_LINES]
        return _cut(max(after + 1, self._first), lines) if lines else None

    def acknowledged(self, last: int) -> None:
        """Forget every line up to the number `last`."""
        del self._lines[: max(last + 1 - self._first, 0)]
        self._first = max(self._first, last + 1)

    def set_aside(self) -> Path:
        """Forget what is left; there is nowhere to keep it."""
        self._lines.clear()
        return Path()

    def close(self) -> None:
        """Do nothing: what is left dies with the process."""


def _found(folder: Path, chain: str) -> list[_Segment]:
    segments = []
    for path in sorted(folder.glob(f"{chain}.*{_SUFFIX}")):
        number = path.name[len(chain) + 1 : -len(_SUFFIX)]
        if number.isascii() and number.isdigit():
            segment = _Segment(path, int(number))
            lines = _lines(segment)
            segment.count, segment.size = len(lines), sum(map(len, lines))
            segments.append(segment)
    return segments


def _lines(segment: _Segment) -> list[bytes]:
    """Return the whole lines of a segment; a torn one at the end never had its call go on."""
    lines = segment.path.read_bytes().splitlines(keepends=True)
    return lines if not lines or lines[-1].endswith(b"\n") else lines[:-1]


def _cut(first: int, lines: list[bytes]) -> Batch:
    size = count = 0
    for line in lines:
        if count and size + len(line) > _BATCH:
            break
        size += len(line)
        count += 1
    return Batch(first, first + count - 1, b"".join(lines[:count]))


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
