"""Accredit under test: a real server process on a real database, as the token figures need it."""

from contextlib import AbstractContextManager
from typing import Literal

from bench.running import Running, Unavailable

Database = Literal["sqlite", "postgresql"]


def start_accredit(core: int, database: Database) -> AbstractContextManager[Running]:
    """Run Accredit on `core` (`bench.processes.pinned` around its start) until the block ends. Raises Unavailable.

    One server with one tool scope, at least one agent with a secret and one with a key, each with a role that has the
    scope. SQLite: a file under build/, synchronous=FULL. PostgreSQL: `accredit.testing.postgres`, fsync on, on the same
    core; its processes are `db_pids`. Logging, metrics, limits and tracing as they are by default. `audited` counts the
    tokens in the audit, so that a round can tell that each of its tokens is there.
    """
    raise Unavailable(f"the server cannot be started for a bench yet (on {database}, core {core})")
