"""`accredit server add --import`: what a server offers, proposed, confirmed and registered in one step."""

import io
import sys
from pathlib import Path

import fastmcp
import pytest
from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

from tests.support.ledgers import Ledger, Sdk
from tests.support.served import listening, served
from tests.support.stranger import Stranger, at_home, tool
from tests.support.terminal import CommandLine

INVOICES = (
    tool("list_invoices", description="Lists invoices. All.", annotations={"readOnlyHint": True}),
    tool("pay_invoice", title="Pay an invoice", annotations={"readOnlyHint": False, "destructiveHint": False}),
    tool("purge_invoices", annotations={"destructiveHint": True, "openWorldHint": False}),
    tool("other"),
)


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self) -> bool:
        return True


def stranger() -> Stranger:
    found = Stranger()
    found.tools(*INVOICES)
    return found


@pytest.mark.parametrize("sdk", ["official", "fastmcp"])
@pytest.mark.parametrize("plain", [True, False])
def test_what_a_real_server_offers_is_registered_whole(cli: CommandLine, sdk: Sdk, plain: bool) -> None:
    listener, origin = listening()
    with served(Ledger(sdk).app(json=plain, stateless=plain), listener, lifespan="on"):
        made = cli.data("server", "add", f"{origin}/mcp", "--name", "ledger", "--import", "--yes")
        assert cli.run("server", "sync", "ledger").code == 0
    shown = cli.data("server", "show", "ledger")
    assert made["server"] == shown
    assert shown["name"] == "Ledger"
    needs = {(item["kind"], item["name"]): item["needs"] for item in shown["tools"]}
    assert needs["tool", "purge"] == ["ledger:purge"]
    assert needs["prompt", "plan"] == ["ledger:prompt/plan"]
    assert needs["resource", "ledger://book"] == ["ledger:resource/book"]
    assert needs["resource", "ledger://accounts/{number}"] == ["ledger:resource/accounts"]
    assert len(needs) == 8 + 10 + 5
    assert all(item["pin"] for item in shown["tools"])
    assert shown["default_scopes"] == []


def _noted(sdk: str) -> object:
    """Return an app with one tool that declares that it only reads."""
    said = ToolAnnotations(read_only_hint=True, title="Look")
    server = MCPServer("Noted") if sdk == "official" else fastmcp.FastMCP("Noted")

    def look(what: str) -> str:
        """Look at something."""
        return what

    server.tool("look", annotations=said)(look)
    return server.streamable_http_app() if sdk == "official" else server.http_app(path="/mcp")


@pytest.mark.parametrize("sdk", ["official", "fastmcp"])
def test_a_tool_that_declares_to_read_is_given_to_those_who_ask_for_nothing(cli: CommandLine, sdk: str) -> None:
    listener, origin = listening()
    with served(_noted(sdk), listener, lifespan="on"):
        cli.ok("server", "add", f"{origin}/mcp", "--name", "noted", "--import", "--yes")
    shown = cli.data("server", "show", "noted")
    assert [(item["name"], item["read_only"], item["description"]) for item in shown["tools"]] == [
        ("look", True, "Look at something."),
    ]  # fmt: skip
    assert shown["scopes"] == [{"word": "noted:look", "description": "Look"}]
    assert (shown["default_scopes"], shown["first_use"]) == (["noted:look"], [])


def test_a_person_sees_what_each_tool_says_about_itself_and_that_it_is_a_claim(cli: CommandLine) -> None:
    with at_home(stranger()) as url:
        said = cli.ok("server", "add", url, "--name", "billing", "--import", "--yes")
    rows = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert "read-only" in rows["list_invoices"]
    assert rows["list_invoices"].endswith("billing:list_invoices    ● reads")
    assert "“Pay an invoice”" in rows["pay_invoice"]
    assert rows["pay_invoice"].endswith("◐ changes")
    assert "closed world" in rows["purge_invoices"]
    assert rows["purge_invoices"].endswith("! destroys")
    assert rows["other"].endswith("? unknown")
    assert "claim of its server" in said
    assert "Who asks for nothing gets: billing:list_invoices" in said
    assert "until it is approved: nothing (with --first-use: billing:list_invoices)" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), {"b:list_invoices", "b:pay_invoice", "b:purge_invoices", "b:other"}),
        (("--prefix", "money:in"), {"money:in:list_invoices", "money:in:pay_invoice", "money:in:purge_invoices",
                                    "money:in:other"}),
        (("--granularity", "group"), {"b:invoice:read", "b:invoice:write", "b:other:write"}),
        (("--granularity", "server"), {"b"}),
    ],
)  # fmt: skip
def test_scopes_are_as_fine_as_was_asked(cli: CommandLine, words: tuple[str, ...], expected: set[str]) -> None:
    with at_home(stranger()) as url:
        made = cli.data("server", "add", url, "--name", "b", "--import", "--yes", *words)["server"]
    assert {scope["word"] for scope in made["scopes"]} == expected
    assert made["default_scopes"] == [word for word in sorted(expected) if "read" in word or "list" in word]


