"""Roles that carry what was used and nothing else, and the file that gives them in the place of those that are held."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from accredit.identity import times
from accredit.identity.holder import Holder, HolderKind
from accredit.identity.manifest import VERSION, Document, Noun, RoleShape, entry
from accredit.identity.needed import Line, Verdict
from accredit.identity.role import HeldRole
from accredit_sdk import scopes as words

PREFIX: Final = "suggested-"
"""What the slug of a new role begins with; the rest is made of what it carries."""

Scopes = Mapping[str, frozenset[str]]
"""What a role carries, by server."""

Ends = Mapping[int | None, Scopes]
"""What is to be held until which end (microseconds UTC); None: for good."""

_SECTIONS: Final = {HolderKind.AGENT: Noun.AGENT.section, HolderKind.APPLICATION: Noun.APPLICATION.section}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody is to hold until which end, by the slugs of servers, and the roles that stay as they are."""

    holder: Holder
    ends: Ends
    staying: Mapping[str, int | None]
    held: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A role for all who used the same. `known` is true for one that is there already. Holders have their ends."""

    slug: str
    scopes: Scopes
    known: bool
    holders: tuple[tuple[Holder, int | None], ...]


def wish(
    holder: Holder, held: Iterable[HeldRole], judged: Iterable[Line], slugs: Mapping[str, str], now: int
) -> Wish | None:
    """Return what `holder` is to hold by its own roles instead of what it holds; None for no call to go by.

    What a role carries on a server of which nothing is known stays, and nothing lasts longer than it does now. What a
    group gives for as long stays with the group: no file takes anybody out of one. `slugs` are those of servers, by id.
    """
    own = [item for item in held if item.through is None]
    known = [line for line in judged if line.verdict is not Verdict.UNSEEN]
    if not any(line.wanted for line in known):
        return None
    seen = {line.server for line in known}
    gone = [item for item in own if item.counts(now) and item.role.scopes.keys() & seen]
    wanted = [*_used(known), *_beside(gone, seen)]
    ends = defaultdict[int | None, dict[str, frozenset[str]]](dict)
    for end, server, word in wanted:
        if server in slugs:
            has = ends[end].get(slugs[server], frozenset())
            ends[end][slugs[server]] = words.smallest(has | {word})
    return Wish(
        holder,
        dict(ends),
        {item.role.slug: item.ends_at for item in own if item not in gone},
        {item.role.slug: item.ends_at for item in own},
    )


def proposals(wishes: Iterable[Wish], roles: Mapping[str, Scopes]) -> tuple[Proposal, ...]:
    """Return one role for each set of scopes, the one that most would hold first; `roles` are those there are."""
    found = defaultdict[frozenset[tuple[str, str]], list[tuple[Wish, int | None]]](list)
    for one in wishes:
        for end, scopes in one.ends.items():
            found[_flat(scopes)].append((one, end))
    known = {_flat(scopes): slug for slug, scopes in sorted(roles.items(), reverse=True) if scopes}
    made = [_proposal(flat, members, known, roles) for flat, members in found.items()]
    return tuple(sorted(made, key=lambda item: (-len(item.holders), item.slug)))


def document(wishes: Iterable[Wish], offered: Iterable[Proposal]) -> Document:
    """Return the file that makes the new roles and gives everybody theirs, in the place of what they hold now."""
    found = tuple(offered)
    given = defaultdict[Holder, dict[str, int | None]](dict)
    for item in found:
        for holder, end in item.holders:
            given[holder][item.slug] = _later(end, given[holder].get(item.slug, end))
    fresh = {item.slug: entry(RoleShape(item.slug, _title(item), item.scopes)) for item in found if not item.known}
    sections: dict[str, Document] = {section: {} for section in _SECTIONS.values()}
    for one in wishes:
        wanted = {**one.staying, **given.get(one.holder, {})}
        if wanted != one.held:
            roles = {slug: _until(end) for slug, end in sorted(wanted.items())}
            sections[_SECTIONS[one.holder.kind]][one.holder.slug] = {"roles": roles}
    used = {name: dict(sorted(section.items())) for name, section in sections.items() if section}
    return {"accredit": VERSION, **({Noun.ROLE.section: fresh} if fresh else {}), **used}


def _proposal(
    flat: frozenset[tuple[str, str]],
    members: list[tuple[Wish, int | None]],
    known: Mapping[frozenset[tuple[str, str]], str],
    taken: Collection[str],
) -> Proposal:
    scopes = defaultdict[str, set[str]](set)
    for server, word in flat:
        scopes[server].add(word)
    holders = tuple(sorted(((one.holder, end) for one, end in members), key=lambda item: item[0]))
    carried = {server: frozenset(found) for server, found in sorted(scopes.items())}
    return Proposal(known.get(flat) or _slug(flat, taken), carried, flat in known, holders)


def _slug(flat: frozenset[tuple[str, str]], taken: Collection[str]) -> str:
    """Return a slug that the same scopes always get, unless somebody has given it to others."""
    digest = hashlib.sha256("\n".join(f"{server} {word}" for server, word in sorted(flat)).encode()).hexdigest()
    return next(slug for length in range(8, len(digest)) if (slug := PREFIX + digest[:length]) not in taken)


def _title(item: Proposal) -> str:
    names = [holder.render() for holder, _ in item.holders]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"As used by {', '.join(names[:3])}{more}"


def _used(known: Iterable[Line]) -> Iterator[tuple[int | None, str, str]]:
    """Yield what calls needed, each for as long as the role lasts that gives it for longest, unless a group does."""
    for line in known:
        best = max(line.roles, key=_how_long, default=None)
        if line.wanted and (best is None or best.through is None):
            yield None if best is None else best.ends_at, line.server, line.scope


def _beside(gone: Iterable[HeldRole], seen: Collection[str]) -> Iterator[tuple[int | None, str, str]]:
    """Yield what the roles that go carry on other servers."""
    for item in gone:
        for server in item.role.scopes.keys() - seen:
            for word in item.role.scopes[server]:
                yield item.ends_at, server, word


def _flat(scopes: Scopes) -> frozenset[tuple[str, str]]:
    return frozenset((server, word) for server, found in scopes.items() for word in found)


def _how_long(item: HeldRole) -> tuple[bool, int, bool]:
    """Sort what lasts longest last, and of two that last as long the one of a group."""
    return item.ends_at is None, item.ends_at or 0, item.through is not None


def _later(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


def _until(end: int | None) -> Document:
    return {} if end is None else {"until": times.short(end)}
