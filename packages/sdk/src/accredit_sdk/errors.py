"""Every error of the SDK. None of them ever holds a token, a secret or an argument."""

from collections.abc import Iterable
from enum import StrEnum


class AccreditError(Exception):
    """Base of all errors that the SDK raises on purpose."""


class ConfigurationError(AccreditError):
    """The configuration cannot be used safely, so nothing starts. `problems` has a sentence for each thing to mend."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ScopeError(AccreditError, ValueError):
    """A text is not a scope, or not a list of scopes (RFC 6749, 3.3)."""


class ResourceError(AccreditError, ValueError):
    """A text cannot be the canonical URI of a server (RFC 8707, 2)."""


class Problem(StrEnum):
    """What is wrong with a token; for the operator's record, never for the answer."""

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


class InvalidToken(AccreditError):
    """A token is refused. `detail` is a sentence for the operator and never holds token material."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
