"""The machine: its clock, its randomness, the data folder with the master key, and the folder for checkpoints."""

import asyncio
import base64
import binascii
import errno
import hashlib
import os
import re
import socket
import stat
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self, TypeVar

from accredit.audit import checkpoint
from accredit.identity.sealing import MASTER_KEY_BYTES, MasterKey
from accredit.ports.archive import ArchiveFailed
from accredit.ports.audit_log import Kept
from accredit.ports.outside import OutsideFailed

Answer = TypeVar("Answer")

MASTER_KEY_FILE: Final = "master.key"
"""Name of the file in the data folder that holds the master key, base64url, mode 0600."""

NEXT_MASTER_KEY_FILE: Final = "master.key.next"
"""Name of the file that holds the key which is to take its place, while the database is being changed."""

_PLACEHOLDER: Final = re.compile(
    "change.?me|replace|placeholder|example|password|default|insecure|secret.?key|master.?key|abcdefgh|1234567",
    re.IGNORECASE,
)
_REPEATED: Final = re.compile(r"(.{1,21})\1+.{0,20}=*")


class DataFolderError(Exception):
    """The data folder cannot be used safely; the message says what to do."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> int:
        """Return the time in microseconds UTC."""
        return time.time_ns() // 1000


class SystemRandomness:
    """The operating system's secure source."""

    def bytes(self, count: int) -> bytes:
        """Return `count` fresh random bytes."""
        return os.urandom(count)


class CheckpointFolder:
    """A folder outside of the database: one file a day, one checkpoint a line, only ever added to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys = b""
        self._alone = threading.Lock()

    @classmethod
    def at(cls, folder: Path | None) -> Self | None:
        """Return the one at `folder`, if there is to be one."""
        return cls(folder) if folder is not None else None

    async def last(self) -> bytes:
        """Return the last checkpoint in the folder, nothing when there is none. Raises OutsideFailed."""
        return await asyncio.to_thread(self._guarded, self._last)

    async def append(self, kept: Sequence[Kept], keys: bytes) -> None:
        """Add checkpoints and keep the keys beside them; returns when the disk has them. Raises OutsideFailed."""
        await asyncio.to_thread(self._guarded, lambda: self._append(kept, keys))

    def _guarded(self, work: Callable[[], Answer]) -> Answer:
        try:
            with self._alone:  # what was cancelled goes on in its thread; nobody looks before it is done
                return work()
        except OSError as error:
            raise OutsideFailed(f"{self._folder}: {error.strerror}") from error

    def _last(self) -> bytes:
        _make(self._folder)
        for path in sorted(self._folder.glob(checkpoint.FILES), reverse=True):
            lines = path.read_bytes().splitlines(keepends=True)
            if lines and not lines[-1].endswith(b"\n"):
                os.truncate(path, path.stat().st_size - len(lines.pop()))
            if lines:
                return lines[-1].strip()
        return b""

    def _append(self, kept: Sequence[Kept], keys: bytes) -> None:
        _make(self._folder)
        if keys != self._keys:
            unfinished = self._folder / f"{checkpoint.KEYS_FILE}.unfinished"
            _durably(unfinished, keys + b"\n", os.O_TRUNC)
            unfinished.replace(self._folder / checkpoint.KEYS_FILE)
            _settle(self._folder)
            self._keys = keys
        newest = max((path.name for path in self._folder.glob(checkpoint.FILES)), default="")
        for item in kept:
            day = datetime.fromtimestamp(item.at / 1_000_000, UTC).date().isoformat()
            newest = max(newest, f"checkpoints-{day}.jws")  # also when the clock was set back
            _durably(self._folder / newest, item.document + b"\n", os.O_APPEND)


class ArchiveFolder:
    """A folder of archived parts of the log; each file is written once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def at(cls, folder: Path | None) -> Self | None:
        """Return the one at `folder`, if there is to be one."""
        return cls(folder) if folder is not None else None

    async def put(self, name: str, lines: Sequence[bytes]) -> bytes:
        """Write a new file; return its SHA-256, of what the disk gives back. Raises ArchiveFailed."""
        return await asyncio.to_thread(self._put, name, b"".join(line + b"\n" for line in lines))

    async def lines(self, name: str) -> tuple[bytes, ...]:
        """Return the lines of a file. Raises ArchiveFailed."""
        return tuple((await asyncio.to_thread(self._read, name)).splitlines())

    async def discard(self, name: str) -> None:
        """Take away a file that nobody was told of yet. Raises ArchiveFailed."""
        await asyncio.to_thread(self._discard, name)

    def _put(self, name: str, text: bytes) -> bytes:
        try:
            _make(self._folder, 0o700)
            path = self._folder / name
            if path.exists():
                raise ArchiveFailed(f"{path} is there already")
            _durably(path, text, os.O_EXCL, 0o600)
        except OSError as error:
            raise ArchiveFailed(f"{self._folder}: {error.strerror}") from error
        return hashlib.sha256(self._read(name)).digest()

    def _discard(self, name: str) -> None:
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise ArchiveFailed(f"{self._folder / name}: {error.strerror}; nobody needs that file") from error

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise ArchiveFailed(f"{self._folder / name}: {error.strerror}") from error


