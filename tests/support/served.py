"""An ASGI app behind a real server on loopback, in a thread of its own."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import uvicorn

from tests.support.until import until

_STOP_SECONDS: Final = 20


def listening(port: int = 0) -> tuple[socket.socket, str]:
    """Return a socket that takes connections already, and its origin (`http://127.0.0.1:port`); 0: any free port."""
    listener = socket.create_server(("127.0.0.1", port))
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def served(app: Any, listener: socket.socket, **settings: Any) -> Iterator[uvicorn.Server]:
    """Serve `app` on `listener` until the block ends; streams that are still open then have a second to end."""
    usual = {"log_level": "error", "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, **(usual | settings)))
    thread = threading.Thread(target=server.run, args=([listener],), name="server-under-test", daemon=True)
    with closing(listener):
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive())
            assert server.started, "the server did not start"
            yield server
        finally:
            server.should_exit = True
            thread.join(_STOP_SECONDS)
    assert not thread.is_alive(), "the server did not stop"
