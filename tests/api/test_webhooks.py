"""Webhooks: who outside is told, of what, once, until they hear it; and no one of them makes another wait."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.identity.times import parse
from accredit.identity.webhook import MOST, MOST_WAITING, SUBSCRIBED
from accredit.ports.fetch import FetchFailure
from accredit.service import warnings
from accredit.service.deliveries import LEASE
from tests.support.admin import Admin, administration, enrolled, tokens
from tests.support.receiver import Outside, genuine
from tests.support.until import eventually

DAY = 86_400
HOOK = {"slug": "pager", "url": "https://hooks.example.com/in"}


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
async def both(tmp_path: Path, engine_url: str, outside: Outside) -> AsyncIterator[Admin]:
    """A fresh node on each engine, whose way out is `outside`."""
    database = engine_url if engine_url.startswith("postgresql") else None
    if database is not None:
        await app.migrate_database(config.load(data=tmp_path / "data", database=database))
    async with administration(tmp_path / "data", database, outside=outside) as found:
        yield found


@pytest.fixture
async def telling(tmp_path: Path, outside: Outside) -> AsyncIterator[Admin]:
    """A fresh node on SQLite, whose way out is `outside`."""
    async with administration(tmp_path / "data", outside=outside) as found:
        yield found


async def look(admin: Admin) -> None:
    """Let the node look for what to warn of, and try everything that is due, until nothing is."""
    await admin.node.warnings.look(admin.clock.now())
    await deliver(admin)


async def deliver(admin: Admin) -> None:
    deliveries = admin.node.deliveries

    async def nothing_due() -> bool:
        await deliveries.round(admin.clock.now())
        await asyncio.gather(*deliveries._lanes.values())
        now = admin.clock.now()
        shown = [await admin.ok("GET", f"/webhooks/{item['slug']}") for item in await listed(admin)]
        due = [one for hook in shown for one in hook["deliveries"] if one["state"] == "waiting"]
        return all(parse(one["next_at"]) > now for one in due)

    await eventually(nothing_due)


async def listed(admin: Admin) -> list[Any]:
    found: list[Any] = (await admin.ok("GET", "/webhooks"))["items"]
    return found


# ------------------------------------------------------------------ administration
async def test_a_webhook_has_a_secret_that_is_shown_once_and_is_nowhere_else(both: Admin, tmp_path: Path) -> None:
    made = await both.ok("POST", "/webhooks", json=HOOK)
    assert made["secret"].startswith("whsec_")
    assert made["kinds"] == sorted(kind.value for kind in SUBSCRIBED)
    for where in ("/webhooks", "/webhooks/pager", "/audit", "/export"):
        answer = await both.http.get(where, params={"limit": 100} if where == "/audit" else {})
        assert answer.is_success, where
        assert made["secret"] not in answer.text
        assert made["secret"].removeprefix("whsec_") not in answer.text


async def test_a_request_that_comes_again_makes_one_webhook_and_shows_no_secret_twice(telling: Admin) -> None:
    key = {"Idempotency-Key": "one"}
    first = (await telling.http.post("/webhooks", json=HOOK, headers=key)).json()
    again = await telling.http.post("/webhooks", json=HOOK, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first | {"secret": None}
    assert len(await listed(telling)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/in",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com/#x",
        "https://hooks.example.com:22/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://HOOKS.example.com/",
        "https://hooks.example.com/acs_06h0sbvql1pgj56e20jh632tvo_x",
        "",
    ],
)
async def test_an_address_that_is_never_asked_makes_no_webhook(telling: Admin, url: str) -> None:
    assert await telling.refused("POST", "/webhooks", json=HOOK | {"url": url}) == (422, "invalid")
    assert await listed(telling) == []


@pytest.mark.parametrize("kinds", [["webhook.test"], ["nothing"], ["credential.expiring", "x"], "all"])
async def test_only_what_there_is_to_tell_can_be_asked_for(telling: Admin, kinds: Any) -> None:
    assert await telling.refused("POST", "/webhooks", json=HOOK | {"kinds": kinds}) == (422, "invalid")


async def test_there_are_so_many_webhooks_and_a_name_is_taken_once(telling: Admin) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK)
    assert await telling.refused("POST", "/webhooks", json=HOOK) == (409, "conflict")
    for n in range(MOST - 1):
        await telling.ok("POST", "/webhooks", json=HOOK | {"slug": f"hook-{n}"})
    assert await telling.refused("POST", "/webhooks", json=HOOK | {"slug": "more"}) == (409, "conflict")
    await telling.ok("DELETE", "/webhooks/pager")
    await telling.ok("POST", "/webhooks", json=HOOK | {"slug": "more"})
    first = await telling.ok("GET", "/webhooks", params={"limit": 31})
    second = await telling.ok("GET", "/webhooks", params={"limit": 31, "cursor": first["next"]})
    assert [item["slug"] for item in second["items"]] == ["more"]


async def test_a_webhook_is_removed_in_the_state_that_was_read(telling: Admin) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK)
    assert await telling.refused("DELETE", "/webhooks/pager", headers={}) == (428, "precondition_required")
    assert await telling.refused("DELETE", "/webhooks/pager", headers={"If-Match": '"x"'}) == (412, "stale")
    seen = {"If-Match": (await telling.http.get("/webhooks/pager")).headers["etag"]}
    await telling.ok("DELETE", "/webhooks/pager", headers=seen)
    assert await telling.refused("GET", "/webhooks/pager") == (404, "not_found")
    assert await telling.refused("POST", "/webhooks/pager/test") == (404, "not_found")


async def test_whatever_is_done_to_a_webhook_is_in_the_log_without_its_path(telling: Admin) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK | {"url": "https://hooks.example.com/in/T0PS3CRET"})
    await telling.ok("POST", "/webhooks/pager/test")
    await telling.ok("DELETE", "/webhooks/pager")
    answer = await telling.http.get("/audit", params={"kind": "administered"})
    told = [item["person"] for item in answer.json()["items"][:3]]
    assert [one["action"] for one in told] == ["webhook.remove", "webhook.test", "webhook.add"]
    assert told[2]["summary"] == "webhook pager: hooks.example.com hears of everything"
    assert "T0PS3CRET" not in answer.text


# ------------------------------------------------------------------ a test event
async def test_a_test_event_is_signed_and_its_answer_is_told(telling: Admin, outside: Outside) -> None:
    secret = (await telling.ok("POST", "/webhooks", json=HOOK))["secret"]
    found = await telling.ok("POST", "/webhooks/pager/test")
    assert found == {"webhook": "pager", "delivered": True, "status": 200, "failure": None}
    (errand,) = outside.errands
    assert (errand.address.host, errand.address.target) == ("hooks.example.com", "/in")
    assert genuine(secret, errand)
    other = "B" if secret[6] == "A" else "A"
    assert not genuine(f"whsec_{other}{secret[7:]}", errand)
    assert outside.told()[0]["type"] == "webhook.test"
    assert outside.told()[0]["data"]["slug"] == "pager"


async def test_whatever_is_no_success_is_told_as_it_is(telling: Admin, outside: Outside) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK)
    answered: list[tuple[Any, int | None, str]] = [(status, status, "refused") for status in (302, 410, 500)]
    for answer, status, failure in answered + [(one, None, one.value) for one in FetchFailure]:
        outside.answer = lambda _, answer=answer: answer  # type: ignore[misc]
        found = await telling.ok("POST", "/webhooks/pager/test")
        assert found == {"webhook": "pager", "delivered": False, "status": status, "failure": failure}
    assert (await telling.ok("GET", "/webhooks/pager"))["deliveries"] == []


# ------------------------------------------------------------------ what is told
async def test_each_threshold_before_the_end_of_a_credential_is_told_once(both: Admin, outside: Outside) -> None:
    await both.ok("POST", "/webhooks", json=HOOK | {"kinds": ["credential.expiring"]})
    made = await both.ok("POST", "/agents", json={"slug": "bot", "owner": "dana@example.com", "sponsor": "kim"})
    credential = made["credentials"][0]["id"]
    retired = await both.ok("POST", f"/agents/bot/credentials/{credential}/retire", json={"retires_in": 40 * DAY})
    for days in (0, 11, 23, 5.5):
        both.clock.advance(days * DAY)
        for _ in range(3):
            await look(both)
    told = outside.told()
    assert [(one["type"], one["data"].pop("within_days")) for one in told] == [
        ("credential.expiring", 30), ("credential.expiring", 7), ("credential.expiring", 1),
    ]  # fmt: skip
    assert told[0]["data"] == {
        "noun": "credential",
        "id": credential,
        "client": {"kind": "agent", "slug": "bot"},
        "owner": "dana@example.com",
        "ends_at": retired["retires_at"],
        "advice": "accredit agent credential rotate bot",
    }
    assert len(set(outside.ids())) == 3


async def test_a_new_end_is_warned_of_anew(telling: Admin, outside: Outside) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK | {"kinds": ["credential.expiring"]})
    credential = (await telling.ok("POST", "/agents", json={"slug": "bot", "owner": "d"}))["credentials"][0]["id"]
    for span in (5 * DAY, 6 * DAY):
        await telling.ok("POST", f"/agents/bot/credentials/{credential}/retire", json={"retires_in": span})
        await look(telling)
        await look(telling)
    assert [one["data"]["within_days"] for one in outside.told()] == [7, 7]


async def test_the_end_of_a_credential_is_told_when_it_has_come(
    tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.jobs.expiry.EVERY", 50_000)
    async with administration(tmp_path / "data", outside=outside) as admin:
        await admin.ok("POST", "/webhooks", json=HOOK | {"kinds": ["credential.expired"]})
        made = await admin.ok("POST", "/applications", json={"slug": "portal", "owner": "kim"})
        credential = made["credentials"][0]["id"]
        await admin.ok("POST", f"/applications/portal/credentials/{credential}/retire", json={"retires_in": 60})
        admin.clock.advance(61)
        await eventually(lambda: len(outside.errands) == 1)
        (told,) = outside.told()
        assert told["type"] == "credential.expired"
        assert (told["data"]["id"], told["data"]["owner"]) == (credential, "kim")
        assert told["data"]["advice"] == "accredit app credential rotate portal"


async def test_the_ends_of_clients_and_of_their_roles_are_told(both: Admin, outside: Outside) -> None:
    kinds = ["client.expiring", "client.expired", "role.expiring"]
    await both.ok("POST", "/webhooks", json=HOOK | {"kinds": kinds})
    await both.ledger()
    await both.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    bot = await both.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "expires_in": 10 * DAY})
    await both.ok("PUT", "/roles/reader/assignments/bot", json={"ends_in": 20 * DAY})
    for _ in range(2):
        await look(both)
    client, role = sorted(outside.told(), key=lambda one: str(one["type"]))
    assert [(one["type"], one["data"]["within_days"]) for one in (client, role)] == [
        ("client.expiring", 30), ("role.expiring", 30)
    ]  # fmt: skip
    assert role["data"]["slug"] == "reader"
    assert role["data"]["client"] == {"kind": "agent", "slug": "bot", "id": bot["id"]}
    both.clock.advance(10 * DAY + 60)
    for _ in range(2):
        await look(both)
    (over,) = (one for one in outside.told() if one["type"] == "client.expired")
    assert (over["data"]["id"], over["data"]["owner"]) == (bot["id"], "dana")


async def test_an_agent_without_a_sponsor_is_told_of_once_a_month(telling: Admin, outside: Outside) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK | {"kinds": ["agent.orphaned"]})
    await telling.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    await telling.ok("POST", "/agents", json={"slug": "held", "owner": "dana", "sponsor": "kim"})
    for _ in range(3):
        await look(telling)
    assert [one["data"]["slug"] for one in outside.told()] == ["bot"]
    telling.clock.advance(31 * DAY)
    await look(telling)  # what was told is over, and swept away
    await look(telling)
    assert [one["data"]["slug"] for one in outside.told()] == ["bot", "bot"]


async def test_the_brake_and_its_release_and_new_signing_keys_are_told(both: Admin, outside: Outside) -> None:
    await both.ok("POST", "/webhooks", json=HOOK)
    await both.ledger()
    await both.ok("POST", "/servers/ledger/denials", json={"name": "purge_ledger", "reason": "a test"})
    await both.ok("POST", "/servers/ledger/denials/lift", json={"name": "purge_ledger"})
    await both.ok("POST", "/keys/access/rotate")
    await look(both)
    told = [(one["type"], one["data"].get("target", one["data"].get("use"))) for one in outside.told()]
    assert told == [
        ("emergency.denied", "tool purge_ledger of ledger"),
        ("emergency.lifted", "tool purge_ledger of ledger"),
        ("key.rotated", "access"),
    ]


async def test_a_change_that_was_not_made_is_not_told(telling: Admin, outside: Outside) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK)
    await telling.ledger()
    assert await telling.refused("POST", "/servers/ledger/denials/lift", json={"name": "list_invoices"}) == (
        404,
        "not_found",
    )
    assert await telling.refused("POST", "/servers/nowhere/denials", json={}) == (404, "not_found")
    await look(telling)
    assert outside.errands == []


async def test_a_guard_that_goes_silent_is_told_of_once_and_one_that_takes_its_leave_is_not(
    telling: Admin, outside: Outside
) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK | {"kinds": ["guard.lapsed"]})
    await telling.ledger()
    guard = await enrolled(telling, "door")
    leases = telling.node.warnings._leases
    leases.hear(guard, "one", 1, bound=300, beat=30, ended=False)
    leases.hear(guard, "two", 1, bound=300, beat=30, ended=True)
    await look(telling)
    assert outside.errands == []
    telling.clock.advance(101)
    await look(telling)
    await look(telling)
    (told,) = outside.told()
    assert (told["data"]["slug"], told["data"]["instance"]) == ("door", "one")
    leases.hear(guard, "one", 2, bound=300, beat=30, ended=False)
    telling.clock.advance(101)
    await look(telling)
    assert len(outside.errands) == 2


async def test_a_guard_of_which_ever_new_processes_go_silent_keeps_no_other_warning_back(
    telling: Admin, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warnings, "_MOST", 25)
    await telling.ok("POST", "/webhooks", json=HOOK | {"kinds": ["guard.lapsed", "client.expiring"]})
    await telling.ledger()
    guard = await enrolled(telling, "door")
    for number in range(40):
        telling.node.warnings._leases.hear(guard, f"one-{number}", 1, bound=3, beat=1, ended=False)
    await telling.ok("POST", "/agents", json={"slug": "bot", "owner": "d", "sponsor": "k", "expires_in": 5 * DAY})
    telling.clock.advance(101)
    await look(telling)
    told = [one["type"] for one in outside.told()]
    assert (told.count("guard.lapsed"), told.count("client.expiring")) == (20, 1)


async def test_guards_are_not_called_silent_while_nobody_could_hear_them(tmp_path: Path, outside: Outside) -> None:
    async with administration(tmp_path / "data", outside=outside) as admin:
        await admin.ok("POST", "/webhooks", json=HOOK | {"kinds": ["guard.lapsed"]})
        await admin.ledger()
        guard = await enrolled(admin, "door")
        admin.node.warnings._leases.hear(guard, "one", 1, bound=300, beat=30, ended=False)
        await admin.node.warnings._leases.flush(admin.clock.now())
    admin.clock.advance(600)
    async with administration(tmp_path / "data", clock=admin.clock, outside=outside) as again:
        await look(again)
        assert outside.errands == []
        again.clock.advance(101)
        await look(again)
        assert len(outside.errands) == 1


async def test_each_webhook_is_told_of_what_it_asked_for_and_a_new_one_of_what_is_still_true(
    telling: Admin, outside: Outside
) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK | {"kinds": ["emergency.denied"]})
    await telling.ok("POST", "/agents", json={"slug": "bot", "owner": "d", "sponsor": "k", "expires_in": 5 * DAY})
    await look(telling)
    assert outside.errands == []
    await telling.ok("POST", "/webhooks", json=HOOK | {"slug": "late", "url": "https://late.example.com/"})
    await look(telling)
    assert [one["type"] for one in outside.told("late.example.com")] == ["client.expiring"]
    assert outside.told("hooks.example.com") == []


# ------------------------------------------------------------------ until it is heard
async def test_what_was_not_heard_comes_again_with_the_same_id_and_ever_later_and_is_given_up(
    both: Admin, outside: Outside
) -> None:
    await both.ok("POST", "/webhooks", json=HOOK)
    await both.ledger()
    outside.answer = lambda _: 503
    await both.ok("POST", "/servers/ledger/denials", json={})
    spans = []
    for _ in range(20):
        await deliver(both)
        (item,) = (await both.ok("GET", "/webhooks/pager"))["deliveries"]
        if item["state"] != "waiting":
            break
        spans.append((parse(item["next_at"]) - both.clock.now()) / 1_000_000)
        both.clock.advance(spans[-1] + 1)
    assert (item["state"], item["status"], item["failure"], item["attempts"]) == ("failed", 503, "refused", 9)
    assert spans == sorted(spans)
    assert 7 <= spans[0] <= 12.1
    assert max(spans) <= 1.2 * DAY + 1
    assert len(outside.errands) == 9
    assert len(set(outside.ids())) == 1
    assert len({one.headers["webhook-timestamp"] for one in outside.errands}) == 9, "each attempt is signed anew"
    assert (await listed(both))[0]["failed"] == 1
    both.clock.advance(60 * DAY)
    await deliver(both)
    assert len(outside.errands) == 9


async def test_a_receiver_that_comes_back_hears_of_it(telling: Admin, outside: Outside) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK)
    await telling.ledger()
    answers = iter([FetchFailure.UNREACHABLE, FetchFailure.TIMEOUT, 204])
    outside.answer = lambda _: next(answers)
    await telling.ok("POST", "/servers/ledger/denials", json={})
    for _ in range(3):
        await deliver(telling)
        telling.clock.advance(60)
    (item,) = (await telling.ok("GET", "/webhooks/pager"))["deliveries"]
    assert (item["state"], item["status"], item["failure"], item["attempts"]) == ("delivered", 204, None, 3)


async def test_a_receiver_that_never_answers_makes_no_other_wait(telling: Admin, outside: Outside) -> None:
    for name in ("dead", "live"):
        await telling.ok("POST", "/webhooks", json=HOOK | {"slug": name, "url": f"https://{name}.example.com/"})
    await telling.ledger()
    for n in range(5):
        name = {"name": ("list_invoices", "purge_ledger")[n % 2]}
        await telling.ok("POST", "/servers/ledger/denials", json=name)
    never = asyncio.Event()

    async def hang() -> int:
        await never.wait()
        return 200

    outside.answer = lambda errand: hang() if errand.address.host == "dead.example.com" else 200
    await telling.node.deliveries.round(telling.clock.now())
    await eventually(lambda: len(outside.told("live.example.com")) == 5)
    for n in range(3):
        await telling.ok("POST", "/servers/ledger/denials", json={})

        async def heard(count: int = 6 + n) -> bool:
            await telling.node.deliveries.round(telling.clock.now())
            return len(outside.told("live.example.com")) == count

        await eventually(heard)
    assert len(outside.told("dead.example.com")) == 1, "one at a time"
    never.set()
    await deliver(telling)
    assert len(set(outside.ids("dead.example.com"))) == 8


async def test_while_every_receiver_hangs_tokens_are_issued_and_changes_are_made(
    telling: Admin, outside: Outside
) -> None:
    for n in range(MOST):
        await telling.ok("POST", "/webhooks", json=HOOK | {"slug": f"hook-{n}"})
    await telling.ledger()
    await telling.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    made = await telling.ok("POST", "/agents", json={"slug": "bot", "owner": "d", "roles": ["reader"]})
    never = asyncio.Event()
    outside.answer = lambda _: never.wait()
    await telling.ok("POST", "/servers/ledger/denials", json={"name": "purge_ledger"})
    await telling.node.deliveries.round(telling.clock.now())
    await eventually(lambda: len(outside.errands) == MOST)
    assert (await tokens(telling)(made["client_id"], made["secret"])).status_code == 200
    await telling.ok("POST", "/servers/ledger/denials/lift", json={"name": "purge_ledger"})
    assert len(outside.errands) == MOST


async def test_a_receiver_whose_queue_is_full_keeps_no_warning_from_the_others(
    telling: Admin, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.identity.webhook.MOST_WAITING", 4)
    monkeypatch.setattr(warnings, "_MOST", 10)
    monkeypatch.setattr(warnings, "_PAGE", 5)
    outside.answer = lambda errand: 500 if errand.address.host == "dead.example.com" else 200
    for name in ("dead", "live"):
        hook = {"slug": name, "url": f"https://{name}.example.com/", "kinds": ["agent.orphaned"]}
        await telling.ok("POST", "/webhooks", json=hook)
    for n in range(25):
        await telling.ok("POST", "/agents", json={"slug": f"bot-{n}", "owner": "d"})
    for _ in range(10):
        await look(telling)
    assert len(set(outside.ids("live.example.com"))) == 25
    assert {item["slug"]: item["waiting"] for item in await listed(telling)} == {"dead": 3, "live": 0}


async def test_what_a_process_that_died_had_in_hand_comes_again_with_the_same_id(tmp_path: Path) -> None:
    first, never = Outside(), asyncio.Event()

    async def hang() -> int:
        await never.wait()
        return 200

    first.answer = lambda _: hang()
    async with administration(tmp_path / "data", outside=first) as admin:
        await admin.ok("POST", "/webhooks", json=HOOK)
        await admin.ledger()
        await admin.ok("POST", "/servers/ledger/denials", json={})
        await admin.node.deliveries.round(admin.clock.now())
        await eventually(lambda: len(first.errands) == 1)
    second = Outside()
    async with administration(tmp_path / "data", clock=admin.clock, outside=second) as again:
        await deliver(again)
        assert second.errands == [], "it is left to who took it for a while"
        again.clock.advance(LEASE / 1_000_000 + 1)
        await deliver(again)
        assert second.ids() == first.ids()
        (item,) = (await again.ok("GET", "/webhooks/pager"))["deliveries"]
        assert (item["state"], item["attempts"]) == ("delivered", 2)


@pytest.mark.postgres
async def test_of_two_nodes_one_delivers(tmp_path: Path, postgres_url: str) -> None:
    await app.migrate_database(config.load(data=tmp_path / "one", database=postgres_url))
    outside = Outside()
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(administration(tmp_path / "one", postgres_url, outside=outside))
        (tmp_path / "two").mkdir(mode=0o700)
        shutil.copy(tmp_path / "one" / "master.key", tmp_path / "two" / "master.key")
        two = await stack.enter_async_context(administration(tmp_path / "two", postgres_url, outside=outside))
        await one.ledger()
        await one.ok("POST", "/webhooks", json=HOOK)
        await one.ok("POST", "/webhooks", json=HOOK | {"slug": "other", "url": "https://other.example.com/"})
        for n in range(10):
            await one.ok("POST", "/agents", json={"slug": f"bot-{n}", "owner": "d", "expires_in": 5 * DAY})
        for _ in range(3):
            now = one.clock.now()
            await asyncio.gather(*(node.node.warnings.look(now) for node in (one, two)))
            await asyncio.gather(*(deliver(node) for node in (one, two)))
        for host in ("hooks.example.com", "other.example.com"):
            ids = outside.ids(host)
            assert len(ids) == len(set(ids)) == 20, "10 agents that end, and have no sponsor"


async def test_a_queue_has_an_end_and_what_found_no_place_is_counted(
    telling: Admin, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.identity.webhook.MOST_WAITING", 3)
    assert MOST_WAITING == 1000
    outside.answer = lambda _: 500
    await telling.ok("POST", "/webhooks", json=HOOK)
    await telling.ledger()
    for _ in range(5):
        await telling.ok("POST", "/servers/ledger/denials", json={})
    (item,) = await listed(telling)
    assert (item["waiting"], item["lost"]) == (3, 2)
    await telling.ok("POST", "/agents", json={"slug": "bot", "owner": "d"})
    await look(telling)
    assert (await listed(telling))[0]["lost"] == 2, "what is true tomorrow is told tomorrow"
    outside.answer = lambda _: 200
    telling.clock.advance(60)
    await deliver(telling)
    await look(telling)
    assert [one["type"] for one in outside.told()][-1] == "agent.orphaned"


async def test_what_was_delivered_is_shown_for_a_day_and_what_failed_for_a_week(
    telling: Admin, outside: Outside
) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK)
    await telling.ledger()
    await telling.ok("POST", "/servers/ledger/denials", json={})
    await deliver(telling)
    assert len((await telling.ok("GET", "/webhooks/pager"))["deliveries"]) == 1
    telling.clock.advance(DAY + 120)
    await deliver(telling)
    assert (await telling.ok("GET", "/webhooks/pager"))["deliveries"] == []


async def test_what_waits_for_a_webhook_goes_with_it(telling: Admin, outside: Outside) -> None:
    outside.answer = lambda _: 500
    await telling.ok("POST", "/webhooks", json=HOOK)
    await telling.ledger()
    await telling.ok("POST", "/servers/ledger/denials", json={})
    await deliver(telling)
    await telling.ok("DELETE", "/webhooks/pager")
    outside.answer = lambda _: 200
    await telling.ok("POST", "/webhooks", json=HOOK)
    telling.clock.advance(DAY)
    await look(telling)
    assert len(outside.errands) == 1


async def test_deliveries_are_counted_by_how_they_ended(telling: Admin, outside: Outside) -> None:
    await telling.ok("POST", "/webhooks", json=HOOK)
    await telling.ledger()
    answers = iter([500, 200])
    outside.answer = lambda _: next(answers)
    await telling.ok("POST", "/servers/ledger/denials", json={})
    await deliver(telling)
    telling.clock.advance(30)
    await deliver(telling)

    def shown(line: str) -> bool:
        return line in telling.node.measures.render().decode()

    for outcome in ("retried", "delivered"):
        line = f'accredit_webhook_deliveries_total{{outcome="{outcome}"}} 1.0'
        await eventually(lambda line=line: shown(line))  # type: ignore[misc]
    assert shown("accredit_webhook_waiting 0.0")
