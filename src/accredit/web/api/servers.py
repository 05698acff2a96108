"""Servers over the management API: their scopes, their tools, and invitations for their guards."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from accredit.identity import times
from accredit.identity.pin import Pin
from accredit.identity.schema import LONGEST_LIST
from accredit.identity.server import Scope, Server, TargetKind, Tool
from accredit.service.enrolment import Invitation
from accredit.service.servers import Confirmed, ServerDraft
from accredit.web.api.denied import DeniedView, denied
from accredit.web.api.fields import Body, Flag, Name, Page, PinText, Slug, Text, View, Word, Words, example
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import Who
from accredit.web.api.preconditions import IfMatch, MayMatch, check, tagged
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services
from accredit_sdk.decision import Mode
from accredit_sdk.policy import Visibility

ToolName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""The name of a tool, a resource or a prompt, as the server itself spells it."""


Asks = Annotated[tuple[Literal["sampling", "elicitation", "roots"], ...], Field(max_length=3)]
"""What a server may ask its clients for."""


class ScopeBody(Body):
    """How a scope is described to people."""

    model_config = example(description="See invoices")

    description: Text = ""


class NamedScope(ScopeBody):
    """A scope of a new server."""

    model_config = example(word="ledger:read", description="See invoices")

    word: Word


class ToolBody(Body):
    """What a call of a tool needs, and what it does. `pin`: what its server said about it, as digests."""

    model_config = example(needs=["ledger:read"], description="Lists invoices", read_only=True)

    needs: Words
    kind: TargetKind = TargetKind.TOOL
    description: Text = ""
    read_only: Flag = False
    destructive: Flag = False
    visibility: Visibility = Visibility.SHOW
    pin: PinText | None = None

    def tool(self, name: str) -> Tool:
        """Return the tool called `name`."""
        return Tool(
            name=name,
            needs=frozenset(self.needs),
            kind=self.kind,
            description=self.description,
            read_only=self.read_only,
            destructive=self.destructive,
            visibility=self.visibility,
            pin=None if self.pin is None else Pin.parse(self.pin),
        )


class NamedTool(ToolBody):
    """A tool of a new server."""

    model_config = example(name="list_invoices", needs=["ledger:read"], read_only=True)

    name: ToolName


class ServerBody(Body):
    """A new server."""

    model_config = example(
        slug="ledger",
        resource="https://ledger.example.com/mcp",
        scopes=[{"word": "ledger:read", "description": "See invoices"}],
        tools=[{"name": "list_invoices", "needs": ["ledger:read"], "read_only": True}],
        default_scopes=["ledger:read"],
    )

    slug: Slug
    resource: Annotated[str, StringConstraints(max_length=1000)]
    name: Name = ""
    scopes: Annotated[tuple[NamedScope, ...], Field(max_length=LONGEST_LIST)] = ()
    tools: Annotated[tuple[NamedTool, ...], Field(max_length=LONGEST_LIST)] = ()
    default_scopes: Words = ()
    may_ask: Asks = ()
    first_use: Words = ()

    def draft(self) -> ServerDraft:
        """Return the body as the use case takes it."""
        return ServerDraft(
            slug=self.slug,
            resource=self.resource,
            name=self.name,
            scopes=tuple(Scope(item.word, item.description) for item in self.scopes),
            tools=tuple(item.tool(item.name) for item in self.tools),
            default_scopes=frozenset(self.default_scopes),
            may_ask=frozenset(self.may_ask),
            first_use=frozenset(self.first_use),
        )


class GoneTool(Body):
    """A tool that its server has no more."""

    model_config = example(name="void_invoice")

    name: ToolName
    kind: TargetKind = TargetKind.TOOL


class SyncBody(Body):
    """What was confirmed, looking at `version` of the server: tools to map or renew, scopes to add, tools to drop."""

    model_config = example(
        version=3,
        tools=[{"name": "list_invoices", "needs": ["ledger:read"], "read_only": True}],
        gone=[{"name": "void_invoice"}],
    )

    version: Annotated[int, Field(strict=True, ge=1)]
    scopes: Annotated[tuple[NamedScope, ...], Field(max_length=LONGEST_LIST)] = ()
    tools: Annotated[tuple[NamedTool, ...], Field(max_length=LONGEST_LIST)] = ()
    gone: Annotated[tuple[GoneTool, ...], Field(max_length=LONGEST_LIST)] = ()

    def confirmed(self) -> Confirmed:
        """Return the body as the use case takes it."""
        return Confirmed(
            version=self.version,
            scopes=tuple(Scope(item.word, item.description) for item in self.scopes),
            tools=tuple(item.tool(item.name) for item in self.tools),
            gone=tuple((item.kind, item.name) for item in self.gone),
        )


