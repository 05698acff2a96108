"""Asking a stranger's server for something: the one way out of the house."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from accredit.identity.web_address import WebAddress


class FetchFailure(StrEnum):
    """Why nothing was got.

    UNKNOWN_HOST: its name leads nowhere. FORBIDDEN: it leads to an address that is not public, and not allowed.
    UNREACHABLE: nobody answers there. UNTRUSTED: its certificate is not that of the host. TIMEOUT: it took too long.
    TOO_LARGE: the answer is longer than it may be. BROKEN: what came is no HTTP. BUSY: too much is asked already.
    """

    UNKNOWN_HOST = "unknown_host"
    FORBIDDEN = "forbidden"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    BROKEN = "broken"
    BUSY = "busy"


class FetchFailed(Exception):
    """Nothing was got, because of `failure`."""

    def __init__(self, failure: FetchFailure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Errand:
    """What to ask: GET, or POST with a `body`. Of the answer `most` bytes are read.

    A longer answer fails, unless it may be `cut`: then its end is left unread.
    """

    address: WebAddress
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    most: int = 65_536
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was answered, whatever the status; nothing is followed and nothing is unpacked. Header names are lower."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetch(Protocol):
    """Runs errands."""

    def forbids(self, where: WebAddress) -> bool:
        """Tell whether an errand to `where` fails for sure, since its host is an address that may not be reached."""
        ...

    async def fetch(self, errand: Errand) -> Fetched:
        """Return the answer. Raises FetchFailed."""
        ...
