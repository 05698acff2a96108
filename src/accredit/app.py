"""The composition root of a node: configuration → store → services → ASGI, and its running until it is told to end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing
from typing import Final

import uvloop

from accredit import system
from accredit.config import Settings
from accredit.identity.sealing import WrongMasterKey
from accredit.jobs.follow import Follow
from accredit.jobs.listen import Listen
from accredit.jobs.pulse import Pulse
from accredit.jobs.runner import Job, Runner
from accredit.outbound import fetch as outbound
from accredit.parts import VERSION, Node, Parts
from accredit.ports.clock import Clock
from accredit.ports.fetch import Fetch
from accredit.ports.journal import StoreError
from accredit.ports.randomness import Randomness
from accredit.service import deployment, modes
from accredit.service.diagnosis import Finding
from accredit.service.ids import Ids
from accredit.store import engines, migrate, readers, writer
from accredit.store.errors import DatabaseProblem
from accredit.store.on_postgresql import PostgresqlDatabase
from accredit.telemetry import logs
from accredit.telemetry.metrics import Metrics
from accredit.web import serve

CANNOT_START: Final = (
    system.DataFolderError,
    DatabaseProblem,
    deployment.WrongDeployment,
    StoreError,
    WrongMasterKey,
    serve.CannotListen,
    outbound.CannotTrust,
)
"""What keeps a node from starting; the text of each says what to do."""


@asynccontextmanager
async def node(
    settings: Settings,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    fetch: Fetch | None = None,
) -> AsyncIterator[Node]:
    """Open the store, check that it belongs to this configuration, and run a node until the block ends.

    Raises what is in CANNOT_START before anything is served. Only tests bring a clock, randomness or a fetch.
    """
    clock = clock or system.SystemClock()
    randomness = randomness or system.SystemRandomness()
    async with AsyncExitStack() as stack:
        system.prepare(settings.data)
        database = await engines.open(settings.database_url, settings.data)
        stack.push_async_callback(database.close)
        await migrate.up(database, settings.data)
        deployments = readers.Deployments(database)
        fresh = await deployments.read() is None
        master = system.master_key(settings.data, given_key(settings), create=fresh)
        spare = system.spare_master_key(settings.data)
        known = await deployment.check(deployments, settings.origin, master, clock.now(), spare)
        ids = Ids(clock, randomness)
        measures = Metrics()
        journal = await writer.open_journal(
            database, clock, randomness, chain=ids.new("chain"), version=VERSION, measures=measures
        )
        stack.push_async_callback(journal.close)
        parts = Parts(settings, database, journal, clock, randomness, master, known.epoch_at, measures)
        guarded = outbound.opened(settings.fetch_allow, settings.fetch_ca)
        parts.tell(fetch or stack.enter_context(guarded), randomness)
        built = await parts.build()
        stack.push_async_callback(parts.usage.close)
        runner = Runner(clock, measures)
        stack.push_async_callback(parts.checkpoints.finish, clock)
        stack.push_async_callback(parts.deliveries.close)
        stack.push_async_callback(runner.stop)
        stack.callback(built.streams.close)
        jobs: list[Job] = [Follow(built.directory), Pulse(built.streams), *parts.upkeep()]
        if isinstance(database, PostgresqlDatabase):
            jobs.append(Listen(readers.Notices(database), built.directory))
        runner.start(jobs)
        yield built


def given_key(settings: Settings) -> str | None:
    """Return the configured master key, None when it is in the data folder."""
    return settings.master_key.get_secret_value() if settings.master_key is not None else None


async def migrate_database(settings: Settings) -> str:
    """Bring the database to the newest schema and return one sentence about it. Raises DatabaseProblem."""
    system.prepare(settings.data)
    database = await engines.open(settings.database_url, settings.data)
    try:
        return await migrate.migrate(database, settings.data)
    finally:
        await database.close()


def run(settings: Settings, ready: Callable[[tuple[Finding, ...]], None]) -> None:
    """Serve until SIGINT or SIGTERM; call `ready` once the node answers, with what somebody should know.

    Raises what `node` does, and CannotListen.
    """
    logs.configure(settings.log)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_signalled(settings, ready))


async def _until_signalled(settings: Settings, ready: Callable[[tuple[Finding, ...]], None]) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await serving(settings, stop, lambda running: ready(modes.findings(running.directory.servers())))


async def serving(
    settings: Settings, stop: asyncio.Event, ready: Callable[[Node], None], clock: Clock | None = None
) -> None:
    """Serve until `stop` is set; call `ready` once the node answers. Only tests bring a clock of their own."""
    with ExitStack() as listeners:
        tcp = listeners.enter_context(closing(serve.listen(settings.host, settings.port)))
        address = settings.metrics_address
        apart = [] if address is None else [listeners.enter_context(closing(serve.listen(*address)))]
        async with node(settings, clock) as running:
            with closing(serve.listen_locally(settings.socket)) as unix:
                public, others = (
                    (running.public, tcp),
                    [(running.admin, unix), *((running.metrics, one) for one in apart)],
                )
                await serve.serve(public, others, settings.proxies, stop, lambda: ready(running), running.streams.close)
                settings.socket.unlink(missing_ok=True)