class DefaultsBody(Body):
    """The scopes that a request without `scope` asks for."""

    model_config = example(scopes=["ledger:read"])

    scopes: Words


class FirstUseBody(Body):
    """The scopes that a client may have that registered itself, until it is approved; an empty list: none."""

    model_config = example(scopes=["ledger:read"])

    scopes: Words


class AsksBody(Body):
    """What a server may ask its clients for."""

    model_config = example(may_ask=["elicitation"])

    may_ask: Asks


class EnrolmentBody(Body):
    """The name of the guard to come; left out, one is made."""

    model_config = example(name="ledger-front")

    name: Slug | None = None


class ScopeView(View):
    """A scope."""

    word: str
    description: str


class ToolView(View):
    """A tool, resource or prompt."""

    name: str
    kind: TargetKind
    needs: list[str]
    description: str
    read_only: bool
    destructive: bool
    visibility: Visibility
    pin: str | None


class ServerView(View):
    """A server."""

    id: str
    slug: str
    name: str
    resource: str
    state: str
    builtin: bool
    created_at: str | None
    scopes: list[ScopeView]
    tools: list[ToolView]
    default_scopes: list[str]
    may_ask: list[str]
    first_use: list[str]
    denied: list[DeniedView]
    mode: Mode
    candidate: list[ToolView]
    version: int


class ServerPage(View):
    """Servers by slug; `next` is the cursor of the page that follows, or null."""

    items: list[ServerView]
    next: str | None


class InvitationView(View):
    """A one-time code for one guard. It is shown this once, null in a repetition, and works until `expires_at`."""

    guard: str
    server: str
    code: str | None
    expires_at: str | None


