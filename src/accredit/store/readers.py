"""The reading ports, over a database: one small class each, no decisions.

A text that cannot be stored is not there, and is not asked for; as part of a wider question it raises Unstorable.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from accredit.identity.agent import Agent
from accredit.identity.answer import KeptAnswer
from accredit.identity.application import Application
from accredit.identity.changes import NumberedSignal, Seal, StoredRecord
from accredit.identity.client import ClientKind
from accredit.identity.credential import Credential
from accredit.identity.estate import Estate
from accredit.identity.guard import Enrolment
from accredit.identity.lease import Lease
from accredit.identity.outlook import Holding
from accredit.identity.principal import Principal
from accredit.identity.report import Ending, Noticed
from accredit.identity.software import Software
from accredit.ports.audit_log import ChainEnd, Filter, Kept, Lag, OpenEnd, Waiting
from accredit.ports.catalogue import Catalogue
from accredit.ports.deployment import Deployment
from accredit.store import (
    agents,
    answers,
    applications,
    audit,
    checkpoints,
    clients,
    denials,
    deployment,
    enrolments,
    groups,
    keys,
    leases,
    reports,
    roles,
    servers,
    signals,
    storable,
    terms,
    uses,
)
from accredit.store.engines import Database
from accredit.store.on_postgresql import PostgresqlDatabase


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Implements `ports.catalogue.CatalogueStore`."""

    database: Database

    async def load(self) -> Catalogue:
        """Return the whole catalogue of one moment."""
        return await self.database.snapshot(_catalogue)

    async def signals(self, after: int, limit: int) -> tuple[NumberedSignal, ...]:
        """Return at most `limit` signals with a number above `after`, in order and without gaps."""
        return await self.database.look_up(lambda conn: signals.after(conn, after, limit))

    async def signals_about(self, handles: Sequence[str], after: int) -> tuple[NumberedSignal, ...]:
        """Return every signal about one of `handles` with a number above `after`, in order."""
        return await self.database.look_up(lambda conn: signals.about(conn, handles, after))

    async def signals_since(self, at: int) -> tuple[NumberedSignal, ...]:
        """Return every signal raised at or after `at` (microseconds UTC), in order."""
        return await self.database.read(lambda conn: signals.since(conn, at))