def _durably(path: Path, text: bytes, how: int, mode: int = 0o644) -> None:
    """Write `text`, whole or not at all, and return when the disk has it, and the name of a file that is new."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, mode)
    try:
        size = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, text) != len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
            if not size:
                _settle(path.parent)
        except OSError:
            if size:
                os.ftruncate(descriptor, size)
            else:
                path.unlink()
            raise
    finally:
        os.close(descriptor)


def _make(folder: Path, mode: int = 0o777) -> None:
    """Make a folder, and those above it, that a power failure does not take away again."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=mode, exist_ok=True)
        _settle(folder.parent)


def host_name() -> str:
    """Return the name of the machine, as it may be printed."""
    return "".join(c for c in socket.gethostname() if "!" <= c <= "~")[:100]


def prepare(folder: Path) -> None:
    """Make the data folder if need be, for its owner only. Raises DataFolderError when it is open to others."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        text = f"cannot use the data folder {folder}: {error.strerror}; give this user the right to, or choose another"
        raise DataFolderError(text) from error
    if not stat.S_ISDIR(found.st_mode):
        raise DataFolderError(f"{folder} is not a folder; choose another data folder")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise DataFolderError(f"cannot use the data folder {folder}: Permission denied; run as its owner: chmod 700")
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
        raise DataFolderError(f"the data folder {folder} is open to others; run: chmod 700 {folder}")


def writable(folder: Path) -> str | None:
    """Try to write into the data folder; return None, or what keeps us from it and what to do."""
    probe = folder / ".writable"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, bytes(4096))
        finally:
            os.close(descriptor)
            probe.unlink()
    except OSError as error:
        return f"nothing can be written to {folder}: {error.strerror}; make room there, or mend it"
    return None


def master_key(folder: Path, given: str | None, *, create: bool) -> MasterKey:
    """Return the master key: `given` (base64url of 32 bytes), or the one in the folder, made there if `create`.

    Raises DataFolderError when there is none, when it is malformed, or when others can read the file.
    """
    if given is not None:
        return _decoded(given, "the configured master key")
    path = folder / MASTER_KEY_FILE
    try:
        return _decoded(_kept(path, create), str(path))
    except OSError as error:
        text = f"cannot use the master key in {path}: {error.strerror}; make it a file that this user can read"
        raise DataFolderError(text) from error


def spare_master_key(folder: Path) -> MasterKey | None:
    """Return the key that is to become the master key, or None when there is none. Raises DataFolderError."""
    path = folder / NEXT_MASTER_KEY_FILE
    return _decoded(_kept(path, create=False), str(path)) if path.exists() else None


def new_master_key(path: Path) -> MasterKey:
    """Make a master key and keep it in the new file `path`. Raises DataFolderError."""
    try:
        _write_new(path)
        _settle(path.parent)
    except OSError as error:
        raise DataFolderError(f"cannot write {path}: {error.strerror}; nothing was changed") from error
    return _decoded(_kept(path, create=False), str(path))


def adopt_master_key(folder: Path, now: int) -> Path:
    """Put the new master key in its place, and return where the old one is kept. Raises DataFolderError.

    There is a master key at every moment, whenever this is cut off.
    """
    present = folder / MASTER_KEY_FILE
    old = folder / f"{MASTER_KEY_FILE}.until-{now // 1_000_000}"
    try:
        if present.exists() and not old.exists():
            os.link(present, old)
        (folder / NEXT_MASTER_KEY_FILE).rename(present)
        _settle(folder)
    except OSError as error:
        text = f"the new master key is in {folder / NEXT_MASTER_KEY_FILE} and cannot be put into {present}"
        raise DataFolderError(f"{text}: {error.strerror}; do that, then start") from error
    return old


def _settle(folder: Path) -> None:
    """Let the names in `folder` survive a power failure, where its file system can promise that at all."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network shares know no such thing of folders
            raise
    finally:
        os.close(descriptor)


def _kept(path: Path, create: bool) -> str:
    if not path.exists():
        if not create:
            raise DataFolderError(
                f"{path} is missing. The database was made with a master key: put its backup there (mode 600)"
            )
        _write_new(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise DataFolderError(f"others can read {path}; run: chmod 600 {path}")
    return path.read_text("ascii", "replace").strip()


def _write_new(path: Path) -> None:
    text = base64.urlsafe_b64encode(os.urandom(MASTER_KEY_BYTES)).decode("ascii")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def _decoded(text: str, where: str) -> MasterKey:
    if _PLACEHOLDER.search(text) or _REPEATED.fullmatch(text):
        raise DataFolderError(f"{where} is a placeholder; make a random one: openssl rand -base64 32 | tr +/ -_")
    try:
        return MasterKey(base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        text = f"{where} is not a usable master key: {error}. It is base64url of 32 random bytes"
        raise DataFolderError(text) from None
