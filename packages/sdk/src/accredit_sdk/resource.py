"""RFC 8707 and RFC 9728: the canonical URI of a server, in one form only."""

import re
from typing import Final
from urllib.parse import urlsplit

from accredit_sdk.errors import ResourceError

__all__ = ["ResourceError", "canonical", "metadata_path", "metadata_url", "same"]

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
"""Where protected resource metadata begins (RFC 9728, 3)."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_DEFAULT_PORT: Final = {"https": 443, "http": 80}
_VISIBLE: Final = re.compile(r"[!$&'()*+,;=:@/\[\]A-Za-z0-9._~%-]{1,2048}")
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|%2[eEfF]|%5[cC]|%[01][0-9A-Fa-f]|%7[fF]")


def canonical(uri: str) -> str:
    """Return the canonical form of `uri`: scheme and host folded, default port and the slash of a bare origin gone.

    An absolute https URI; http only on loopback. User, query, fragment, dot segments, backslashes and anything but
    visible ASCII are refused (ResourceError): what two readers could read differently names no server.
    """
    if _VISIBLE.fullmatch(uri) is None:
        raise ResourceError("a resource is an absolute https URI of visible characters, without query and fragment")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise ResourceError("the resource is not a URI") from None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _DEFAULT_PORT or not uri[len(scheme) :].startswith("://") or _HOST.fullmatch(host) is None:
        raise ResourceError("a resource begins with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ResourceError("a resource names no user")
    if scheme == "http" and host not in _LOOPBACK:
        raise ResourceError("a resource must use https; http is for loopback only")
    _check_path(parts.path)
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port in (None, _DEFAULT_PORT[scheme]) else f"{shown}:{port}"
    return f"{scheme}://{authority}{'' if parts.path == '/' else parts.path}"


def _check_path(path: str) -> None:
    if _BAD_ESCAPE.search(path) is not None:
        raise ResourceError("the path of a resource must not hide dots, slashes or control characters")
    if any(segment in (".", "..") for segment in path.split("/")) or "//" in path:
        raise ResourceError("the path of a resource must not have dot segments or empty segments")
    if "[" in path or "]" in path:
        raise ResourceError("brackets belong around an IPv6 address only")


def same(left: str, right: str) -> bool:
    """Tell whether both name the same server; never raises."""
    try:
        return canonical(left) == canonical(right)
    except ResourceError:
        return False


def metadata_path(resource: str) -> str:
    """Return the path of the metadata document of a canonical resource: the path form of RFC 9728, 3.1."""
    return WELL_KNOWN + urlsplit(resource).path


def metadata_url(resource: str) -> str:
    """Return the URL of the metadata document of a canonical resource (RFC 9728, 3.1)."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path}"
