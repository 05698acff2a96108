"""RFC 6749, 5.2: an error of the token endpoint as one value for three readers."""

from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """The codes that the token endpoint uses (RFC 6749, 5.2; RFC 8707, 2; RFC 8628, 3.5 for `slow_down`)."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    SLOW_DOWN = "slow_down"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


_STATUS = {ErrorCode.INVALID_CLIENT: 401, ErrorCode.SLOW_DOWN: 429, ErrorCode.TEMPORARILY_UNAVAILABLE: 503}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request gets no token. The client sees `code` and `description`; `reason` stays in the audit log."""

    code: ErrorCode
    description: str
    reason: str

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return _STATUS.get(self.code, 400)
