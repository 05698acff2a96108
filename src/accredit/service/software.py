"""The emergency brake for a software: every client of it, registered whenever, until the denial is lifted.

Nodes know what is denied and issue nothing. What was issued before dies by the handles that guards know already, those
of the clients: all of them are revoked with the denial, in its transaction, which is drawn anew when anything has
changed in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accredit.identity.changes import DenySoftware, LiftSoftware, Signal, SignalKind
from accredit.identity.client import ClientKind
from accredit.identity.denial import SoftwareDenial
from accredit.identity.holder import Holder, HolderKind
from accredit.identity.principal import Principal
from accredit.identity.software import Software
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.service.changes import Changes
from accredit.service.leases import Leases
from accredit.service.problem import Crossed, Problem, ProblemCode

HANDLE: Final = "software"
"""What the signal is about after which nodes read anew which software is denied."""

_KINDS: Final = {ClientKind.AGENT: HolderKind.AGENT, ClientKind.APPLICATION: HolderKind.APPLICATION}


@dataclass(frozen=True, slots=True)
class Concerned:
    """Whom the denial of a software stops: its clients, and the servers (slugs) on which they hold roles now.

    `guards` is how many processes of guards live in front of those servers.
    """

    clients: tuple[Holder, ...]
    servers: tuple[str, ...]
    guards: int


class SoftwareDenials:
    """Denies software and lifts that again. Nodes and guards hear of it at once."""

    def __init__(self, changes: Changes, clients: Clients, leases: Leases) -> None:
        self._changes = changes
        self._clients = clients
        self._leases = leases

    def all(self) -> tuple[SoftwareDenial, ...]:
        """Return what is denied now, by id and version."""
        return self._changes.directory.denied_software

    async def concerned(self, software: Software) -> Concerned:
        """Return whom a denial would stop, as things are now."""
        found = await self._clients.of_software(software)
        servers = self._servers(found)
        names = sorted(server.slug for server in self._changes.directory.servers() if server.id in servers)
        holders = tuple(sorted(Holder(_KINDS[one.client.kind], one.client.slug) for one in found))
        return Concerned(holders, tuple(names), await self._guards(servers))

    async def deny(self, software: Software, reason: str, by: str) -> SoftwareDenial:
        """Let no client of a software get a token, or use one it has, until it is lifted. Raises Problem."""
        denial = SoftwareDenial(software, self._changes.clock.now(), by, reason)
        told = f"software {software.render()} denied to everybody" + (f": {reason}" if reason else "")
        event = self._changes.event("emergency.deny", software.id, by, told)

        async def drawn() -> Outcome[None]:
            found = await self._clients.of_software(software)
            revoked = (Signal(SignalKind.REVOKED, one.client.id) for one in found)
            heard = (*revoked, Signal(SignalKind.ROLES, HANDLE))
            return Outcome(None, (), (DenySoftware(denial),), (event,), heard)

        await self._changes.settle(drawn, _overtaken(software))
        return denial

    async def lift(self, software: Software, by: str) -> None:
        """Take a denial back: its clients get tokens again. Raises Problem when there is no such denial."""
        if not any(one.software == software for one in self.all()):
            raise Problem(ProblemCode.NOT_FOUND, f"software {software.render()} is not denied")
        event = self._changes.event("emergency.lift", software.id, by, f"software {software.render()} denied no longer")
        heard = (Signal(SignalKind.ROLES, HANDLE),)
        outcome = Outcome(None, (), (LiftSoftware(software),), (event,), heard)
        await self._changes.commit(outcome, _overtaken(software))

    def _servers(self, found: Iterable[Principal]) -> frozenset[str]:
        now, directory = self._changes.clock.now(), self._changes.directory
        held = (item for one in found for item in directory.held(one) if item.counts(now))
        return frozenset(server for item in held for server in item.role.scopes)

    async def _guards(self, servers: frozenset[str]) -> int:
        now, count, after = self._changes.clock.now(), 0, ""
        alive = [lease.guard for lease in await self._leases.all() if lease.lives(now)]
        while alive and (page := await self._clients.guards(after, 200)):
            concerned = {one.client.id for one in page if one.client.servers & servers}
            count += sum(guard in concerned for guard in alive)
            after = page[-1].client.slug
        return count


def _overtaken(software: Software) -> Crossed:
    text = f"too much changed at once to settle what becomes of {software.render()}; do it again"
    return Crossed(ProblemCode.STALE, text)
