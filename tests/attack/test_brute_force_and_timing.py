"""brute_force_and_timing: guessing is slowed down by network, and a failure says nothing about what was wrong."""

import hmac
import statistics
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import httpx2
import pytest

from accredit.identity import credential as credentials
from accredit.service.throttle import FAILURES_PER_MINUTE, FAILURES_PER_PREFIX
from accredit_sdk import jws, keys
from tests.support.house import ISSUER, RESOURCE, House

FORM = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "ledger:read"}
ELSEWHERE = "203.0.113.9"


async def attempt(victim: House, address: str, client_id: str, secret: str) -> httpx2.Response:
    """Try one secret from `address`."""
    transport = httpx2.ASGITransport(app=victim.admin.node.public, client=(address, 4711))
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as http:
        return await http.post("/token", data=FORM, auth=(client_id, secret))


def wrong(victim: House) -> str:
    """A secret of the right form, for the right credential."""
    return victim.secret[:-43] + "A" * 43


def addresses(form: str) -> Iterator[str]:
    return (form.format(n) for n in range(1, 10_000))


SAME_SOURCE = ["192.0.2.7", "2001:db8:1:2::{:x}", "2001:db8:1:2:{:x}::1", "::ffff:192.0.2.7", "not an address {}"]
OTHER_SOURCES = ["192.0.2.{}", "2001:db8:1:{:x}::1", "::ffff:192.0.2.{}"]


@pytest.mark.parametrize("form", SAME_SOURCE)
async def test_one_network_has_ten_guesses_a_minute_for_a_client(victim: House, form: str) -> None:
    source = addresses(form)
    answers = [await attempt(victim, next(source), victim.client_id, wrong(victim)) for _ in range(13)]
    assert [answer.status_code for answer in answers] == [401] * FAILURES_PER_MINUTE + [429] * 3
    blocked = answers[-1]
    assert (blocked.json()["error"], blocked.headers["retry-after"]) == ("slow_down", "60")
    # Even the right secret is not looked at: an attacker would learn that he has found it.
    assert (await attempt(victim, next(source), victim.client_id, victim.secret)).status_code == 429
    assert (await attempt(victim, ELSEWHERE, victim.client_id, victim.secret)).status_code == 200


@pytest.mark.parametrize("form", OTHER_SOURCES)
async def test_nobody_is_blocked_for_the_failures_of_another_network(victim: House, form: str) -> None:
    source = addresses(form)
    found = {(await attempt(victim, next(source), victim.client_id, wrong(victim))).status_code for _ in range(15)}
    assert found == {401}


async def test_a_client_that_fails_does_not_block_its_neighbours_until_all_of_them_fail(victim: House) -> None:
    for _ in range(FAILURES_PER_MINUTE):
        await attempt(victim, "192.0.2.7", "agt_somebody", wrong(victim))
    assert (await attempt(victim, "192.0.2.7", "agt_somebody", wrong(victim))).status_code == 429
    assert (await attempt(victim, "192.0.2.7", victim.client_id, victim.secret)).status_code == 200
    for number in range(FAILURES_PER_PREFIX - FAILURES_PER_MINUTE):
        assert (await attempt(victim, "192.0.2.7", f"agt_{number}", wrong(victim))).status_code == 401
    assert (await attempt(victim, "192.0.2.7", "agt_fresh", wrong(victim))).status_code == 429


async def test_a_header_of_the_attacker_moves_him_nowhere(victim: House) -> None:
    for number in range(15):
        spoofed = {"x-forwarded-for": f"198.51.100.{number}", "forwarded": f"for=198.51.100.{number}",
                   "x-real-ip": f"198.51.100.{number}", "cf-connecting-ip": f"198.51.100.{number}"}  # fmt: skip
        answer = await victim.post(FORM, (victim.client_id, wrong(victim)), headers=spoofed)
    assert answer.status_code == 429


async def test_assertions_and_enrolment_codes_are_throttled_like_secrets(victim: House) -> None:
    stranger = keys.generate(jws.Algorithm.ES256)
    found = [(await victim.assert_with(victim.assertion(key=stranger))).status_code for _ in range(12)]
    assert found == [401] * FAILURES_PER_MINUTE + [429] * 2
    body = {"jwk": keys.public_jwk(stranger.verifying())}
    tries = [await victim.public.post("/guard/v1/enrol", json=body | {"code": f"ace_{n}"}) for n in range(12)]
    assert [answer.status_code for answer in tries] == [410] * FAILURES_PER_MINUTE + [503] * 2
    good = (await victim.admin.ok("POST", "/servers/ledger/enrolments", json={}))["code"]
    assert (await victim.public.post("/guard/v1/enrol", json=body | {"code": good})).status_code == 503


