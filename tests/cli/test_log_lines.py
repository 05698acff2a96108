"""While records are archived, the command line begins anew, and says so when there is no end of it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from accredit import offline
from accredit.cli.log_lines import Lines
from accredit.service.exports import Exports
from accredit.service.problem import Problem, ProblemCode
from tests.support.terminal import CommandLine

Moving = Callable[[int], None]


@pytest.fixture
def moving(monkeypatch: pytest.MonkeyPatch) -> Moving:
    """Lets records be archived under so many exports, in the middle of each."""
    left, real = [0], Exports.pages

    async def pages(self: Exports, *given: Any) -> AsyncIterator[list[bytes]]:
        async for page in real(self, *given):
            yield page
            if left[0] and b'"header"' in page[0]:
                left[0] -= 1
                raise Problem(ProblemCode.CONFLICT, "records were archived")

    def times(count: int) -> None:
        left[0] = count

    monkeypatch.setattr(Exports, "pages", pages)
    return times


def test_a_log_that_is_archived_meanwhile_is_verified_from_its_beginning(ledger: CommandLine, moving: Moving) -> None:
    whole = ledger.data("audit", "verify")
    moving(2)
    assert ledger.data("audit", "verify")["chains"] == whole["chains"]
    moving(3)
    ran = ledger.run("audit", "verify", "--json")
    assert ran.code == 6
    assert "archived" in ran.err


def test_a_database_that_another_node_archives_from_is_not_called_altered(
    ledger: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(*_: Any) -> None:
        raise Problem(ProblemCode.CONFLICT, "records were archived")

    monkeypatch.setattr(offline, "verify_log", moved)
    ran = ledger.run("audit", "verify", "--database")
    assert (ran.code, "archived" in ran.err) == (6, True)


def test_an_export_of_a_log_that_is_archived_meanwhile_begins_anew(
    ledger: CommandLine, moving: Moving, tmp_path: Path
) -> None:
    file, keys = tmp_path / "log", tmp_path / "keys"
    keys.write_text(ledger.ok("audit", "checkpoints", "--keys"))
    moving(2)
    ledger.ok("audit", "export", "--output", str(file))
    assert ledger.data("audit", "verify", "--file", str(file), "--keys", str(keys))["ok"]
    assert file.read_bytes().count(b'{"export":') == 1
    file.unlink()
    moving(3)
    assert ledger.run("audit", "export", "--output", str(file)).code == 6
    assert not file.exists()
    moving(1)
    assert ledger.run("audit", "export").code == 6


def test_an_export_that_broke_off_begins_anew_where_records_are_archived_meanwhile(
    ledger: CommandLine, moving: Moving, tmp_path: Path
) -> None:
    file, whole = tmp_path / "log", tmp_path / "whole"
    ledger.ok("audit", "export", "--output", str(whole))
    lines = whole.read_bytes().splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if b'"header"' in line)
    file.write_bytes(b"".join(lines[: first + 1]))
    moving(1)
    ledger.ok("audit", "export", "--output", str(file), "--resume")
    assert file.read_bytes().count(b'{"export":') == 1
    assert [line for line in file.read_bytes().splitlines(keepends=True) if b'"header"' in line] == lines[first:-1]


def test_what_is_added_to_a_file_afterwards_is_not_read(tmp_path: Path) -> None:
    for day in ("1", "2"):
        (tmp_path / f"checkpoints-{day}.jws").write_bytes(b"one\ntwo\n")
    lines = Lines(tmp_path)
    with (tmp_path / "checkpoints-2.jws").open("ab") as file:
        file.write(b"three\n")
    (tmp_path / "checkpoints-3.jws").write_bytes(b"four\n")
    assert list(lines) == list(lines) == [b"one\n", b"two\n"] * 2
    assert list(Lines(tmp_path / "checkpoints-3.jws")) == [b"four\n"]
