"""Plans: what must change so that the present state becomes the wanted one, in an order that is safe."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from accredit.identity.manifest import AnyShape, Document, Manifest, Noun, Path, Shape, entry
from accredit.identity.schema import Finding
from accredit.identity.state import State
from accredit.identity.wanted import wanted

Leaf = str | int | bool | list[str] | None
"""What a single member of an entry holds; None: it is not there."""


class Verb(StrEnum):
    """What becomes of a noun."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One member, named as in the file, before and after."""

    path: Path
    before: Leaf
    after: Leaf


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one noun. `before` is None for one that is added, `after` for one that is removed.

    `takes` tells that something stops working: a noun goes or is suspended, or loses a tool, a scope or a role.
    """

    verb: Verb
    noun: Noun
    slug: str
    changes: tuple[Change, ...]
    takes: bool
    before: AnyShape | None
    after: AnyShape | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that happens, in its order: made and changed in the order of `Noun`, removed backwards."""

    steps: tuple[Step, ...] = ()

    def fingerprint(self) -> str:
        """Return a text that no other plan has: whoever shows it has seen exactly these steps."""
        seen = [
            (step.verb, step.noun, step.slug, [(change.path, change.before, change.after) for change in step.changes])
            for step in self.steps
        ]
        return hashlib.sha256(json.dumps(seen, separators=(",", ":")).encode("ascii")).hexdigest()

    def count(self, verb: Verb) -> int:
        """Return how many nouns it does this to."""
        return sum(step.verb is verb for step in self.steps)


def plan(current: Shape, manifest: Manifest, *, prune: bool) -> tuple[Plan, tuple[Finding, ...]]:
    """Return the way from `current` to what `manifest` wants, or what is wrong with that."""
    target, findings = wanted(current, manifest, prune=prune)
    return (Plan(), findings) if findings else (Plan(tuple(steps(current, target))), ())


def empowered(found: Plan) -> frozenset[str]:
    """Return the agents (slugs) that a plan lets work again, or for longer."""
    telling = (("state",), ("expires",))
    return frozenset(
        step.slug
        for step in found.steps
        if step.noun is Noun.AGENT and step.verb is Verb.CHANGE
        for change in step.changes
        if change.path in telling and change.after != State.SUSPENDED.value
    )


def applied(current: Shape, found: Plan) -> Shape:
    """Return what the steps of a plan make of the state that it was made for."""
    made: dict[str, dict[str, Any]] = {noun.section: dict(current.of(noun)) for noun in Noun}
    for step in found.steps:
        made[step.noun.section].pop(step.slug, None)
        if step.after is not None:
            made[step.noun.section][step.slug] = step.after
    return replace(current, **made)


def steps(current: Shape, target: Shape) -> Iterator[Step]:
    """Yield what turns `current` into `target`."""
    for noun in Noun:
        before, after = current.of(noun), target.of(noun)
        for slug in sorted(after):
            if before.get(slug) != after[slug]:
                yield _step(noun, slug, before.get(slug), after[slug])
    for noun in reversed(Noun):
        before, after = current.of(noun), target.of(noun)
        for slug in sorted(before.keys() - after.keys()):
            yield Step(Verb.REMOVE, noun, slug, (), True, before[slug], None)


def _step(noun: Noun, slug: str, before: AnyShape | None, after: AnyShape) -> Step:
    if before is None:
        made = (Change(path, None, value) for path, value in _leaves(entry(after, whole=True)))
        told = tuple(change for change in made if change.path[0] == "scopes" or change.after not in _USUAL)
        return Step(Verb.ADD, noun, slug, told, False, None, after)
    changes = tuple(_changes(dict(_leaves(entry(before, whole=True))), dict(_leaves(entry(after, whole=True)))))
    return Step(Verb.CHANGE, noun, slug, changes, any(map(_takes, changes)), before, after)


_USUAL: Final[tuple[Leaf, ...]] = ("", [], False, "show", "enforce")
"""What need not be said of something new."""


def _leaves(found: Document, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _changes(before: Mapping[Path, Leaf], after: Mapping[Path, Leaf]) -> Iterator[Change]:
    for path in _ordered(before, after):
        if before.get(path) != after.get(path):
            yield Change(path, before.get(path), after.get(path))


def _ordered(before: Iterable[Path], after: Iterable[Path]) -> list[Path]:
    """Return all paths, members in the order of the schema and what they hold by name."""
    places: dict[str, int] = {}
    for path in (*before, *after):
        places.setdefault(path[0], len(places))
    return sorted({*before, *after}, key=lambda path: (places[path[0]], path))


_LOSING: Final = frozenset(
    {"first_use", "members", "redirect_uris", "scopes", "roles", "tools", "resources", "prompts"}
)


def _takes(change: Change) -> bool:
    if change.path == ("state",):
        return change.after == State.SUSPENDED.value
    if change.path[0] not in _LOSING:
        return False
    if change.path[-1] != "needs" and isinstance(change.before, list) and isinstance(change.after, list):
        return bool(set(change.before) - set(change.after))
    return change.after is None