async def test_a_blocked_network_may_come_back_after_a_minute(victim: House) -> None:
    for _ in range(12):
        answer = await attempt(victim, "192.0.2.7", victim.client_id, wrong(victim))
    assert answer.status_code == 429
    victim.admin.clock.advance(61)
    assert (await attempt(victim, "192.0.2.7", victim.client_id, victim.secret)).status_code == 200


def seen(answer: httpx2.Response) -> tuple[int, bytes, dict[str, str]]:
    """Everything that an attacker sees, but for the id of the decision, which has always the same length."""
    headers = dict(answer.headers)
    assert len(headers.pop("accredit-decision")) == 30
    return answer.status_code, answer.content, headers


async def test_unknown_clients_and_wrong_ended_or_foreign_secrets_answer_alike(victim: House) -> None:
    other = await victim.admin.ok("POST", "/agents", json={"slug": "other", "owner": "kim"})
    spare = await victim.admin.ok("POST", "/agents/bot/credentials")
    await victim.admin.ok("DELETE", f"/agents/bot/credentials/{spare['credential']['id']}")
    await victim.admin.ok("POST", "/agents/other/suspend")
    guesses = {
        "wrong secret": (victim.client_id, wrong(victim)),
        "unknown client": ("agt_" + "0" * 26, victim.secret),
        "no id at all": ("https://unknown.example/client", victim.secret),
        "not of our form": (victim.client_id, "password"),
        "empty-ish": (victim.client_id, " "),
        "secret of another client": (victim.client_id, other["secret"]),
        "revoked secret": (victim.client_id, spare["secret"]),
        "a guard by secret": (victim.guard.client_id, victim.secret),
        "suspended client, wrong secret": (other["client_id"], wrong(victim)),
        "endless": (victim.client_id, "a" * 9000),
    }
    answers = {name: seen(await attempt(victim, ELSEWHERE, *pair)) for name, pair in guesses.items()}
    assert len(set(map(repr, answers.values()))) == 1, answers
    assert answers["wrong secret"][0] == 401


async def test_by_assertion_unknown_clients_and_wrong_keys_answer_alike(victim: House) -> None:
    stranger = keys.generate(jws.Algorithm.ES256)
    unknown = {"iss": "grd_" + "0" * 26, "sub": "grd_" + "0" * 26}
    assertions = {
        "wrong key": victim.assertion(key=stranger),
        "unknown client": victim.assertion(**unknown),
        "expired": victim.assertion(exp=victim.now - 100, iat=victim.now - 200),
        "wrong audience": victim.assertion(aud="https://evil.example"),
        "agent by key": victim.assertion(iss=victim.client_id, sub=victim.client_id),
    }
    answers = {name: seen(await victim.assert_with(text)) for name, text in assertions.items()}
    assert len(set(map(repr, answers.values()))) == 1, answers


async def test_secrets_are_compared_in_constant_time_and_also_when_there_is_none(victim: House) -> None:
    compared: list[tuple[Any, Any]] = []
    real = hmac.compare_digest

    def watched(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return real(one, other)

    with mock.patch.object(credentials.hmac, "compare_digest", watched):
        for pair in ((victim.client_id, wrong(victim)), ("agt_unknown", "guess"), (victim.client_id, "guess")):
            compared.clear()
            assert (await attempt(victim, ELSEWHERE, *pair)).status_code == 401
            ((stored, hashed),) = compared
            assert len(stored) == len(hashed) == 32
            assert pair[1].encode() not in (stored, hashed)


async def test_nobody_hears_from_the_clock_whether_a_client_exists(victim: House) -> None:
    # Medians of interleaved tries in one process, where a look-up costs the same noise for both. The bound is wide: it
    # catches a hash that is only computed for clients that exist (a factor), not a cache line.
    spent: dict[str, list[float]] = {victim.client_id: [], "agt_" + "0" * 26: []}
    for number in range(40):
        for client_id, times in spent.items():
            started = time.perf_counter()
            await attempt(victim, f"192.0.2.{number}", client_id, wrong(victim))
            times.append(time.perf_counter() - started)
    known, unknown = (statistics.median(times) for times in spent.values())
    assert 0.4 < known / unknown < 2.5
