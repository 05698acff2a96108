"""A lock between processes that the system lets go of when its holder dies."""

import os
import sys
from pathlib import Path
from typing import Self

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _try(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """A held lock."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle = handle

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Take the lock named by the file `path`, or return None when a living process has it. Raises OSError."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _try(handle)
            if os.fstat(handle).st_ino == path.stat().st_ino:
                return cls(path, handle)
        except (BlockingIOError, PermissionError, FileNotFoundError):
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        return None

    def release(self, *, remove: bool = False) -> None:
        """Let go of the lock; with `remove`, its file goes too. A second call does nothing."""
        if self._handle < 0:
            return
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = -1
