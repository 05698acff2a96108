"""What is done to a database that no node runs on: looked at, verified, sealed under another master key."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from accredit import system
from accredit.app import CANNOT_START, given_key
from accredit.audit.verification import Report
from accredit.config import Settings
from accredit.identity.sealing import MasterKey
from accredit.identity.signing_key import KeyUse
from accredit.parts import VERSION
from accredit.ports.clock import Clock
from accredit.service import deployment, master_key, modes
from accredit.service.changes import Changes
from accredit.service.diagnosis import Finding, Level, about_issuer, look
from accredit.service.directory import Directory
from accredit.service.exports import Exports
from accredit.service.ids import Ids
from accredit.service.keyring import Keyring
from accredit.store import engines, migrate, readers, webhook_readers, writer
from accredit.store.engines import Database
from accredit.store.errors import StoreBusy


def verify_log(settings: Settings, outside: Iterable[bytes]) -> Report:
    """Verify the log in the database itself, while no node runs on it; `outside` are checkpoints kept elsewhere.

    Raises what keeps a node from starting.
    """
    return asyncio.run(_verify_log(settings, outside))


async def _verify_log(settings: Settings, outside: Iterable[bytes]) -> Report:
    database = await engines.open(settings.database_url, settings.data)
    try:
        await migrate.check(database)
        known = await readers.Deployments(database).read()
        master = system.master_key(settings.data, given_key(settings), create=False)
        if known is not None:
            deployment.compare(known, settings.origin, master)
        keyring = Keyring(master)
        keyring.refresh((await readers.Catalogues(database).load()).keys)
        log = readers.AuditLog(database)
        exports = Exports(settings.origin, log, readers.Checkpoints(database), system.SystemClock())
        return await exports.verify(keyring.verifying(KeyUse.CHECKPOINT), outside)
    finally:
        await database.close()


def doctor(settings: Settings) -> tuple[Finding, ...]:
    """Look at everything that a start depends on, change nothing, and tell what was found."""
    return asyncio.run(_look(settings))


async def _look(settings: Settings) -> tuple[Finding, ...]:
    if not settings.data.is_dir():
        text = f"there is no data folder {settings.data} yet"
        return (about_issuer(settings.origin), Finding(Level.WARN, text, "the first `accredit up` makes it"))

    relaxed: list[Finding] = []
    found = await look("the database", lambda: _look_at_database(settings, relaxed), CANNOT_START)

    async def folder() -> Finding:
        system.prepare(settings.data)
        if found is _UNUSED and not (settings.data / system.MASTER_KEY_FILE).exists():
            return Finding(Level.OK, f"the data folder {settings.data} is closed to others")
        system.master_key(settings.data, given_key(settings), create=False)
        return Finding(Level.OK, f"the data folder {settings.data} and the master key are closed to others")

    return (about_issuer(settings.origin), await look("the data folder", folder, CANNOT_START), found, *relaxed)


_UNUSED: Final = Finding(
    Level.WARN, "no node has run on the database yet", "the first `accredit up` makes the keys that are missing"
)


async def _look_at_database(settings: Settings, relaxed: list[Finding]) -> Finding:
    """Look at the database, and put into `relaxed` what is to be said of servers that do not enforce."""
    try:
        opened = await engines.open(settings.database_url, settings.data)
    except StoreBusy:
        return Finding(Level.OK, "a node is running on this data folder; stop it to have its database looked at, too")
    try:
        await migrate.check(opened)
        if (known := await readers.Deployments(opened).read()) is None:
            return _UNUSED
        master = system.master_key(settings.data, given_key(settings), create=False)
        deployment.compare(known, settings.origin, master, system.spare_master_key(settings.data))
        relaxed += modes.findings((await readers.Catalogues(opened).load()).servers)
    finally:
        await opened.close()
    return Finding(Level.OK, f"the database has schema {migrate.newest()} and belongs to this issuer and master key")


async def reseal(settings: Settings, by: str, target: Path | None = None) -> str:
    """Seal everything under a new master key, with no node running, and return one sentence about it.

    The key is in the data folder, or it is written to the new file `target` when it is configured. Whenever this is cut
    off, the database belongs to one of the two keys, and both are there. Raises what `node` does.
    """
    given, clock = given_key(settings), system.SystemClock()
    if (given is None) is not (target is None):
        text = "is configured: say where the new one goes, with --to" if given else "is in the data folder: no --to"
        raise system.DataFolderError(f"the master key {text}")
    system.prepare(settings.data)
    database = await engines.open(settings.database_url, settings.data)
    try:
        await migrate.check(database)
        found = await readers.Deployments(database).read()
        if found is None:
            raise deployment.WrongDeployment("no node has run on this database yet: there is nothing to seal anew")
        old, spare = system.master_key(settings.data, given, create=False), system.spare_master_key(settings.data)
        if given is None and deployment.fits(found, spare) and not deployment.fits(found, old):
            return f"The change that was cut off is finished; the old key is in {_adopted(settings, clock)}."
        deployment.compare(found, settings.origin, old)
        path = target or settings.data / system.NEXT_MASTER_KEY_FILE
        if target is None:
            path.unlink(missing_ok=True)
        count = await _sealed_anew(database, clock, old, system.new_master_key(path), by)
    finally:
        await database.close()
    where = f"the old one is in {_adopted(settings, clock)}" if target is None else f"configure what {path} holds"
    return f"{count} keys and secrets are sealed under a new master key; {where}, and needed for backups of before."


def _adopted(settings: Settings, clock: Clock) -> Path:
    return system.adopt_master_key(settings.data, clock.now())


async def _sealed_anew(database: Database, clock: Clock, old: MasterKey, new: MasterKey, by: str) -> int:
    randomness = system.SystemRandomness()
    ids = Ids(clock, randomness)
    journal = await writer.open_journal(database, clock, randomness, chain=ids.new("chain"), version=VERSION)
    try:
        catalogue = readers.Catalogues(database)
        changes = Changes(Directory(catalogue, readers.Clients(database), clock), journal, ids, clock)
        stores = catalogue, webhook_readers.Webhooks(database)
        return await master_key.reseal(changes, stores, old, new, randomness, by)
    finally:
        await journal.close()
