"""The one way to change anything: outcomes are queued, committed in groups, and answered when they are durable."""

from collections.abc import Awaitable
from typing import Any, Protocol

from accredit.oauth.outcome import Outcome, Verdict


class Overloaded(Exception):
    """The queue is full; nothing was written. The client should come back in a moment."""


class WriterStopped(Exception):
    """The writer has died or was closed; this process can change nothing any more and says so in `/readyz`."""


class Journal(Protocol):
    """The writer of a process."""

    def submit(self, outcome: Outcome[Any]) -> Awaitable[Verdict]:
        """Queue `outcome` at once; await the result for its verdict.

        Raises Overloaded, WriterStopped or Unstorable before anything is queued; the awaitable raises WriterStopped,
        or the database's trouble as `StoreError`, after nothing of the outcome was written.
        """
        ...

    def healthy(self) -> bool:
        """Tell whether the writer still works."""
        ...

    def waiting(self) -> int:
        """Return how many outcomes wait to be written."""
        ...


class Unstorable(ValueError):
    """A value of the outcome that no database keeps: NUL, half a surrogate pair, a text or a number that is too big.

    The message names the field, never its content.
    """


class StoreError(Exception):
    """The database failed; nothing was written. The text names the class of the error and the constraint, never data.

    With `unknown`, the connection was lost while the commit was under way, and nobody can tell whether it was written.
    """

    def __init__(self, text: str, *, unknown: bool = False) -> None:
        super().__init__(text)
        self.unknown = unknown
