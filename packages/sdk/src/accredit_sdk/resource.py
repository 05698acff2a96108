"""RFC 8707, 2, and RFC 9728, 3.1: identifiers of protected resources in one spelling, and where their metadata is.

Every identifier is compared byte by byte after `canonical`, so whatever two readers could take differently is refused.
"""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from accredit_sdk.errors import ResourceError

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
"""Where the metadata of a resource without a path is (RFC 9728, 3)."""

LONGEST: Final = 2048
"""The most characters of an identifier."""

_URI: Final = re.compile(r"([A-Za-z]+)://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(?::([0-9]*))?(/[^?#]*)?")
_PATH: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_TRIPLET: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORTS: Final = {"https": 443, "http": 80}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


def canonical(uri: str) -> str:
    """Return the one spelling of a resource identifier: scheme and host in lower case, no default port, no final slash
    behind a bare origin, percent-encoding in upper case and only where it is needed (RFC 3986, 6.2.2).

    Raises ResourceError unless `uri` is an absolute https URI (http on a loopback host) without user, query, fragment,
    dot segments, empty segments, and encoded slashes or control characters.
    """  # noqa: D205
    if len(uri) > LONGEST:
        raise ResourceError(f"a resource has at most {LONGEST} characters")
    found = _URI.fullmatch(uri)
    if found is None:
        raise ResourceError("a resource is scheme://host[:port][/path] in ASCII, without user, query and fragment")
    scheme, host = found[1].lower(), _host(found[2].lower())
    if scheme not in _PORTS:
        raise ResourceError("a resource is an https URI")
    if scheme == "http" and host not in _LOOPBACK:
        raise ResourceError("http is for loopback hosts; use https")
    path = _path(found[4] or "")
    return f"{scheme}://{host}{_port(found[3], scheme)}{'' if path == '/' else path}"


def same(a: str, b: str) -> bool:
    """Tell whether both name the same resource; what is no identifier is the same as nothing. Never raises."""
    try:
        return canonical(a) == canonical(b)
    except ResourceError:
        return False


def metadata_url(resource: str) -> str:
    """Return the URL of a resource's metadata: the well-known path goes between host and path (RFC 9728, 3.1).

    Raises ResourceError.
    """
    origin, path = _split(canonical(resource))
    return f"{origin}{WELL_KNOWN}{path}"


def metadata_path(resource: str) -> str:
    """Return the path of `metadata_url`. Raises ResourceError."""
    return WELL_KNOWN + _split(canonical(resource))[1]


def _split(uri: str) -> tuple[str, str]:
    start = uri.find("/", uri.index("://") + 3)
    return (uri, "") if start < 0 else (uri[:start], uri[start:])


def _host(host: str) -> str:
    try:
        if host.startswith("["):
            return _bracketed(IPv6Address(host[1:-1]))
        labels = host.split(".")
        if labels[-1].isdigit() or labels[-1].startswith("0x"):
            return str(IPv4Address(host))
    except ValueError:
        raise ResourceError("the host looks like an address and is none") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ResourceError("the host is no domain name")
    return host


def _bracketed(address: IPv6Address) -> str:
    if address.ipv4_mapped is not None:
        raise ResourceError("an IPv4 address is written as one")
    return f"[{address.compressed}]"


def _port(port: str | None, scheme: str) -> str:
    if port is None:
        return ""
    if not 0 < len(port) <= 5 or port.startswith("0") or int(port) > 65535:
        raise ResourceError("the port is a number from 1 to 65535")
    return "" if int(port) == _PORTS[scheme] else f":{port}"


def _path(path: str) -> str:
    if _PATH.fullmatch(path) is None:
        raise ResourceError("the path holds a character that must be percent-encoded")
    path = _TRIPLET.sub(lambda found: _decoded(found[0]), path)
    segments = path.split("/")
    if not {".", ".."}.isdisjoint(segments):
        raise ResourceError("the path has a dot segment")
    if "" in segments[1:-1]:
        raise ResourceError("the path has an empty segment")
    return path


def _decoded(triplet: str) -> str:
    character = chr(int(triplet[1:], 16))
    if character in "/\\" or character < " " or character == "\x7f":
        raise ResourceError("the path has an encoded slash, backslash or control character")
    return character if character in _UNRESERVED else triplet.upper()
