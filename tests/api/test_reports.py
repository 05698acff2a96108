"""Reports over the management API: what ends soon, and which clients nobody uses or answers for."""

from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.testing.serving import MovingClock
from tests.support.admin import Admin, administration, enrolled, tokens

DAY = 86_400


async def furnished(admin: Admin) -> dict[str, Any]:
    """Make an agent that holds a role, and one that does not; both have a sponsor."""
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    common = {"owner": "dana", "sponsor": "kim"}
    bot = await admin.ok("POST", "/agents", json={"slug": "bot", "roles": ["reader"], **common})
    await admin.ok("POST", "/agents", json={"slug": "other", **common})
    return dict(bot)


async def ending(admin: Admin, **wanted: Any) -> list[tuple[str, str, str]]:
    found = (await admin.ok("GET", "/reports/expiring", params=wanted))["items"]
    assert [item["ends_at"] for item in found] == sorted(item["ends_at"] for item in found)
    return [(item["kind"], item["client"], item["name"]) for item in found]


async def named(admin: Admin, report: str, **wanted: Any) -> list[str]:
    return [item["slug"] for item in (await admin.ok("GET", f"/reports/{report}", params=wanted))["items"]]


async def test_what_ends_soon_is_listed_and_nothing_else(admin: Admin) -> None:
    bot = await furnished(admin)
    assert await ending(admin) == []
    rotated = await admin.ok("POST", "/agents/bot/credentials/rotate", json={"retires_in": DAY})
    await admin.ok("POST", "/agents", json={"slug": "short", "owner": "dana", "expires_in": 2 * DAY})
    await admin.ok("PUT", "/roles/reader/assignments/other", json={"ends_in": 3 * DAY})
    await admin.ok("PUT", "/roles/reader/assignments/short", json={"ends_in": 30 * DAY})
    short = (await admin.ok("GET", "/agents/short"))["id"]
    old = bot["credentials"][0]["id"]
    expected = [("credential", "bot", old), ("client", "short", short), ("role", "other", "reader")]
    assert await ending(admin) == expected
    assert await ending(admin, within=2 * DAY + 60) == expected[:2]
    assert await ending(admin, within=31 * DAY) == [*expected, ("role", "short", "reader")]
    admin.clock.advance(DAY + 1)
    assert await ending(admin) == expected[1:]
    assert rotated["credential"]["id"] not in str(await ending(admin, within=3650 * DAY))


