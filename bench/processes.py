"""What a tree of processes costs: CPU time and memory as Linux accounts them in /proc."""

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGESIZE")


class TooFewCores(RuntimeError):
    """Server and load cannot have a core each."""


def cores() -> tuple[int, int]:
    """Return the core for servers and the core for the load. Raises TooFewCores."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise TooFewCores("the bench needs two cores: one for the server, one for the load")
    return allowed[1], allowed[0]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run the block on `core`. A process started in it stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def parent_and_cpu(stat: str) -> tuple[int, float]:
    """Read a line of /proc/PID/stat: the parent's pid and the seconds of CPU of the process and its reaped children."""
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before may hold blanks and brackets
    return int(fields[1]), sum(map(int, fields[11:15])) * _TICK


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the CPU time of the trees under `roots`, user and system, to a clock tick (10 ms).

    A child that ends moves its time to its parent: the sum never falls as long as the roots live.
    """
    every = _snapshot()
    return sum(every[pid][1] for pid in _trees(roots, every))


def proportional_memory(roots: Iterable[int]) -> int:
    """Return the bytes of memory of the trees under `roots` (PSS: a page shared by n processes counts 1/n in each)."""
    return sum(_pss(pid) for pid in _trees(roots, _snapshot()))


def resident_memory(roots: Iterable[int]) -> int:
    """Return the bytes of memory of the trees under `roots` (RSS: a shared page counts in each process)."""
    return sum(_resident(pid) for pid in _trees(roots, _snapshot()))


def free_port() -> int:
    """Return a port of loopback that nobody listens on at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _snapshot() -> dict[int, tuple[int, float]]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                found[int(entry.name)] = parent_and_cpu((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
                continue
    return found


def _trees(roots: Iterable[int], every: dict[int, tuple[int, float]]) -> set[int]:
    members, waiting = set[int](), list(roots)
    for gone in (pid for pid in waiting if pid not in every):
        raise ProcessLookupError(f"process {gone} has ended")
    while waiting:
        pid = waiting.pop()
        members.add(pid)
        waiting += [child for child, (parent, _) in every.items() if parent == pid]
    return members


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
