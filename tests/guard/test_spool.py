"""The spool: what was appended is there, whatever dies; what is acknowledged is gone; what is full says so."""

import os
from pathlib import Path

import pytest

from accredit_sdk.guard.lock import Lock
from accredit_sdk.guard.spool import Memory, Spool, SpoolFull

LIMIT = 10_000_000


def line(number: int, size: int = 20) -> bytes:
    return b"%d:" % number + b"x" * size + b"\n"


def filled(folder: Path, count: int, size: int = 20, chain: str = "chn_a") -> Spool:
    spool = Spool.begin(folder, chain, LIMIT)
    for number in range(1, count + 1):
        spool.append(number, line(number, size))
    return spool


def shipped(spool: Spool | Memory, after: int = 0) -> list[bytes]:
    found: list[bytes] = []
    while (batch := spool.batch(after)) is not None:
        assert batch.first == after + 1
        lines = batch.lines.splitlines(keepends=True)
        assert len(lines) == batch.last - batch.first + 1
        found += lines
        after = batch.last
    return found


def test_lines_come_back_in_order_and_in_batches(tmp_path: Path) -> None:
    spool = filled(tmp_path, 1200)
    assert shipped(spool) == [line(number) for number in range(1, 1201)]
    first = spool.batch(0)
    assert first is not None
    assert (first.first, first.last) == (1, 500)
    assert shipped(spool, 1100) == [line(number) for number in range(1101, 1201)]
    assert spool.batch(1200) is None
    spool.close()


def test_large_lines_make_small_batches_and_a_huge_one_goes_alone(tmp_path: Path) -> None:
    spool = filled(tmp_path, 7, 100_000)
    spool.append(8, line(8, 500_000))
    assert _ends(spool) == [2, 4, 6, 7, 8]
    spool.close()


def _ends(spool: Spool) -> list[int]:
    ends, after = [], 0
    while (batch := spool.batch(after)) is not None:
        after = batch.last
        ends.append(after)
    return ends


def test_what_is_acknowledged_is_deleted_and_makes_room(tmp_path: Path) -> None:
    spool = filled(tmp_path, 30, 100_000)
    assert len(list(tmp_path.glob("*.ndjson"))) == 3
    spool.acknowledged(15)
    assert len(list(tmp_path.glob("*.ndjson"))) == 2
    assert shipped(spool, 15) == [line(number, 100_000) for number in range(16, 31)]
    spool.acknowledged(30)
    assert list(tmp_path.glob("*.ndjson")) == []
    spool.append(31, line(31))
    assert shipped(spool, 30) == [line(31)]
    spool.acknowledged(31)
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_spool_at_its_limit_takes_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    spool = Spool.begin(tmp_path, "chn_a", 100)
    for number in range(1, 5):
        spool.append(number, line(number))
    with pytest.raises(SpoolFull):
        spool.append(5, line(5))
    assert len(shipped(spool)) == 4
    spool.acknowledged(4)
    spool.append(5, line(5))
    assert shipped(spool, 4) == [line(5)]
    spool.close()


def test_a_torn_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = filled(tmp_path, 2)
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:7]))
    with pytest.raises(SpoolFull):
        spool.append(3, line(3))
    monkeypatch.undo()
    spool.append(3, line(3))
    assert shipped(spool) == [line(1), line(2), line(3)]
    spool.close()


@pytest.mark.parametrize("before", [0, 2])
def test_a_torn_line_that_cannot_be_taken_back_is_never_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    spool = filled(tmp_path, before)
    write = os.write

    def refuse(handle: int, size: int) -> None:
        raise OSError(5, "I/O error")

    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:7]))
    monkeypatch.setattr(os, "ftruncate", refuse)
    with pytest.raises(SpoolFull):
        spool.append(before + 1, line(before + 1))
    monkeypatch.undo()
    spool.append(before + 1, line(before + 1))
    spool.append(before + 2, line(before + 2))
    assert shipped(spool) == [line(number) for number in range(1, before + 3)]
    spool.close()
    (orphan,) = Spool.orphans(tmp_path)
    assert shipped(orphan) == [line(number) for number in range(1, before + 3)]
    orphan.close()


