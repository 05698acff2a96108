"""The services of a node, wired together: here alone a node names concrete classes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final
from urllib.parse import urlsplit

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from accredit import system
from accredit.config import Settings
from accredit.identity.management import MANAGEMENT_SCOPES
from accredit.identity.sealing import MasterKey
from accredit.jobs.bookkeeping import Bookkeeping
from accredit.jobs.census import TakeCensus
from accredit.jobs.checkpoints import Checkpointing
from accredit.jobs.clock import WatchClock
from accredit.jobs.deliveries import Deliver
from accredit.jobs.expiry import Expiry
from accredit.jobs.projection import Projecting
from accredit.jobs.retention import Retention
from accredit.jobs.rotation import Rotation
from accredit.jobs.runner import Job
from accredit.jobs.usage import LastUse
from accredit.jobs.warnings import Warn
from accredit.oauth.metadata import Endpoints
from accredit.ports.clock import Clock
from accredit.ports.fetch import Fetch
from accredit.ports.journal import Journal
from accredit.ports.randomness import Randomness
from accredit.service import deployment, readiness
from accredit.service.administrators import Administrators
from accredit.service.agents import Agents
from accredit.service.applications import Applications
from accredit.service.archives import Archives
from accredit.service.audit import Audit
from accredit.service.changes import Changes
from accredit.service.checkpoints import Checkpoints
from accredit.service.credentials import Credentials
from accredit.service.deliveries import Deliveries
from accredit.service.denials import Denials
from accredit.service.directory import Directory
from accredit.service.enrolment import EnrolmentService
from accredit.service.exports import Exports
from accredit.service.groups import Groups
from accredit.service.guard_feed import GuardFeed
from accredit.service.guard_records import GuardRecords
from accredit.service.guard_streams import GuardStreams
from accredit.service.guards import Guards
from accredit.service.ids import Ids
from accredit.service.introspection import Introspection
from accredit.service.keyring import Keyring
from accredit.service.keys import Keys
from accredit.service.leases import Leases
from accredit.service.management import Management
from accredit.service.manifests import Manifests
from accredit.service.memory import Memory
from accredit.service.projection import Projection
from accredit.service.questions import Questions
from accredit.service.readiness import ClockWatch, Readiness
from accredit.service.redaction import Redaction
from accredit.service.refusals import Refusals
from accredit.service.reindexing import Reindexing
from accredit.service.reports import Reports
from accredit.service.revocation import RevocationService
from accredit.service.roles import Roles
from accredit.service.sending import Sender
from accredit.service.servers import Servers
from accredit.service.signal_log import SignalLog
from accredit.service.signals import Signals
from accredit.service.software import SoftwareDenials
from accredit.service.standing import Standing
from accredit.service.throttle import Throttle
from accredit.service.token import TokenService
from accredit.service.usage import Usage
from accredit.service.warnings import Warnings
from accredit.service.webhooks import Webhooks
from accredit.store import migrate, readers, webhook_readers
from accredit.store.engines import Database
from accredit.telemetry import metrics
from accredit.telemetry.metrics import Metrics
from accredit.telemetry.traces import Traces
from accredit.web import guard, health, jwks, metadata, resource
from accredit.web import metrics as shown
from accredit.web.api import LocalDoor, Services, TokenDoor, management_api
from accredit.web.introspection import IntrospectionEndpoint
from accredit.web.local import local
from accredit.web.revocation import RevocationEndpoint
from accredit.web.site import site
from accredit.web.token import TokenEndpoint

VERSION: Final = version("accredit")
"""The version of this software."""

_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Node:
    """A running node: the application for everybody, the one of the local administrator, and what works behind."""

    public: ASGIApp
    admin: ASGIApp
    metrics: ASGIApp
    measures: Metrics
    journal: Journal
    directory: Directory
    streams: GuardStreams
    checkpoints: Checkpoints
    archives: Archives
    warnings: Warnings
    deliveries: Deliveries


class Parts:
    """The services of a node, wired together."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        journal: Journal,
        clock: Clock,
        randomness: Randomness,
        master: MasterKey,
        since: int,
        measures: Metrics,
    ) -> None:
        self.issuer, self.since, self.measures, self.database = settings.origin, since, measures, database
        self.settings = settings
        self.kind = "PostgreSQL" if settings.database_url else "SQLite"
        self.clock, self.ids, self.journal, self.master = clock, Ids(clock, randomness), journal, master
        self.oldest = settings.credential_days * _DAY
        self.catalogue, self.clients = readers.Catalogues(database), readers.Clients(database, self.oldest)
        self.directory = Directory(self.catalogue, self.clients, clock)
        self.log, kept, self.keyring = readers.AuditLog(database), readers.Checkpoints(database), Keyring(master)
        outside = system.CheckpointFolder.at(settings.checkpoints)
        self.checkpoints = Checkpoints(self.issuer, self.log, kept, journal, self.keyring, outside)
        self.exports = Exports(self.issuer, self.log, kept, clock)
        self.changes = Changes(self.directory, journal, self.ids, clock)
        self.tables = readers.SearchTables(database)
        self.projection = Projection(self.log, self.tables, journal)
        shelf = system.ArchiveFolder.at(settings.archive)
        self.archives = Archives(self.changes, self.exports, self.checkpoints, self.keyring, shelf)
        self.redaction = Redaction(self.changes, self.log, self.clients, master)
        self.keys = Keys(self.changes, master, randomness)
        self.guards = Guards(self.issuer, self.changes, self.clients, self.keyring)
        self.leases = Leases(readers.Leases(database), journal, clock)
        self.streams = GuardStreams(SignalLog(self.issuer, self.keyring), self.directory, self.guards)
        self.enrolment = EnrolmentService(self.changes, readers.Enrolments(database), self.clients, randomness)
        self.usage = Usage(journal, settings.node or system.host_name())
        held = readers.Credentials(database, self.oldest)
        self.credentials = Credentials(self.changes, held, self.usage, randomness)
        self.reports = Reports(readers.Reports(database, self.oldest), self.usage, clock)
        self.manifests = Manifests(self.changes, readers.Estates(database), randomness)
        self.watch = ClockWatch(clock, asyncio.get_running_loop().time)
        self.readiness = Readiness(
            {
                "writer": readiness.writer(journal),
                "signals": readiness.signals(self.directory),
                "schema": lambda: migrate.behind(database),
                "keys": readiness.keys(self.keyring),
                "disk": lambda: asyncio.to_thread(system.writable, settings.data),
                "clock": self.watch.probe,
            }
        )

    def tell(self, fetch: Fetch, randomness: Randomness) -> None:
        """Make what tells webhooks."""
        hooks, sender = webhook_readers.Webhooks(self.database), Sender(fetch, self.master)
        self.webhooks = Webhooks(self.changes, hooks, sender, self.master, randomness)
        self.deliveries = Deliveries(hooks, self.journal, sender, self.clock, randomness, self.measures)
        known = readers.Reports(self.database, self.oldest), self.leases, self.clients
        self.warnings = Warnings(hooks, *known, self.journal, self.ids, self.clock)

    def upkeep(self) -> tuple[Job, ...]:
        """Return the jobs that let go of what is over, and keep what was seen."""
        return (
            Expiry(self.keys, self.credentials, Memory(self.journal), self.warnings),
            Warn(self.warnings),
            Deliver(self.deliveries),
            Checkpointing(self.checkpoints),
            Projecting(self.projection),
            *([Retention(self.archives, days)] if (days := self.settings.keep_days) is not None else []),
            WatchClock(self.watch),
            TakeCensus(readers.Census(self.database, self.oldest), self.measures.ending),
            Rotation(self.keys, self.settings.key_days * _DAY),
            LastUse(self.usage),
            Bookkeeping(self.leases),
        )

    async def build(self) -> Node:
        """Load the state, furnish a new deployment, and return the node."""
        self.directory.observe_keys(self.keyring.refresh)
        await self.directory.load()
        await self.streams.begin(self.catalogue)
        await deployment.furnish(self.changes, self.keys, self.issuer)
        administration = management_api(self._services())
        self._watch()
        doors = self._public(administration), self._local(administration), shown.alone(self._metrics())
        works = self.journal, self.directory, self.streams, self.checkpoints, self.archives
        return Node(*(*doors, self.measures, *works, self.warnings, self.deliveries))

    def _watch(self) -> None:
        self.measures.watch("accredit_writer_waiting", "Changes that wait for the writer.", self.journal.waiting)
        self.measures.watch("accredit_signal_cursor", "The last signal applied here.", lambda: self.directory.cursor)
        told = "Seconds since the database confirmed that no signal was missed; above 1, nothing is decided on it."
        self.measures.watch("accredit_signals_unconfirmed_seconds", told, self.directory.unconfirmed)
        told = "Deliveries that wait for webhooks, as they were counted within the last minute."
        self.measures.watch("accredit_webhook_waiting", told, self.deliveries.waiting)
        self.measures.watch("accredit_guard_streams", "Streams over which guards hear signals.", self.streams.count)
        self.measures.watch("accredit_database_connections", "Connections to the database.", self.database.connections)

    def _metrics(self) -> Sequence[BaseRoute]:
        return shown.routes(self.measures, self.readiness, metrics.CONTENT_TYPE)

    def _local(self, administration: ASGIApp) -> ASGIApp:
        return local(LocalDoor(administration), [*health.routes(self.readiness, told=True), *self._metrics()])

    def _public(self, administration: ASGIApp) -> ASGIApp:
        prefix = urlsplit(self.issuer).path
        throttle = Throttle(self.clock)
        token = TokenService(self.issuer, self.changes, self.keyring, self.usage, throttle, self.since)
        known = self.directory, self.catalogue, self.streams.log
        feed = GuardFeed(self.issuer, *known, self.keyring, self.master, self.clock)
        records = GuardRecords(self.log, self.journal, self.clock, self.measures)
        heard = feed, self.streams, self.leases, records, self.keyring
        found = guard.GuardApi(self.issuer, self.issuer + "/token", self.enrolment, self.guards, *heard)
        introspection = Introspection(self.issuer, self.directory, self.keyring, self.clock)
        paths = Endpoints(token="/token", jwks="/jwks", revocation="/revoke", introspection="/introspect")  # noqa: S106  (a path)
        routes = [
            *metadata.routes(self.issuer, paths),
            *jwks.routes(prefix + "/jwks", self.keyring),
            *found.routes(prefix),
            IntrospectionEndpoint(introspection, self.guards).route(prefix + "/introspect"),
            *resource.routes(self.issuer, deployment.management_resource(self.issuer), MANAGEMENT_SCOPES),
            *health.routes(self.readiness, told=False),
            *(self._metrics() if self.settings.danger_public_metrics else ()),
        ]
        door = TokenDoor(administration, Management(self.issuer, self.changes, self.keyring))
        hot: dict[str, ASGIApp] = {
            prefix + "/token": TokenEndpoint(token, self.measures, Traces(), self.clock),
            prefix + "/revoke": RevocationEndpoint(
                RevocationService(self.issuer, self.changes, self.keyring, throttle, self.since)
            ),
        }
        return site(routes, hot, prefix, door)

    def _services(self) -> Services:
        administrators = Administrators(self.changes, self.clients)
        return Services(
            administrators=administrators,
            servers=Servers(self.changes),
            roles=Roles(self.changes, self.clients),
            agents=Agents(self.changes, self.clients, self.credentials),
            applications=Applications(self.changes, self.clients, self.credentials),
            groups=Groups(self.changes, self.clients),
            credentials=self.credentials,
            standing=Standing(self.changes),
            denials=Denials(self.changes),
            software=SoftwareDenials(self.changes, self.clients, self.leases),
            enrolment=self.enrolment,
            guards=self.guards,
            leases=self.leases,
            signals=Signals(self.changes, self.catalogue, self.leases),
            keys=self.keys,
            reports=self.reports,
            webhooks=self.webhooks,
            audit=Audit(self.tables, self.projection, self.exports, self.keyring),
            checkpoints=self.checkpoints,
            exports=self.exports,
            redaction=self.redaction,
            archives=self.archives,
            reindexing=Reindexing(self.changes, self.tables),
            manifests=self.manifests,
            questions=Questions(self.issuer, self.directory, self.clients, administrators, self.clock),
            directory=self.directory,
            clients=self.clients,
            answers=readers.Answers(self.database),
            refusals=Refusals(self.changes),
            clock=self.clock,
            issuer=self.issuer,
            database=self.kind,
            version=VERSION,
        )
