"""`accredit agent` and `accredit agent credential`."""

import pytest

from accredit.testing.serving import MovingClock
from tests.support.terminal import CommandLine

ADD = ("agent", "add", "bot", "--owner", "dana@example.com", "--role", "reader", "--purpose", "Looks")
OTHER = ("agent", "add", "other", "--owner", "dana@example.com")


@pytest.fixture
def reader(ledger: CommandLine) -> CommandLine:
    ledger.ok("role", "add", "reader", "--scope", "ledger=ledger:read", "--title", "Readers")
    return ledger


def test_a_new_agent_gets_its_roles_and_a_secret_that_is_shown_this_once(reader: CommandLine) -> None:
    made = reader.data(*ADD, "--sponsor", "lee@example.com", "--title", "Bot", "--expires", "90d")
    assert made["secret"].startswith("acs_")
    shown = reader.data("agent", "show", "bot")
    assert "secret" not in shown
    assert shown == {key: value for key, value in made.items() if key != "secret"}
    assert (shown["owner"], shown["sponsor"], shown["name"]) == ("dana@example.com", "lee@example.com", "Bot")
    assert [(item["slug"], item["scopes"]) for item in shown["roles"]] == [("reader", {"ledger": ["ledger:read"]})]
    assert made["secret"] not in reader.ok("agent", "show", "bot")


def test_a_person_sees_the_secret_once_on_standard_output_and_the_warning_beside_it(reader: CommandLine) -> None:
    ran = reader.run(*ADD)
    assert ran.code == 0
    assert "acs_" in ran.out
    assert ran.err.startswith("! ")


@pytest.mark.parametrize(("given", "seconds"), [("90s", 90), ("5m", 300), ("12h", 43_200), ("2w", 1_209_600)])
def test_an_end_is_typed_as_a_span(reader: CommandLine, clock: MovingClock, given: str, seconds: int) -> None:
    assert reader.data(*ADD, "--expires", given)["state"] == "active"
    made = reader.data("agent", "show", "bot")
    clock.advance(seconds + 1)
    refused = reader.run("agent", "add", "late", "--owner", "x", "--expires", made["expires_at"])
    assert refused.code == 1
    clock.advance(-10)
    assert reader.run("agent", "add", "early", "--owner", "x", "--expires", made["expires_at"]).code == 0


@pytest.mark.parametrize("given", ["0d", "soon", "-1d", "9999999d", "2001-01-01T00:00:00Z", "", "\u0661d"])
def test_an_end_that_is_none_is_refused_and_no_agent_is_made(settled: CommandLine, given: str) -> None:
    assert settled.run(*OTHER, f"--expires={given}", "--json").trouble["status"] == 422
    assert len(settled.data("agent", "list")["items"]) == 1


def test_the_list_tells_owner_purpose_and_state(reader: CommandLine) -> None:
    assert "agent add" in reader.ok("agent", "list")
    reader.ok(*ADD)
    reader.ok("agent", "suspend", "bot", "--yes")
    assert reader.data("agent", "list")["items"][0]["state"] == "suspended"
    row = reader.ok("agent", "list").splitlines()[-1]
    assert row.split() == ["bot", "dana@example.com", "Looks", "○", "suspended"]
    assert reader.data("agent", "resume", "bot")["state"] == "active"


def test_a_second_credential_works_beside_the_first_until_that_is_revoked(reader: CommandLine) -> None:
    first = reader.data(*ADD)
    second = reader.data("agent", "credential", "add", "bot")
    assert second["client_id"] == first["client_id"]
    assert second["secret"] != first["secret"]
    old = first["credentials"][0]["id"]
    assert reader.data("agent", "credential", "revoke", "bot", old, "--yes")["state"] == "revoked"
    assert [item["id"] for item in reader.data("agent", "show", "bot")["credentials"]] == [second["credential"]["id"]]
    assert second["credential"]["id"] in reader.ok("agent", "show", "bot")