def test_the_spool_of_a_living_process_is_left_alone_and_that_of_a_dead_one_is_adopted(tmp_path: Path) -> None:
    spool = filled(tmp_path, 3)
    assert list(Spool.orphans(tmp_path)) == []
    spool.close()
    (orphan,) = Spool.orphans(tmp_path)
    assert orphan.chain == "chn_a"
    assert shipped(orphan) == [line(1), line(2), line(3)]
    assert list(Spool.orphans(tmp_path)) == []
    orphan.acknowledged(3)
    orphan.close()
    assert list(tmp_path.iterdir()) == []


def test_an_orphan_with_a_torn_end_or_strange_files_beside_it_is_shipped_as_far_as_it_is_whole(tmp_path: Path) -> None:
    filled(tmp_path, 3).close()
    (path,) = tmp_path.glob("chn_a.*.ndjson")
    path.write_bytes(path.read_bytes()[:-5])
    (tmp_path / "chn_a.backup.ndjson").write_bytes(b"?\n")
    (tmp_path / "chn_a.x.ndjson").write_bytes(b"?\n")
    (orphan,) = Spool.orphans(tmp_path)
    assert shipped(orphan) == [line(1), line(2)]
    orphan.close()


def test_a_chain_that_is_set_aside_is_kept_and_not_shipped(tmp_path: Path) -> None:
    spool = filled(tmp_path, 3)
    place = spool.set_aside()
    assert shipped(spool) == []
    assert place == tmp_path / "refused"
    (kept,) = place.iterdir()
    assert kept.read_bytes() == line(1) + line(2) + line(3)
    spool.close()
    assert list(Spool.orphans(tmp_path)) == []


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    spool = filled(tmp_path, 1)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    spool.close()


def test_a_folder_that_is_gone_is_a_full_spool(tmp_path: Path) -> None:
    with pytest.raises(SpoolFull):
        Spool.begin(tmp_path / "gone", "chn_a", LIMIT)


def test_flush_reaches_the_disk_once_per_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr("accredit_sdk.guard.spool._fdatasync", flushed.append)
    spool = filled(tmp_path, 2)
    assert spool.dirty
    spool.flush()
    spool.flush()
    assert len(flushed) == 1
    assert not spool.dirty
    spool.append(3, line(3))
    spool.flush()
    assert len(flushed) == 2
    spool.close()


def test_a_flush_that_meets_an_acknowledgement_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = filled(tmp_path, 2)

    def acknowledged_meanwhile(handle: int) -> None:
        spool.acknowledged(2)
        os.fsync(handle)

    monkeypatch.setattr("accredit_sdk.guard.spool._fdatasync", acknowledged_meanwhile)
    spool.flush()
    spool.append(3, line(3))

    def broken(handle: int) -> None:
        raise OSError(5, "I/O error")

    monkeypatch.setattr("accredit_sdk.guard.spool._fdatasync", broken)
    with pytest.raises(OSError, match="I/O error"):
        spool.flush()
    monkeypatch.undo()
    spool.close()


def test_a_lock_is_held_by_one_and_free_after_release(tmp_path: Path) -> None:
    held = Lock.take(tmp_path / "l")
    assert held is not None
    assert Lock.take(tmp_path / "l") is None
    held.release()
    held.release()
    again = Lock.take(tmp_path / "l")
    assert again is not None
    again.release(remove=True)
    assert not (tmp_path / "l").exists()


def test_memory_behaves_the_same_until_it_is_full(tmp_path: Path) -> None:
    memory = Memory("chn_a", 3)
    for number in (1, 2, 3):
        memory.append(number, line(number))
    with pytest.raises(SpoolFull):
        memory.append(4, line(4))
    assert shipped(memory) == [line(1), line(2), line(3)]
    memory.acknowledged(2)
    memory.append(4, line(4))
    assert shipped(memory, 2) == [line(3), line(4)]
    memory.acknowledged(4)
    memory.acknowledged(4)
    assert memory.batch(0) is None
    memory.append(5, line(5))
    assert shipped(memory, 4) == [line(5)]


def test_a_segment_is_on_the_disk_before_the_next_one_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("accredit_sdk.guard.spool._fdatasync", lambda handle: synced.append(os.fstat(handle).st_size))
    spool = filled(tmp_path, 3, size=700_000)
    first, *_ = sorted(tmp_path.glob("*.ndjson"))
    assert synced == [first.stat().st_size]
    assert spool.dirty
