"""How many tokens the durable audit knows of, asked of the database itself, not of the server."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import asyncpg

_SINCE = (
    "SELECT count(*), coalesce(max(seq), 0) FROM audit_records"
    " WHERE chain = (SELECT min(number) FROM audit_chains) AND seq > {seq} AND kind = 'token_issued'"
)


def counter(ask: Callable[[str], tuple[int, int]]) -> Callable[[], int]:
    """Return a function that counts the tokens in the server's own chain; each call reads only what is new.

    `ask` runs a statement on the database and returns its one row.
    """
    total = seq = 0

    def count() -> int:
        nonlocal total, seq
        more, newest = ask(_SINCE.format(seq=seq))
        total, seq = total + more, max(seq, newest)
        return total

    return count


def of_sqlite(file: Path) -> Callable[[], int]:
    """Count in an SQLite file."""

    def ask(statement: str) -> tuple[int, int]:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            tokens, newest = connection.execute(statement).fetchone()
            return tokens, newest

    return counter(ask)


def of_postgresql(url: str) -> Callable[[], int]:
    """Count in a PostgreSQL database."""

    async def fetch(statement: str) -> tuple[int, int]:
        connection = await asyncpg.connect(url)
        try:
            tokens, newest = await connection.fetchrow(statement)
            return tokens, newest
        finally:
            await connection.close()

    return counter(lambda statement: asyncio.run(fetch(statement)))