def test_a_credential_that_retires_works_until_its_deadline(reader: CommandLine, clock: MovingClock) -> None:
    old = reader.data(*ADD)["credentials"][0]["id"]
    reader.ok("agent", "credential", "add", "bot")
    assert old in reader.ok("agent", "credential", "retire", "bot", old, "--in", "1h")
    shown = reader.data("agent", "show", "bot")["credentials"]
    assert [item["state"] for item in shown] == ["retiring", "active"]
    assert "◐ retiring" in reader.ok("agent", "show", "bot")
    moved = reader.data("agent", "credential", "retire", "bot", old, "--in", "2999-01-01T00:00:00Z")
    assert moved["retires_at"] > shown[0]["retires_at"]
    assert reader.run("agent", "credential", "retire", "bot", old, "--in", "soon").code == 1
    assert reader.run("agent", "credential", "retire", "bot", "crd_none", "--in", "1h").code == 1
    assert reader.run("agent", "credential", "retire", "bot", old).code == 2


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (ADD, "conflict"),
        (("agent", "add", "other", "--owner", "x", "--role", "nobody"), "not_found"),
        (("agent", "add", "Not A Slug", "--owner", "x"), "invalid"),
        (("agent", "add", "other", "--owner", ""), "invalid"),
        (("agent", "add", "other", "--owner", "two\nlines"), "invalid"),
        (("agent", "show", "nobody"), "not_found"),
        (("agent", "suspend", "nobody", "--yes"), "not_found"),
        (("agent", "credential", "add", "nobody"), "not_found"),
        (("agent", "credential", "revoke", "bot", "crd_none", "--yes"), "not_found"),
    ],
)
def test_what_the_server_refuses_ends_with_1_and_makes_no_agent(
    settled: CommandLine, words: tuple[str, ...], kind: str
) -> None:
    ran = settled.run(*words, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.trouble["type"] == f"urn:accredit:problem:{kind}"
    assert len(settled.data("agent", "list")["items"]) == 1


@pytest.mark.parametrize("text", ["\x1b[31mred", "nul\0", "\u202eevil", "a\tb"])
def test_text_that_could_steer_a_terminal_is_refused_and_never_printed(settled: CommandLine, text: str) -> None:
    for words in (("agent", "add", "x", "--owner", text), ("agent", "show", text), ("role", "add", text)):
        ran = settled.run(*words)
        assert ran.code == 1
        assert text not in ran.out + ran.err


def test_a_credential_is_rotated_in_one_step_and_the_list_says_who_comes_with_which(reader: CommandLine) -> None:
    old = reader.data(*ADD)["credentials"][0]["id"]
    made = reader.data("agent", "credential", "rotate", "bot", "--retire-in", "1h")
    assert (made["old"]["id"], made["old"]["state"]) == (old, "retiring")
    assert made["secret"].startswith("acs_")
    found = reader.data("agent", "credential", "list", "bot")["items"]
    assert [(item["state"], item["used"], item["created_by"]) for item in found] == [
        ("retiring", None, "local administrator"),
        ("active", None, "local administrator"),
    ]
    shown = reader.ok("agent", "credential", "list", "bot")
    assert "◐ retiring" in shown
    assert found[0]["advice"] in shown
    assert reader.run("agent", "credential", "rotate", "bot", made["credential"]["id"]).code == 1


def test_an_emergency_cuts_the_old_credential_and_the_list_hides_what_works_no_more(reader: CommandLine) -> None:
    old = reader.data(*ADD)["credentials"][0]["id"]
    ran = reader.run("agent", "credential", "rotate", "bot", "--now", "--yes")
    assert ran.code == 0
    assert f"{old} is cut" in ran.out
    assert old not in reader.ok("agent", "credential", "list", "bot")
    every = reader.data("agent", "credential", "list", "bot", "--all")["items"]
    assert [item["state"] for item in every] == ["revoked", "active"]


def test_an_emergency_is_asked_back_and_is_no_deadline(reader: CommandLine) -> None:
    made = reader.data(*ADD)
    assert reader.run("agent", "credential", "rotate", "bot", "--now").code != 0
    assert reader.run("agent", "credential", "rotate", "bot", "--now", "--retire-in", "1h", "--yes").code == 2
    assert [item["id"] for item in reader.data("agent", "credential", "list", "bot")["items"]] == [
        made["credentials"][0]["id"]
    ]


def test_an_agent_is_edited_member_by_member(reader: CommandLine) -> None:
    reader.ok(*ADD)
    assert "agent bot is changed" in reader.ok("agent", "edit", "bot", "--owner", "kim@example.com", "--sponsor", "lee")
    shown = reader.data("agent", "edit", "bot", "--expires", "30d", "--role", "reader=7d")
    assert (shown["owner"], shown["sponsor"], shown["purpose"]) == ("kim@example.com", "lee", "Looks")
    assert shown["roles"][0]["ends_at"] < shown["expires_at"]
    assert reader.data("agent", "edit", "bot", "--expires", "never", "--no-role")["expires_at"] is None
    assert reader.data("agent", "show", "bot")["roles"] == []
    assert reader.run("agent", "edit", "bot").code == 2


def test_an_agent_is_removed_when_the_person_says_so_and_its_name_is_free(reader: CommandLine) -> None:
    first = reader.data(*ADD)
    assert reader.run("agent", "remove", "bot").code == 2
    assert reader.data("agent", "remove", "bot", "--yes", "--no-wait") == {"agent": "bot", "removed": True}
    assert reader.run("agent", "show", "bot").code == 1
    assert reader.data(*ADD)["id"] != first["id"]
    assert "removed" in reader.ok("agent", "remove", "bot", "--yes")


def test_a_role_can_be_held_for_a_while_from_the_beginning(reader: CommandLine) -> None:
    made = reader.data("agent", "add", "brief", "--owner", "dana", "--role", "reader=1h")
    assert made["roles"][0]["ends_at"] is not None
    assert reader.run("agent", "add", "odd", "--owner", "dana", "--role", "reader=soon").code == 1
    assert reader.run("agent", "add", "odd", "--owner", "dana", "--role", "=1h").code == 1
