"""What the SDK raises. Every error here is an AccreditError, and none of them ever quotes a token or a secret."""

from collections.abc import Iterable
from enum import StrEnum


class AccreditError(Exception):
    """The root of all errors that this package raises on purpose."""


class ConfigurationError(AccreditError):
    """Something was set up wrongly. `problems` lists all that is wrong, and the text has one line for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


class ScopeError(AccreditError, ValueError):
    """A word is no scope, or a text is no list of scopes (RFC 6749, 3.3). The text may be shown to the client."""


class ResourceError(AccreditError, ValueError):
    """A URI is no usable resource identifier (RFC 8707, 2). The text may be shown to the client."""


class Problem(StrEnum):
    """Why a token was refused. The client only ever hears `invalid_token`; this is for the operator's record."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    TYPE = "type"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    MISSING_CLAIM = "missing_claim"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REVOKED = "revoked"
    BOUND = "bound"
    """The token is bound to a key (`cnf`), and nothing proved that its bearer has that key."""


class InvalidToken(AccreditError):
    """A token is refused: `problem` says why, `detail` adds a few words of ours and never a part of the token."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(problem, detail)
        self.problem = problem
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.problem.value}: {self.detail}"
