"""The schema of files: every member that one may have, how it is read, what it means. All problems are told at once.

A reader takes a value and where it stands, notes what is wrong, and returns what it means; what it returns after a
complaint is of no use.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from accredit.identity import software, times
from accredit.identity.application import ClientType
from accredit.identity.credential import resembles
from accredit.identity.holder import HolderKind, parse
from accredit.identity.manifest import VERSION, Manifest, Offer, Path
from accredit.identity.slug import slug
from accredit.identity.spelling import suggestion
from accredit.identity.state import State
from accredit_sdk import resource, scopes
from accredit_sdk.decision import Mode
from accredit_sdk.methods import ASKS
from accredit_sdk.policy import Visibility

LONGEST_NAME: Final = 200
"""Characters in a name for people."""

LONGEST_TEXT: Final = 1000
"""Characters in a description or a purpose."""

LONGEST_LIST: Final = 1000
"""Members in a list."""

MOST_PROBLEMS: Final = 100
"""How many problems are told of one file."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a file: where it stands, and what to do about it."""

    path: Path
    text: str


class Findings:
    """What was found so far."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def add(self, path: Path, text: str) -> None:
        """Note one more problem."""
        self._found.append(Finding(path, text))

    def all(self) -> tuple[Finding, ...]:
        """Return what was found, in its order, and not more than anybody would read."""
        return tuple(self._found[:MOST_PROBLEMS])


Read = Callable[[Any, Path, Findings], Any]
"""A reader; it may also raise ValueError, which is noted where the value stands."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member that an entry may have; `about` is for people, in Markdown."""

    read: Read
    about: str


