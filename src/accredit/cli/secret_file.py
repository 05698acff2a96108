"""Secrets that are shown once, or written once to a file that only its owner can read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from accredit.cli.screen import Screen
from accredit.cli.trouble import usage

SecretFile = Annotated[
    Path | None,
    typer.Option("--secret-file", metavar="PATH", help="Write the secret there (new file, mode 600), show it nowhere."),
]
"""The option of every command that makes a secret."""

ONCE: Final = "This is shown once and kept nowhere: store it now."
"""What is said beside every secret."""


class Keeping:
    """Where the secret of this run goes: into a file that is already there and empty, or onto the screen."""

    def __init__(self, file: Path | None, descriptor: int | None) -> None:
        self.file = file
        self._descriptor = descriptor

    def keep(self, secret: str) -> None:
        """Write the secret, if there is a file for it. When that fails it is shown instead: it must not be lost."""
        if self._descriptor is None:
            return
        try:
            with os.fdopen(os.dup(self._descriptor), "w") as file:
                file.write(secret + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.ftruncate(self._descriptor, 0)
            self.file = None

    def shown(self, answer: dict[str, object], member: str) -> dict[str, object]:
        """Return `answer` as it may be printed: without `member` when that went into the file."""
        if self.file is None:
            return answer
        return {key: value for key, value in answer.items() if key != member} | {"secret_file": str(self.file)}

    def tell(self, screen: Screen, name: str, secret: str) -> None:
        """Show the secret to a person, or say where it is."""
        if self.file is not None:
            screen.done(f"{name} is in {self.file}, and only you can read it")
            return
        screen.details([(name, secret)])
        screen.warn(ONCE)


@contextmanager
def keeping(file: Path | None) -> Iterator[Keeping]:
    """Open a new file before anything is asked of the server, so that no secret is made that cannot be kept.

    Raises Trouble when there is something at that path already. A file that stays empty is removed again.
    """
    if file is None:
        yield Keeping(None, None)
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise usage(f"{file} is there already and will not be overwritten: choose another path") from None
    except (OSError, ValueError) as error:
        raise usage(f"cannot make {file}: {getattr(error, 'strerror', None) or error}") from error
    try:
        yield Keeping(file, descriptor)
    finally:
        empty = os.fstat(descriptor).st_size == 0
        os.close(descriptor)
        if empty:
            file.unlink(missing_ok=True)
