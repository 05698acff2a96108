"""Searching a long audit log by each thing that one can ask for, on SQLite.

In process: a file with so many records is written in bulk, once per run, and made findable by the same terms as the
projection gives them; then every round asks for the newest fifty records by each filter and for a page far behind. The
figure is the 95th percentile of those questions in ms, and its name says at how many records. The bar is meant for ten
million: at fewer it can be missed, and not be held. `make bench ONLY=audit_search RECORDS=10000000` measures there; it
takes about twenty minutes before the first question, and about 4 kB of disk for each record meanwhile, in TMPDIR.
"""

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import anyio
import sqlalchemy as sa

from accredit.audit import chain, terms
from accredit.audit.chain import Head
from accredit.audit.events import TokenIssued, TokenRefused
from accredit.identity.changes import StoredRecord
from accredit.ports.audit_log import Filter
from accredit.store import audit, engines, migrate
from accredit.store import terms as tables
from accredit.store.log_tables import audit_projection, audit_terms
from accredit.store.on_sqlite import SqliteDatabase
from bench.figure import Figure, Measure, Pair, Plan, Round
from bench.verdict import Bar

RECORDS: Final = 200_000
FULL: Final = 10_000_000
"""The size that the bar is meant for."""

QUESTIONS: Final = 200
PAGE: Final = 5_000
TOGETHER: Final = 100_000
CHAIN: Final = "chn_" + "0" * 26
START: Final = 1_800_000_000_000_000
CLIENTS: Final = 5000
SERVERS: Final = 50


def figure(records: int = RECORDS) -> Figure:
    """Return the figure at so many records."""
    name = f"audit_search_10M.at_{_short(records)}"

    @contextmanager
    def opened(plan: Plan) -> Iterator[Round]:
        with filled(records, plan) as database:

            def run(number: int) -> Mapping[str, Pair]:
                found = percentile(asked(database, records, QUESTIONS))
                plan.say(f"  {number + 1:2}  {name}  {found:.2f} ms")
                return {name: (found, None)}

            run(-1)  # warm
            yield run

    return Figure("audit_search", (Measure(name, "ms", Bar(200), decides=records >= FULL),), opened, dict)


@contextmanager
def filled(records: int, plan: Plan) -> Iterator[SqliteDatabase]:
    """Yield a database with so many records, all of them findable."""
    folder = Path(tempfile.mkdtemp(prefix="audit-search-"))
    try:
        begun = time.perf_counter()
        database = anyio.run(_opened, folder)
        _fill(database, records)
        took, size = time.perf_counter() - begun, _size(folder) / records
        plan.say(f"  {records:,} records written in {took:.0f} s, {size:.0f} B each")
        yield database
        anyio.run(database.close)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _opened(folder: Path) -> SqliteDatabase:
    database = await engines.open(None, folder)
    if not isinstance(database, SqliteDatabase):
        raise TypeError("this measures SQLite")
    await migrate.up(database, folder)
    return database


def _fill(database: SqliteDatabase, records: int) -> None:
    """Write the records in order, and their terms sorted, as a table grows fastest; nobody here loses power."""
    with database.writer.connect() as conn:
        raw = conn.connection.cursor()  # outside of any transaction
        raw.execute("PRAGMA synchronous=OFF")
        raw.execute("CREATE TEMP TABLE unsorted (term, at, chain, seq)")
        head = Head(CHAIN)
        for first in range(0, records, TOGETHER):
            with conn.begin():
                for start in range(first, min(records, first + TOGETHER), PAGE):
                    head = _written(conn, head, range(start, min(records, first + TOGETHER, start + PAGE)))
        with conn.begin():
            names = ", ".join(column.name for column in audit_terms.c)
            conn.exec_driver_sql(f"INSERT INTO audit_terms ({names}) SELECT * FROM unsorted ORDER BY 1, 2, 3, 4")
            conn.execute(sa.insert(audit_projection), {"chain": 1, "seq": head.seq})
        raw.execute("DROP TABLE unsorted")
        raw.execute("PRAGMA synchronous=FULL")


def _written(conn: sa.Connection, old: Head, numbers: Iterable[int]) -> Head:
    head, page = old, list[StoredRecord]()
    for number in numbers:
        head, item = chain.append(head, event(number), START + number * 1000, number.to_bytes(16, "big"))
        page.append(item)
    audit.extend(conn, old, head, page)
    found = [(term, item.at, 1, item.seq) for item in page for term in terms.of(item)]
    conn.exec_driver_sql("INSERT INTO unsorted VALUES (?, ?, ?, ?)", found)
    return head


def percentile(waits: Iterable[float]) -> float:
    """Return the 95th percentile in ms, of seconds."""
    found = sorted(waits)
    return found[int(len(found) * 0.95)] * 1000


def event(number: int) -> TokenIssued | TokenRefused:
    """Return what record `number` tells of."""
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


def filters_of(rows: int) -> Iterator[Filter]:
    """Yield questions without end: each filter in turn, about something that is there."""
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


def asked(database: SqliteDatabase, rows: int, questions: int) -> Iterator[float]:
    """Ask, and yield the seconds that each answer took."""
    with database.writer.connect() as conn:
        filters = filters_of(rows)
        for number in range(questions):
            wanted = next(filters)
            before = f"{START + rows // 2 * 1000}.1.{rows // 2}" if number % 3 == 0 else None
            begun = time.perf_counter()
            tables.search(conn, wanted, before, 50)
            yield time.perf_counter() - begun


def _short(records: int) -> str:
    million, thousand = divmod(records, 1_000_000), divmod(records, 1000)
    return f"{million[0]}M" if million[0] and not million[1] else f"{thousand[0]}k" if thousand[0] else str(records)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
