"""`accredit plan`, `apply` and `export`."""

import json
from pathlib import Path

import pytest

from accredit.cli import client
from accredit.cli.replay import NOTE
from tests.support.terminal import CommandLine

FILE = """\
accredit: 1
servers:
  ledger:
    resource: https://ledger.example/mcp
    scopes:
      ledger:read: Read invoices
      ledger:pay:
    default_scopes: [ledger:read]
    tools:
      list_invoices: {needs: [ledger:read], read_only: true}
      pay_invoice: {needs: [ledger:pay], destructive: true}
roles:
  payer:
    scopes: {ledger: [ledger:pay, ledger:read]}
agents:
  bot:
    owner: dana@example.com
    expires: 2099-12-31T23:59:59Z
    roles:
      payer: {}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "accredit.yaml"
    path.write_text(FILE)
    return path


def again(file: Path, old: str, new: str) -> str:
    """Write the file with one thing changed, and return its name."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return str(file)


def test_a_file_is_planned_applied_and_exported_and_then_there_is_nothing_to_do(cli: CommandLine, file: Path) -> None:
    planned = cli.run("plan", str(file))
    assert planned.code == 5
    assert "+ server ledger" in planned.out
    assert "tools.pay_invoice.needs  [ledger:pay]" in planned.out
    assert "3 to add, 0 to change, 0 to remove" in planned.out
    assert cli.data("agent", "list")["items"] == []
    said = cli.ok("apply", str(file))
    assert said.startswith(planned.out)
    assert "accredit agent credential add bot --secret-file bot.secret" in said
    exported = cli.ok("export")
    assert json.dumps(cli.data("export")) == json.dumps(cli.data("export"))
    file.write_text(exported)
    assert cli.run("plan", str(file), "--prune").code == 0
    assert "nothing to do" in cli.ok("apply", str(file), "--prune")
    file.write_text(json.dumps(cli.data("export")))
    assert cli.run("plan", str(file), "--prune").code == 0
    assert cli.ok("export") == exported


def test_programs_get_the_same_in_json(cli: CommandLine, file: Path) -> None:
    planned = cli.run("plan", str(file), "--json")
    assert (planned.code, planned.data["counts"]["add"], planned.err) == (5, 3, "")
    done = cli.data("apply", str(file))
    assert (done["fingerprint"], done["without_credential"]) == (planned.data["fingerprint"], ["bot"])
    assert cli.run("plan", str(file), "--json").data["steps"] == []
    assert set(cli.data("export")) == {"accredit", "servers", "roles", "agents", "applications", "groups"}


def test_a_change_is_shown_before_and_after_and_a_loss_is_asked_about(cli: CommandLine, file: Path) -> None:
    cli.ok("apply", str(file))
    name = again(file, "[ledger:pay, ledger:read]", "[ledger:read]")
    assert "~ role payer" in cli.run("plan", name).out
    assert "scopes.ledger  [ledger:pay, ledger:read] → [ledger:read]" in cli.run("plan", name).out
    asked = cli.run("apply", name)
    assert asked.code == 2
    assert "role payer" in asked.err
    assert cli.data("role", "show", "payer")["scopes"] == {"ledger": ["ledger:pay", "ledger:read"]}
    cli.ok("apply", name, "--yes")
    assert cli.data("role", "show", "payer")["scopes"] == {"ledger": ["ledger:read"]}
    name = again(file, "read_only: true", "read_only: false")
    assert "true → false" in cli.run("plan", name).out
    name = again(file, "      pay_invoice: {needs: [ledger:pay], destructive: true}\n", "")
    assert "tools.pay_invoice.needs  [ledger:pay] → gone" in cli.ok("apply", name, "--yes")


