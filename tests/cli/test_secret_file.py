"""`--secret-file`: a secret goes into a new file of its owner's own, and then nowhere else."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.terminal import CommandLine, Ran

MAKERS = [
    ("agent", "add", "new{}", "--owner", "dana@example.com"),
    ("agent", "credential", "add", "of{}"),
    ("guard", "enrol", "ledger"),
]


def make(cli: CommandLine, words: tuple[str, ...], file: Path, *more: str) -> Ran:
    """Run one of the commands that make a secret, each time for an agent of its own."""
    number = len(cli.data("agent", "list")["items"])
    if "credential" in words:
        cli.ok("agent", "add", f"of{number}", "--owner", "dana@example.com")
    return cli.run(*(word.format(number) for word in words), "--secret-file", str(file), *more)


def records(cli: CommandLine) -> set[str]:
    """Return what administrators did, in words."""
    return {item["person"].get("summary", "") for item in cli.data("audit", "search", "--limit", "200")["items"]}


@pytest.mark.parametrize("words", MAKERS)
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_the_secret_is_in_the_file_alone_and_only_its_owner_reads_that(
    settled: CommandLine, tmp_path: Path, words: tuple[str, ...], more: tuple[str, ...]
) -> None:
    before = os.umask(0)
    try:
        ran = make(settled, words, tmp_path / "secret", *more)
    finally:
        os.umask(before)
    assert ran.code == 0
    secret = (tmp_path / "secret").read_text()
    assert secret.startswith(("acs_", "ace_"))
    assert secret.endswith("\n")
    assert secret.strip() not in ran.out + ran.err
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    if more:
        assert ran.data["secret_file"] == str(tmp_path / "secret")


@pytest.mark.parametrize("words", MAKERS)
def test_a_file_that_is_there_is_never_overwritten_and_no_secret_is_made(
    settled: CommandLine, tmp_path: Path, words: tuple[str, ...]
) -> None:
    there, link = tmp_path / "there", tmp_path / "link"
    there.write_text("mine")
    link.symlink_to(tmp_path / "elsewhere")
    before = records(settled)
    for path in (there, link, tmp_path, tmp_path / "no" / "folder", Path("/dev/null")):
        assert make(settled, words, path).code == 2
    assert there.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()
    assert [kind for kind in records(settled) - before if not kind.startswith("registered of")] == []


@pytest.mark.parametrize("words", [("agent", "credential", "add", "nobody"), ("guard", "enrol", "nobody")])
def test_a_file_for_a_secret_that_was_not_made_does_not_stay(
    settled: CommandLine, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert make(settled, words, tmp_path / "secret").code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_the_full_disk_does_not_take_is_shown_instead_of_lost(
    settled: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ran = make(settled, MAKERS[1], tmp_path / "secret")
    assert ran.code == 0
    assert "acs_" in ran.out
    assert list(tmp_path.iterdir()) == []
