"""The emergency brake: deny a tool or a whole server to everybody, above all roles, until it is lifted."""

from accredit.identity import announcing
from accredit.identity.changes import Announce, Deny, Lift, Signal, SignalKind, Write
from accredit.identity.denial import Denial
from accredit.identity.server import Server
from accredit.oauth.outcome import Outcome
from accredit.service.changes import Changes
from accredit.service.problem import Problem, ProblemCode, crossed, not_found
from accredit_sdk.policy import WHOLE


class Denials:
    """Denies and lifts. The guards of the server hear of it at once."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def deny(self, slug: str, target: tuple[str, str], reason: str, by: str) -> Server:
        """Let nobody use `target` (a kind and a name, or WHOLE) of a server until it is lifted. Raises Problem."""
        server = self._server(slug)
        kind, name = target
        denial = Denial(server.id, kind, name, self._changes.clock.now(), by, reason)
        told = f"{_named(slug, target)} denied to everybody" + (f": {reason}" if reason else "")
        return await self._write(server, target, Deny(denial), "emergency.deny", by, told)

    async def lift(self, slug: str, target: tuple[str, str], by: str) -> Server:
        """Take a denial back. Raises Problem when there is none."""
        server = self._server(slug)
        if not any(denial.target == target for denial in server.denied):
            raise Problem(ProblemCode.NOT_FOUND, f"{_named(slug, target)} is not denied")
        kind, name = target
        told = f"{_named(slug, target)} denied no longer"
        return await self._write(server, target, Lift(server.id, kind, name), "emergency.lift", by, told)

    def _server(self, slug: str) -> Server:
        found = self._changes.directory.server(slug)
        if found is None:
            raise not_found("server", slug)
        if found.builtin:
            raise Problem(ProblemCode.FORBIDDEN, f"{slug} is built in and cannot be denied")
        return found

    async def _write(
        self, server: Server, target: tuple[str, str], write: Write, action: str, by: str, told: str
    ) -> Server:
        ids, now, denied = self._changes.ids, self._changes.clock.now(), isinstance(write, Deny)
        named = _named(server.slug, target)
        said = announcing.braked(ids.new("event"), server.id, server.slug, named, by, now, denied=denied)
        event = self._changes.event(action, server.id, by, told, server.id)
        heard = (Signal(SignalKind.POLICY, server.id),)
        await self._changes.commit(
            Outcome(None, (), (write, Announce(said)), (event,), heard), crossed("server", server.slug)
        )
        return self._changes.directory.server(server.slug) or server


def _named(slug: str, target: tuple[str, str]) -> str:
    return slug if target == WHOLE else f"{target[0]} {target[1]} of {slug}"