def test_what_the_file_does_not_name_goes_only_when_that_is_asked_for(cli: CommandLine, file: Path) -> None:
    cli.ok("apply", str(file))
    for n in range(6):
        cli.ok("agent", "add", f"other-{n}", "--owner", "dana")
    assert cli.run("plan", str(file)).code == 0
    planned = cli.run("plan", str(file), "--prune")
    assert planned.code == 5
    assert "- agent other-0" in planned.out
    refused = cli.run("apply", str(file), "--prune")
    assert "and 1 more" in refused.err
    assert len(cli.data("agent", "list")["items"]) == 7
    cli.ok("apply", str(file), "--prune", "--yes")
    assert [item["slug"] for item in cli.data("agent", "list")["items"]] == ["bot"]


def test_every_problem_is_told_with_its_line_and_the_word_that_was_meant(cli: CommandLine, file: Path) -> None:
    again(file, "expires:", "expirs:")
    again(file, "payer: {}", "payr: {}")
    name = again(file, "    owner:", "    owner: [1]\n    owner:")
    refused = cli.run("plan", name)
    assert refused.code == 1
    lines = refused.err.replace("\n  ", " ").splitlines()
    assert [line.split(":")[1] for line in lines] == ["17", "18", "19"]
    assert "'expires'" in refused.err
    assert cli.run("apply", name).code == 1
    assert [one["line"] for one in cli.run("apply", name, "--json").trouble["problems"]] == [17, 18, 19]
    file.write_text(FILE.replace("payer: {}", "payr: {}"))
    assert f"{name}:20:" in cli.run("plan", name).err
    assert "'payer'" in cli.run("plan", name).err
    file.write_text("a: &a 1\nb: *a\n")
    assert cli.run("plan", name).code == 1
    file.write_text("accredit: 1\naccredit: 1\n")
    assert f"{name}:2:" in cli.run("plan", name).err
    assert cli.data("server", "list")["items"] == [
        item for item in cli.data("server", "list")["items"] if item["builtin"]
    ]


def test_a_rival_between_plan_and_apply_ends_it_with_a_code_of_its_own(
    cli: CommandLine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok("apply", str(file))
    name = again(file, "dana@example.com", "ann@example.com")
    post = client.Client.post

    def overtaken(self: client.Client, where: str, body: object = None, *, patient: bool = False) -> object:
        if where == "/apply":
            monkeypatch.undo()
            self.put("/servers/ledger/defaults", {"scopes": []})
        return post(self, where, body, patient=patient)

    monkeypatch.setattr(client.Client, "post", overtaken)
    refused = cli.run("apply", name)
    assert refused.code == 6
    assert cli.data("agent", "show", "bot")["owner"] == "dana@example.com"


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # httpx2, when nobody listens
def test_a_file_that_is_not_there_or_a_server_that_is_not_running_ends_with_its_code(
    cli: CommandLine, file: Path, tmp_path: Path
) -> None:
    assert cli.run("plan", str(tmp_path / "nothing.yaml")).code == 2
    away = CommandLine(tmp_path / "nowhere", cli.capsys)
    assert away.run("plan", str(file)).code == 3
    assert away.run("apply", str(file)).code == 3
    assert away.run("export").code == 3


def test_ten_agents_are_told_how_to_get_a_credential_and_the_others_are_counted(cli: CommandLine, file: Path) -> None:
    file.write_text(json.dumps({"accredit": 1, "agents": {f"a{n}": {"owner": "dana"} for n in range(250)}}))
    said = cli.ok("apply", str(file))
    assert said.count("credential add") == 10
    assert "and 240 more" in said
    assert "and 50 more" in said
    assert cli.run("plan", str(file)).code == 0


def test_a_plan_tells_which_past_calls_it_would_turn(ledger: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "accredit.yaml"
    file.write_text("accredit: 1\nservers: {ledger: {name: Changed}}\n")
    told = ledger.run("plan", "--replay", "30d", str(file), "--json")
    assert told.code == 5
    assert told.data["replay"] == {"items": [], "looked_at": 0, "passed_over": 0, "note": NOTE}
    shown = ledger.run("plan", "--replay", "30d", str(file))
    assert (shown.code, NOTE in shown.out) == (5, True)
    assert "of 0 past decisions, none would be another one" in shown.out
    assert ledger.run("plan", "--replay", "never", str(file)).code == 1
