"""Where the program `accredit` begins: a shell that completes a line does not wait for the commands to load."""

import os
import sys
from pathlib import Path
from typing import TextIO

COMPLETE = "_complete"
"""The word with which a shell asks for completion; the line as far as it was typed comes after it."""


def main() -> int:
    """Run a command, or complete a line."""
    if sys.argv[1:2] == [COMPLETE]:
        from accredit.cli import complete  # noqa: PLC0415  (one or the other)

        return complete.main("".join(sys.argv[2:3]))
    from accredit.cli.main import main as run  # noqa: PLC0415

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # it was closed by whoever started the program
            setattr(sys, name, Path(os.devnull).open(mode, encoding="ascii"))  # noqa: SIM115  (for as long as we run)
    try:
        code = run()
    except OSError:
        # Not even that something went wrong could be said.
        code = 1
    unsaid = [stream for stream in (sys.stdout, sys.stderr) if stream is not None and not _flushed(stream)]
    return code or int(bool(unsaid))


def _flushed(stream: TextIO) -> bool:
    """Tell whether all that was said is out; the rest is let go, since the interpreter would stumble over it again."""
    try:
        stream.flush()
    except (OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
    return True
