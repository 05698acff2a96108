"""What is counted and timed while a node works. No name of anybody gets here, so labels stay few."""

from typing import Final, Protocol

ISSUED: Final = "issued"
"""The result of a token request that got a token; every other one is an error code of RFC 6749."""


class Traces(Protocol):
    """Takes note of what happened on a trace that somebody else began and samples."""

    def answered(self, parent: str, decision: str, grant: str, result: str, ended: int, seconds: float) -> None:
        """Note a token request on the trace of `parent`, a `traceparent`; it ended at `ended` (microseconds UTC)."""
        ...


class Measures(Protocol):
    """Takes note. Every method returns at once, and may be called from any thread."""

    def answered(self, grant: str, result: str, seconds: float) -> None:
        """Note that a token request was answered: `result` is ISSUED or an error code of RFC 6749."""
        ...

    def committed(self, outcomes: int, seconds: float) -> None:
        """Note that the writer had a batch of `outcomes` in hand for so long."""
        ...

    def received(self, records: int) -> None:
        """Note that so many records of a guard are durable here."""
        ...

    def delivered(self, outcome: str) -> None:
        """Note how an attempt to tell a webhook something ended: "delivered", "retried" or "failed" for good."""
        ...

    def ran(self, job: str, at: int, *, well: bool) -> None:
        """Note that a job came to its end at `at` (microseconds UTC), as it should or not."""
        ...
