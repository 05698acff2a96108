"""Searching a long audit log by each thing that one can ask for, and filling the search tables, on SQLite.

In process: a file with `AUDIT_SEARCH_ROWS` records (from the environment, 200,000 without it) is written and made
findable once per run, as the projection job does it; then every round asks for the newest fifty records by each filter
and for a page far behind. `search` is the 95th percentile of those questions in ms; `projection` is what a record costs
to be made findable, in µs of the clock: 200 are 5,000 a second.
"""

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import anyio

from accredit.audit import chain, terms
from accredit.audit.chain import Head
from accredit.audit.events import TokenIssued, TokenRefused
from accredit.identity.changes import IndexRecords, StoredRecord
from accredit.oauth.outcome import Outcome
from accredit.ports.audit_log import Filter
from accredit.store import audit, engines, migrate
from accredit.store import terms as tables
from accredit.store.committer import Committer
from accredit.store.on_sqlite import SqliteDatabase
from accredit.system import SystemClock, SystemRandomness

ROWS: Final = int(os.environ.get("AUDIT_SEARCH_ROWS", "200000"))
PAGE: Final = 250
CHAIN: Final = "chn_" + "0" * 26
START: Final = 1_800_000_000_000_000
CLIENTS: Final = 5000
SERVERS: Final = 50


@dataclass(frozen=True, slots=True)
class Filled:
    """The database, and what a record cost to be made findable (µs)."""

    database: SqliteDatabase
    projection: float


def measure(rows: int = ROWS, questions: int = 200) -> dict[str, tuple[float, None]]:
    """Return the 95th percentile of a search (ms), and the cost of the projection (µs per record)."""
    filled = _filled(rows)
    waits = sorted(_asked(filled.database, rows, questions))
    return {"search": (waits[int(len(waits) * 0.95)] * 1000, None), "projection": (filled.projection, None)}


@cache
def _filled(rows: int) -> Filled:
    folder = Path(tempfile.mkdtemp(prefix="audit-search-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return anyio.run(_fill, folder, rows)


async def _fill(folder: Path, rows: int) -> Filled:
    database = await engines.open(None, folder)
    if not isinstance(database, SqliteDatabase):
        raise TypeError("this measures SQLite")
    await migrate.up(database, folder)
    committer = Committer(SystemClock(), SystemRandomness(), Head("chn_" + "1" * 26), "bench")
    head, spent = Head(CHAIN), 0.0
    with database.writer.connect() as conn:
        for first in range(0, rows, PAGE):
            old, page = head, list[StoredRecord]()
            for number in range(first, min(rows, first + PAGE)):
                head, item = chain.append(head, _event(number), START + number * 1000, number.to_bytes(16, "big"))
                page.append(item)
            with conn.begin():
                audit.extend(conn, old, head, page)
            begun = time.perf_counter()
            found = tuple((term, item.at, item.seq) for item in page for term in terms.of(item))
            committer.commit(conn, [Outcome(None, (IndexRecords(CHAIN, old.seq, head.seq, found),))])
            spent += time.perf_counter() - begun
    return Filled(database, spent / rows * 1e6)


def _event(number: int) -> TokenIssued | TokenRefused:
    client, server, decision = f"agt_{number % CLIENTS:026}", f"srv_{number % SERVERS:026}", f"dec_{number:026}"
    if number % 20 == 0:
        return TokenRefused(
            decision=decision, server=server, client=client, client_id=client, grant_type="client_credentials",
            error="invalid_scope", reason="nothing is left",
        )  # fmt: skip
    return TokenIssued(
        decision=decision, server=server, subject=client, client=client, client_id=client,
        credential=f"crd_{number % CLIENTS:026}", grant_type="client_credentials", jti=f"tok_{number:026}",
        requested=frozenset({"a"}), scopes=frozenset({"a"}), removed=(), expires=1, version=1,
    )  # fmt: skip


def _filters(rows: int) -> Iterator[Filter]:
    number = 7919
    while True:
        number = (number * 48271) % 2147483647
        client, server = f"agt_{number % CLIENTS:026}", f"srv_{number % SERVERS:026}"
        since = START + number % rows * 1000
        yield from (
            Filter(decision=f"dec_{number % rows:026}"), Filter(client=client), Filter(subject=client),
            Filter(member=client), Filter(server=server), Filter(kind="token_issued"), Filter(outcome="deny"),
            Filter(token=f"tok_{number % rows:026}"), Filter(since=since, until=since + 3_600_000_000),
            Filter(client=client, outcome="deny"), Filter(server=server, kind="token_refused"), Filter(),
        )  # fmt: skip


def _asked(database: SqliteDatabase, rows: int, questions: int) -> Iterator[float]:
    with database.writer.connect() as conn:
        filters = _filters(rows)
        for number in range(questions):
            wanted = next(filters)
            before = f"{START + rows // 2 * 1000}.1.{rows // 2}" if number % 3 == 0 else None
            begun = time.perf_counter()
            tables.search(conn, wanted, before, 50)
            yield time.perf_counter() - begun