@pytest.mark.parametrize(("answer", "code", "there"), [("y\n", 0, True), ("n\n", 1, False), ("\n", 1, False)])
def test_nothing_is_registered_unless_somebody_says_so(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, there: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    with at_home(stranger()) as url:
        assert cli.run("server", "add", url, "--name", "billing", "--import").code == code
    assert (cli.run("server", "show", "billing").code == 0) is there


@pytest.mark.parametrize(
    ("answers", "words", "expected"),
    [
        ("y\ny\n", (), ["billing:list_invoices"]),
        ("y\nn\n", (), []),
        ("y\n\n", (), []),
        ("y\n", ("--first-use",), ["billing:list_invoices"]),
        ("", ("--yes",), []),
        ("", ("--yes", "--first-use"), ["billing:list_invoices"]),
        ("", ("--yes", "--json"), []),
        ("", ("--yes", "--json", "--first-use"), ["billing:list_invoices"]),
    ],
)
def test_clients_that_nobody_approved_get_what_reads_only_if_somebody_says_just_that(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, answers: str, words: tuple[str, ...], expected: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answers))
    with at_home(stranger()) as url:
        cli.ok("server", "add", url, "--name", "billing", "--import", *words)
    assert cli.data("server", "show", "billing")["first_use"] == expected


def test_a_server_without_tools_that_read_has_nothing_for_first_use_and_nobody_is_asked(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    found = Stranger()
    found.tools(*INVOICES[1:])
    with at_home(found) as url:
        cli.ok("server", "add", url, "--name", "billing", "--import")
    assert cli.data("server", "show", "billing")["first_use"] == []


def test_with_nobody_to_ask_nothing_is_registered(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with at_home(stranger()) as url:
        assert cli.run("server", "add", url, "--name", "billing", "--import").code == 2
    assert cli.run("server", "show", "billing").code == 1


def test_a_program_gets_the_proposal_and_registers_nothing_without_yes(cli: CommandLine) -> None:
    with at_home(stranger()) as url:
        ran = cli.run("server", "add", url, "--name", "billing", "--import", "--json")
        assert ran.code == ran.trouble["exit"] == 1
        assert ran.data["server"] is None
        made = cli.data("server", "add", url, "--name", "billing", "--import", "--yes")
    assert made["proposal"] == ran.data["proposal"]
    first = made["proposal"]["tools"][0]
    assert first["declares"] == {
        "readOnlyHint": True, "destructiveHint": None, "idempotentHint": None, "openWorldHint": None,
    }  # fmt: skip
    assert (first["risk"], first["needs"]) == ("reads", ["billing:list_invoices"])
    assert made["server"]["tools"][0]["pin"] == first["pin"]


def test_a_token_comes_from_a_file_or_the_environment_and_goes_to_the_server_alone(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    server = stranger()
    with at_home(server) as url:
        words = ("server", "add", url, "--name", "b", "--import", "--yes", "--json")
        first = cli.run(*words, "--token-file", str(tmp_path / "token"))
        assert {item["authorization"] for item in server.seen} == {"Bearer from-a-file"}
        server.seen.clear()
        monkeypatch.setenv("MCP_SERVER_TOKEN", "from-around")
        second = cli.run("server", "sync", "b", "--json")
        assert {item["authorization"] for item in server.seen} == {"Bearer from-around"}
    assert (first.code, second.code) == (0, 0)
    assert "from-a" not in first.out + first.err + second.out + second.err


def test_a_server_is_read_at_another_address_and_registered_at_its_own(cli: CommandLine) -> None:
    with at_home(stranger()) as url:
        words = ("server", "add", "https://b.example/mcp", "--name", "b", "--import", "--yes", "--from", url)
        assert cli.data(*words)["server"]["resource"] == "https://b.example/mcp"
        assert cli.run("server", "sync", "b", "--from", url).code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("https://b.example/mcp", "--import", "--scope", "a"),
        ("https://b.example/mcp", "--import", "--tool", "a=b"),
        ("https://b.example/mcp", "--prefix", "b"),
        ("https://b.example/mcp", "--from", "https://b.example/mcp"),
        ("http://b.example/mcp", "--import"),
        ("https://b.example/mcp", "--import", "--from", "file:///etc/passwd"),
        ("https://b.example/mcp", "--import", "--from", "b.example/mcp"),
        ("https://b.example/mcp", "--import", "--token-file", "nothing/there"),
        ("https://b.example/mcp", "--import", "--timeout", "0"),
        ("https://b.example/mcp", "--import", "--granularity", "none"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(settled: CommandLine, words: tuple[str, ...]) -> None:
    assert settled.run("server", "add", *words, "--name", "b").code == 2


@pytest.mark.parametrize("text", ["", "two words", "caf\u00e9", "x" * 20_000])
def test_what_is_no_token_is_refused_and_not_shown(settled: CommandLine, tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    words = ("server", "add", "https://b.example/mcp", "--name", "b", "--import", "--token-file", str(file))
    ran = settled.run(*words)
    assert ran.code == 2
    assert not text or text not in ran.err


def test_a_token_never_travels_in_the_clear(settled: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret-token")
    words = ("--import", "--from", "http://b.example/mcp", "--token-file", str(file))
    ran = settled.run("server", "add", "https://b.example/mcp", "--name", "b", *words)
    assert ran.code == 2
    assert "secret-token" not in ran.err


@pytest.mark.parametrize("prefix", ["two words", "a::b", "x" * 65])
def test_a_prefix_that_is_no_scope_registers_nothing(cli: CommandLine, prefix: str) -> None:
    with at_home(stranger()) as url:
        assert cli.run("server", "add", url, "--name", "b", "--import", "--yes", "--prefix", prefix).code == 2
    assert cli.run("server", "show", "b").code == 1
