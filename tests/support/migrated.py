"""A new data folder whose database has its tables already: migrating one for each test would take most of their time.

What a first start does by itself is shown by tests/store/test_migrations.py and wherever a process is started.
"""

import asyncio
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from accredit.store import engines, migrate


def furnish(folder: Path) -> None:
    """Make the folder, and in it a database of the newest schema that holds nothing; what is there already stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / engines.FILE
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            written.write(_tables())


@cache
def _tables() -> bytes:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, _make(Path(folder))).result()
        return (Path(folder) / engines.FILE).read_bytes()


async def _make(folder: Path) -> None:
    database = await engines.open(None, folder)
    await migrate.up(database, folder)
    await database.close()
