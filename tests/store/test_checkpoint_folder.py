"""The folder outside: only ever added to, whole lines only, and it knows where it ends."""

from dataclasses import replace
from pathlib import Path

import pytest

from accredit.audit import checkpoint
from accredit.audit.checkpoint import first_of
from accredit.ports.audit_log import Kept
from accredit.ports.outside import OutsideFailed
from accredit.system import CheckpointFolder
from accredit_sdk import keys
from accredit_sdk.jws import Algorithm

KEY = keys.generate(Algorithm.ES256)
DAY = 86_400_000_000
NOW = 20_000 * DAY


def kept(number: int, at: int = NOW) -> Kept:
    return Kept(number, at, checkpoint.sign(KEY, replace(first_of("https://a.example"), number=number, at=at)))


def lines(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("*.jws")) for line in path.read_bytes().splitlines()]


def files(folder: Path) -> int:
    return len(list(folder.glob("*.jws")))


def tear(folder: Path) -> None:
    (file,) = folder.glob("*.jws")
    file.write_bytes(file.read_bytes() + b"half a checkpo")


async def test_what_is_added_is_there_in_order_a_file_a_day(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "deep" / "outside")
    assert await folder.last() == b""
    made = [kept(1), kept(2), kept(3, NOW + DAY)]
    await folder.append(made[:2], b"{}")
    await folder.append(made[2:], b"{}")
    assert lines(tmp_path / "deep" / "outside") == [item.document for item in made]
    assert files(tmp_path / "deep" / "outside") == 2
    assert await CheckpointFolder(tmp_path / "deep" / "outside").last() == made[2].document


async def test_a_clock_that_was_set_back_changes_no_order(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    made = [kept(1), kept(2, NOW - 3 * DAY)]
    await folder.append(made, b"{}")
    assert lines(tmp_path) == [item.document for item in made]


async def test_a_torn_line_is_taken_away_before_the_next_is_written(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    await folder.append([kept(1)], b"{}")
    tear(tmp_path)
    again = CheckpointFolder(tmp_path)
    assert checkpoint.number_of(await again.last()) == 1
    await again.append([kept(2)], b"{}")
    assert len(lines(tmp_path)) == 2


async def test_a_file_with_nothing_but_a_torn_line_counts_for_nothing(tmp_path: Path) -> None:
    await CheckpointFolder(tmp_path).append([kept(1)], b"{}")
    (tmp_path / "checkpoints-9999-01-01.jws").write_bytes(b"half")
    assert checkpoint.number_of(await CheckpointFolder(tmp_path).last()) == 1


async def test_the_keys_beside_are_renewed(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    await folder.append([kept(1)], b'{"keys":[1]}')
    await folder.append([kept(2)], b'{"keys":[2]}')
    assert (tmp_path / "keys.json").read_bytes() == b'{"keys":[2]}\n'


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideFailed, match="file"):
        await CheckpointFolder(tmp_path / "file").append([kept(1)], b"{}")
