"""`accredit app` and `accredit group`."""

from pathlib import Path

import pytest

from tests.support.terminal import CommandLine

ADD = ("app", "add", "portal", "--owner", "dana@example.com", "--redirect", "https://portal.example/cb")


@pytest.fixture
def reader(ledger: CommandLine) -> CommandLine:
    ledger.ok("role", "add", "reader", "--scope", "ledger=ledger:read")
    return ledger


def test_a_new_application_gets_a_secret_that_is_shown_this_once(reader: CommandLine, tmp_path: Path) -> None:
    made = reader.data(*ADD, "--role", "reader=7d", "--title", "Portal", "--purpose", "Shows", "--expires", "30d")
    assert made["secret"].startswith("acs_")
    shown = reader.data("app", "show", "portal")
    assert shown == {key: value for key, value in made.items() if key != "secret"}
    told = reader.ok("app", "show", "portal")
    assert "https://portal.example/cb" in told
    assert made["secret"] not in told
    row = reader.ok("app", "list").splitlines()[-1]
    assert row.split()[:6] == ["portal", "dana@example.com", "confidential", "Shows", "●", "active"]
    kept = tmp_path / "secret"
    ran = reader.run("app", "add", "other", "--owner", "dana", "--secret-file", str(kept))
    assert (ran.code, "acs_" in ran.out) == (0, False)
    assert kept.read_text().startswith("acs_")


def test_a_public_application_has_no_secret(cli: CommandLine, tmp_path: Path) -> None:
    assert "app add" in cli.ok("app", "list")
    words = ("app", "add", "phone", "--owner", "dana", "--public")
    assert cli.run(*words).code == 1
    redirected = (*words, "--redirect", "com.example.app:/cb")
    assert cli.run(*redirected, "--secret-file", str(tmp_path / "s")).code == 2
    assert not (tmp_path / "s").exists()
    ran = cli.run(*redirected)
    assert (ran.code, ran.err, "acs_" in ran.out) == (0, "", False)
    assert cli.data("app", "show", "phone")["type"] == "public"
    assert "credential" not in cli.ok("app", "show", "phone")
    assert cli.run("app", "credential", "add", "phone").code == 1


def test_an_application_is_edited_suspended_resumed_and_removed(reader: CommandLine) -> None:
    first = reader.data(*ADD)
    words = ("--owner", "kim", "--redirect", "http://127.0.0.1/cb", "--role", "reader", "--expires", "30d")
    shown = reader.data("app", "edit", "portal", *words)
    assert (shown["owner"], shown["redirect_uris"]) == ("kim", ["http://127.0.0.1/cb"])
    bare = reader.data("app", "edit", "portal", "--no-redirect", "--no-role", "--expires", "never")
    assert (bare["redirect_uris"], bare["roles"], bare["expires_at"]) == ([], [], None)
    assert reader.run("app", "edit", "portal").code == 2
    assert reader.run("app", "edit", "portal", "--redirect", "javascript:alert(1)").code == 1
    assert reader.run("app", "suspend", "portal").code == 2
    assert reader.data("app", "suspend", "portal", "--yes")["state"] == "suspended"
    assert "active" in reader.ok("app", "resume", "portal")
    assert reader.run("app", "revoke", "portal").code == 2
    assert reader.data("app", "revoke", "portal", "--yes", "--no-wait") == {"app": "portal", "revoked": True}
    assert reader.data("app", "show", "portal")["state"] == "active"
    second = reader.data("app", "credential", "add", "portal")
    old = first["credentials"][0]["id"]
    assert old in reader.ok("app", "credential", "retire", "portal", old, "--in", "1h")
    assert reader.data("app", "credential", "revoke", "portal", old, "--yes")["state"] == "revoked"
    left = reader.data("app", "show", "portal")["credentials"]
    assert [item["id"] for item in left] == [second["credential"]["id"]]
    assert reader.run("app", "remove", "portal").code == 2
    assert reader.data("app", "remove", "portal", "--yes", "--no-wait") == {"app": "portal", "removed": True}
    assert reader.run("app", "show", "portal").code == 1


def test_a_group_gives_its_roles_to_who_is_in_it(reader: CommandLine) -> None:
    reader.ok(*ADD)
    reader.ok("agent", "add", "bot", "--owner", "dana")
    assert "group add" in reader.ok("group", "list")
    assert reader.data("group", "add", "staff", "--title", "Staff")["name"] == "Staff"
    assert "group:staff holds the role reader" in reader.ok("role", "assign", "reader", "group:staff", "--until", "7d")
    for who in ("bot", "app:portal"):
        assert reader.data("group", "member", "add", "staff", who) == {"group": "staff", "member": who}
    assert reader.ok("group", "list").splitlines()[-1].split() == ["staff", "Staff", "reader"]
    told = reader.ok("group", "show", "staff")
    assert "app:portal" in told
    assert reader.data("agent", "show", "bot")["roles"][0]["through"] == "staff"
    assert "staff" in reader.ok("app", "show", "portal")
    assert reader.run("group", "member", "remove", "staff", "bot").code == 2
    assert reader.data("group", "member", "remove", "staff", "bot", "--yes")["removed"] is True
    assert reader.data("agent", "show", "bot")["roles"] == []
    assert reader.run("group", "member", "remove", "staff", "bot", "--yes").code == 1
    assert reader.data("role", "unassign", "reader", "group:staff", "--yes")["holder"] == "group:staff"
    assert reader.run("group", "remove", "staff").code == 2
    assert reader.data("group", "remove", "staff", "--yes") == {"group": "staff", "removed": True}
    assert reader.run("group", "show", "staff").code == 1


def test_an_application_is_given_a_role_and_named_by_its_kind(reader: CommandLine) -> None:
    reader.ok(*ADD)
    assert "app:portal holds the role reader" in reader.ok("role", "assign", "reader", "app:portal")
    assert reader.run("role", "assign", "reader", "portal").code == 1
    assert reader.run("role", "assign", "reader", "user:ann").code == 1
    assert "no more" in reader.ok("role", "unassign", "reader", "app:portal", "--yes")
