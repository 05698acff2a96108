"""The lines that a log is proved by: of files as far as they go now, of a server while nothing moves."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from accredit.audit.checkpoint import FILES
from accredit.audit.export import why_broken
from accredit.cli.client import path
from accredit.cli.session import Session
from accredit.cli.trouble import Exit, Trouble

_TRIES: Final = 3

Made = TypeVar("Made")


class Lines:
    """The lines of a file, or of all files of checkpoints in a folder, as far as they go when this is made.

    What is added afterwards may say something of records that are not read any more.
    """

    def __init__(self, place: Path) -> None:
        names = sorted(place.glob(FILES)) if place.is_dir() else [place]
        self._files = [(name, name.stat().st_size if name.is_file() else None) for name in names]

    def __iter__(self) -> Iterator[bytes]:
        for name, size in self._files:
            with name.open("rb") as file:
                rest = size
                while (line := file.readline()) and (rest is None or rest > 0):
                    yield line
                    rest = rest - len(line) if rest is not None else None


class Moved(Exception):
    """Records were archived while the log was read; the text says so."""


def unmoved(session: Session, work: Callable[[Iterable[bytes]], Made], tries: int = _TRIES) -> Made:
    """Return what `work` makes of the log of the server, begun anew where records were archived under it."""
    try:
        return work(whole(session.server.lines(path("audit", "export"))))
    except Moved as moved:
        if tries > 1:
            return unmoved(session, work, tries - 1)
        raise Trouble(Exit.OVERTAKEN, str(moved)) from None


def whole(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of an export. Raises Moved where the server says that it cannot go on."""
    for line in lines:
        why = why_broken(line)
        if why is not None:
            raise Moved(why)
        yield line
