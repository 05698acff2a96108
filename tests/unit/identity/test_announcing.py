"""What webhooks are told: which noun, whose it is, when it ends, what to do, and once for each threshold."""

import json
from dataclasses import replace
from typing import Any

import pytest

from accredit.identity import announcing
from accredit.identity.announcing import DAY, threshold
from accredit.identity.client import ClientKind
from accredit.identity.lease import Lease
from accredit.identity.report import Ending, EndingKind, Noticed
from accredit.identity.webhook import Announcement, WebhookKind

NOON = 1_790_000_000_000_000
SECOND = 1_000_000
CREDENTIAL = Ending(EndingKind.CREDENTIAL, "crd_1", ClientKind.AGENT, "bot", NOON + 5 * DAY, "dana")
CLIENT = Ending(EndingKind.CLIENT, "app_1", ClientKind.APPLICATION, "portal", NOON + 20 * DAY, "kim")
ROLE = Ending(EndingKind.ROLE, "reader agt_1", ClientKind.AGENT, "bot", NOON + DAY, "dana")
LEASE = Lease("grd_1", "gin_1", 7, NOON, NOON, bound=300, beat=5)


def data(said: Announcement | None) -> Any:
    assert said is not None
    found = json.loads(said.body)
    assert (found["type"], said.id) == (said.kind.value, "evt_1")
    assert found["timestamp"].endswith("Z")
    return found["data"]


@pytest.mark.parametrize(
    ("remaining", "days"),
    [(31 * DAY, None), (30 * DAY + 1, None), (30 * DAY, 30), (7 * DAY + 1, 30), (7 * DAY, 7), (DAY, 1), (0, 1)],
)
def test_the_nearest_threshold_counts(remaining: int, days: int | None) -> None:
    assert threshold(remaining) == days


def test_nothing_is_told_while_the_end_is_far() -> None:
    assert announcing.expiring("evt_1", replace(CREDENTIAL, ends_at=NOON + 31 * DAY), NOON) is None


def test_the_same_end_within_the_same_threshold_has_one_key_and_anything_else_another() -> None:
    def key(item: Ending, now: int = NOON) -> str:
        said = announcing.expiring("evt_1", item, now)
        assert said is not None
        return said.key

    assert key(CREDENTIAL) == key(CREDENTIAL, NOON + 3 * DAY)
    others = [key(CREDENTIAL, NOON + 4 * DAY), key(replace(CREDENTIAL, ends_at=NOON + 6 * DAY))]
    others += [key(replace(CREDENTIAL, name="crd_2")), key(replace(CREDENTIAL, kind=EndingKind.CLIENT))]
    assert len({key(CREDENTIAL), *others}) == 5


def test_a_credential_that_ends_is_told_with_its_owner_and_what_to_do() -> None:
    said = announcing.expiring("evt_1", CREDENTIAL, NOON)
    assert data(said) == {
        "noun": "credential",
        "id": "crd_1",
        "client": {"kind": "agent", "slug": "bot"},
        "owner": "dana",
        "ends_at": "2026-09-26T14:13:20.000000Z",
        "advice": "accredit agent credential rotate bot",
        "within_days": 7,
    }
    assert said is not None
    assert (said.kind, said.lasting, said.until) == (WebhookKind.CREDENTIAL_EXPIRING, True, CREDENTIAL.ends_at + DAY)


def test_a_client_and_a_role_that_end_are_told_each_in_its_own_words() -> None:
    client, role = (data(announcing.expiring("evt_1", item, NOON)) for item in (CLIENT, ROLE))
    assert (client["noun"], client["id"], client["within_days"]) == ("client", "app_1", 30)
    assert client["advice"] == "accredit app edit portal --expires 90d"
    assert (role["noun"], role["slug"], role["client"]["id"]) == ("role", "reader", "agt_1")
    assert role["advice"] == "accredit role assign reader bot --until 90d"
    of_app = replace(ROLE, client_kind=ClientKind.APPLICATION, slug="portal")
    assert "app:portal" in data(announcing.expiring("evt_1", of_app, NOON))["advice"]
    of_guard = replace(CREDENTIAL, client_kind=ClientKind.GUARD, slug="door", owner="")
    assert data(announcing.expiring("evt_1", of_guard, NOON))["advice"] == "enrol it anew: accredit guard enrol SERVER"


def test_what_has_ended_is_told_as_such() -> None:
    over = replace(CLIENT, ends_at=NOON)
    said = announcing.client_expired("evt_1", over, NOON + 5)
    assert (said.kind, data(said)["ends_at"]) == (WebhookKind.CLIENT_EXPIRED, "2026-09-21T14:13:20.000000Z")
    assert said.until >= NOON + announcing.PAST, "not forgotten while it is still looked at"
    ended = announcing.credential_expired("evt_1", replace(CREDENTIAL, ends_at=NOON), NOON)
    assert (ended.kind, data(ended)["id"], ended.lasting) == (WebhookKind.CREDENTIAL_EXPIRED, "crd_1", False)


def test_an_agent_that_nobody_answers_for_is_told_of_until_somebody_does() -> None:
    said = announcing.orphaned("evt_1", Noticed("agt_1", ClientKind.AGENT, "bot", "dana", NOON, None), NOON)
    assert (said.key, said.until) == ("agent.orphaned:agt_1", NOON + 30 * DAY)
    assert data(said) == {
        "noun": "agent",
        "id": "agt_1",
        "slug": "bot",
        "owner": "dana",
        "advice": "accredit agent edit bot --sponsor NAME",
    }


def test_a_new_signing_key_is_told_with_its_use() -> None:
    said = announcing.rotated("evt_1", "kid", "access", "access: on schedule", NOON)
    assert (data(said)["id"], data(said)["use"], said.key) == ("kid", "access", "key.rotated:evt_1")


@pytest.mark.parametrize(("denied", "kind"), [(True, "emergency.denied"), (False, "emergency.lifted")])
def test_the_brake_is_told_with_who_pulled_it(denied: bool, kind: str) -> None:
    said = announcing.braked("evt_1", "srv_1", "ledger", "tool pay of ledger", "agt_9", NOON, denied=denied)
    assert said.kind == kind
    assert data(said)["target"] == "tool pay of ledger"
    assert (data(said)["slug"], data(said)["by"], "owner" in data(said)) == ("ledger", "agt_9", False)


def test_a_guard_is_silent_after_its_beats_and_a_while_and_never_after_it_took_its_leave() -> None:
    at = NOON + 25 * SECOND
    assert announcing.silent(LEASE, at, 0)
    assert not announcing.silent(LEASE, at - 1, 0)
    assert not announcing.silent(replace(LEASE, ended=True), at, 0)
    assert not announcing.silent(LEASE, at, NOON + 1), "whoever could not hear it has to wait, too"


def test_a_silent_guard_is_told_with_when_it_refuses_by_itself() -> None:
    said = announcing.lapsed("evt_1", LEASE, "door", NOON)
    found = data(said)
    assert (found["slug"], found["instance"]) == ("door", "gin_1")
    assert found["refuses_from"] == "2026-09-21T14:18:21.000000Z"
    assert said.key != announcing.lapsed("evt_1", replace(LEASE, seen_at=NOON + 1), "door", NOON).key


def test_a_test_names_the_webhook() -> None:
    said = announcing.test("evt_1", "whk_1", "pager", NOON)
    assert data(said) == {"noun": "webhook", "id": "whk_1", "slug": "pager"}
