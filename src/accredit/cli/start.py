"""Where the program `accredit` begins: a shell that completes a line does not wait for the commands to load."""

import sys

COMPLETE = "_complete"
"""The word with which a shell asks for completion; the line as far as it was typed comes after it."""


def main() -> int:
    """Run a command, or complete a line."""
    if sys.argv[1:2] == [COMPLETE]:
        from accredit.cli import complete  # noqa: PLC0415  (one or the other)

        return complete.main("".join(sys.argv[2:3]))
    from accredit.cli.main import main as run  # noqa: PLC0415

    return run()
