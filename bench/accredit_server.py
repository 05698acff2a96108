"""Accredit under test: a real server process on a real database, as the token figures need it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, Literal

import httpx2

from accredit.testing.postgres import Postgres, PostgresError
from bench import audit_count, nodes
from bench.nodes import Node, made
from bench.processes import pinned
from bench.running import BUILD, Running, Unavailable
from bench.token_requests import Endpoint, KeyClient, SecretClient

Database = Literal["sqlite", "postgresql"]

_RESOURCE: Final = "http://127.0.0.1:9/mcp"
_SCOPE: Final = "ledger:read"
_GUARD_SCOPE: Final = "policy"


@contextmanager
def start_accredit(core: int, database: Database) -> Iterator[Running]:
    """Run Accredit on `core`, furnished with an agent and a guard, until the block ends. Raises Unavailable.

    SQLite: a file under build/, with the durability that the product has. PostgreSQL: fsync on, and on the same core;
    its processes are `db_pids`. Agents have secrets and guards have keys, so those who ask by key are guards.
    """
    folder = BUILD / "bench" / database
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    with ExitStack() as stack:
        url, audited = "", audit_count.of_sqlite(folder / "accredit.db")
        db_pids: tuple[int, ...] = ()
        if database == "postgresql":
            url, db_pids = stack.enter_context(_postgres(core))
            audited = audit_count.of_postgresql(url)
        yield _furnished(stack.enter_context(nodes.running(core, folder, database=url)), db_pids, audited)


@contextmanager
def _postgres(core: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    try:
        with pinned(core):
            postgres = Postgres.start(fsync=True)
    except PostgresError as error:
        raise Unavailable(str(error)) from error
    with postgres:
        status = postgres.socket.parent / "data" / "postmaster.pid"
        yield postgres.create_database("bench"), (int(status.read_text().splitlines()[0]),)


def _furnished(node: Node, db_pids: tuple[int, ...], audited: Callable[[], int]) -> Running:
    issuer = node.issuer
    with node.administrator() as client:
        scope, tool = {"word": _SCOPE}, {"name": "read_ledger", "needs": [_SCOPE]}
        made(client, "/servers", slug="ledger", resource=_RESOURCE, scopes=[scope], tools=[tool])
        made(client, "/roles", slug="reader", scopes={"ledger": [_SCOPE]})
        agent = made(client, "/agents", slug="bench", owner="bench", roles=["reader"])
        code = made(client, "/servers/ledger/enrolments", name="bench-guard")["code"]
    key = KeyClient.generate("")
    with httpx2.Client(trust_env=False) as client:
        guard = made(client, issuer + "/guard/v1/enrol", code=code, jwk=key.jwk())
    return Running(
        base_url=issuer,
        basic_endpoint=Endpoint(issuer + "/token", issuer, _RESOURCE, _SCOPE),
        basic_clients=(SecretClient(agent["client_id"], agent["secret"]),),
        key_endpoint=Endpoint(guard["token_endpoint"], issuer, guard["resource"], _GUARD_SCOPE),
        key_clients=(KeyClient(guard["client_id"], key.kid, key.key),),
        pids=(node.pid,),
        db_pids=db_pids,
        audited=audited,
    )
