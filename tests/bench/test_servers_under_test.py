"""What the figures start for themselves works, on a small scale. No time is asserted."""

from contextlib import ExitStack

import httpx2
import pytest

from bench import revoke_to_refusal
from bench.accredit_server import start_accredit
from bench.figure import Plan
from bench.processes import cores

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_server_of_the_token_figures_gives_tokens_to_its_clients(database):
    with start_accredit(cores()[0], database) as running:
        (client,), asked = running.basic_clients, running.basic_endpoint
        form = {"grant_type": "client_credentials", "resource": asked.resource, "scope": asked.scope}
        answer = httpx2.post(asked.token_url, data=form, auth=(client.client_id, client.secret), trust_env=False)
        assert answer.status_code == 200
        assert running.audited() == 1


def test_a_round_of_revocations_has_its_figures(monkeypatch):
    for name, count in (("GUARDS", 3), ("STREAMS", 8), ("TIMES", 1)):
        monkeypatch.setattr(revoke_to_refusal, name, count)
    with ExitStack() as stack:
        found = stack.enter_context(revoke_to_refusal.opened(Plan(cores()[0])))(0)
    assert set(found) == {measure.name for measure in revoke_to_refusal.FIGURE.measures}
    assert all(ours >= 0 for ours, _ in found.values())
