"""Servers with their scopes and tools, as administrators manage them."""

from dataclasses import dataclass, replace

from accredit.identity.changes import AddServer, ReplaceServer, Signal, SignalKind
from accredit.identity.server import Scope, Server, TargetKind, Tool, problems, reserved
from accredit.identity.slug import SlugError, slug
from accredit.identity.state import State
from accredit.oauth.outcome import Outcome
from accredit.service.changes import Changes
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, crossed, not_found, taken
from accredit_sdk import resource as uris
from accredit_sdk import scopes as words
from accredit_sdk.decision import Mode
from accredit_sdk.errors import ResourceError


@dataclass(frozen=True, slots=True)
class ServerDraft:
    """What an administrator says about a new server."""

    slug: str
    resource: str
    name: str = ""
    scopes: tuple[Scope, ...] = ()
    tools: tuple[Tool, ...] = ()
    default_scopes: frozenset[str] = frozenset()
    may_ask: frozenset[str] = frozenset()
    first_use: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What an administrator has confirmed of what a server offers, looking at `version` of its registration.

    `tools` are mapped, or put in the place of their namesakes; `gone` are kinds and names to take out.
    """

    version: int
    scopes: tuple[Scope, ...] = ()
    tools: tuple[Tool, ...] = ()
    gone: tuple[tuple[TargetKind, str], ...] = ()


class Servers:
    """Registers servers and changes them."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def all(self) -> tuple[Server, ...]:
        """Return every server by slug, the built-in ones too."""
        return self._changes.directory.servers()

    def get(self, name: str) -> Server:
        """Return the server with that slug. Raises Problem."""
        found = self._changes.directory.server(name)
        if found is None:
            raise not_found("server", name)
        return found

    async def add(self, draft: ServerDraft, by: str, once: Once[Server] | None = None) -> Server:
        """Register a server. Raises Problem when the draft is unsound, or its slug or resource is taken."""
        try:
            name, resource = slug(draft.slug), uris.canonical(draft.resource)
        except (SlugError, ResourceError) as error:
            raise Problem(ProblemCode.INVALID, str(error)) from error
        self._free(resource)
        server = Server(
            id=self._changes.ids.new("server"),
            slug=name,
            name=draft.name or name,
            resource=resource,
            created_at=self._changes.clock.now(),
            scopes=draft.scopes,
            tools=draft.tools,
            default_scopes=draft.default_scopes,
            may_ask=draft.may_ask,
            first_use=draft.first_use,
        )
        _check(server)
        told = f"registered {name} at {resource}"
        if draft.first_use:
            told += f", first use {words.render(draft.first_use)}"
        event = self._changes.event("server.add", server.id, by, told, server.id)
        outcome = Outcome(server, (AddServer(server),), (), (event,), (Signal(SignalKind.POLICY, server.id),))
        lost = taken("server", name)
        if self._changes.directory.by_resource(resource) is not None:
            lost = Problem(ProblemCode.CONFLICT, f"another server is registered with the resource {resource}")
        await self._changes.commit(outcome, lost, once)
        return server

    def _free(self, resource: str) -> None:
        """Raise Problem for a resource that belongs to a built-in server."""
        builtin = {server.slug: server.resource for server in self._changes.directory.servers() if server.builtin}
        owner = reserved(resource, builtin)
        if owner is not None:
            raise Problem(ProblemCode.CONFLICT, f"{resource} belongs to {owner}, which is built in")

    async def put_scope(self, name: str, scope: Scope, by: str) -> Server:
        """Add a scope to the server, or describe it anew."""
        return await self._replace(self.get(name).with_scope(scope), "server.scope", by, f"scope {scope.word}")

    async def put_tool(self, name: str, tool: Tool, by: str) -> Server:
        """Map a tool of the server to the scopes that it needs. One without a pin keeps that of its namesake."""
        needs = words.render(tool.needs)
        server = self.get(name)
        known = server.tool(tool.name, tool.kind)
        if tool.pin is None and known is not None:
            tool = replace(tool, pin=known.pin)
        return await self._replace(server.with_tool(tool), "server.tool", by, f"{tool.name} needs {needs}")

    async def remove_tool(self, name: str, tool: str, kind: TargetKind, by: str) -> Server:
        """Take a tool out of the server's policy; a call of it is then answered as unknown."""
        server = self.get(name)
        if server.tool(tool, kind) is None:
            raise Problem(ProblemCode.NOT_FOUND, f"{name} has no {kind.value} called {tool[:80]!r}")
        return await self._replace(server.without_tool(tool, kind), "server.tool", by, f"{tool} unmapped")

    async def sync(self, name: str, confirmed: Confirmed, by: str) -> Server:
        """Take over what was confirmed, all of it or nothing. Raises Problem, also when the server has changed."""
        server = self.get(name)
        if server.version != confirmed.version:
            raise crossed("server", name)
        for kind, tool in confirmed.gone:
            if server.tool(tool, kind) is None:
                raise Problem(ProblemCode.NOT_FOUND, f"{name} has no {kind.value} called {tool[:80]!r}")
        known = {(tool.kind, tool.name) for tool in server.tools}
        if len({(tool.kind, tool.name) for tool in confirmed.tools}) != len(confirmed.tools):
            raise Problem(ProblemCode.INVALID, "a tool, resource or prompt is named twice")
        new = sum((tool.kind, tool.name) not in known for tool in confirmed.tools)
        told = f"{new} mapped, {len(confirmed.tools) - new} confirmed anew, {len(confirmed.gone)} removed"
        changed = server.with_offer(confirmed.scopes, confirmed.tools, confirmed.gone)
        return await self._replace(changed, "server.sync", by, told)

    async def put_defaults(self, name: str, default_scopes: frozenset[str], by: str) -> Server:
        """Set the scopes that a request without `scope` asks for."""
        server = self.get(name)
        changed = replace(server, default_scopes=default_scopes, version=server.version + 1)
        return await self._replace(changed, "server.defaults", by, f"default {words.render(default_scopes)}")

    async def put_first_use(self, name: str, first_use: frozenset[str], by: str) -> Server:
        """Set the scopes that a client may have that registered itself, until it is approved."""
        server = self.get(name)
        changed = replace(server, first_use=first_use, version=server.version + 1)
        told = words.render(first_use) or "nothing"
        return await self._replace(changed, "server.first_use", by, f"first use of {name}: {told}")

    async def put_may_ask(self, name: str, may_ask: frozenset[str], by: str) -> Server:
        """Set what the server may ask its clients for."""
        server = self.get(name)
        changed = replace(server, may_ask=may_ask, version=server.version + 1)
        told = " ".join(sorted(may_ask)) or "nothing"
        return await self._replace(changed, "server.may_ask", by, f"{name} may ask for {told}")

    async def put_mode(self, name: str, mode: Mode, candidate: tuple[Tool, ...], by: str) -> Server:
        """Enforce the policy, observe, or compare it with that of `candidate` in a dry run. Raises Problem."""
        if candidate and mode is not Mode.DRY_RUN:
            raise Problem(ProblemCode.INVALID, "a candidate goes with a dry run alone")
        if mode is Mode.DRY_RUN and not candidate:
            raise Problem(ProblemCode.INVALID, "a dry run needs a candidate that maps at least one tool")
        told = {
            Mode.ENFORCE: f"{name} enforces its policy",
            Mode.OBSERVE: f"{name} observes: calls that lack scopes are let through",
            Mode.DRY_RUN: f"{name} compares its policy with a candidate of {len(candidate)} tools",
        }
        return await self._replace(self.get(name).in_mode(mode, candidate), "server.mode", by, told[mode])

    async def suspend(self, name: str, by: str) -> Server:
        """Refuse every token for this server until it is resumed."""
        return await self._set_state(name, State.SUSPENDED, SignalKind.SUSPENDED, by)

    async def resume(self, name: str, by: str) -> Server:
        """Let tokens for this server work again."""
        return await self._set_state(name, State.ACTIVE, SignalKind.RESUMED, by)

    async def _set_state(self, name: str, state: State, kind: SignalKind, by: str) -> Server:
        server = self.get(name)
        if server.state is state:
            return server
        verb = "server.resume" if state is State.ACTIVE else "server.suspend"
        changed = replace(server, state=state, version=server.version + 1)
        return await self._replace(changed, verb, by, name, (Signal(kind, server.id),))

    async def _replace(
        self, server: Server, action: str, by: str, summary: str, signals: tuple[Signal, ...] = ()
    ) -> Server:
        if server.builtin:
            raise Problem(ProblemCode.FORBIDDEN, f"{server.slug} is built in and cannot be changed")
        _check(server)
        event = self._changes.event(action, server.id, by, summary, server.id)
        heard = (*signals, Signal(SignalKind.POLICY, server.id))
        outcome = Outcome(server, (ReplaceServer(server),), (), (event,), heard)
        await self._changes.commit(outcome, crossed("server", server.slug))
        return server


def _check(server: Server) -> None:
    found = problems(server)
    if found:
        raise Problem(ProblemCode.INVALID, "; ".join(found))
