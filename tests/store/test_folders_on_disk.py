"""What is kept outside of the database survives a power failure, and nothing half-written stays behind."""

import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from accredit.ports.archive import ArchiveFailed
from accredit.ports.outside import OutsideFailed
from accredit.system import ArchiveFolder, CheckpointFolder
from tests.store.test_checkpoint_folder import kept

Write = Callable[[Path], Awaitable[object]]


async def archived(folder: Path) -> object:
    return await ArchiveFolder(folder).put("audit-1.jsonl", [b"one", b"two"])


async def brought_outside(folder: Path) -> object:
    return await CheckpointFolder(folder).append([kept(1)], b"{}")


either = pytest.mark.parametrize("write", [archived, brought_outside], ids=["archive", "checkpoints"])


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was brought to the disk, in order."""
    found: list[Path] = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        found.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    return found


@either
async def test_the_name_of_a_new_file_is_on_the_disk_behind_the_file(
    tmp_path: Path, synced: list[Path], write: Write
) -> None:
    folder = tmp_path / "deep" / "folder"
    await write(folder)
    last = next(path for path in reversed(synced) if path.is_file())
    assert folder in synced[synced.index(last) :]
    assert tmp_path in synced
    assert tmp_path / "deep" in synced


async def test_the_keys_in_their_place_are_on_the_disk(tmp_path: Path, synced: list[Path]) -> None:
    folder = CheckpointFolder(tmp_path)
    await folder.append([kept(1)], b"{}")
    del synced[:]
    await folder.append([kept(2)], b'{"keys":[]}')
    assert synced.count(tmp_path) == 2, "once for the new file, once for its new name"


def half(descriptor: int, text: bytes, real: Any = os.write) -> int:
    return int(real(descriptor, text[: len(text) // 2]))


def broken(_: int) -> None:
    raise OSError(errno.EIO, "broken disk")


@either
@pytest.mark.parametrize(("call", "instead"), [("write", half), ("fsync", broken)], ids=["full", "broken"])
async def test_what_could_not_be_written_whole_leaves_nothing_and_can_be_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write, call: str, instead: Any
) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(os, call, instead)
        with pytest.raises((ArchiveFailed, OutsideFailed)):
            await write(tmp_path)
    assert names(tmp_path) == []
    await write(tmp_path)


async def test_a_line_that_could_not_be_added_leaves_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CheckpointFolder(tmp_path)
    await folder.append([kept(1)], b"{}")
    with monkeypatch.context() as failing:
        failing.setattr(os, "write", half)
        with pytest.raises(OutsideFailed):
            await folder.append([kept(2)], b"{}")
    assert await folder.last() == kept_document(tmp_path)
    await folder.append([kept(2)], b"{}")


async def test_a_file_system_that_promises_nothing_of_folders_is_good_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def of_files_only(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(errno.EINVAL, "not here")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", of_files_only)
    await archived(tmp_path)
    await brought_outside(tmp_path)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def kept_document(folder: Path) -> bytes:
    (file,) = folder.glob("*.jws")
    (line,) = file.read_bytes().splitlines()
    return line
