"""Every import contract of pyproject.toml is seen to fail: once with nothing wrong, once per planted violation."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FLOORS = (
    "cli", "testing", "backups", "app", "config", "web", "console", "gateway", "jobs", "service", "store", "outbound",
    "system", "telemetry", "ports", "oauth", "audit", "identity",
)  # fmt: skip

# contract id -> file that sins, and its sin
PLANTED = [
    ("floors", "src/accredit/identity/server.py", "import accredit.oauth"),
    ("floors", "src/accredit/web/token.py", "import accredit.jobs"),
    ("floors", "src/accredit/service/token.py", "import accredit.store"),
    ("floors", "src/accredit/service/token.py", "import accredit.config"),
    ("floors", "src/accredit/app/__init__.py", "import accredit.testing"),
    ("floors", "src/accredit/utils/__init__.py", ""),
    ("sdk-alone", "packages/sdk/src/accredit_sdk/guard/asgi.py", "from accredit.identity import server"),
    ("sdk-alone", "packages/sdk/src/accredit_sdk/guard/asgi.py", "def late():\n    import starlette.requests"),
    ("sdk-alone", "packages/sdk/src/accredit_sdk/verify.py", "import sqlite3"),
    ("pure", "src/accredit/oauth/token.py", "import os"),
    ("pure", "src/accredit/ports/clock.py", "import time"),
    ("pure", "src/accredit/audit/chain.py", "from datetime import datetime"),
    ("pure", "src/accredit/identity/ids.py", "import secrets"),
    ("pure", "src/accredit/identity/ids.py", "from accredit_sdk.guard import fetch"),
    ("pure", "packages/sdk/src/accredit_sdk/verify.py", "import socket"),
    ("pure", "packages/sdk/src/accredit_sdk/verify.py", "from pathlib import Path"),
    ("pure", "packages/sdk/src/accredit_sdk/verify.py", "import joserfc"),
    ("gateway-no-database", "src/accredit/gateway/proxy.py", "import accredit.service.token"),
    ("gateway-no-database", "src/accredit/gateway/proxy.py", "import accredit.ports.clock"),
    ("database", "src/accredit/service/token.py", "import sqlalchemy.exc"),
    ("database", "src/accredit/web/token.py", "import sqlite3"),
    ("framework", "src/accredit/service/token.py", "from starlette.requests import Request"),
    ("framework", "src/accredit/jobs/expiry.py", "import uvicorn"),
    ("http-client", "src/accredit/service/token.py", "import httpx2"),
    ("http-client", "packages/sdk/src/accredit_sdk/guard/asgi.py", "import httpx2"),
    ("mcp-client", "src/accredit/service/token.py", "from mcp import Client"),
    ("mcp-client", "src/accredit/cli/main.py", "import mcp_types"),
    ("concrete", "src/accredit/web/token.py", "import accredit.store.writer"),
    ("concrete", "src/accredit/jobs/expiry.py", "import accredit.system"),
    ("concrete", "src/accredit/cli/main.py", "from accredit import store"),
    ("configuration", "src/accredit/jobs/expiry.py", "import accredit.config"),
    ("configuration", "src/accredit/store/writer.py", "import pydantic_settings"),
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small house with every floor, under the contracts of the real one."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in FLOORS:
        _write(tmp_path, f"src/accredit/{name}/__init__.py", "")
    _write(tmp_path, "src/accredit/__init__.py", "")
    _write(tmp_path, "src/accredit/store/writer.py", "import sqlalchemy\nimport accredit.ports")
    _write(tmp_path, "packages/sdk/src/accredit_sdk/__init__.py", "")
    _write(tmp_path, "packages/sdk/src/accredit_sdk/guard/__init__.py", "")
    _write(tmp_path, "packages/sdk/src/accredit_sdk/guard/fetch.py", "import httpx2")
    _write(tmp_path, "tests/laws/contracts.py", (ROOT / "tests" / "laws" / "contracts.py").read_text())
    return tmp_path


def _write(house: Path, path: str, text: str) -> None:
    (house / path).parent.mkdir(parents=True, exist_ok=True)
    (house / path).write_text(text + "\n")
    if path.endswith(("token.py", "asgi.py", "expiry.py", "proxy.py")):
        (house / path).with_name("__init__.py").touch()


def _lint(house: Path, *contracts: str) -> tuple[bool, str]:
    chosen = [word for contract in contracts for word in ("--contract", contract)]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache", *chosen],
        cwd=house,
        env={"PYTHONPATH": "src:packages/sdk/src", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return done.returncode == 0, done.stdout


def test_a_house_without_sin_keeps_every_contract(house: Path) -> None:
    kept, said = _lint(house)
    assert kept, said


@pytest.mark.parametrize(("contract", "path", "sin"), PLANTED)
def test_a_planted_violation_breaks_its_contract(house: Path, contract: str, path: str, sin: str) -> None:
    _write(house, path, sin)
    kept, said = _lint(house, contract)
    assert not kept, said


def test_no_contract_is_left_out() -> None:
    known = set(re.findall(r'^id = "([^"]+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    assert known == {contract for contract, _, _ in PLANTED}
