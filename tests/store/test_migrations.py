"""A schema that has grown by migrations is the one that the code declares, and each migration keeps what is there."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from accredit.store import engines, migrate
from accredit.store.tables import metadata


def _differences(conn: sa.Connection) -> list[object]:
    def ours(_: object, name: str | None, kind: str, __: bool, ___: object) -> bool:
        return not (kind == "table" and name == "alembic_version")

    defaults = conn.dialect.name == "postgresql"  # SQLite tells an identity column as a default of its own
    options = {"compare_type": True, "compare_server_default": defaults, "include_object": ours}
    return list(compare_metadata(MigrationContext.configure(conn, opts=options), metadata))


async def test_a_migrated_database_has_the_schema_that_the_code_declares(engine_url: str, tmp_path: Path) -> None:
    url = None if engine_url.startswith("sqlite") else engine_url
    database = await engines.open(url, tmp_path)
    try:
        await migrate.migrate(database, tmp_path)
        assert await database.read(_differences) == []
        await migrate.check(database)
    finally:
        await database.close()