class ServerApi:
    """The handlers of `/servers`."""

    def __init__(self, services: Services) -> None:
        self._servers = services.servers
        self._enrolment = services.enrolment

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/servers")
        found.add_api_route("", cls.list_servers, methods=["GET"])
        found.add_api_route("", cls.add, methods=["POST"], status_code=201)
        found.add_api_route("/{slug}", cls.show, methods=["GET"])
        found.add_api_route("/{slug}/scopes/{word:path}", cls.put_scope, methods=["PUT"])
        found.add_api_route("/{slug}/tools/{name:path}", cls.put_tool, methods=["PUT"])
        found.add_api_route("/{slug}/tools/{name:path}", cls.remove_tool, methods=["DELETE"])
        found.add_api_route("/{slug}/defaults", cls.put_defaults, methods=["PUT"])
        found.add_api_route("/{slug}/first-use", cls.put_first_use, methods=["PUT"])
        found.add_api_route("/{slug}/may-ask", cls.put_may_ask, methods=["PUT"])
        found.add_api_route("/{slug}/sync", cls.sync, methods=["POST"])
        found.add_api_route("/{slug}/suspend", cls.suspend, methods=["POST"])
        found.add_api_route("/{slug}/resume", cls.resume, methods=["POST"])
        found.add_api_route("/{slug}/enrolments", cls.invite, methods=["POST"], status_code=201)
        return found

    async def list_servers(self, who: Who, page: Annotated[Page, Query()]) -> ServerPage:
        """List servers."""
        found = [server for server in self._servers.all() if server.slug > page.cursor and who.sees(server.id)]
        shown = found[: page.limit]
        return ServerPage(
            items=[view(item) for item in shown], next=shown[-1].slug if len(found) > len(shown) else None
        )

    async def add(self, who: Who, body: ServerBody, response: Response, asked: Repeatable = None) -> ServerView:
        """Register a server with its scopes and tools."""
        return _tagged(response, await self._servers.add(body.draft(), who.name, once(asked, view, tag=True)))

    async def show(self, slug: Slug, response: Response) -> ServerView:
        """Show a server."""
        return _tagged(response, self._servers.get(slug))

    async def put_scope(
        self, who: Who, slug: Slug, word: Word, response: Response, body: ScopeBody | None = None, match: IfMatch = None
    ) -> ServerView:
        """Add a scope, or describe it anew."""
        self._check(slug, match)
        description = body.description if body is not None else ""
        return _tagged(response, await self._servers.put_scope(slug, Scope(word, description), who.name))

    async def put_tool(
        self, who: Who, slug: Slug, name: ToolName, body: ToolBody, response: Response, match: IfMatch = None
    ) -> ServerView:
        """Map a tool to the scopes that it needs."""
        self._check(slug, match)
        return _tagged(response, await self._servers.put_tool(slug, body.tool(name), who.name))

    async def remove_tool(
        self,
        who: Who,
        slug: Slug,
        name: ToolName,
        response: Response,
        kind: TargetKind = TargetKind.TOOL,
        match: IfMatch = None,
    ) -> ServerView:
        """Take a tool out of the policy; calls of it are refused from then on."""
        self._check(slug, match)
        return _tagged(response, await self._servers.remove_tool(slug, name, kind, who.name))

    async def put_defaults(
        self, who: Who, slug: Slug, body: DefaultsBody, response: Response, match: IfMatch = None
    ) -> ServerView:
        """Set the scopes that a request without `scope` asks for."""
        self._check(slug, match)
        return _tagged(response, await self._servers.put_defaults(slug, frozenset(body.scopes), who.name))

    async def put_first_use(
        self, who: Who, slug: Slug, body: FirstUseBody, response: Response, match: IfMatch = None
    ) -> ServerView:
        """Set the scopes that a client may have that registered itself, until it is approved."""
        self._check(slug, match)
        return _tagged(response, await self._servers.put_first_use(slug, frozenset(body.scopes), who.name))

    async def put_may_ask(
        self, who: Who, slug: Slug, body: AsksBody, response: Response, match: IfMatch = None
    ) -> ServerView:
        """Set what the server may ask its clients for; everything else that it asks is refused in their name."""
        self._check(slug, match)
        return _tagged(response, await self._servers.put_may_ask(slug, frozenset(body.may_ask), who.name))

    async def sync(
        self, who: Who, slug: Slug, body: SyncBody, response: Response, match: MayMatch = None
    ) -> ServerView:
        """Take over what was confirmed of what the server offers now, in one step; refused if it was changed since."""
        self._check(slug, match, required=False)
        return _tagged(response, await self._servers.sync(slug, body.confirmed(), who.name))

    async def suspend(self, who: Who, slug: Slug, response: Response, match: MayMatch = None) -> ServerView:
        """Refuse every token for the server until it is resumed."""
        self._check(slug, match, required=False)
        return _tagged(response, await self._servers.suspend(slug, who.name))

    async def resume(self, who: Who, slug: Slug, response: Response, match: MayMatch = None) -> ServerView:
        """Let tokens for the server work again."""
        self._check(slug, match, required=False)
        return _tagged(response, await self._servers.resume(slug, who.name))

    def _check(self, slug: str, match: str | None, *, required: bool = True) -> None:
        check(match, view(self._servers.get(slug)), required=required)

    async def invite(
        self, who: Who, slug: Slug, body: EnrolmentBody | None = None, asked: Repeatable = None
    ) -> InvitationView:
        """Make a one-time code with which one guard of the server can enrol."""
        name = body.name if body is not None else None

        def shown(made: Invitation) -> InvitationView:
            ends_at = times.render(made.enrolment.expires_at)
            return InvitationView(guard=made.enrolment.slug, server=slug, code=made.code, expires_at=ends_at)

        return shown(await self._enrolment.offer(slug, name, who.name, once(asked, shown)))


def _tagged(response: Response, server: Server) -> ServerView:
    found = view(server)
    tagged(response, found)
    return found


def view(server: Server) -> ServerView:
    """Return `server` as the API shows it."""
    return ServerView(
        id=server.id,
        slug=server.slug,
        name=server.name,
        resource=server.resource,
        state=server.state.value,
        builtin=server.builtin,
        created_at=times.render(server.created_at),
        scopes=[ScopeView(word=scope.word, description=scope.description) for scope in server.scopes],
        tools=[_tool(tool) for tool in server.tools],
        default_scopes=sorted(server.default_scopes),
        may_ask=sorted(server.may_ask),
        first_use=sorted(server.first_use),
        denied=[denied(one) for one in server.denied],
        mode=server.mode,
        candidate=[_tool(tool) for tool in server.candidate],
        version=server.version,
    )


def _tool(tool: Tool) -> ToolView:
    found: dict[str, Any] = {
        name: getattr(tool, name) for name in ToolView.model_fields if name not in ("needs", "pin")
    }
    return ToolView(needs=sorted(tool.needs), pin=None if tool.pin is None else tool.pin.render(), **found)
