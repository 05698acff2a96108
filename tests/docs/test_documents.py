"""The documents against the tree: links lead somewhere, their code runs, their commands are commands."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from accredit.cli.main import program
from accredit.identity import webhook
from accredit.testing.postgres import Postgres
from accredit_sdk import AgentAuth, Guard, Target
from accredit_sdk.agent import key_file, load_key
from accredit_sdk.testing import StandIn
from tests.docs.walk import UP, Block, Walk, blocks, missing
from tests.laws.tree import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "packages/sdk").glob("*.md")])
HOWTO = ROOT / "docs" / "howto"
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_link_within_the_house_leads_somewhere(path: Path) -> None:
    for link in _LINK.findall(_FENCED.sub("", path.read_text())):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in set(_anchors(target)), link


def _anchors(path: Path) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", _FENCED.sub("", path.read_text()), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_command_in_a_document_is_a_command_with_these_options(path: Path) -> None:
    root = typer.main.get_command(program())
    for block in blocks(path):
        if block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                _understood(root, shlex.split(line, comments=True), block.where)


def _understood(command: Any, words: list[str], where: str) -> None:
    if not words or words[0] != "accredit":
        return
    known, given = {"--config", "--data", "--json", "--yes"}, iter(words[1:])
    for word in given:
        inside = getattr(command, "commands", None)
        if word == "--":
            break
        if word.startswith("--"):
            known |= {name for item in command.params for name in item.opts}
            assert word in known, f"{where}: {word}"
            if word in ("--config", "--data"):
                next(given)
        elif inside is not None:
            assert word in inside, f"{where}: {word}"
            command = inside[word]
    assert getattr(command, "commands", None) is None, f"{where}: {' '.join(words)} is not a whole command"


def test_every_guard_in_the_howto_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Stand for the server."""

    monkeypatch.chdir(tmp_path)
    StandIn("http://127.0.0.1:8701/mcp", [], issuer="http://127.0.0.1:8700").guard(app, "ledger-guard")
    found = [block for block in blocks(HOWTO / "guard-your-server.md") if block.language == "python"]
    assert found
    for block in found:
        names: dict[str, Any] = {"Guard": Guard, "Target": Target, "app": app}
        exec(compile(block.text, block.where, "exec"), names)
        assert isinstance(names["guarded"], Guard)


def test_the_tests_in_the_howto_pass(tmp_path: Path) -> None:
    """All its blocks are one file, which stands beside ledger.py as an author's tests do."""
    code = "\n".join(block.text for block in blocks(HOWTO / "test-your-server.md") if block.language == "python")
    (tmp_path / "test_howto.py").write_text(code)
    (tmp_path / "pytest.ini").write_text("[pytest]\nanyio_mode = auto\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_howto.py"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, timeout=100, check=False,
        env={"PYTHONPATH": str(ROOT / "examples"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_the_agent_in_the_howto_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    key_file.generate(tmp_path / "billing-bot-key")
    (block,) = (one for one in blocks(HOWTO / "agent-with-a-key.md") if one.language == "python")
    names: dict[str, Any] = {"AgentAuth": AgentAuth, "load_key": load_key}
    exec(compile(block.text, block.where, "exec"), names)
    assert isinstance(names["auth"], AgentAuth)


def test_the_receiver_in_the_howto_believes_what_is_sent_and_nothing_else() -> None:
    (block,) = (one for one in blocks(HOWTO / "webhooks.md") if one.language == "python")
    names: dict[str, Any] = {}
    exec(compile(block.text, block.where, "exec"), names)
    verified, raw, body, now = names["verified"], bytes(range(32)), b'{"type":"webhook.test"}', 1_790_000_000
    secret, sent = webhook.secret_text(raw), webhook.headers(raw, "evt_1", now * 1_000_000, body)
    assert verified(secret, sent, body, now)
    assert verified(secret, sent | {"webhook-signature": f"v1,AAAA {sent['webhook-signature']}"}, body, now + 299)
    assert not verified(webhook.secret_text(raw[::-1]), sent, body, now)
    assert not verified(secret, sent, body + b" ", now)
    assert not verified(secret, sent | {"webhook-id": "evt_2"}, body, now)
    assert not verified(secret, sent, body, now + 301)
    assert not verified(secret, sent | {"webhook-timestamp": str(now + 301)}, body, now + 301)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "back-up-and-restore.md",
        "observe.md",
        "complete-commands.md",
        "configure-by-file.md",
        "guard-your-server.md",
        "import-a-server.md",
        "rotate-keys.md",
        "why-was-it-refused.md",
        "from-observing-to-enforcing.md",
        "agent-with-a-key.md",
        "register-an-application.md",
        "revoke.md",
        "webhooks.md",
    ],
)
def test_the_commands_of_a_howto_work_in_their_order(name: str, tmp_path: Path) -> None:
    with Walk(tmp_path) as walk:
        walk.serve(Block("sh", (), UP, name))
        for block, said in walk.through(HOWTO / name):
            if block.language == "text":
                assert missing(block.text, said) == [], f"{block.where}\n{said}"


@pytest.mark.slow
def test_the_howto_of_the_log_proves_it(tmp_path: Path) -> None:
    with Walk(tmp_path, {"ACCREDIT_CHECKPOINTS": "outside"}) as walk:
        for block, said in walk.through(HOWTO / "prove-the-log.md"):
            if block.language == "text":
                assert missing(block.text, said) == [], f"{block.where}\n{said}"


@pytest.mark.slow
@pytest.mark.postgres
def test_the_howto_of_postgresql_gets_a_node_to_run(tmp_path: Path, postgres: Postgres, postgres_url: str) -> None:
    with Walk(tmp_path) as walk:
        for block, _ in walk.through(HOWTO / "run-on-postgresql.md"):
            if block.language == "toml":
                text = re.sub(r"postgresql://[^\"]+", postgres_url, block.text)
                (tmp_path / "accredit.toml").write_text(text)
                (tmp_path / "accredit.toml").chmod(0o600)
