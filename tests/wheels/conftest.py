"""The wheels, built once by `make dist`, for whichever worker asks first."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """What `make dist` makes: both wheels, and the hashes of all that they need."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    out = shared / "dist"
    with (shared / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "requirements.txt").exists():
            command = ["make", "--silent", "--no-print-directory", "dist", f"DIST={out}", f"BIN={sys.prefix}/bin"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="session")
def wheels(dist: Path) -> dict[str, Path]:
    """Both wheels, by the name of their distribution."""
    return {path.name.split("-")[0]: path for path in dist.glob("*.whl")}