def read(document: object) -> tuple[Manifest, tuple[Finding, ...]]:
    """Return what a file wants, and everything that is wrong with it; a file with a problem must not be used."""
    findings = Findings()
    found = _members(document, (), findings, FILE)
    if isinstance(document, Mapping) and "accredit" not in document:
        findings.add((), f"`accredit: {VERSION}` is missing: the version of the schema that this file is written in")
    found.pop("accredit", None)
    return Manifest(**found), findings.all()


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return the sentence about a name that is not known, with the one that was probably meant."""
    return f"there is no {what} called {name[:80]!r}{suggestion(name, known)}"


def _members(value: object, path: Path, findings: Findings, known: Mapping[str, Member]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in _mapping(value, path, findings).items():
        member = known.get(name)
        if member is None:
            findings.add((*path, name), f"is not known here{suggestion(name, known)}")
        else:
            found[name] = _one(item, (*path, name), findings, member.read)
    return found


def _one(value: object, path: Path, findings: Findings, reader: Read) -> Any:
    try:
        return reader(value, path, findings)
    except ValueError as error:
        findings.add(path, str(error))
        return None


def _mapping(value: object, path: Path, findings: Findings) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if value is None:
        findings.add(path, "is empty: write {} for nothing, or leave it out to leave it alone")
    else:
        findings.add(path, "must hold members, each with its name and a colon")
    return {}


def _keyed(key: Callable[[str], object], inner: Read) -> Read:
    """Return a reader of a mapping with names of one kind."""

    def reader(value: object, path: Path, findings: Findings) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, item in _mapping(value, path, findings).items():
            where = (*path, name)
            _one(name, where, findings, lambda text, _path, _findings: key(text))
            found[name] = _one(item, where, findings, inner)
        return found

    return reader


def _entry(known: Mapping[str, Member]) -> Read:
    def reader(value: object, path: Path, findings: Findings) -> dict[str, Any]:
        return _members(value, path, findings, known)

    return reader


def _version(value: object, _path: Path, _findings: Findings) -> None:
    if type(value) is not int or value != VERSION:
        raise ValueError(f"must be {VERSION}: this release reads no other schema")


def _text(value: object, longest: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("must be text: put it in quotes")
    text = value.strip()
    if len(text) > longest or not text.isprintable():
        raise ValueError(f"must be one line of at most {longest} visible characters")
    if resembles(text):
        raise ValueError("looks like a secret or a token; a file never holds one")
    return text


def _name(value: object, _path: Path, _findings: Findings) -> str:
    return _text(value, LONGEST_NAME)


def _sentence(value: object, _path: Path, _findings: Findings) -> str:
    return _text(value, LONGEST_TEXT)


def _owner(value: object, _path: Path, _findings: Findings) -> str:
    text = _text(value, LONGEST_NAME)
    if not text:
        raise ValueError("somebody owns it: say whose it is")
    return text


def _plain(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text: put it in quotes")
    return value


def _software(value: object, _path: Path, _findings: Findings) -> str:
    return software.text("" if value is None else _plain(value))


def _member(value: Any) -> str:
    found = parse(_plain(value))
    if found.kind is HolderKind.GROUP:
        raise ValueError("a group cannot be in a group: name agents, and applications like app:NAME")
    return found.render()


def _resource(value: object, _path: Path, _findings: Findings) -> str:
    return resource.canonical(_text(value, resource.LONGEST))


def _flag(value: object, _path: Path, _findings: Findings) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _choice(*words: str) -> Callable[[Any], str]:
    def choose(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            meant = suggestion(value, words) if isinstance(value, str) else ""
            raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}{meant}")
        return value

    return choose


_STATES: Final = _choice(State.ACTIVE.value, State.SUSPENDED.value)
_TYPES: Final = _choice(*(one.value for one in ClientType))
_MODES: Final = _choice(Mode.ENFORCE.value, Mode.OBSERVE.value)
_VISIBILITIES: Final = _choice(*(one.value for one in Visibility))
_ASKS: Final = _choice(*sorted(ASKS.values()))


def _state(value: object, _path: Path, _findings: Findings) -> State:
    return State(_STATES(value))


def _type(value: object, _path: Path, _findings: Findings) -> ClientType:
    return ClientType(_TYPES(value))


def _mode(value: object, _path: Path, _findings: Findings) -> Mode:
    return Mode(_MODES(value))


def _visibility(value: object, _path: Path, _findings: Findings) -> Visibility:
    return Visibility(_VISIBILITIES(value))


def _end(value: object, _path: Path, _findings: Findings) -> int | None:
    if value == "never":
        return None
    if not isinstance(value, str):
        raise ValueError("must be a time like 2026-12-31T23:59:59Z, or never")
    return times.parse(value)


def _scope(value: Any) -> str:
    return scopes.word(_plain(value))


def _set_of(item: Callable[[Any], str]) -> Read:
    def reader(value: object, path: Path, findings: Findings) -> frozenset[str]:
        if not isinstance(value, list) or len(value) > LONGEST_LIST:
            raise ValueError(f"must be a list, like [one, two], of at most {LONGEST_LIST}")
        found: set[str] = set()
        for place, one in enumerate(value):
            word = _one(one, (*path, str(place)), findings, lambda given, _path, _findings: item(given))
            if word in found:
                findings.add((*path, str(place)), "is named twice")
            found.add(word)
        return frozenset(found)

    return reader


def _offered(name: str) -> None:
    if not name or len(name) > 256 or not name.isprintable():
        raise ValueError("a name is 1 to 256 visible characters")


def _offer(value: object, path: Path, findings: Findings) -> Offer:
    return Offer(**_members(value, path, findings, OFFER))


def _carried(value: object, path: Path, findings: Findings) -> dict[str, frozenset[str]]:
    found = _keyed(slug, _set_of(_scope))(value, path, findings)
    return {server: words for server, words in found.items() if words}


def _until(value: object, path: Path, findings: Findings) -> int | None:
    end: int | None = _members(value, path, findings, ASSIGNMENT).get("until")
    return end


OFFER: Final[Mapping[str, Member]] = {
    "needs": Member(_set_of(_scope), "the scopes that a call needs, all of them; at least one"),
    "description": Member(_sentence, "what it does, in plain words"),
    "read_only": Member(_flag, "`true`: it only reads"),
    "destructive": Member(_flag, "`true`: it destroys something"),
    "visibility": Member(
        _visibility, "`show`, `hide` or `conceal`: what callers without the scopes see of it; left out: `show`"
    ),
}
"""What a tool, a resource or a prompt may say."""

SERVER: Final[Mapping[str, Member]] = {
    "resource": Member(_resource, "its canonical address, the audience of its tokens; a new server needs one"),
    "name": Member(_name, "its name for people; a new one without it is called by its slug"),
    "state": Member(_state, "`active` or `suspended`"),
    "mode": Member(_mode, "`enforce`, or `observe`: what lacks scopes is let through and recorded; see its howto"),
    "may_ask": Member(_set_of(_ASKS), "what it may ask its clients for: `elicitation`, `roots`, `sampling`"),
    "default_scopes": Member(_set_of(_scope), "the scopes that clients get who ask for none"),
    "first_use": Member(
        _set_of(_scope), "the scopes that a client may have that registered itself, until it is approved"
    ),
    "scopes": Member(
        _keyed(scopes.word, _sentence), "its scopes, each with what it lets a client do, in plain words"
    ),
    "tools": Member(_keyed(_offered, _offer), "its tools by name"),
    "resources": Member(_keyed(_offered, _offer), "its resources by URI or URI template"),
    "prompts": Member(_keyed(_offered, _offer), "its prompts by name"),
}  # fmt: skip
"""What a server may say."""

ROLE: Final[Mapping[str, Member]] = {
    "name": Member(_name, "its name for people"),
    "scopes": Member(_carried, "what it carries: by server, a list of scopes"),
}
"""What a role may say."""

ASSIGNMENT: Final[Mapping[str, Member]] = {
    "until": Member(_end, "when it ends, like `2026-12-31T23:59:59Z`; left out, or `never`: it has no end"),
}
"""What the assignment of a role may say; `{}` has no end."""

AGENT: Final[Mapping[str, Member]] = {
    "owner": Member(_owner, "whose agent it is; a new agent needs one"),
    "name": Member(_name, "its name for people"),
    "sponsor": Member(_name, "who answers for it"),
    "purpose": Member(_sentence, "what it is for"),
    "expires": Member(_end, "when it ends, like `2026-12-31T23:59:59Z`, or `never`"),
    "state": Member(_state, "`active` or `suspended`"),
    "roles": Member(_keyed(slug, _until), "the roles that it holds itself, by name"),
}
"""What an agent may say."""

APPLICATION: Final[Mapping[str, Member]] = {
    "owner": Member(_owner, "whose application it is; a new one needs one"),
    "name": Member(_name, "its name for people"),
    "purpose": Member(_sentence, "what it is for"),
    "type": Member(_type, "`confidential` or `public`; left out: `confidential`. It never changes"),
    "redirect_uris": Member(_set_of(_plain), "where people come back to it; a public one needs one"),
    "software_id": Member(_software, "the software that it is an installation of (RFC 7591, 2)"),
    "software_version": Member(_software, "the version of that software"),
    "expires": Member(_end, "when it ends, like `2026-12-31T23:59:59Z`, or `never`"),
    "state": Member(_state, "`active` or `suspended`"),
    "roles": Member(_keyed(slug, _until), "the roles that it holds itself, by name"),
}
"""What an application may say."""

GROUP: Final[Mapping[str, Member]] = {
    "name": Member(_name, "its name for people"),
    "roles": Member(_keyed(slug, _until), "the roles that whoever is in it has, by name"),
    "members": Member(_set_of(_member), "who is in it: agents by name, applications like `app:portal`"),
}
"""What a group may say."""

FILE: Final[Mapping[str, Member]] = {
    "accredit": Member(_version, f"the version of this schema: `{VERSION}`"),
    "servers": Member(_keyed(slug, _entry(SERVER)), "servers by slug"),
    "roles": Member(_keyed(slug, _entry(ROLE)), "roles by slug"),
    "agents": Member(_keyed(slug, _entry(AGENT)), "agents by slug"),
    "applications": Member(_keyed(slug, _entry(APPLICATION)), "applications by slug"),
    "groups": Member(_keyed(slug, _entry(GROUP)), "groups by slug"),
}
"""What a file may say."""