async def test_what_ends_comes_in_pages_also_when_all_of_it_ends_at_once(admin: Admin) -> None:
    await furnished(admin)
    end = {"ends_at": "2030-01-01T00:00:00Z"}
    for name in ("bot", "other"):
        await admin.ok("PUT", f"/roles/reader/assignments/{name}", json=end)
    await admin.ok("POST", "/agents", json={"slug": "third", "owner": "dana", "expires_at": end["ends_at"]})
    within = 10 * 365 * DAY
    whole, seen, cursor = await ending(admin, within=within), [], None
    assert len(whole) == 3
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = await admin.ok("GET", "/reports/expiring", params={"limit": 1, "within": within, **more})
        seen += [(item["kind"], item["client"], item["name"]) for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == whole


@pytest.mark.parametrize(
    ("report", "wanted"),
    [
        ("expiring", {"within": 0}),
        ("expiring", {"within": "soon"}),
        ("expiring", {"within": 10**12}),
        ("expiring", {"cursor": "nowhere"}),
        ("expiring", {"cursor": "1:user:x"}),
        ("unused-clients", {"idle": -1}),
        ("unused-clients", {"cursor": "bot"}),
        ("orphans", {"cursor": "x" * 300}),
        ("orphans", {"idle": 1}),
    ],
    ids=str,
)
async def test_a_report_about_nothing_sound_is_refused(admin: Admin, report: str, wanted: Any) -> None:
    assert await admin.refused("GET", f"/reports/{report}", params=wanted) == (422, "invalid")


async def test_a_client_without_a_token_for_a_while_is_unused_unless_it_is_new(admin: Admin) -> None:
    bot = await furnished(admin)
    await enrolled(admin, "front")
    assert await named(admin, "unused-clients", idle=DAY) == []
    admin.clock.advance(2 * DAY)
    await admin.ok("POST", "/agents", json={"slug": "fresh", "owner": "dana"})
    assert await named(admin, "unused-clients", idle=DAY) == ["bot", "other"]
    assert (await tokens(admin)(bot["client_id"], bot["secret"])).status_code == 200
    assert await named(admin, "unused-clients", idle=DAY) == ["other"]
    admin.clock.advance(2 * DAY)
    found = (await admin.ok("GET", "/reports/unused-clients", params={"idle": DAY}))["items"]
    assert [(item["slug"], item["last_at"] is None) for item in found] == [
        ("bot", False), ("other", True), ("fresh", True),
    ]  # fmt: skip


async def test_an_agent_that_nobody_answers_for_is_an_orphan(admin: Admin) -> None:
    await furnished(admin)
    assert await named(admin, "orphans") == []
    await admin.ok("POST", "/agents", json={"slug": "lost", "owner": "dana"})
    assert await named(admin, "orphans") == ["lost"]


async def test_whoever_owns_a_client_is_named_also_for_an_application(admin: Admin) -> None:
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    await admin.ok("POST", "/applications", json={"slug": "portal", "owner": "lee"})
    admin.clock.advance(2 * DAY)
    found = (await admin.ok("GET", "/reports/unused-clients", params={"idle": DAY}))["items"]
    assert [(item["slug"], item["owner"]) for item in found] == [("bot", "dana"), ("portal", "lee")]


async def test_the_age_limit_is_the_same_whoever_tells_of_it(tmp_path: Path) -> None:
    async with administration(tmp_path, credential_days=30) as admin:
        bot = await furnished(admin)
        end = bot["credentials"][0]["expires_at"]
        assert end is not None
        (shown,) = (await admin.ok("GET", "/agents/bot"))["credentials"]
        (held,) = (await admin.ok("GET", "/agents/bot/credentials"))["items"]
        (told,) = (
            item
            for item in (await admin.ok("GET", "/reports/expiring", params={"within": 31 * DAY}))["items"]
            if item["client"] == "bot"
        )
        assert [shown["expires_at"], held["expires_at"], told["ends_at"]] == [end] * 3
        portal = await admin.ok("POST", "/applications", json={"slug": "portal", "owner": "lee"})
        assert portal["credentials"][0]["expires_at"] is not None
        rotated = await admin.ok("POST", "/agents/bot/credentials/rotate")
        assert rotated["credential"]["expires_at"] > end
        assert rotated["old"]["expires_at"] == end
        added = await admin.ok("POST", "/applications/portal/credentials")
        assert added["credential"]["expires_at"] is not None

        async def works(client: str) -> bool:
            params = {"client": client, "tool": "list_invoices"}
            found = await admin.ok("GET", "/servers/ledger/explain", params=params)
            return {item["factor"]: bool(item["holds"]) for item in found["factors"]}["credential"]

        assert (await works("bot"), await works("app:portal")) == (True, True)
        admin.clock.advance(30 * DAY + 1)
        assert (await works("bot"), await works("app:portal")) == (False, False)
        assert (await tokens(admin)(bot["client_id"], bot["secret"])).status_code == 401


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_no_credential_works_for_longer_than_the_setting_says(
    tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    clock = MovingClock()
    url: str | None = request.getfixturevalue("postgres_url") if engine == "postgresql" else None
    await app.migrate_database(config.load(data=tmp_path, database=url))
    async with administration(tmp_path, url, clock, credential_days=30) as admin:
        bot = await furnished(admin)
        ask = tokens(admin)
        assert (await ask(bot["client_id"], bot["secret"])).status_code == 200
        assert await ending(admin) == []
        clock.advance(17 * DAY)
        assert [item[:2] for item in await ending(admin)] == [("credential", "bot"), ("credential", "other")]
        clock.advance(13 * DAY - 60)
        assert (await ask(bot["client_id"], bot["secret"])).json()["expires_in"] <= 60
        assert await named(admin, "unused-clients") == []
        clock.advance(61)
        assert (await ask(bot["client_id"], bot["secret"])).status_code == 401
        assert await named(admin, "unused-clients", idle=DAY) == ["other"]
        (item,) = (await admin.ok("GET", "/agents/bot/credentials"))["items"]
        assert (item["state"], item["outlook"]) == ("ended", "ended")
        fresh = await admin.ok("POST", "/agents/bot/credentials")
        assert (await ask(bot["client_id"], fresh["secret"])).status_code == 200
