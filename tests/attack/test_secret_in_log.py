"""secret_in_log: whatever is shown to Accredit as a secret is in no log, no database, no record and no answer."""

import asyncio
import base64
import json
import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from accredit.oauth.client_assertion import TYPE
from accredit_sdk import jws, keys
from tests.support.guarded import call
from tests.support.house import LINES, House
from tests.support.process import Up, free_port, run, up

RESOURCE = "http://127.0.0.1:9/mcp"
MARK = "MARKED-ARGUMENT-7c1e"


class Secrets:
    """Every text that must never be seen again, by what it is."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def add(self, what: str, text: str) -> str:
        """Remember what is secret in `text`: of a JWT its signature and its claims, of ours the random end."""
        if text.count(".") == 2:
            _, claims, signature = text.split(".")
            self.found |= {f"{what}: claims": claims, f"{what}: signature": signature}
        else:
            # The random end may hold "_" itself, so it is found from the left: acs_<id>_<random>.
            self.found[what] = text.split("_", 2)[2] if text.startswith("acs_") else text
        return text

    def seen_in(self, places: Mapping[str, bytes]) -> list[str]:
        return [f"{what} in {place}" for place, data in places.items() for what, text in self.found.items()
                if text.encode() in data]  # fmt: skip


def furnished(server: Up, known: Secrets) -> tuple[str, str]:
    """Make a server and an agent; return the agent's name and its secret."""
    server.made("/servers", slug="ledger", resource=RESOURCE, scopes=[{"word": "read"}], default_scopes=["read"])
    server.made("/roles", slug="reader", scopes={"ledger": ["read"]})
    agent = server.made("/agents", slug="bot", owner="dana", roles=["reader"])
    return agent["client_id"], known.add("client secret", agent["secret"])


def by_secret(http: httpx2.Client, known: Secrets, client_id: str, secret: str) -> Iterator[httpx2.Response]:
    """Show a secret in every right and every wrong way."""
    form = {"grant_type": "client_credentials", "resource": RESOURCE}
    wrong = known.add("wrong secret", "acs_" + "0" * 26 + "_" + secrets.token_urlsafe(32))
    typed = known.add("typed password", "hunter2-" + secrets.token_hex(8))
    for shown in (secret, wrong, typed):
        yield http.post("/token", data=form, auth=(client_id, shown))
        yield http.post("/token", data=form | {"client_id": client_id, "client_secret": shown})
        yield http.post("/token", data=form | {"password": shown, "x": shown}, auth=(client_id, "x"))
        yield http.post("/token", params={"client_secret": shown}, data=form)
        yield http.post("/token", data=form | {"client_id": client_id, "client_secret": shown}, auth=("x", shown))
        yield http.post("/token", json={"client_secret": shown})
        yield http.get("/token", params={"client_secret": shown})
        yield http.post("/token", data=form, headers={"authorization": f"Basic {shown}"})
    for swapped in (secret, wrong):
        yield http.post("/token", data=form, auth=(swapped, client_id))
        yield http.post("/token", data=form | {"client_id": swapped, "client_secret": client_id})
        yield http.post("/token", data=form | {"scope": swapped}, auth=(client_id, secret))
        yield http.post("/token", data=form | {"resource": swapped}, auth=(client_id, secret))
        yield http.post("/token", data=form | {"grant_type": swapped}, auth=(client_id, secret))
        yield http.get(f"/{swapped}")