@dataclass(frozen=True, slots=True)
class Notices:
    """Implements `ports.notices.Notices`, on PostgreSQL: on SQLite there is no other node."""

    database: PostgresqlDatabase

    async def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` whenever there may be new signals, until the connection is lost. Raises StoreError."""
        await self.database.listen(signals.CHANNEL, heard)


@dataclass(frozen=True, slots=True)
class Leases:
    """Implements `ports.leases.LeaseStore`."""

    database: Database

    async def leases(self) -> tuple[Lease, ...]:
        """Return all that are kept."""
        return await self.database.read(leases.load)


@dataclass(frozen=True, slots=True)
class Clients:
    """Implements `ports.clients.Clients`. No credential works for more than `oldest` microseconds; 0 sets no limit."""

    database: Database
    oldest: int = 0

    async def principal(self, client_id: str) -> Principal | None:
        """Return the client that calls itself `client_id`, with what belongs to it; deleted ones are not found."""
        if not storable.possible(client_id):
            return None
        return self._aged(await self.database.look_up(lambda conn: clients.principal(conn, client_id)))

    async def by_slug(self, kind: ClientKind, slug: str) -> Principal | None:
        """Return the client of that kind and slug, with what belongs to it."""
        if not storable.possible(slug):
            return None
        return self._aged(await self.database.look_up(lambda conn: clients.by_slug(conn, kind, slug)))

    async def agent(self, client: str) -> Agent | None:
        """Return the agent whose client has the id `client`."""
        if not storable.possible(client):
            return None
        return await self.database.look_up(lambda conn: agents.one(conn, client))

    async def agents(self, after: str, limit: int) -> tuple[Agent, ...]:
        """Return at most `limit` agents whose slug sorts after `after`, by slug."""
        storable.check((after, limit))
        return await self.database.read(lambda conn: agents.page(conn, after, limit))

    async def application(self, client: str) -> Application | None:
        """Return the application whose client has the id `client`."""
        if not storable.possible(client):
            return None
        return await self.database.look_up(lambda conn: applications.one(conn, client))

    async def applications(self, after: str, limit: int) -> tuple[Application, ...]:
        """Return at most `limit` applications whose slug sorts after `after`, by slug."""
        storable.check((after, limit))
        return await self.database.read(lambda conn: applications.page(conn, after, limit))

    async def of_software(self, software: Software) -> tuple[Principal, ...]:
        """Return every client of the software, with what belongs to it, by kind and slug."""
        return await self.database.read(lambda conn: clients.of_software(conn, software))

    async def members(self, group: str) -> tuple[Principal, ...]:
        """Return every client in the group with that id, with what belongs to it, by kind and slug."""
        return self._all_aged(await self.database.read(lambda conn: clients.members(conn, group)))

    async def holders(self, role: str) -> tuple[Principal, ...]:
        """Return every client that holds the role with that id, also through a group, with what belongs to it."""
        return self._all_aged(await self.database.read(lambda conn: clients.holders(conn, role)))

    async def agents_with(self, roles: Sequence[str], after: str, limit: int) -> tuple[Principal, ...]:
        """Return at most `limit` agents that hold one of `roles` (ids), whose slug sorts after `after`, by slug."""
        storable.check((tuple(roles), after, limit))
        return self._all_aged(await self.database.read(lambda conn: clients.agents_with(conn, roles, after, limit)))

    async def guards(self, after: str, limit: int) -> tuple[Principal, ...]:
        """Return at most `limit` guards whose slug sorts after `after`, by slug."""
        storable.check((after, limit))
        return self._all_aged(await self.database.read(lambda conn: clients.guards(conn, after, limit)))

    def _aged(self, found: Principal | None) -> Principal | None:
        return found.aged(self.oldest) if found is not None else None

    def _all_aged(self, found: tuple[Principal, ...]) -> tuple[Principal, ...]:
        return tuple(one.aged(self.oldest) for one in found)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Implements `ports.credentials.Credentials`. None works for more than `oldest` microseconds; 0 sets no limit."""

    database: Database
    oldest: int = 0

    def aged(self, credential: Credential) -> Credential:
        """Return a credential that was just made as it will be read."""
        return credential.aged(self.oldest)

    async def of_client(self, client: str) -> tuple[Holding, ...]:
        """Return every credential that the client with the id `client` ever had, oldest first, with its use."""
        found = await self.database.read(lambda conn: uses.of_client(conn, client))
        return tuple(replace(one, credential=self.aged(one.credential)) for one in found)

    async def over(self, now: int, limit: int) -> tuple[Holding, ...]:
        """Return at most `limit` credentials whose time is over at `now` (microseconds UTC), and not ended yet."""
        return await self.database.read(lambda conn: uses.over(conn, now, limit))


@dataclass(frozen=True, slots=True)
class Reports:
    """Implements `ports.reports.Reports`. No credential works for more than `oldest` microseconds; 0 sets no limit."""

    database: Database
    oldest: int = 0

    async def ending(self, now: int, before: int, after: tuple[int, str, str], limit: int) -> tuple[Ending, ...]:
        """Return at most `limit` things that end after `now` and not after `before`, the first to end first."""
        storable.check((now, before, after, limit))
        return await self.database.read(lambda conn: reports.ending(conn, now, before, self.oldest, after, limit))

    async def unused(self, since: int, after: str, limit: int) -> tuple[Noticed, ...]:
        """Return at most `limit` clients that were there at `since` and got no token from then on."""
        storable.check((since, after, limit))
        return await self.database.read(lambda conn: reports.unused(conn, since, after, limit))

    async def orphans(self, after: str, limit: int) -> tuple[Noticed, ...]:
        """Return at most `limit` agents that nobody answers for."""
        storable.check((after, limit))
        return await self.database.read(lambda conn: reports.orphans(conn, after, limit))


@dataclass(frozen=True, slots=True)
class Estates:
    """Implements `ports.estates.Estates`."""

    database: Database

    async def read(self) -> Estate:
        """Return everything as it is at one moment, with the number of the last signal that it contains."""
        return await self.database.snapshot(_estate)


@dataclass(frozen=True, slots=True)
class Enrolments:
    """Implements `ports.enrolments.Enrolments`."""

    database: Database

    async def by_code(self, code_digest: bytes) -> Enrolment | None:
        """Return the enrolment with that code, taken or not, or None."""
        return await self.database.look_up(lambda conn: enrolments.by_code(conn, code_digest))


@dataclass(frozen=True, slots=True)
class Answers:
    """Implements `ports.answers.Answers`."""

    database: Database

    async def find(self, key: bytes) -> KeptAnswer | None:
        """Return what is kept under the key with that digest, or None."""
        return await self.database.look_up(lambda conn: answers.find(conn, key))


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Implements `ports.audit_log.AuditLog`."""

    database: Database

    async def chain_end(self, chain: str) -> ChainEnd | None:
        """Return the end of that chain, or None when nothing was ever written to it."""
        if not storable.possible(chain):
            return None
        return await self.database.look_up(lambda conn: audit.chain_end(conn, chain))

    async def chains(self) -> tuple[ChainEnd, ...]:
        """Return the ends of all chains."""
        return await self.database.read(audit.chain_ends)

    async def records(self, chain: str, after: int, limit: int) -> tuple[StoredRecord, ...]:
        """Return at most `limit` records of `chain` with a number above `after`, in order."""
        storable.check((chain, after, limit))
        return await self.database.read(lambda conn: audit.records(conn, chain, after, limit))

    async def open_ends(self) -> tuple[OpenEnd, ...]:
        """Return the ends of all chains that have grown since they were last closed."""
        return await self.database.read(audit.open_ends)

    async def links(self, places: Mapping[str, int]) -> Mapping[str, bytes]:
        """Return the link that the log has at a number of each chain; what is not there is left out."""
        storable.check(dict(places))
        return await self.database.read(lambda conn: audit.links(conn, places))


@dataclass(frozen=True, slots=True)
class SearchTables:
    """Implements `ports.audit_log.SearchTables`."""

    database: Database

    async def search(self, wanted: Filter, before: str | None, limit: int) -> tuple[tuple[str, StoredRecord], ...]:
        """Return at most `limit` records that match, newest first, each with the cursor to continue behind it."""
        storable.check((wanted, limit))
        return await self.database.read(lambda conn: terms.search(conn, wanted, before, limit))

    async def concerned(self, decision: str) -> tuple[str, ...]:
        """Return the ids of the servers about which something was recorded under the id of that decision."""
        return await self.database.read(lambda conn: terms.concerned(conn, decision))

    async def waiting(self, limit: int) -> tuple[Waiting, ...]:
        """Return at most `limit` chains of which the search tables do not know everything, our own first."""
        return await self.database.read(lambda conn: terms.waiting(conn, limit))

    async def emptying(self) -> bool:
        """Tell whether the search tables are being emptied."""
        return await self.database.read(terms.emptying)

    async def lag(self) -> Lag:
        """Return how far the search tables are behind the log."""
        return await self.database.read(terms.lag)

    async def begins(self) -> int | None:
        """Return when the oldest record of our own happened that can be found (microseconds UTC), None for none."""
        return await self.database.look_up(terms.begins)


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Implements `ports.audit_log.CheckpointLog`."""

    database: Database

    async def newest(self) -> Kept | None:
        """Return the last checkpoint, None when there is none."""
        return await self.database.look_up(checkpoints.newest)

    async def checkpoints(self, after: int, limit: int) -> tuple[Kept, ...]:
        """Return at most `limit` checkpoints with a number above `after`, in order."""
        return await self.database.read(lambda conn: checkpoints.after(conn, after, limit))

    async def seals(self, after: int, limit: int) -> tuple[Seal, ...]:
        """Return at most `limit` seals with a number above `after`, in order."""
        return await self.database.read(lambda conn: checkpoints.seals(conn, after, limit))

    async def seals_of(self, chain: str, first: int, last: int) -> tuple[Seal, ...]:
        """Return the seals of a chain from record `first` to `last`, of archives however far they go."""
        storable.check((chain, first, last))
        return await self.database.read(lambda conn: checkpoints.seals_of(conn, chain, first, last))


@dataclass(frozen=True, slots=True)
class Census:
    """Implements `ports.census.Census`. No credential works for more than `oldest` microseconds; 0 sets no limit."""

    database: Database
    oldest: int = 0

    async def ending(self, since: int, until: int) -> int:
        """Return how many credentials that still work end after `since` and not after `until` (microseconds UTC)."""
        return await self.database.read(lambda conn: reports.credentials_ending(conn, since, until, self.oldest))


@dataclass(frozen=True, slots=True)
class Deployments:
    """Implements `ports.deployment.Deployments`."""

    database: Database

    async def read(self) -> Deployment | None:
        """Return the row, or None in a database that was never started."""
        return await self.database.read(deployment.read)

    async def establish(self, wanted: Deployment) -> Deployment:
        """Write the row unless there is one; return the one that is stored now."""
        return await self.database.transact(lambda conn: deployment.establish(conn, wanted))


def _catalogue(conn: sa.Connection) -> Catalogue:
    return Catalogue(
        seq=signals.head(conn),
        servers=servers.load(conn),
        roles=roles.load(conn),
        keys=keys.load(conn),
        groups=groups.load(conn),
        barred=denials.load_software(conn),
    )


def _estate(conn: sa.Connection) -> Estate:
    return Estate(
        seq=signals.head(conn),
        servers=servers.load(conn),
        roles=roles.load(conn),
        agents=agents.everyone(conn),
        held=roles.held(conn),
        applications=applications.everyone(conn),
        groups=groups.load(conn),
        members=groups.memberships(conn),
        barred=denials.load_software(conn),
    )
