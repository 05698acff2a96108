"""Servers (MCP servers registered as OAuth resource servers), their scopes and their tools."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from accredit.identity.denial import Denial
from accredit.identity.pin import Pin
from accredit.identity.state import State
from accredit_sdk import scopes as words
from accredit_sdk.decision import Mode
from accredit_sdk.errors import ScopeError
from accredit_sdk.methods import ASKS
from accredit_sdk.policy import Visibility


class TargetKind(StrEnum):
    """What a server offers under a name."""

    TOOL = "tool"
    RESOURCE = "resource"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope of exactly one server: its word (RFC 6749, 3.3) and what it lets a client do, in plain words."""

    word: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool (or resource, or prompt) of a server, and every scope that a call of it needs.

    `pin` is what the server said about it when that was last confirmed; None: it was mapped by hand.
    """

    name: str
    needs: frozenset[str]
    kind: TargetKind = TargetKind.TOOL
    description: str = ""
    read_only: bool = False
    destructive: bool = False
    visibility: Visibility = Visibility.SHOW
    pin: Pin | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A registered server. `resource` is its canonical URI (RFC 8707) and the audience of every token for it.

    `may_ask` are the words of what it may ask its clients for: `sampling`, `elicitation`, `roots`. `first_use` are the
    scopes that a client may have that registered itself, until an administrator has approved it. `mode` tells whether
    its policy is enforced; `candidate` are the tools of the policy that a dry run compares it with.
    `denied` is written by itself, and no other change of the server touches it.
    """

    id: str
    slug: str
    name: str
    resource: str
    created_at: int
    scopes: tuple[Scope, ...] = ()
    tools: tuple[Tool, ...] = ()
    default_scopes: frozenset[str] = frozenset()
    may_ask: frozenset[str] = frozenset()
    first_use: frozenset[str] = frozenset()
    denied: tuple[Denial, ...] = ()
    builtin: bool = False
    state: State = State.ACTIVE
    mode: Mode = Mode.ENFORCE
    candidate: tuple[Tool, ...] = ()
    version: int = 1

    def in_mode(self, mode: Mode, candidate: tuple[Tool, ...] = ()) -> "Server":
        """Return this server in another mode; `candidate` goes with a dry run alone."""
        return replace(self, mode=mode, candidate=candidate, version=self.version + 1)

    def words(self) -> frozenset[str]:
        """Return every scope word that this server knows."""
        return frozenset(scope.word for scope in self.scopes)

    def tool(self, name: str, kind: TargetKind = TargetKind.TOOL) -> Tool | None:
        """Return the tool of that kind and name, or None."""
        return next((tool for tool in self.tools if tool.kind is kind and tool.name == name), None)

    def with_tool(self, tool: Tool) -> "Server":
        """Return this server with `tool` added, or put in the place of its namesake."""
        others = tuple(t for t in self.tools if (t.kind, t.name) != (tool.kind, tool.name))
        return replace(self, tools=(*others, tool), version=self.version + 1)

    def without_tool(self, name: str, kind: TargetKind = TargetKind.TOOL) -> "Server":
        """Return this server without the named tool."""
        others = tuple(t for t in self.tools if (t.kind, t.name) != (kind, name))
        return replace(self, tools=others, version=self.version + 1)

    def with_offer(
        self, scopes: Iterable[Scope], tools: Iterable[Tool], gone: Iterable[tuple[TargetKind, str]]
    ) -> "Server":
        """Return this server with `tools` added or in the place of their namesakes, and without those that are `gone`.

        Of `scopes`, those are added whose word is new; the others stay as they are described.
        """
        offered = {(tool.kind, tool.name): tool for tool in (*self.tools, *tools)}
        for key in gone:
            offered.pop(key, None)
        scopes = tuple(scopes)
        described = {scope.word: scope for scope in (*scopes, *self.scopes)}
        order = dict.fromkeys(scope.word for scope in (*self.scopes, *scopes))
        return replace(
            self,
            scopes=tuple(described[word] for word in order),
            tools=tuple(offered.values()),
            version=self.version + 1,
        )

    def with_scope(self, scope: Scope) -> "Server":
        """Return this server with `scope` added, or put in the place of its namesake."""
        others = tuple(s for s in self.scopes if s.word != scope.word)
        return replace(self, scopes=(*others, scope), version=self.version + 1)


GUARD_SERVER: Final = "guard"
"""Slug of the built-in server that guards get their own tokens for."""

GUARD_SCOPES: Final = frozenset({"policy", "signals", "records", "introspect"})
"""Scopes of the built-in guard server."""


def problems(server: Server) -> tuple[str, ...]:
    """Return everything that is wrong with `server` as sentences for its administrator; empty when it is sound."""
    return (*_scope_problems(server), *_tool_problems(server))


def reserved(resource: str, builtin: Mapping[str, str]) -> str | None:
    """Return which built-in server a resource belongs to, as its own or as an address beneath it, or None.

    `builtin` maps their slugs to their resources. All are in the canonical spelling.
    """
    return next((slug for slug, own in builtin.items() if f"{resource}/".startswith(f"{own}/")), None)


def unusable(server: Server, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return those of the `wanted` words, sorted, that are malformed or that no scope of `server` covers."""
    known = server.words()
    return tuple(word for word in sorted(wanted) if _malformed(word) or not words.satisfied(known, word))


def _malformed(word: str) -> str | None:
    try:
        words.word(word)
    except ScopeError as error:
        return str(error)
    return None


def _scope_problems(server: Server) -> list[str]:
    found: list[str] = []
    for scope in server.scopes:
        trouble = _malformed(scope.word)
        if trouble is not None:
            found.append(f"scope {scope.word!r}: {trouble}")
        if scope.word in words.RESERVED:
            found.append(f"scope {scope.word!r} is reserved by OpenID Connect; choose another word")
    if len(server.words()) != len(server.scopes):
        found.append("a scope is named twice")
    found.extend(
        f"a server can ask for {', '.join(sorted(ASKS.values()))}, and not for {word!r}"
        for word in sorted(server.may_ask - frozenset(ASKS.values()))
    )
    found.extend(
        f"default scope {word!r} is not a scope of {server.slug}; add it first"
        for word in sorted(server.default_scopes - server.words())
    )
    found.extend(
        f"first-use scope {word!r} is not a scope of {server.slug}; add it first"
        for word in sorted(server.first_use - server.words())
    )
    if server.builtin and server.first_use:
        found.append(f"{server.slug} is built in: no client that registers itself reaches it")
    return found


def _tool_problems(server: Server) -> list[str]:
    found: list[str] = []
    for tool in server.tools:
        if not tool.name or len(tool.name) > 256 or not tool.name.isprintable():
            found.append(f"{tool.kind} name {tool.name!r} must be 1 to 256 printable characters")
        if tool.read_only and tool.destructive:
            found.append(f"{tool.kind} {tool.name!r} cannot both read only and destroy")
        if not tool.needs:
            found.append(f"{tool.kind} {tool.name!r} needs at least one scope")
        found.extend(
            f"{tool.kind} {tool.name!r} needs {word!r}, which is not a scope of {server.slug}; add it first"
            for word in unusable(server, tool.needs)
        )
    if len({(tool.kind, tool.name) for tool in server.tools}) != len(server.tools):
        found.append("a tool, resource or prompt is named twice")
    return found