def by_key(server: Up, http: httpx2.Client, known: Secrets) -> Iterator[httpx2.Response]:
    """Enrol a guard, with failures on the way, and use what it gets."""
    key = keys.generate(jws.Algorithm.ES256)
    jwk = keys.public_jwk(key.verifying())
    number = key.private.private_numbers().private_value  # type: ignore[union-attr]
    leaked = known.add("private key", _b64(number.to_bytes(32, "big")))
    code = known.add("enrolment code", server.made("/servers/ledger/enrolments")["code"])
    spare = known.add("unused enrolment code", server.made("/servers/ledger/enrolments")["code"])
    wrong = known.add("wrong enrolment code", "ace_" + secrets.token_urlsafe(32))
    yield http.post("/guard/v1/enrol", json={"code": spare, "jwk": jwk | {"d": leaked}})
    yield http.post("/guard/v1/enrol", json={"code": wrong, "jwk": jwk})
    yield http.post("/guard/v1/enrol", params={"code": spare}, content=spare)
    yield http.get(f"/guard/v1/enrol/{spare}")
    enrolled = http.post("/guard/v1/enrol", json={"code": code, "jwk": jwk})
    yield http.post("/guard/v1/enrol", json={"code": code, "jwk": jwk})
    me, answers = enrolled.json(), []
    for jti in ("one", "one", "two"):
        claims = {"iss": me["client_id"], "sub": me["client_id"], "aud": server.issuer, "jti": jti}
        claims |= {"exp": int(time.time()) + 60}
        assertion = known.add(f"assertion {len(answers)}", jws.sign(key, "JWT", json.dumps(claims).encode()))
        form = {"grant_type": "client_credentials", "resource": me["resource"], "client_assertion_type": TYPE}
        answers.append(http.post("/token", data=form | {"client_assertion": assertion}))
        yield http.post("/token", data=form | {"client_assertion": assertion[:-3]})
        yield http.post("/token", data=form | {"client_assertion": assertion, "client_id": assertion})
    assert [answer.status_code for answer in answers] == [200, 401, 200]
    token = known.add("access token", answers[0].json()["access_token"])
    for where in ("snapshot", "changes?after=0", f"changes?after={token}", f"snapshot?access_token={token}", token):
        yield http.get(f"/guard/v1/{where}", headers={"authorization": f"Bearer {token}"})
        yield http.get(f"/guard/v1/{where}", headers={"authorization": f"Bearer {token}x"})
    headers = {"authorization": f"Bearer {token}", "content-type": LINES}
    yield http.post("/guard/v1/records", content=token, headers=headers)


