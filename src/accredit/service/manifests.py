"""What files say of servers, roles, clients and groups, compared with what there is, and made so in one transaction."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from accredit.identity.estate import Estate
from accredit.identity.management import Authority
from accredit.identity.manifest import Document, Manifest, Noun, Shape, document
from accredit.identity.plan import Plan, empowered, plan
from accredit.identity.schema import Finding, read
from accredit.oauth import redirect_uri
from accredit.ports.estates import Estates
from accredit.ports.randomness import Randomness
from accredit.service.applications import redirect_problems
from accredit.service.changes import Changes
from accredit.service.ids import Ids
from accredit.service.problem import Problem, ProblemCode
from accredit.service.settlement import Settlement

_ATTEMPTS: Final = 3
"""How often a plan is tried when something that does not concern it has changed meanwhile."""


class Faulty(Problem):
    """A file that cannot be meant so; `findings` names everything that is wrong with it."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(ProblemCode.INVALID, f"{len(findings)} things in the file cannot be meant so")
        self.findings = findings


class AboveOthers(Exception):
    """The plan gives power to an agent that holds an office: the local administrator alone may do that."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to apply, and the fingerprint of the plan that was seen."""

    document: Document
    prune: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Manifests:
    """Plans what a file wants, applies exactly that, and writes the file of what there is."""

    changes: Changes
    estates: Estates
    randomness: Randomness

    async def export(self) -> Document:
        """Return the file of everything that files can describe."""
        estate = await self.estates.read()
        # Ten thousand agents take a moment: not on the loop that tokens are waiting for.
        return await asyncio.to_thread(lambda: document(estate.shape()))

    async def plan(self, wanted: Document, *, prune: bool) -> Plan:
        """Return what applying the file would do now. Raises Faulty."""
        manifest = await asyncio.to_thread(_manifest, wanted)
        return await asyncio.to_thread(_planned, await self.estates.read(), manifest, prune=prune)

    async def alone(self, wanted: Document, server: str) -> tuple[Shape, Plan]:
        """Return what there is of one server (a slug), and the way to what the file wants, as if nothing else were.

        So nothing of what is said of it, not even that it cannot be meant so, tells what else there is. Raises Faulty.
        """
        manifest = await asyncio.to_thread(_manifest, wanted)
        shape = (await self.estates.read()).shape().alone(server)
        return shape, await asyncio.to_thread(_way, shape, manifest, prune=False)

    async def compared(self, wanted: Document, *, prune: bool = False) -> tuple[Estate, Shape, Plan]:
        """Return what there is, as stored and as files see it, and the way to what the file wants. Raises Faulty."""
        manifest = await asyncio.to_thread(_manifest, wanted)
        estate = await self.estates.read()
        return estate, estate.shape(), await asyncio.to_thread(_planned, estate, manifest, prune=prune)

    async def apply(self, wanted: Wanted, who: Authority) -> Plan:
        """Do what the plan with that fingerprint says, all or nothing, and return it.

        Raises Faulty, AboveOthers, and Problem when the plan would be another one now.
        """
        manifest = await asyncio.to_thread(_manifest, wanted.document)
        for _ in range(_ATTEMPTS):
            estate = await self.estates.read()
            found = await asyncio.to_thread(_planned, estate, manifest, prune=wanted.prune)
            if found.fingerprint() != wanted.fingerprint:
                raise _stale()
            if not found.steps:
                return found
            if not who.local and empowered(found) & estate.officers():
                raise AboveOthers
            outcome = await asyncio.to_thread(Settlement(self._apart(), estate, who.name).outcome, found)
            if await self.changes.attempt(outcome) is None:
                return found
        raise _stale()

    def _apart(self) -> Changes:
        """Return the same with a source of ids of its own: the other one belongs to the loop's thread."""
        return replace(self.changes, ids=Ids(self.changes.clock, self.randomness))


def _manifest(wanted: Document) -> Manifest:
    manifest, findings = read(wanted)
    if findings := findings or tuple(_redirects(wanted, manifest)):
        raise Faulty(findings)
    return manifest


def _redirects(wanted: Document, manifest: Manifest) -> Iterator[Finding]:
    """Yield what is wrong with the redirect URIs of a file that can be read otherwise."""
    for slug, said in (manifest.applications or {}).items():
        path = (Noun.APPLICATION.section, slug, "redirect_uris")
        uris = wanted[path[0]][slug].get(path[2], ()) if path[2] in said else ()
        if len(uris) > redirect_uri.MOST:
            yield Finding(path, f"an application has at most {redirect_uri.MOST} redirect URIs")
        yield from (Finding((*path, str(place)), text) for place, text in redirect_problems(uris))


def _planned(estate: Estate, manifest: Manifest, *, prune: bool) -> Plan:
    return _way(estate.shape(), manifest, prune=prune)


def _way(current: Shape, manifest: Manifest, *, prune: bool) -> Plan:
    found, findings = plan(current, manifest, prune=prune)
    if findings:
        raise Faulty(findings)
    return found


def _stale() -> Problem:
    text = "nothing was changed: something else has changed since this was planned; plan again, look, and apply that"
    return Problem(ProblemCode.STALE, text)
