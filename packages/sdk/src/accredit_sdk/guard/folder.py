"""The guard's folder: its identity, the last snapshot, the spool; all of it for its owner alone (0700, 0600)."""

import contextlib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

IDENTITY: Final = "identity.json"
"""Who the guard is, with the private key that it made itself."""

PENDING: Final = "enrol.key"
"""The key with which the guard asks for an identity, until it has one."""

SNAPSHOT: Final = "snapshot.jwt"
"""The last snapshot as Accredit signed it."""

SPOOL: Final = "spool"
"""Records that Accredit has not acknowledged yet."""

REFUSED: Final = "refused"
"""Below the spool: records that Accredit will not take, kept for a person to look at."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder by its path. Writing replaces a file as a whole and survives a crash at any moment."""

    path: Path

    def problems(self, *, writable: bool) -> list[str]:
        """Make the folder if it is missing; return what is wrong with it as sentences for its operator."""
        try:
            if writable:
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.spool.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            return [f"folder {self.path} cannot be used: {_reason(error)}; give the guard a folder of its own"]
        if not self.path.is_dir():
            return [f"folder {self.path} does not exist; enrol the guard first"]
        if writable and not all(os.access(place, os.W_OK | os.X_OK) for place in (self.path, self.spool)):
            return [f"folder {self.path} is not writable; make it the guard's own, or choose records='memory'"]
        return []

    @property
    def spool(self) -> Path:
        """The folder of the spool."""
        return self.path / SPOOL

    def read(self, name: str) -> bytes | None:
        """Return the content of the file `name`, None if there is none. Raises OSError."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def exposed(self, name: str) -> bool:
        """Tell whether others than the owner may read the file `name`."""
        try:
            mode = (self.path / name).stat().st_mode
        except FileNotFoundError:
            return False
        return os.name == "posix" and bool(stat.S_IMODE(mode) & 0o077)

    def write(self, name: str, content: bytes) -> None:
        """Put `content` into the file `name`, for the owner alone: all of it or nothing. Raises OSError."""
        fresh = self.path / f".{name}.{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path / name)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
        _sync_folder(self.path)

    def remove(self, name: str) -> None:
        """Remove the file `name`, if there is one. Raises OSError."""
        (self.path / name).unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
