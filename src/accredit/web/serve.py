"""Listeners in one process: TCP for everybody, a Unix socket for the local administrator, and others if need be."""

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from accredit.web.server import LimitedProtocol

GRACE_SECONDS: Final = 10
"""How long a request that runs may go on once the process is told to stop."""

_BACKLOG: Final = 1024


class CannotListen(Exception):
    """A listener cannot be opened; the message says what to do."""


class _Listener(uvicorn.Server):
    """A uvicorn server that leaves the signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: both listeners stop together."""
        yield


async def serve(
    public: tuple[ASGIApp, socket.socket],
    others: Sequence[tuple[ASGIApp, socket.socket]],
    proxies: Sequence[str],
    stop: asyncio.Event,
    ready: Callable[[], None],
    ending: Callable[[], None],
) -> None:
    """Serve the applications on their sockets until `stop` is set; call `ready` once all answer.

    The `proxies` are believed at the public one alone. `ending` is called when it is time to stop: what would never end
    by itself must end then.
    """
    listeners = [_listener(public[0], proxies), *(_listener(app, ()) for app, _ in others)]
    running = [
        asyncio.create_task(listener.serve(sockets=[sock]))
        for listener, (_, sock) in zip(listeners, (public, *others), strict=True)
    ]
    try:
        await _until_started(listeners, running)
        _settle_memory()
        ready()
        ended = asyncio.create_task(stop.wait())
        await asyncio.wait([*running, ended], return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
    finally:
        ending()
        for listener in listeners:
            listener.should_exit = True
        await asyncio.gather(*running)


async def _until_started(listeners: Sequence[_Listener], running: Sequence[asyncio.Task[None]]) -> None:
    # Uvicorn has no event for this, only a flag.
    while not all(listener.started for listener in listeners):
        if any(task.done() for task in running):
            return
        await asyncio.sleep(0.01)


def _listener(app: ASGIApp, proxies: Sequence[str]) -> _Listener:
    config = uvicorn.Config(
        app,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return _Listener(config)


def _settle_memory() -> None:
    """Let the collector never look again at what starting made: it stays for ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror}; choose another one") from error
    found.setblocking(False)
    return found


def listen_locally(path: Path) -> socket.socket:
    """Return a listening Unix socket that only its owner can open. Raises CannotListen.

    A socket left behind by a dead process is replaced; the caller holds the lock of the data folder.
    """
    path.unlink(missing_ok=True)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        found.bind(str(path))
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        raise CannotListen(f"cannot make the socket {path}: {error}; is the path longer than 100 bytes?") from error
    finally:
        os.umask(before)
    found.setblocking(False)
    return found
