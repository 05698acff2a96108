"""Metrics: what happened is counted, nobody's name is a label, and only those who may see them."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit import app, config
from accredit.jobs.census import EVERY, SOON, TakeCensus
from accredit.testing.serving import serve
from tests.support.admin import Admin, tokens
from tests.support.terminal import free_port

SAMPLE = re.compile(r"^(\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)


async def shown(admin: Admin) -> dict[str, float]:
    """Every sample, by name and labels as they are written."""
    answer = await admin.http.get("http://accredit/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        f"{name}{{{labels}}}" if labels else name: float(value) for name, labels, value in SAMPLE.findall(answer.text)
    }


@pytest.fixture
async def agent(admin: Admin) -> Any:
    """An agent that may read."""
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    return await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana@example.com", "roles": ["reader"]})


def requests(grant: str, result: str) -> str:
    return f'accredit_token_requests_total{{grant="{grant}",result="{result}"}}'


async def test_answers_of_the_token_endpoint_are_counted_by_grant_and_result(
    admin: Admin, agent: dict[str, str]
) -> None:
    before, ask = await shown(admin), tokens(admin)
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 200
    assert (await ask(agent["client_id"], agent["secret"], "ledger:purge")).status_code == 400
    assert (await ask(agent["client_id"], "wrong")).status_code == 401
    transport = httpx2.ASGITransport(app=admin.node.public)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as http:
        auth = (agent["client_id"], agent["secret"])
        for grant in ("password", "x" * 200, 'a"} 1\nfaked_total{b="'):
            await http.post("/token", data={"grant_type": grant}, auth=auth)
        await http.post("/token", content=b"{}", headers={"content-type": "application/json"})
    after = await shown(admin)
    grown = {
        name: after[name] - before.get(name, 0) for name in after if name.startswith("accredit_token_requests_total")
    }
    assert {name: count for name, count in grown.items() if count} == {
        requests("client_credentials", "issued"): 1,
        requests("client_credentials", "invalid_scope"): 1,
        requests("client_credentials", "invalid_client"): 1,
        requests("other", "unsupported_grant_type"): 2,
        requests("other", "invalid_request"): 2,
    }
    assert after["accredit_token_seconds_count"] - before["accredit_token_seconds_count"] == 7
    assert set(grown) == {name for name in before if name.startswith("accredit_token_requests_total")}, "no new label"


async def test_secret_in_log_no_name_of_anybody_and_no_secret_is_a_metric(admin: Admin, agent: dict[str, str]) -> None:
    ask = tokens(admin)
    token = (await ask(agent["client_id"], agent["secret"])).json()["access_token"]
    await ask("a-stranger-with-a-name", "secret-of-a-stranger")
    text = (await admin.http.get("http://accredit/metrics")).text
    for hidden in (agent["secret"], token, agent["client_id"], "bot", "ledger", "dana", "stranger"):
        assert hidden not in text


async def test_the_writer_the_signals_the_jobs_and_the_checks_are_shown(admin: Admin) -> None:
    before = await shown(admin)
    await admin.ledger()
    after = await shown(admin)
    assert after["accredit_writer_batch_count"] > before["accredit_writer_batch_count"]
    assert after["accredit_writer_commit_seconds_count"] == after["accredit_writer_batch_count"]
    assert after["accredit_writer_waiting"] == 0
    assert after["accredit_signal_cursor"] == admin.node.directory.cursor > before["accredit_signal_cursor"]
    assert 0 <= after["accredit_signals_unconfirmed_seconds"] < 1
    assert {
        f'accredit_ready{{check="{name}"}}' for name in ("writer", "signals", "schema", "keys", "disk", "clock")
    } <= set(after)
    assert 'accredit_job_success_timestamp_seconds{job="follow"}' in after
    await admin.node.journal.close()
    assert (await shown(admin))['accredit_ready{check="writer"}'] == 0


async def test_two_nodes_in_one_process_count_for_themselves(admin: Admin, tmp_path: Path) -> None:
    await admin.ledger()
    async with (
        app.node(config.load(data=tmp_path / "other")) as other,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=other.metrics), base_url="http://x") as http,
    ):
        text = (await http.get("/metrics")).text
        assert (await http.get("/readyz")).status_code == 404
    assert f"accredit_signal_cursor {float(admin.node.directory.cursor)}" not in text


def test_metrics_are_at_a_listener_of_their_own_if_one_is_named_and_public_only_if_that_is_allowed(
    tmp_path: Path,
) -> None:
    with serve(tmp_path / "one", port=free_port()) as node:
        assert httpx2.get(f"{node.issuer}/metrics", trust_env=False).status_code == 404
    port = free_port()
    with serve(tmp_path / "two", port=free_port(), metrics=f"127.0.0.1:{port}") as node:
        assert httpx2.get(f"{node.issuer}/metrics", trust_env=False).status_code == 404
        apart = f"http://127.0.0.1:{port}"
        assert "accredit_writer_waiting 0.0" in httpx2.get(f"{apart}/metrics", trust_env=False).text
        assert httpx2.get(f"{apart}/token", trust_env=False).status_code == 404
        assert httpx2.get(f"{apart}/api/v1/status", trust_env=False).status_code == 404
    with serve(tmp_path / "three", port=free_port(), danger_public_metrics=True) as node:
        assert httpx2.get(f"{node.issuer}/metrics", trust_env=False).status_code == 200


@pytest.mark.parametrize("address", ["9464", ":9464", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(config.ConfigurationProblems):
        config.load(data=tmp_path, metrics=address)
    assert config.load(data=tmp_path, metrics="[::1]:9464").metrics_address == ("::1", 9464)


async def test_credentials_that_end_soon_are_counted_by_a_job(tmp_path: Path) -> None:
    class Three:
        async def ending(self, since: int, until: int) -> int:
            assert until - since == SOON
            return 3

    async with app.node(config.load(data=tmp_path / "data")) as node:
        job = TakeCensus(Three(), node.measures.ending)
        assert await job.run(5) == 5 + EVERY
        assert b"accredit_credentials_ending 3.0" in node.measures.render()
