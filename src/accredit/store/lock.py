"""One process per SQLite file: a lock that the operating system takes back when the process dies."""

import fcntl
import os
from pathlib import Path

from accredit.store.errors import DatabaseUnusable, StoreBusy


class ProcessLock:
    """Holds the lock of a database file, in `<file>.lock`, until released."""

    def __init__(self, database: Path) -> None:
        """Take the lock. Raises StoreBusy when another process has it, DatabaseUnusable when there can be none."""
        path = database.with_name(database.name + ".lock")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise DatabaseUnusable(f"cannot make {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StoreBusy(
                f"{database} is in use by process {holder}. Stop that one first, give this one another data folder, "
                "or put both on PostgreSQL"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes hold a lock each."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
