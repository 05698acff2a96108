"""One node for each test that asks for the command line, reached through its real Unix socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.cli.main import main
from accredit.testing.serving import MovingClock, Served, serve
from tests.support import migrated
from tests.support.terminal import CommandLine, free_port

RESOURCE = "http://127.0.0.1:9000/mcp"
LEDGER = (
    *("server", "add", RESOURCE, "--name", "ledger", "--title", "Ledger"),
    *("--scope", "ledger:read=Read invoices", "--scope", "ledger:pay", "--default", "ledger:read"),
    *("--tool", "list_invoices=ledger:read", "--read-only", "list_invoices"),
    *("--tool", "pay_invoice=ledger:read", "--tool", "pay_invoice=ledger:pay", "--destructive", "pay_invoice"),
)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine reaches the command line."""
    for name in ("COLUMNS", "LINES", "ACCREDIT_DATA", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> MovingClock:
    """The clock of the node."""
    return MovingClock()


@pytest.fixture
def node(tmp_path: Path, clock: MovingClock) -> Iterator[Served]:
    """A fresh node on SQLite."""
    migrated.furnish(tmp_path / "data")
    with serve(tmp_path / "data", clock, port=free_port()) as found:
        yield found


@pytest.fixture
def cli(node: Served, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line of the local administrator."""
    return CommandLine(node.folder, capsys)


@pytest.fixture
def ledger(cli: CommandLine) -> CommandLine:
    """The same, with a server that has two scopes and two tools."""
    cli.ok(*LEDGER)
    return cli


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A node for the tests of a file that change nothing in it: each of them says so itself."""
    with serve(tmp_path_factory.mktemp("standing") / "data", port=free_port()) as found:
        for words in (
            LEDGER,
            ("role", "add", "reader", "--scope", "ledger=ledger:read", "--title", "Readers"),
            ("agent", "add", "bot", "--owner", "dana@example.com"),
        ):
            assert main(["--data", str(found.folder), *words]) == 0
        yield found


@pytest.fixture
def settled(standing: Served, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line of that node: it has the server ledger, the role reader and the agent bot, who holds no role."""
    return CommandLine(standing.folder, capsys)
