"""Another master key for a database that no node runs on: composed like a node, and over before one starts."""

from pathlib import Path

from accredit import system
from accredit.app import VERSION
from accredit.config import Settings
from accredit.identity.sealing import MasterKey
from accredit.ports.clock import Clock
from accredit.service import deployment, master_key
from accredit.service.changes import Changes
from accredit.service.directory import Directory
from accredit.service.ids import Ids
from accredit.store import engines, migrate, readers, writer
from accredit.store.engines import Database


async def reseal(settings: Settings, by: str, target: Path | None = None) -> str:
    """Seal everything under a new master key, with no node running, and return one sentence about it.

    The key is in the data folder, or it is written to the new file `target` when it is configured. Whenever this is cut
    off, the database belongs to one of the two keys, and both are there. Raises what `node` does.
    """
    given, clock = _given(settings), system.SystemClock()
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
    return f"{count} keys are sealed under a new master key; {where}, and needed for backups of before."


def _adopted(settings: Settings, clock: Clock) -> Path:
    return system.adopt_master_key(settings.data, clock.now())


async def _sealed_anew(database: Database, clock: Clock, old: MasterKey, new: MasterKey, by: str) -> int:
    randomness = system.SystemRandomness()
    ids = Ids(clock, randomness)
    journal = await writer.open_journal(database, clock, randomness, chain=ids.new("chain"), version=VERSION)
    try:
        catalogue = readers.Catalogues(database)
        changes = Changes(Directory(catalogue, readers.Clients(database), clock), journal, ids, clock)
        return await master_key.reseal(changes, catalogue, old, new, randomness, by)
    finally:
        await journal.close()


def _given(settings: Settings) -> str | None:
    return settings.master_key.get_secret_value() if settings.master_key is not None else None
