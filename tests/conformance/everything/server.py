"""The server as a program: `python -m tests.conformance.everything.server --port PORT`."""

import argparse
from typing import Final

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import JSONRPCMessage
from starlette.applications import Starlette

from tests.conformance.everything import asking, content, tasks

RETRY_MILLISECONDS = 100
HTTP: Final = {"http": "h11", "log_level": "warning"}
"""How it is served, also behind a guard. httptools leaves blanks behind a header value, which the suite forbids."""


class Events(EventStore):
    """Remembers every event of every stream, so that a client can come back for what it has missed."""

    def __init__(self) -> None:
        self._told: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Remember an event; its id is its place among all."""
        self._told.append((stream_id, message))
        return str(len(self._told))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send what the stream of that event has had since then."""
        place = int(last_event_id)
        stream = self._told[place - 1][0]
        for number, (name, message) in enumerate(self._told[place:], place + 1):
            if name == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def server() -> MCPServer:
    """Return a new server with everything."""
    found = MCPServer("everything", version="1.0.0", log_level="WARNING", extensions=[tasks.Tasks()])
    content.register(found)
    asking.register(found)
    found._tool_manager._tools[content.schema_tool().name] = content.schema_tool()
    return found


def app() -> Starlette:
    """Return it as an ASGI application with its endpoint at /mcp."""
    return server().streamable_http_app(event_store=Events(), retry_interval=RETRY_MILLISECONDS)


def main() -> None:
    """Serve it, open to everybody on this machine."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    uvicorn.run(app(), port=arguments.parse_args().port, **HTTP)


if __name__ == "__main__":
    main()
