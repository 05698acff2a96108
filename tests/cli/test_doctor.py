"""What the doctor says before there is a node: nothing is missing that only a node makes."""

import asyncio
from pathlib import Path

from accredit import app, config, offline
from accredit.service.diagnosis import Finding, Level
from accredit.system import MASTER_KEY_FILE


def _looked(folder: Path) -> dict[str, Level]:
    return {finding.what: finding.level for finding in offline.doctor(config.load(data=folder))}


async def _run_once(settings: config.Settings) -> None:
    async with app.node(settings):
        pass


def test_a_migrated_database_that_no_node_has_used_yet_lacks_no_master_key(tmp_path: Path) -> None:
    asyncio.run(app.migrate_database(config.load(data=tmp_path)))
    found = _looked(tmp_path)
    assert found["no node has run on the database yet"] is Level.WARN
    assert found[f"the data folder {tmp_path} is closed to others"] is Level.OK
    (tmp_path / MASTER_KEY_FILE).write_text("in sight")
    (tmp_path / MASTER_KEY_FILE).chmod(0o644)
    assert _looked(tmp_path)["the data folder cannot be used"] is Level.FAIL


def test_the_master_key_of_a_database_in_use_is_missed(tmp_path: Path) -> None:
    asyncio.run(_run_once(config.load(data=tmp_path)))
    assert Level.FAIL not in _looked(tmp_path).values()
    (tmp_path / MASTER_KEY_FILE).unlink()
    findings: list[Finding] = [one for one in offline.doctor(config.load(data=tmp_path)) if one.level is Level.FAIL]
    assert len(findings) == 2
    assert all("put its backup there" in finding.advice for finding in findings)
