"""`accredit key rotate-master`: all of it or nothing, and a database that starts with exactly one of two keys."""

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from accredit import config, offline, system
from accredit.testing.serving import serve
from tests.support.admin import administration
from tests.support.terminal import CommandLine, free_port

CUT = """
import os, sys
from accredit import system
from accredit.store import keys
from accredit.cli.main import main

def at_commit(conn, claims, of=keys.reseal):
    of(conn, claims)
    os._exit(9)

if sys.argv[1] == "before":
    from accredit.store import batch
    from accredit.identity import changes
    batch.CLAIMS[changes.Reseal] = batch._Verb(at_commit, lambda claim: claim.after)
else:
    system.adopt_master_key = lambda *_: os._exit(9)
raise SystemExit(main(sys.argv[2:]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of a node that ran and was stopped."""
    with serve(tmp_path / "data", port=free_port(), issuer="http://127.0.0.1:8700"):
        pass
    return tmp_path / "data"


def key_ids(folder: Path) -> set[str]:
    """Start a node on the folder, and return the keys that it publishes."""
    with serve(folder, port=free_port(), issuer="http://127.0.0.1:8700") as node:
        transport = httpx2.HTTPTransport(uds=str(node.socket))
        with httpx2.Client(transport=transport, base_url="http://accredit/api/v1") as http:
            return {key["kid"] for key in http.get("/keys").json()["items"]}


@pytest.fixture
def here(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setenv("ACCREDIT_ISSUER", "http://127.0.0.1:8700")
    return CommandLine(folder, capsys)


def test_a_node_goes_on_with_the_same_keys_under_another_master_key(here: CommandLine, folder: Path) -> None:
    before, old = key_ids(folder), (folder / system.MASTER_KEY_FILE).read_text()
    assert here.run("key", "rotate-master", "--yes").code == 0
    new = (folder / system.MASTER_KEY_FILE).read_text()
    assert new != old
    (kept,) = folder.glob("master.key.until-*")
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (old, 0o600)
    assert (folder / system.MASTER_KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert not (folder / system.NEXT_MASTER_KEY_FILE).exists()
    assert key_ids(folder) == before


def test_the_old_master_key_opens_nothing_any_more(here: CommandLine, folder: Path) -> None:
    here.ok("key", "rotate-master", "--yes")
    (kept,) = folder.glob("master.key.until-*")
    kept.replace(folder / system.MASTER_KEY_FILE)
    ran = here.run("up", "--port", free_port())
    assert ran.code == 1
    assert "master key does not fit" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_change_that_is_cut_off_leaves_a_database_that_belongs_to_one_key_and_says_which(
    here: CommandLine, folder: Path, when: str
) -> None:
    before, old = key_ids(folder), (folder / system.MASTER_KEY_FILE).read_bytes()
    words = [sys.executable, "-c", CUT, when, "--data", str(folder), "key", "rotate-master", "--yes"]
    assert subprocess.run(words, check=False, capture_output=True, timeout=60).returncode == 9
    assert (folder / system.MASTER_KEY_FILE).read_bytes() == old
    spare = (folder / system.NEXT_MASTER_KEY_FILE).read_bytes()
    if when == "after":
        refused = here.run("up", "--port", free_port())
        assert refused.code == 1
        assert "rotate-master" in refused.err
        here.ok("key", "rotate-master", "--yes")
        assert (folder / system.MASTER_KEY_FILE).read_bytes() == spare
    assert key_ids(folder) == before
    here.ok("key", "rotate-master", "--yes")
    assert (folder / system.MASTER_KEY_FILE).read_bytes() not in (old, spare)
    assert key_ids(folder) == before


def test_nothing_is_changed_while_a_node_runs(here: CommandLine, folder: Path) -> None:
    old = (folder / system.MASTER_KEY_FILE).read_bytes()
    with serve(folder, port=free_port(), issuer="http://127.0.0.1:8700"):
        assert here.run("key", "rotate-master", "--yes").code == 1
    assert (folder / system.MASTER_KEY_FILE).read_bytes() == old


def test_the_change_is_in_the_audit_log(here: CommandLine, folder: Path) -> None:
    here.ok("key", "rotate-master", "--yes")
    with serve(folder, port=free_port(), issuer="http://127.0.0.1:8700"):
        found = here.data("audit", "search", "--kind", "administered")["items"]
    assert "key.rotate_master" in [item["person"]["action"] for item in found]


async def test_a_configured_key_goes_to_a_file_and_the_database_belongs_to_that(tmp_path: Path) -> None:
    first, target = system.new_master_key(tmp_path / "first"), tmp_path / "second"
    given = (tmp_path / "first").read_text().strip()
    async with administration(tmp_path / "data", master_key=given):
        pass
    settings = config.load(data=tmp_path / "data", issuer="http://127.0.0.1:8700", master_key=given)
    with pytest.raises(system.DataFolderError, match="--to"):
        await offline.reseal(settings, "test")
    await offline.reseal(settings, "test", target)
    async with administration(tmp_path / "data", master_key=target.read_text().strip()) as admin:
        assert (await admin.ok("GET", "/keys"))["items"]
    assert system.master_key(tmp_path, target.read_text().strip(), create=False) != first


async def test_a_file_that_is_there_is_not_overwritten_and_nothing_is_changed(tmp_path: Path) -> None:
    system.new_master_key(tmp_path / "first")
    given = (tmp_path / "first").read_text().strip()
    async with administration(tmp_path / "data", master_key=given):
        pass
    settings = config.load(data=tmp_path / "data", issuer="http://127.0.0.1:8700", master_key=given)
    with pytest.raises(system.DataFolderError, match="nothing was changed"):
        await offline.reseal(settings, "test", tmp_path / "first")
    async with administration(tmp_path / "data", master_key=given) as admin:
        assert (await admin.ok("GET", "/keys"))["items"]
