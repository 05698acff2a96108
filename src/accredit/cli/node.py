"""What only commands that open the database themselves need: the server's own code, loaded late."""

from collections.abc import Iterator
from contextlib import contextmanager

from accredit.cli.trouble import Exit, Trouble


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what keeps a node from starting into a sentence for the operator."""
    from accredit import app  # noqa: PLC0415

    try:
        yield
    except app.CANNOT_START as error:
        raise Trouble(Exit.REFUSED, str(error)) from error
