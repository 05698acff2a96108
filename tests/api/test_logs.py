"""Log lines: readable by programs, tied to decisions and traces, and without a secret, whatever is logged."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.telemetry import logs
from accredit.testing.serving import serve
from accredit.web.trail import trail
from tests.support.admin import Admin, tokens
from tests.support.process import free_port, up

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRETS = {
    "acs_" + "0" * 26 + "_abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE": "klmnopqrst",
    "ace_" + "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_abcde": "QrStUvWx",
    "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAECAwQFBgc=": "PZIo2LaLaSw",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl": "c2lnbmF0dXJl",
    "Bearer opaque-token-1234": "opaque-token",
    "Basic Ym90OnNlY3JldA==": "Ym90OnNl",
    "-----BEGIN " + "PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----": "MIGHAgEA",
    "postgresql://accredit:hunter2hunter2@db/accredit": "hunter2",
    "client_secret=hunter2hunter2": "hunter2",
}
"""What must not be shown, and the part of it that would be worth something."""


class Lines:
    """What is logged, line by line."""

    def __init__(self, form: logs.Form) -> None:
        self.stream = io.StringIO()
        self.handler = logs.configure(form, self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture(params=["json", "console"])
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """Both forms."""
    yield from _configured(request.param)


@pytest.fixture
def as_json() -> Iterator[Lines]:
    """The form for programs."""
    yield from _configured("json")


def _configured(form: logs.Form) -> Iterator[Lines]:
    root, level = logging.getLogger(), logging.getLogger().level
    found = Lines(form)
    yield found
    root.removeHandler(found.handler)
    root.setLevel(level)


@pytest.mark.parametrize("secret", SECRETS, ids=lambda text: text[:8])
def test_secret_in_log_no_line_shows_one_in_its_text_its_ids_or_its_exception(lines: Lines, secret: str) -> None:
    log = logging.getLogger("accredit.test")
    log.error("it failed: %s", secret, extra={"decision": secret, "other": secret})
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("unforeseen %r", {"a": secret})
    assert "it failed" in lines.text
    assert "[secret]" in lines.text
    assert SECRETS[secret] not in lines.text


def test_a_line_says_when_where_how_bad_and_about_which_decision(as_json: Lines) -> None:
    ids = {"decision": "dec_1", "correlation": "req-1", "trace": TRACE, "password": "hunter2"}
    logging.getLogger("accredit.jobs").warning("job %s failed", "follow", extra=ids)
    (line,) = as_json.all
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "job follow failed", "level": "warning", "logger": "accredit.jobs",
        "decision": "dec_1", "correlation": "req-1", "trace": TRACE,
    }  # fmt: skip


def test_what_strangers_send_makes_no_line_of_its_own(lines: Lines) -> None:
    logging.getLogger("accredit.web").error("unforeseen at %s", '/x\n{"event": "forged"}\x1b[2J\r')
    assert len(lines.text.splitlines()) == 1
    assert "\x1b[2J" not in lines.text


def test_configured_twice_is_written_once(as_json: Lines) -> None:
    again = Lines("json")
    logging.getLogger("accredit").error("once")
    assert (len(as_json.all), len(again.all)) == (0, 1)
    logging.getLogger().removeHandler(again.handler)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        (b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode(), {"trace": TRACE}),
        (b"traceparent", f"00-{'0' * 32}-00f067aa0ba902b7-01".encode(), {}),
        (b"traceparent", b"\xff", {}),
        (b"x-request-id", b"req-7_A", {"correlation": "req-7_A"}),
        (b"x-request-id", b"a b", {}),
        (b"x-request-id", b"a" * 65, {}),
        (b"authorization", b"Bearer x", {}),
    ],
)
def test_only_well_formed_ids_of_a_request_are_taken(name: bytes, value: bytes, found: dict[str, str]) -> None:
    assert trail([(name, value)]) == found


async def test_a_token_request_that_cannot_be_decided_is_a_line_with_its_decision_and_trace(
    admin: Admin, as_json: Lines
) -> None:
    await admin.ledger()
    agent = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana@example.com"})
    await admin.node.journal.close()
    transport = httpx2.ASGITransport(app=admin.node.public)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as http:
        answer = await http.post(
            "/token",
            data={"grant_type": "client_credentials"},
            auth=(agent["client_id"], agent["secret"]),
            headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "x-request-id": "req-1"},
        )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    (line,) = [one for one in as_json.all if one["logger"] == "accredit.web"]
    assert line["decision"] == answer.headers["accredit-decision"]
    assert (line["trace"], line["correlation"]) == (TRACE, "req-1")
    assert agent["secret"].rpartition("_")[2] not in as_json.text


async def test_neither_a_token_nor_a_refusal_is_a_line(admin: Admin, as_json: Lines) -> None:
    await admin.ledger()
    agent = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana@example.com"})
    for secret in (agent["secret"], "wrong"):
        await tokens(admin)(agent["client_id"], secret)
    assert as_json.all == []


@pytest.mark.slow
def test_a_process_writes_json_when_it_is_told_to_and_nothing_while_all_is_well(tmp_path: Path) -> None:
    with up(tmp_path / "data", free_port(), log="json") as server:
        assert server.admin().get("/status").status_code == 200
        (tmp_path / "data" / "accredit.db").rename(tmp_path / "data" / "away")
        (tmp_path / "data" / "away").rename(tmp_path / "data" / "accredit.db")
        log = server.log
    assert [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")] == []


def test_a_form_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="log"), serve(tmp_path / "data", port=free_port(), log="xml"):
        pass
