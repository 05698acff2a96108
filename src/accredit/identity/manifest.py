"""The state that files describe: servers, roles, clients and groups as whole values that know each other by slug alone.

A *manifest* says what somebody wants of it, member by member: what it does not say, it does not manage.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from accredit.identity import times
from accredit.identity.application import ClientType
from accredit.identity.server import TargetKind
from accredit.identity.state import State
from accredit_sdk.decision import Mode
from accredit_sdk.policy import Visibility

VERSION: Final = 1
"""The version of the file's schema, which its member `accredit` names."""

Path = tuple[str, ...]
"""Where something stands in a file: the names of the members that lead to it."""

Document = dict[str, Any]
"""What a file holds: mappings, lists, texts, flags and numbers, as JSON has them."""

SECTIONS: Final = {TargetKind.TOOL: "tools", TargetKind.RESOURCE: "resources", TargetKind.PROMPT: "prompts"}
"""The member of a server that lists what it offers of each kind."""


class Noun(StrEnum):
    """What a file can name; the plural is its section."""

    SERVER = "server"
    ROLE = "role"
    AGENT = "agent"
    APPLICATION = "application"
    GROUP = "group"

    @property
    def section(self) -> str:
        """The member of the file that holds these nouns."""
        return f"{self.value}s"


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool, resource or prompt as files describe it."""

    needs: frozenset[str] = frozenset()
    description: str = ""
    read_only: bool = False
    destructive: bool = False
    visibility: Visibility = Visibility.SHOW


@dataclass(frozen=True, slots=True)
class ServerShape:
    """A server as files describe it. `scopes` maps words to descriptions.

    `mode` is ENFORCE or OBSERVE: a dry run enforces, and no file describes it.
    """

    slug: str
    resource: str = ""
    name: str = ""
    state: State = State.ACTIVE
    mode: Mode = Mode.ENFORCE
    may_ask: frozenset[str] = frozenset()
    default_scopes: frozenset[str] = frozenset()
    first_use: frozenset[str] = frozenset()
    scopes: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, Offer] = field(default_factory=dict)
    resources: Mapping[str, Offer] = field(default_factory=dict)
    prompts: Mapping[str, Offer] = field(default_factory=dict)

    def offers(self) -> Iterator[tuple[TargetKind, str, Offer]]:
        """Yield everything that the server offers, by kind and name."""
        for kind, section in SECTIONS.items():
            offered: Mapping[str, Offer] = getattr(self, section)
            yield from ((kind, name, offered[name]) for name in sorted(offered))


@dataclass(frozen=True, slots=True)
class RoleShape:
    """A role as files describe it. `scopes` maps the slugs of servers to words; none of the sets is empty."""

    slug: str
    name: str = ""
    scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentShape:
    """An agent as files describe it. `roles` maps slugs to the end of the assignment (microseconds UTC), or None."""

    slug: str
    owner: str = ""
    name: str = ""
    sponsor: str = ""
    purpose: str = ""
    expires: int | None = None
    state: State = State.ACTIVE
    roles: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApplicationShape:
    """An application as files describe it. `roles` maps slugs to the end of the assignment, or None.

    `software_id` is empty for an application that names none.
    """

    slug: str
    owner: str = ""
    name: str = ""
    purpose: str = ""
    type: ClientType = ClientType.CONFIDENTIAL
    redirect_uris: frozenset[str] = frozenset()
    expires: int | None = None
    state: State = State.ACTIVE
    roles: Mapping[str, int | None] = field(default_factory=dict)
    software_id: str = ""
    software_version: str = ""


@dataclass(frozen=True, slots=True)
class GroupShape:
    """A group as files describe it. `members` are agents and applications as `identity.holder` writes them."""

    slug: str
    name: str = ""
    roles: Mapping[str, int | None] = field(default_factory=dict)
    members: frozenset[str] = frozenset()


AnyShape = ServerShape | RoleShape | AgentShape | ApplicationShape | GroupShape
"""One noun as files describe it."""

ClientShape = AgentShape | ApplicationShape
"""What can be a member of a group."""

SHAPES: Final[Mapping[Noun, type[AnyShape]]] = {
    Noun.SERVER: ServerShape, Noun.ROLE: RoleShape, Noun.AGENT: AgentShape, Noun.APPLICATION: ApplicationShape,
    Noun.GROUP: GroupShape,
}  # fmt: skip
"""What each noun looks like; they are made and changed in this order, and removed in the other."""

Said = Mapping[str, Any]
"""The members of a shape that somebody named, by their names."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything that files can describe, by slug. `builtin` maps slugs of built-in servers to their resources."""

    servers: Mapping[str, ServerShape] = field(default_factory=dict)
    roles: Mapping[str, RoleShape] = field(default_factory=dict)
    agents: Mapping[str, AgentShape] = field(default_factory=dict)
    builtin: Mapping[str, str] = field(default_factory=dict)
    applications: Mapping[str, ApplicationShape] = field(default_factory=dict)
    groups: Mapping[str, GroupShape] = field(default_factory=dict)

    def of(self, noun: Noun) -> Mapping[str, AnyShape]:
        """Return the nouns of one kind."""
        found: Mapping[str, AnyShape] = getattr(self, noun.section)
        return found

    def alone(self, server: str) -> "Shape":
        """Return what somebody may know who administers that server (a slug) and nothing else."""
        return Shape({slug: shape for slug, shape in self.servers.items() if slug == server}, builtin=self.builtin)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file wants: members by slug, and None for a section that it does not have and so does not manage."""

    servers: Mapping[str, Said] | None = None
    roles: Mapping[str, Said] | None = None
    agents: Mapping[str, Said] | None = None
    applications: Mapping[str, Said] | None = None
    groups: Mapping[str, Said] | None = None

    def of(self, noun: Noun) -> Mapping[str, Said] | None:
        """Return the section of one kind."""
        found: Mapping[str, Said] | None = getattr(self, noun.section)
        return found


def document(shape: Shape) -> Document:
    """Return the file that describes `shape`: slugs alone, nothing generated, nothing secret, in one order."""
    sections = {noun.section: {slug: entry(one) for slug, one in sorted(shape.of(noun).items())} for noun in Noun}
    return {"accredit": VERSION, **sections}


def entry(shape: AnyShape, *, whole: bool = False) -> Document:
    """Return the entry of one noun in a file. `whole` also writes what a file leaves out because it is usual."""
    if isinstance(shape, ServerShape):
        return _server(shape, whole=whole)
    if isinstance(shape, RoleShape):
        return {"name": shape.name, "scopes": {name: sorted(words) for name, words in sorted(shape.scopes.items())}}
    ends = {slug: _assignment(end, whole=whole) for slug, end in sorted(shape.roles.items())}
    if isinstance(shape, GroupShape):
        return {"name": shape.name, "roles": ends, "members": sorted(shape.members)}
    told = {"expires": _end(shape.expires), "state": shape.state.value, "roles": ends}
    if isinstance(shape, ApplicationShape):
        own = {
            "type": shape.type.value,
            "redirect_uris": sorted(shape.redirect_uris),
            "software_id": shape.software_id,
            "software_version": shape.software_version,
        }
        return {"owner": shape.owner, "name": shape.name, "purpose": shape.purpose, **own, **told}
    return {"owner": shape.owner, "name": shape.name, "sponsor": shape.sponsor, "purpose": shape.purpose, **told}


def _server(shape: ServerShape, *, whole: bool) -> Document:
    found: Document = {
        "resource": shape.resource,
        "name": shape.name,
        "state": shape.state.value,
        "mode": shape.mode.value,
        "may_ask": sorted(shape.may_ask),
        "default_scopes": sorted(shape.default_scopes),
        "first_use": sorted(shape.first_use),
        "scopes": dict(sorted(shape.scopes.items())),
    }
    sections: dict[str, Document] = {section: {} for section in SECTIONS.values()}
    for kind, name, offer in shape.offers():
        sections[SECTIONS[kind]][name] = _offer(offer, whole=whole)
    return found | sections


def _offer(offer: Offer, *, whole: bool) -> Document:
    usual = {"description": "", "read_only": False, "destructive": False, "visibility": Visibility.SHOW.value}
    found = {
        "description": offer.description,
        "read_only": offer.read_only,
        "destructive": offer.destructive,
        "visibility": offer.visibility.value,
    }
    told = {name: value for name, value in found.items() if whole or value != usual[name]}
    return {"needs": sorted(offer.needs), **told}


def _assignment(end: int | None, *, whole: bool) -> Document:
    return {"until": _end(end)} if whole or end is not None else {}


def _end(at: int | None) -> str:
    return "never" if at is None else times.short(at)
