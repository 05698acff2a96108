"""A token endpoint under test: where it is, who may ask, and which processes to bill."""

import selectors
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.token_requests import Endpoint, KeyClient, SecretClient

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build"
_PATIENCE: Final = 60.0


class Unavailable(RuntimeError):
    """Something that the figure needs is not here; the text says what, and how to get it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. `pids` are the roots of its process trees, `db_pids` those of its database, if separate.

    Each of the clients may ask its endpoint for that one's resource and scope. `audited`, where there is one, counts
    the tokens that the durable audit knows of.
    """

    base_url: str
    basic_endpoint: Endpoint
    basic_clients: Sequence[SecretClient]
    key_endpoint: Endpoint
    key_clients: Sequence[KeyClient]
    pids: tuple[int, ...]
    db_pids: tuple[int, ...] = ()
    audited: Callable[[], int] | None = None


def first_line(process: subprocess.Popen[bytes], name: str) -> bytes:
    """Wait for the first line that `process` prints, which says that it is ready. Raises Unavailable."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        ready = selector.select(_PATIENCE)
    line: bytes = process.stdout.readline() if ready else b""
    if not line.endswith(b"\n"):
        raise Unavailable(f"{name} did not start: its output above says why")
    return line
