"""`accredit audit export`: the log as a file, gone on with where it broke off, begun anew where records were moved."""

import errno
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, NoReturn

import typer

from accredit.audit import otlp
from accredit.audit.export import begins, broke_off_at, number_of_seal
from accredit.cli.client import path
from accredit.cli.log_lines import Moved, whole
from accredit.cli.screen import count
from accredit.cli.session import Session, command
from accredit.cli.trouble import Exit, Trouble, usage

_EVERY: Final = 20_000
_TAIL: Final = 4 * 1024 * 1024
_TRIES: Final = 3


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "export")(export)


class Format(StrEnum):
    """How the log is written: as it is, to be verified anywhere, or as OpenTelemetry logs."""

    JSONL = "jsonl"
    OTLP = "otlp"


def export(
    session: Session,
    *,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to; standard output without it.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an export into FILE broke off.")] = False,
    form: Annotated[
        Format, typer.Option("--format", help="jsonl, which can be verified; or otlp, for collectors of OpenTelemetry.")
    ] = Format.JSONL,
) -> None:
    """Write the whole log as lines of JSON, which `audit verify --file` verifies anywhere."""
    if resume and (output is None or form is Format.OTLP):
        raise usage("--resume needs --output FILE, and the format jsonl")
    after = _place(output) if resume and output is not None else None
    if after == "":
        session.screen.done(f"{output} is whole already")
        return
    written = _anew(session, output, after, form, _TRIES)
    if output is not None:
        session.screen.done(f"{count(written, 'line')} in {output}")


def _anew(session: Session, output: Path | None, after: str | None, form: Format, tries: int) -> int:
    """Write the log, from its beginning again where records were archived meanwhile, and return how many lines."""
    try:
        return _written(session, output, after, form)
    except Moved as moved:
        if output is None:
            raise Trouble(Exit.OVERTAKEN, str(moved)) from None
        output.unlink(missing_ok=True)
        if tries == 1:
            raise Trouble(Exit.OVERTAKEN, str(moved)) from None
    return _anew(session, output, None, form, tries - 1)


def _written(session: Session, output: Path | None, after: str | None, form: Format) -> int:
    """Write the log, or what is behind `after` in it; return how many lines that are. Raises Moved."""
    sealed = str(_sealed(output)) if output is not None and after is not None else None
    written = 0
    # First the file: what is unlinked when something goes wrong has to be ours.
    with _opened(output, after is not None) as target, session.screen.working("Exporting") as told:
        try:
            lines = whole(session.server.lines(path("audit", "export"), after=after, sealed=sealed))
            for line in _formed(lines, form):
                target.write(line + b"\n")
                written += 1
                if written % _EVERY == 0:
                    told(count(written, "line"))
        except BaseException:
            if output is not None and after is None and not written:
                output.unlink()
            raise
        target.flush()
    return written


def _formed(lines: Iterator[bytes], form: Format) -> Iterator[bytes]:
    return lines if form is Format.JSONL else otlp.lines(lines)


def _opened(output: Path | None, again: bool) -> Any:
    if output is None:
        return _Standard()
    how = os.O_APPEND if again else os.O_CREAT | os.O_EXCL
    try:
        return os.fdopen(_descriptor(output, os.O_WRONLY | how), "ab")
    except FileExistsError:
        raise usage(f"{output} is there already; choose another file, or --resume") from None


def _descriptor(output: Path, how: int) -> int:
    """Open a file for its owner only, and not through a link: somebody else may have put it there."""
    try:
        return os.open(output, os.O_NOFOLLOW | how, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise usage(f"{output} is a symbolic link; name the file itself") from None
        raise


class _Standard:
    """Standard output as a file that nobody closes."""

    def __enter__(self) -> BinaryIO:
        return sys.stdout.buffer

    def __exit__(self, *_: object) -> None:
        sys.stdout.buffer.flush()


def _place(output: Path) -> str | None:
    """Return where an export into that file broke off, after taking a torn line away; "" when it is whole.

    Raises Trouble for a file that is no export, and leaves it as it is.
    """
    with os.fdopen(_descriptor(output, os.O_RDWR), "r+b") as file:
        first = file.readline(_TAIL)
        file.seek(max(0, file.seek(0, 2) - _TAIL))
        start = file.tell()
        tail = file.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        place = _behind(whole, output) if begins(first) and (whole or not start) else _nowhere(output)
        file.truncate(start + len(whole))
    if place is None:
        output.unlink()
    return place


def _sealed(output: Path) -> int:
    """Return the number of the last seal in an export: they are behind its first line."""
    number = 0
    with output.open("rb") as file:
        file.readline()
        while (found := number_of_seal(file.readline())) is not None:
            number = found
    return number


def _behind(whole: bytes, output: Path) -> str | None:
    """Return the place behind the last of some whole lines of an export; None where there is none. Raises Trouble."""
    try:
        return broke_off_at(whole.splitlines()[-1]) if whole else None
    except ValueError:
        return _nowhere(output)


def _nowhere(output: Path) -> NoReturn:
    raise usage(f"{output} is not an export of a log, and nothing is added to it; choose another file")
