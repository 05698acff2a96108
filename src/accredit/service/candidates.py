"""The policy that a dry run compares with: what a file would make of one server, and of nothing else."""

import asyncio

from accredit.identity.management import Authority
from accredit.identity.manifest import Document, Noun
from accredit.identity.plan import Plan, applied
from accredit.identity.server import Server, Tool
from accredit.identity.wanted import server as described
from accredit.service.manifests import Manifests
from accredit.service.problem import Problem, ProblemCode


class Candidates:
    """Reads candidates."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests

    async def tools(self, server: Server, wanted: Document, who: Authority) -> tuple[Tool, ...]:
        """Return the tools that `server` would have once the file was applied, for `who`, who administers it.

        Raises Faulty, and Problem for a file that changes anything else. A file of somebody who does not see everything
        is read as if there were nothing else.
        """
        if who.sees_all():
            _, current, plan = await self._manifests.compared(wanted)
        else:
            current, plan = await self._manifests.alone(wanted, server.slug)
        odd = _others(plan, server)
        if odd is not None:
            text = f"the candidate of a dry run is about {server.slug} alone, and this changes the {odd}"
            more = "what changed roles would do, `accredit plan --replay` tells"
            raise Problem(ProblemCode.INVALID, f"{text}; {more}")
        shape = applied(current, plan).servers.get(server.slug)
        if shape is None:
            raise Problem(ProblemCode.FORBIDDEN, f"{server.slug} is built in and cannot be changed")
        return (await asyncio.to_thread(described, shape, server)).tools


def _others(plan: Plan, server: Server) -> str | None:
    """Return the first noun that a plan changes besides the server, None when there is none."""
    changed = ((step.noun, step.slug) for step in plan.steps)
    return next((f"{noun} {slug}" for noun, slug in changed if (noun, slug) != (Noun.SERVER, server.slug)), None)
