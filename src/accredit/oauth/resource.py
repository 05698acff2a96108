"""RFC 8707: which server a token is for. Scopes never choose a server."""

from accredit.oauth.errors import ErrorCode, Refusal
from accredit_sdk import resource
from accredit_sdk.errors import ResourceError


def target(resources: tuple[str, ...]) -> str | Refusal:
    """Return the canonical form of the one resource that the client named, or the refusal (RFC 8707, 2)."""
    if len(resources) != 1:
        text = "name exactly one resource: the canonical URI of the server the token is for"
        return Refusal(ErrorCode.INVALID_TARGET, text, f"{len(resources)} resources")
    try:
        return resource.canonical(resources[0])
    except ResourceError as error:
        return Refusal(ErrorCode.INVALID_TARGET, f"the resource is not usable: {error}", str(error))
