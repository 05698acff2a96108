"""Reading what an MCP server offers, with the official client. The server is a stranger: everything has an end."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import METHOD_NOT_FOUND, Implementation, Prompt, Resource, ResourceTemplate, Tool

from accredit.cli.trouble import Exit, Trouble
from accredit.cli.wire import MOST_BYTES, TooMuch, Wire
from accredit.identity.declared import Declared, Hints, one_line
from accredit.identity.pin import Pin
from accredit.identity.server import TargetKind

MOST: Final = 1000
"""The most tools, resources and prompts that are read: as many as a server can be registered with."""

MOST_PAGES: Final = 100
"""The most pages of one list."""

_TITLE: Final = 200


@dataclass(frozen=True, slots=True)
class Source:
    """Where to read. The token, when there is one, is for this server alone; `seconds` is the time for everything."""

    url: str
    token: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server calls itself, which protocol it speaks, and what it offers, in its own order."""

    title: str
    protocol: str
    offered: tuple[Declared, ...]


class _Page(Protocol):
    next_cursor: str | None


def read(source: Source) -> Offer:
    """Read everything. Raises Trouble with the reason: out of reach, closed to us, no MCP server, too much."""
    with _quiet():
        return asyncio.run(_read(source))


async def _read(source: Source) -> Offer:
    headers = {} if source.token is None else {"Authorization": f"Bearer {source.token}"}
    wire = Wire(httpx2.AsyncHTTPTransport(), source.seconds)
    http = httpx2.AsyncClient(transport=wire, headers=headers, timeout=source.seconds, trust_env=False)
    transport = streamable_http_client(source.url, http_client=http, max_sse_event_size=MOST_BYTES)
    client = Client(transport, client_info=Implementation(name="accredit", version=""), cache=None)
    found: Offer | Trouble | None = None
    try:
        async with asyncio.timeout(source.seconds), http, client:
            # What leaves the client's block comes out wrapped in groups: our own word for it is kept from that.
            try:
                found = await _offer(client)
            except Trouble as trouble:
                found = trouble
    except Exception as error:
        if found is None:
            raise _trouble(source, wire, error) from error
    if isinstance(found, Trouble):
        raise found
    return found


async def _offer(client: Client) -> Offer:
    can = client.server_capabilities
    offered: list[Declared] = []
    if can.tools is not None:
        offered += await _all(client.list_tools, lambda page: map(_tool, page.tools), offered)
    if can.resources is not None:
        offered += await _all(client.list_resources, lambda page: map(_resource, page.resources), offered)
        templates = client.list_resource_templates
        offered += await _all(templates, lambda page: map(_template, page.resource_templates), offered)
    if can.prompts is not None:
        offered += await _all(client.list_prompts, lambda page: map(_prompt, page.prompts), offered)
    known = client.server_info
    title = one_line((known.title or known.name) if known is not None else "", _TITLE)
    return Offer(title, client.protocol_version, tuple(offered))


async def _all(
    ask: Callable[..., Awaitable[_Page]], items: Callable[[Any], Iterator[Declared]], before: list[Declared]
) -> list[Declared]:
    """Return what stands on all pages of a list. Raises Trouble when there is no end to it."""
    found: list[Declared] = []
    cursor: str | None = None
    cursors: set[str | None] = set()
    for _ in range(MOST_PAGES):
        try:
            page = await ask(cursor=cursor)
        except MCPError as error:
            if error.code == METHOD_NOT_FOUND and cursor is None:
                return found
            raise
        found += items(page)
        if len(before) + len(found) > MOST:
            raise _refused(
                f"the server lists more than {MOST} tools, resources and prompts; "
                "register it without --import, and map those that are needed with: accredit server tool"
            )
        cursors.add(cursor)
        cursor = page.next_cursor
        if cursor is None:
            return found
        if cursor in cursors:
            raise _refused("the pages of the server lead in a circle")
    raise _refused(f"the server's list has more than {MOST_PAGES} pages")


def _tool(tool: Tool) -> Declared:
    said = tool.annotations
    hints = Hints()
    if said is not None:
        hints = Hints(said.read_only_hint, said.destructive_hint, said.idempotent_hint, said.open_world_hint)
    title = tool.title or (said.title if said is not None else None)
    schema = [tool.input_schema, tool.output_schema]
    return _declared(TargetKind.TOOL, tool.name, tool.name, (title, tool.description), schema, hints)


def _resource(resource: Resource) -> Declared:
    told = (resource.title, resource.description)
    return _declared(TargetKind.RESOURCE, str(resource.uri), resource.name, told, resource.mime_type)


def _template(template: ResourceTemplate) -> Declared:
    told = (template.title, template.description)
    return _declared(TargetKind.RESOURCE, template.uri_template, template.name, told, template.mime_type)


def _prompt(prompt: Prompt) -> Declared:
    arguments = [item.model_dump(mode="json") for item in prompt.arguments or ()]
    return _declared(TargetKind.PROMPT, prompt.name, prompt.name, (prompt.title, prompt.description), arguments)


def _declared(
    kind: TargetKind,
    name: str,
    label: str,
    told: tuple[str | None, str | None],
    schema: Any,
    hints: Hints = Hints(),  # noqa: B008  (frozen)
) -> Declared:
    said = [hints.read_only, hints.destructive, hints.idempotent, hints.open_world]
    try:
        pin = Pin.of(list(told), said, schema)
    except (ValueError, RecursionError):
        raise _refused(
            f"the schema of {one_line(name, 80)} is too deep, or has a number too long, to be read"
        ) from None
    title, description = told
    return Declared(kind, name, label, pin, title or "", description or "", hints)


def _refused(sentence: str) -> Trouble:
    return Trouble(Exit.REFUSED, sentence)


def _trouble(source: Source, wire: Wire, error: Exception) -> Trouble:
    """Return one sentence for what happened: what was seen on the wire says more than what the client made of it."""
    if isinstance(wire.error, TooMuch):
        return _refused(f"{source.url} sends more than {MOST_BYTES // 1024 // 1024} MiB; nothing was read")
    if isinstance(error, TimeoutError) or isinstance(wire.error, httpx2.TimeoutException):
        return _away(source, f"did not say everything within {source.seconds:g} seconds; --timeout gives it more")
    if isinstance(wire.error, httpx2.ConnectError):
        return _away(source, f"cannot be reached: {one_line(str(wire.error)) or 'nobody listens there'}")
    if wire.error is not None:
        return _away(source, f"broke off: {one_line(str(wire.error)) or type(wire.error).__name__}")
    if wire.status == 401 and source.token is None:
        return _away(source, "wants a token: give it one with --token-file, or read the server where it is not guarded")
    if wire.status in (401, 403):
        return _away(source, f"refuses us ({wire.status}); look whether the token is for this server, and still good")
    if 300 <= wire.status < 400:
        return _away(source, "leads elsewhere; use the address that it leads to")
    if isinstance(error, MCPError) and wire.status < 400:
        return _away(source, f"answers with an error: {one_line(error.message)}")
    code = f" (it answers {wire.status})" if wire.status >= 400 else ""
    return _away(source, f"is not an MCP server, or not one that can be understood{code}")


def _away(source: Source, what: str) -> Trouble:
    return Trouble(Exit.UNREACHABLE, f"{source.url} {what}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the client logs about a stranger's answers away from the person's screen."""
    logger, silent = logging.getLogger("mcp"), logging.NullHandler()
    before, logger.propagate = logger.propagate, False
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)
        logger.propagate = before