def by_administration(server: Up, known: Secrets, secret: str) -> Iterator[httpx2.Response]:
    """Put a secret where the management API expects something else."""
    admin = server.admin()
    yield admin.post("/agents", json={"slug": secret, "owner": "d"})
    yield admin.post("/agents", json={"slug": "x", "owner": "d", "secret": secret, secret: 1})
    yield admin.post("/agents", content=f'{{"slug": "{secret}"')
    yield admin.get(f"/agents/{secret}")
    yield admin.get("/audit", params={"decision": secret})
    yield admin.get("/audit", params={secret: secret})
    yield admin.delete(f"/agents/bot/credentials/{secret}")


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_server_that_was_shown_every_secret_keeps_and_says_none(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    known, data, settings = Secrets(), tmp_path / "data", {}
    settings["master_key"] = known.add("master key", _b64(secrets.token_bytes(32)))
    if database == "postgresql":
        settings["database"] = request.getfixturevalue("postgres_url")
        known.add("database password", settings["database"].split(":")[2].partition("@")[0])
        assert run("migrate", folder=data, **settings).status == 0
    with up(data, free_port(), **settings) as server:
        client_id, secret = furnished(server, known)
        http = server.public()
        token = http.post(
            "/token", data={"grant_type": "client_credentials", "resource": RESOURCE}, auth=(client_id, secret)
        ).json()["access_token"]
        known.add("token of the agent", token)
        given = [known.add("second secret", server.made("/agents/bot/credentials")["secret"])]
        answers = [*by_key(server, http, known), *by_administration(server, known, given[0])]
        # Answers that give a token are the only ones that hold a secret, and they go to who asked.
        answers += [item for item in by_secret(http, known, client_id, secret) if item.status_code != 200]
        assert {answer.status_code // 100 for answer in answers if "snapshot" not in str(answer.url)} <= {2, 4}
        audited = json.dumps(_all(server.admin(), "/audit")).encode()
        refused = [answer for answer in answers if not answer.is_success]
        places = {f"answer {n} {item.request.method} {item.url.path}": item.content for n, item in enumerate(refused)}
        places |= _files(data) | {"audit": audited, "status": server.admin().get("/status").content}
    places |= _files(data) | {"log": server.log.read_bytes()}
    if database == "postgresql":
        places["database"] = _rows(settings["database"])
    assert len(known.found) > 15
    assert not known.seen_in(places)


async def test_no_logger_of_the_process_says_a_secret_at_any_level(
    victim: House, caplog: pytest.LogCaptureFixture
) -> None:
    known = Secrets()
    with caplog.at_level(logging.DEBUG):
        token = known.add("token", await victim.token())
        known.add("client secret", victim.secret)
        bad = known.add("bad token", token[:-6] + "AAAAAA")
        await victim.reach(token, body=json.dumps(call("list_invoices", arguments={"iban": MARK})).encode())
        await victim.reach(bad)
        await victim.site.send(call(), token=token, query=b"access_token=" + token.encode())
        await victim.site.send(call(), token=token, path=f"/{MARK}")
        await victim.site.send(call(), token=token, body=f'{{"{MARK}": '.encode())
        await victim.assert_with(known.add("assertion", victim.assertion()))
        await victim.post({"grant_type": "client_credentials"}, (victim.secret, victim.client_id))
        await victim.site.catch_up()
        await victim.site.ship()
    said = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)
    known.add("argument", MARK)
    found = await victim.admin.http.get("/audit?limit=200")
    spool = _files(victim.site.folder.path / "spool")
    audited = found.text.replace(f"POST /{MARK}", "")  # the path that was asked for is part of what was decided
    places = {"log": said.encode(), "audit": audited.encode(), **spool}
    assert not known.seen_in({name: data.replace(f"POST /{MARK}".encode(), b"") for name, data in places.items()})


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"database": "postgresql://accredit:{secret}@127.0.0.1:1/none"},
        {"database": "postgresql://accredit:{secret}/{secret}@127.0.0.1:1/none"},
        {"database": "postgresql://accredit:1/{secret}@127.0.0.1:1/none"},
        {"database": "postgresql://accredit:{secret}#{secret}@127.0.0.1:1/none"},
        {"database": "postgresql://accredit:1#{secret}@127.0.0.1:1/none"},
        {"database": "mysql://accredit:{secret}@127.0.0.1:1/none"},
        {"database": "{secret}"},
        {"master_key": "{secret}"},
        {"master_key": "{secret}{secret}"},
        {"master_key": "{secret}\u00e9"},
        {"master_key": "{secret}", "port": "none", "issuer": "ftp://x"},
    ],
    ids=str,
)
def test_a_start_that_fails_says_what_is_wrong_without_the_secret(tmp_path: Path, settings: dict[str, str]) -> None:
    secret = secrets.token_hex(12)
    given = {"port": str(free_port())} | {name: text.replace("{secret}", secret) for name, text in settings.items()}
    ended = run("up", folder=tmp_path / "data", **given)
    assert ended.status in (1, 2)
    assert ended.err
    assert secret not in ended.said
    assert "Traceback" not in ended.said
    assert not [name for name, data in _files(tmp_path).items() if secret.encode() in data]


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _all(admin: httpx2.Client, where: str) -> list[Any]:
    found, cursor = [], None
    while True:
        page = admin.get(where, params={"limit": 200} | ({"cursor": cursor} if cursor else {})).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _rows(url: str) -> bytes:
    """Return every row of every table as text."""

    async def read() -> str:
        connection = await asyncpg.connect(url)
        try:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            rows = [await connection.fetch(f'SELECT t::text, t.* FROM "{table[0]}" t') for table in tables]
            return repr([[dict(row) for row in table] for table in rows])
        finally:
            await connection.close()

    return asyncio.run(read()).encode()
