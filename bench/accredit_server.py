"""Accredit under test: a real server process on a real database, as the token figures need it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import httpx2

from accredit.testing.postgres import Postgres, PostgresError
from bench import audit_count
from bench.processes import free_port, pinned
from bench.running import BUILD, Running, Unavailable, first_line
from bench.token_requests import Endpoint, KeyClient, SecretClient

Database = Literal["sqlite", "postgresql"]

_MIGRATE: Final = "import asyncio; from accredit import app, config; asyncio.run(app.migrate_database(config.load()))"
_SERVE: Final = "from accredit import app, config; app.run(config.load(), lambda issuer: print(issuer, flush=True))"
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
        pid, issuer = stack.enter_context(_process(core, folder, url))
        yield _furnished(issuer, folder / "admin.sock", pid, db_pids, audited)


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


@contextmanager
def _process(core: int, folder: Path, url: str) -> Iterator[tuple[int, str]]:
    told = {"ACCREDIT_DATA": str(folder), "ACCREDIT_PORT": str(free_port()), "ACCREDIT_DATABASE": url}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")}
    environment = {**inherited, **told}
    if subprocess.run([sys.executable, "-c", _MIGRATE], env=environment, check=False).returncode:
        raise Unavailable("Accredit could not make its tables: its output above says why")
    with pinned(core):
        process = subprocess.Popen([sys.executable, "-c", _SERVE], env=environment, stdout=subprocess.PIPE)
    try:
        yield process.pid, first_line(process, "Accredit").decode().strip()
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _furnished(issuer: str, admin: Path, pid: int, db_pids: tuple[int, ...], audited: Callable[[], int]) -> Running:
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(admin)), base_url="http://localhost/api/v1") as client:
        scope, tool = {"word": _SCOPE}, {"name": "read_ledger", "needs": [_SCOPE]}
        _made(client, "/servers", slug="ledger", resource=_RESOURCE, scopes=[scope], tools=[tool])
        _made(client, "/roles", slug="reader", scopes={"ledger": [_SCOPE]})
        agent = _made(client, "/agents", slug="bench", owner="bench", roles=["reader"])
        code = _made(client, "/servers/ledger/enrolments", name="bench-guard")["code"]
    key = KeyClient.generate("")
    with httpx2.Client(trust_env=False) as client:
        guard = _made(client, issuer + "/guard/v1/enrol", code=code, jwk=key.jwk())
    return Running(
        base_url=issuer,
        basic_endpoint=Endpoint(issuer + "/token", issuer, _RESOURCE, _SCOPE),
        basic_clients=(SecretClient(agent["client_id"], agent["secret"]),),
        key_endpoint=Endpoint(guard["token_endpoint"], issuer, guard["resource"], _GUARD_SCOPE),
        key_clients=(KeyClient(guard["client_id"], key.kid, key.key),),
        pids=(pid,),
        db_pids=db_pids,
        audited=audited,
    )


def _made(client: httpx2.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(path, json=body)
    if answer.status_code != 201:
        raise Unavailable(f"Accredit could not be furnished: {path} answers {answer.status_code} {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found
