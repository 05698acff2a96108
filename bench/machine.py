"""What the figures were taken on: processor, versions, commit."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench.running import ROOT


def facts() -> dict[str, str]:
    """Return the machine, the versions of what runs, and the commit, with a plus sign when files differ from it."""
    kernel = f"{platform.system()} {platform.release().split('-')[0]}"
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.machine()}, {kernel}",
        "commit": _commit(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: version(name) for name in ("accredit", "cryptography", "uvicorn", "uvloop", "sqlalchemy")},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "processor unknown")


def _commit() -> str:
    head, changed = _git("rev-parse", "--short=12", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return f"{head or 'unknown'}{'+' if changed else ''}"


def _git(*words: str) -> str:
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
