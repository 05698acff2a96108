"""The laws of 2-house, held against this repository."""

import configparser
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.laws import architecture, dependencies, purity, requirements, sizes, surface, tracked
from tests.laws.tree import ROOT
from tests.laws.tree import tracked as tracked_files


@pytest.mark.parametrize(
    "law",
    [
        sizes.complaints,
        surface.untyped,
        surface.leaks,
        surface.undocumented,
        purity.complaints,
        purity.impure_unit_tests,
        dependencies.complaints,
        requirements.complaints,
        architecture.complaints,
    ],
    ids=lambda law: f"{law.__module__.rpartition('.')[2]}.{law.__name__}",
)
def test_this_repository_obeys(law: Callable[[Path], Iterable[str]]) -> None:
    _obeyed(law(ROOT))


def test_no_tracked_file_holds_a_path_of_this_machine_or_a_package_host() -> None:
    _obeyed(tracked.complaints(ROOT, tracked_files(ROOT), checkout=str(ROOT)))


def _obeyed(complaints: Iterable[str]) -> None:
    said = list(complaints)
    if said:
        pytest.fail("\n".join(said), pytrace=False)


def test_contract_law_and_coverage_mean_the_same_pure_floors() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    pure = next(contract for contract in contracts if contract["id"] == "pure")
    measured = configparser.ConfigParser()
    measured.read(ROOT / "tests" / "unit" / "coverage.ini")
    assert measured["run"]["source_pkgs"].split() == pure["packages"]
    assert {path.strip("*/").removesuffix(".py") for path in measured["run"]["omit"].split()} == {
        name.replace(".", "/") for name in pure["apart"]
    }
    folders = {f"src/{name.replace('.', '/')}/" for name in pure["packages"] if name.startswith("accredit.")}
    assert set(purity.PURE) == folders
    assert measured.getfloat("report", "fail_under") == 100


HEAVY = {
    "accredit", "aiohttp", "anyio", "asyncio", "fastapi", "h11", "http", "httpcore2", "httpx2", "mcp", "requests",
    "sqlalchemy", "starlette", "urllib3", "uvicorn",
}  # fmt: skip


def _loaded_by(statement: str) -> set[str]:
    program = f"{statement}\nimport sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return set(said.split())


def test_importing_the_sdk_loads_no_http_client_and_no_framework() -> None:
    loaded = _loaded_by("import accredit_sdk")
    assert "accredit_sdk" in loaded
    assert not loaded & HEAVY
    assert _loaded_by("import accredit_sdk, httpx2") & HEAVY
