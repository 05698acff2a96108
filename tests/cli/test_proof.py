"""`accredit audit verify|checkpoints|export`: at the running server, at its database, and with files alone."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.cli import client
from accredit.cli.trouble import Exit, Trouble
from accredit.testing.serving import MovingClock, Served, serve
from tests.cli.conftest import LEDGER
from tests.support.terminal import CommandLine, free_port
from tests.support.until import until


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Where checkpoints are kept, out of the database's reach."""
    return tmp_path / "outside"


@pytest.fixture
def node(tmp_path: Path, clock: MovingClock, outside: Path) -> Iterator[Served]:
    """A node that brings its checkpoints outside."""
    with serve(tmp_path / "data", clock, port=free_port(), checkpoints=outside) as found:
        yield found


@pytest.fixture
def stopped(
    tmp_path: Path, outside: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """The command line of a node that has been stopped."""
    port = free_port()
    monkeypatch.setenv("ACCREDIT_PORT", str(port))
    with serve(tmp_path / "data", port=port, checkpoints=outside) as found:
        cli = CommandLine(found.folder, capsys)
        cli.ok(*LEDGER)
        cli.ok("audit", "export", "--output", str(tmp_path / "log.jsonl"))
    return cli


def tamper(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "accredit.db") as database:
        assert database.execute(statement).rowcount > 0


LIE = "UPDATE audit_records SET header = replace(header, 'done', 'deny') WHERE chain = 1 AND seq = 3"
REDACT = "UPDATE audit_records SET person = NULL, salt = NULL WHERE seq = 3"
SHORTEN = "DELETE FROM audit_records WHERE chain = 1 AND seq > 3"


def test_an_unaltered_log_verifies(ledger: CommandLine) -> None:
    found = ledger.data("audit", "verify")
    assert (found["ok"], found["first"], found["flaws"]) == (True, None, [])
    assert sum(item["records"] for item in found["chains"]) == len(ledger.data("audit", "search")["items"])
    assert "✔ ok" in ledger.ok("audit", "verify")


def test_an_altered_log_ends_with_4_and_names_the_record(ledger: CommandLine, node: Served) -> None:
    record = ledger.data("audit", "search")["items"][0]
    statement = f"UPDATE audit_records SET header = 'x' || header WHERE decision = '{record['decision']}'"
    tamper(node.folder, statement)
    ran = ledger.run("audit", "verify", "--json")
    assert (ran.code, ran.data["ok"]) == (4, False)
    assert (ran.data["first"]["chain"], ran.data["first"]["seq"]) == (record["chain"], record["seq"])
    shown = ledger.run("audit", "verify")
    assert shown.code == 4
    assert f"✘ record {record['seq']}" in shown.out


def test_what_redaction_leaves_verifies(ledger: CommandLine, node: Served) -> None:
    tamper(node.folder, REDACT)
    assert ledger.data("audit", "verify")["ok"]


def test_checkpoints_are_printed_to_be_kept_elsewhere_and_prove_the_log(ledger: CommandLine, outside: Path) -> None:
    until(lambda: list(outside.glob("*.jws")))
    printed = ledger.ok("audit", "checkpoints")
    (file,) = outside.glob("*.jws")
    assert printed.splitlines()[0] == file.read_text().splitlines()[0]
    items = ledger.data("audit", "checkpoints")["items"]
    assert [item["number"] for item in items] == list(range(1, len(items) + 1))
    assert ledger.data("audit", "checkpoints", "--after", str(len(items)))["items"] == []
    assert ledger.data("audit", "checkpoints", "--keys") == json.loads((outside / "keys.json").read_text())
    for place in (outside, file):
        found = ledger.data("audit", "verify", "--checkpoints", str(place))
        assert (found["ok"], found["proved"]["number"] > 0) == (True, True)
    assert "outside proves it" in ledger.ok("audit", "verify", "--checkpoints", str(outside))


def test_an_export_is_verified_without_a_node(stopped: CommandLine, outside: Path, tmp_path: Path) -> None:
    log = str(tmp_path / "log.jsonl")
    found = stopped.data("audit", "verify", "--file", log, "--keys", str(outside / "keys.json"))
    assert found["ok"]
    assert sum(item["records"] for item in found["chains"]) > 10
    lines = Path(log).read_bytes().splitlines(keepends=True)
    Path(log).write_bytes(b"".join(lines[:-4] + lines[-3:]))
    ran = stopped.run("audit", "verify", "--file", log, "--keys", str(outside / "keys.json"), "--json")
    assert ran.code == 4
    assert ran.data["first"]["fault"] in {"record_missing", "end_missing"}


def test_an_export_that_is_older_than_the_checkpoints_is_not_taken_for_whole(
    stopped: CommandLine, outside: Path, tmp_path: Path
) -> None:
    """The node signed once more when it ended: what was exported before lacks what that checkpoint knows."""
    log = str(tmp_path / "log.jsonl")
    lines = Path(log).read_bytes().splitlines(keepends=True)
    records = [line for line in lines if b'"header"' in line]
    Path(log).write_bytes(b"".join(line for line in lines if line not in records[3:]))
    ran = stopped.run("audit", "verify", "--file", log, "--checkpoints", str(outside), "--json")
    assert (ran.code, ran.data["first"]["fault"], ran.data["first"]["seq"]) == (4, "end_missing", 4)


def test_the_database_is_verified_without_a_node(stopped: CommandLine, outside: Path) -> None:
    found = stopped.data("audit", "verify", "--database", "--checkpoints", str(outside))
    assert found["ok"]
    tamper(stopped.folder, LIE)
    ran = stopped.run("audit", "verify", "--database", "--json")
    assert (ran.code, ran.data["first"]["fault"], ran.data["first"]["seq"]) == (4, "header_changed", 3)


def test_a_log_that_was_cut_off_is_found_by_the_checkpoints_outside(stopped: CommandLine, outside: Path) -> None:
    tamper(stopped.folder, SHORTEN)
    tamper(
        stopped.folder,
        "UPDATE audit_chains SET seq = 3, hash = (SELECT hash FROM audit_records WHERE chain = 1 AND seq = 3)",
    )
    tamper(stopped.folder, "DELETE FROM audit_checkpoints")
    assert stopped.data("audit", "verify", "--database")["ok"]
    ran = stopped.run("audit", "verify", "--database", "--checkpoints", str(outside), "--json")
    assert (ran.code, ran.data["first"]["fault"], ran.data["first"]["seq"]) == (4, "end_missing", 4)
    assert "checkpoint" in stopped.run("audit", "verify", "--database", "--checkpoints", str(outside)).out


def test_an_old_file_of_checkpoints_is_not_fresh(stopped: CommandLine, outside: Path) -> None:
    words = ("audit", "verify", "--database", "--checkpoints", str(outside))
    assert stopped.data(*words, "--fresh", "1h")["ok"]
    ran = stopped.run(*words, "--fresh", "0s", "--json")
    assert (ran.code, ran.data["ok"], ran.data["stale"]) == (4, True, True)


def test_an_export_goes_on_where_it_broke_off(ledger: CommandLine, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    ledger.ok("audit", "export", "--output", str(whole))
    for kept in (3, -2, -1):
        lines = whole.read_bytes().splitlines(keepends=True)
        broken.write_bytes(b"".join(lines[:kept]) + lines[kept][:7])
        ledger.ok("audit", "export", "--output", str(broken), "--resume")
        ours = [line for line in broken.read_bytes().splitlines() if b'"header"' in line]
        assert ours == [line for line in whole.read_bytes().splitlines() if b'"header"' in line]
        assert broken.read_bytes().endswith(b'{"complete":true}\n')
        if kept == 3:
            broken.unlink()
    assert "whole already" in ledger.ok("audit", "export", "--output", str(whole), "--resume")
    assert ledger.run("audit", "export", "--output", str(whole)).code == 2


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}\n', b"\x00binary without a line", b"one line\nand one without an end", b"[1]\n",
        b'{"export":1}\n{"x', b'{"export":1,"issuer":"https://a.example","at":1}\nsomething else\n',
        b'{"complete":true}\n',
    ],
)  # fmt: skip
def test_what_is_no_export_is_not_gone_on_with_and_stays_as_it_is(
    stopped: CommandLine, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "precious"
    file.write_bytes(content)
    ran = stopped.run("audit", "export", "--output", str(file), "--resume")
    assert (ran.code, "no" in ran.err) == (2, True)
    assert file.read_bytes() == content


@pytest.mark.parametrize("answer", [b'{"broken":"archived"}', None], ids=["moved", "silent"])
def test_an_export_that_breaks_off_takes_no_file_away_that_was_there_before(
    stopped: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    def lines(*_: object, **__: object) -> Iterator[bytes]:
        if answer is None:
            raise Trouble(Exit.UNREACHABLE, "nobody is there")
        yield answer

    monkeypatch.setattr(client.Client, "lines", lines)
    precious, new = tmp_path / "precious", tmp_path / "new"
    precious.write_bytes(b"mine")
    assert stopped.run("audit", "export", "--output", str(precious)).code == 2
    assert precious.read_bytes() == b"mine"
    assert stopped.run("audit", "export", "--output", str(new)).code in (Exit.OVERTAKEN, Exit.UNREACHABLE)
    assert not new.exists()


def test_an_export_is_its_owners_and_goes_through_no_link(ledger: CommandLine, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    assert ledger.run("audit", "export", "--output", str(link)).code == 2
    assert not real.exists()
    ledger.ok("audit", "export", "--output", str(real))
    assert real.stat().st_mode & 0o777 == 0o600
    before = real.read_bytes().rpartition(b'{"complete"')[0]
    real.write_bytes(before)
    assert ledger.run("audit", "export", "--output", str(link), "--resume").code == 2
    assert real.read_bytes() == before


def test_an_export_goes_to_standard_output(settled: CommandLine) -> None:
    lines = settled.ok("audit", "export").splitlines()
    assert json.loads(lines[0])["export"] == 1
    assert json.loads(lines[-1]) == {"complete": True}


def test_an_export_for_collectors_has_every_record_once(ledger: CommandLine) -> None:
    (line,) = ledger.ok("audit", "export", "--format", "otlp").splitlines()
    (resource,) = json.loads(line)["resourceLogs"]
    logs = resource["scopeLogs"][0]["logRecords"]
    assert len(logs) == len(ledger.data("audit", "search")["items"])


@pytest.mark.parametrize(
    "words",
    [
        ("export", "--resume", "--format", "otlp", "--output", "x"),
        ("verify", "--file", "x", "--database"),
        ("verify", "--fresh", "soon"),
        ("verify", "--database", "--keys", "x"),
        ("verify", "--file", "/dev/null"),
        ("verify", "--file", "/dev/null", "--keys", "/dev/null"),
        ("export", "--resume"),
        ("checkpoints", "--after", "-1"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_refused(stopped: CommandLine, words: tuple[str, ...]) -> None:
    assert stopped.run("audit", *words).code == 2


def test_a_place_that_is_not_there_is_named(stopped: CommandLine) -> None:
    ran = stopped.run("audit", "verify", "--database", "--checkpoints", "/nowhere/at/all")
    assert ran.code == 1
    assert "/nowhere/at/all" in ran.err


def test_while_a_node_runs_its_database_is_not_opened(ledger: CommandLine) -> None:
    ran = ledger.run("audit", "verify", "--database")
    assert ran.code == 1
    assert "in use" in ran.err
