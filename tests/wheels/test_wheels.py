"""The wheels are what users get: built once, installed into clean environments, and every module of them imported."""

import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import httpx2
import pytest

from tests.support.terminal import free_port

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

IMPORT_ALL = """
import importlib, pkgutil, sys
package, *apart = sys.argv[1:]
found = [one.name for one in pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".")]
for name in found:
    if not name.endswith("__main__") and not any(name == one or name.startswith(one + ".") for one in apart):
        importlib.import_module(name)
print(len(found), importlib.import_module(package).__file__)
"""

ROUND_TRIP = """
from accredit_sdk import jws, keys
key = keys.generate(jws.Algorithm.ES256)
token = jws.sign(key, "at+jwt", b"{}")
assert jws.verify(token, {key.kid: key.verifying()}, "at+jwt") == b"{}"
"""


def _run(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _environment(folder: Path, *install: object) -> Path:
    _run(UV, "venv", "--quiet", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    if install:
        _run(UV, "--no-config", "pip", "install", "--quiet", "--python", python, *install)
    return python


def test_the_wheels_hold_their_package_its_marker_and_the_licence_and_nothing_else(wheels: dict[str, Path]) -> None:
    for package, wheel in wheels.items():
        names = zipfile.ZipFile(wheel).namelist()
        assert f"{package}/py.typed" in names
        assert any(name.endswith("licenses/LICENSE") for name in names)
        assert {name.split("/")[0] for name in names} == {package, f"{package}-0.1.0.dist-info"}
        assert not [name for name in names if "__pycache__" in name]
        sources = {path.name for path in (ROOT / "src/accredit/store/migrations/versions").glob("*.py")}
        assert package == "accredit_sdk" or sources <= {name.rpartition("/")[2] for name in names}


def test_the_sdk_alone_imports_with_its_two_dependencies(wheels: dict[str, Path], tmp_path: Path) -> None:
    python = _environment(tmp_path / "locked", "--constraint", ROOT / "requirements/run.txt", wheels["accredit_sdk"])
    apart = ["accredit_sdk.guard.fetch", "accredit_sdk.guard", "accredit_sdk.agent", "accredit_sdk.testing"]
    said = _run(python, "-I", "-c", IMPORT_ALL, "accredit_sdk", *apart, cwd=tmp_path)
    assert str(tmp_path) in said
    _run(python, "-I", "-c", ROUND_TRIP, cwd=tmp_path)
    installed = _run(UV, "pip", "list", "--python", python, "--format", "freeze").lower()
    assert "httpx2" not in installed


def test_the_sdk_works_with_the_oldest_versions_that_it_claims(wheels: dict[str, Path], tmp_path: Path) -> None:
    python = _environment(tmp_path / "lowest", "--resolution", "lowest-direct", f"{wheels['accredit_sdk']}[guard]")
    _run(python, "-I", "-c", IMPORT_ALL, "accredit_sdk", "accredit_sdk.agent", cwd=tmp_path)
    _run(python, "-I", "-c", ROUND_TRIP, cwd=tmp_path)


def test_the_server_imports_every_module_with_the_locked_run_time_dependencies(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    python = _environment(tmp_path / "run", "--require-hashes", "-r", ROOT / "requirements/run.txt")
    _run(UV, "pip", "install", "--quiet", "--python", python, "--no-deps", *wheels.values())
    for package in ("accredit_sdk", "accredit"):
        # Alembic alone can import its env.py, in the middle of a migration.
        said = _run(python, "-I", "-c", IMPORT_ALL, package, "accredit.store.migrations.env", cwd=tmp_path)
        assert str(tmp_path) in said
    program = tmp_path / "run" / "bin" / "accredit"
    help_text = _run(program, "--help", cwd=tmp_path)
    assert "server" in help_text
    _answers_and_stops(program, tmp_path)


def _answers_and_stops(program: Path, folder: Path) -> None:
    """Run `accredit up` where nothing of the checkout is in reach, until it has answered and was told to stop."""
    issuer = f"http://127.0.0.1:{free_port()}"
    command = [str(program), "--json", "up", "--port", issuer.rpartition(":")[2]]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            told = "".join(iter(lines.__next__, "}\n")) + "}"
            assert json.loads(told)["data"] == str(folder / "accredit-data")
            assert httpx2.get(issuer + "/readyz").status_code == 200
            assert '"items"' in _run(program, "--json", "server", "list", cwd=folder)
            process.terminate()
            out, err = process.communicate(timeout=60)
            assert (process.returncode, out, err) == (0, "", "")
        finally:
            process.kill()


def test_the_guard_comes_with_its_extra_and_the_sdk_loads_no_http_client_even_then(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    locked = ("--constraint", ROOT / "requirements/run.txt")
    guard = _environment(tmp_path / "guard", *locked, f"{wheels['accredit_sdk']}[guard]")
    # `import accredit_sdk` loads no HTTP client, not even where there is one.
    _run(guard, "-I", "-c", "import accredit_sdk, sys; assert not {'httpx2', 'httpcore2'} & set(sys.modules)")
    _run(guard, "-I", "-c", "from accredit_sdk import Guard")
    assert "--code-file" in _run(guard, "-I", "-m", "accredit_sdk.guard", "enrol", "--help", cwd=tmp_path)


def test_the_versions_of_both_distributions_agree() -> None:
    server, sdk = (
        tomllib.loads((ROOT / path / "pyproject.toml").read_text())["project"] for path in (".", "packages/sdk")
    )
    assert server["version"] == sdk["version"]
    assert f"accredit-sdk=={sdk['version']}" in server["dependencies"]
    assert shutil.which(str(UV))
