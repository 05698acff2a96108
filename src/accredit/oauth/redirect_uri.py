"""RFC 6749, 3.1.2, and RFC 8252, 7: redirect URIs, judged by one validator at registration and at authorization.

What may be registered has exactly one reading, so that comparing byte by byte is enough: whatever a browser, a library
and we could take differently is refused, and the error says which part it is.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from accredit.identity.credential import resembles

LONGEST: Final = 512
"""The most characters of a redirect URI."""

MOST: Final = 20
"""How many redirect URIs a client registers at most."""


class RedirectError(ValueError):
    """The text cannot be a redirect URI; the message says what is wrong with it, and never repeats it."""


class RedirectKind(StrEnum):
    """Where a redirect leads: to a web server, to this machine, or to the app that owns the scheme (RFC 8252, 7)."""

    HTTPS = "https"
    LOOPBACK = "loopback"
    PRIVATE_USE = "private_use"


_VISIBLE: Final = re.compile(r"[!-~]+")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*(?=:)")
_PRIVATE: Final = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+")
_PARTS: Final = re.compile(r":(?://([^/?]*))?(/[^?]*)?(?:\?(.*))?")
_AUTHORITY: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PATH: Final = re.compile(r"[A-Za-z0-9._~!$&'()+,;=:@/-]*")
_ENCODED: Final = r"%(?:2[0-46-9A-Fa-f]|[346][0-9A-Fa-f]|5[0-9ABD-Fabd-f]|7[0-9A-Ea-e])"
"""An encoded character that is visible, or a space, and neither % nor a backslash."""
_QUERY: Final = re.compile(rf"(?:[A-Za-z0-9._~!$&'()+,;=:@/?-]|{_ENCODED})*")
_DOTS: Final = re.compile(r"\.{1,2}(?:;.*)?")
_LOOPBACK: Final = frozenset({"127.0.0.1", "[::1]", "localhost"})
_PORT: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::[0-9]+)?((?:[/?].*)?)")


def registrable(text: str) -> RedirectKind:
    """Return where the redirect URI `text` leads. Raises RedirectError unless it may be registered.

    That is: https anywhere, http on a loopback host (RFC 8252, 7.3), or a private-use scheme with a dot in it (7.1),
    without user, fragment, wildcard, dot or empty segments; percent-encoding in the query alone, and for nothing that
    a reader could take for a delimiter, a control character or a second encoding.
    """
    if not text or len(text) > LONGEST:
        raise RedirectError(f"a redirect URI has 1 to {LONGEST} characters")
    if _VISIBLE.fullmatch(text) is None:
        raise RedirectError("a redirect URI is visible ASCII: no spaces, controls or other letters")
    if resembles(text):
        raise RedirectError("this looks like a secret or a token; a redirect URI never holds one")
    for character, name in (("#", "fragment"), ("*", "wildcard"), ("\\", "backslash")):
        if character in text:
            raise RedirectError(f"a redirect URI has no {name} ({character})")
    return _judged(text)


def matches(registered: Iterable[str], given: str) -> bool:
    """Tell whether the redirect URI `given` at authorization is one of those `registered`. Never raises.

    Byte for byte; of a loopback redirect the port may differ, and nothing else (RFC 8252, 7.3). What could not be
    registered matches nothing.
    """
    try:
        kind = registrable(given)
    except RedirectError:
        return False
    known = frozenset(registered)
    if given in known:
        return True
    return kind is RedirectKind.LOOPBACK and _portless(given) in {_portless(one) for one in known}


def _judged(text: str) -> RedirectKind:
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise RedirectError("a redirect URI begins with its scheme, in lower case")
    parts = _PARTS.fullmatch(text, scheme.end())
    if parts is None:
        raise RedirectError("a redirect URI is absolute: scheme://host/path, or scheme:/path for an app of one's own")
    authority, path, query = parts.groups()
    _check_path(path or "")
    if query is not None and _QUERY.fullmatch(query) is None:
        raise RedirectError("the query holds a character, or an encoding, that could be taken in two ways")
    if scheme[0] in ("https", "http"):
        return _web(scheme[0], authority)
    return _private_use(scheme[0], authority, path)


def _web(scheme: str, authority: str | None) -> RedirectKind:
    host = _host(authority or "")
    if scheme == "https":
        return RedirectKind.HTTPS
    if host not in _LOOPBACK:
        raise RedirectError("http is for 127.0.0.1, [::1] and localhost; use https")
    return RedirectKind.LOOPBACK


def _private_use(scheme: str, authority: str | None, path: str | None) -> RedirectKind:
    if _PRIVATE.fullmatch(scheme) is None:
        raise RedirectError("use https, or the scheme of an app: a domain name backwards, like com.example.app")
    if authority:
        _host(authority)
    elif not path:
        raise RedirectError("the scheme of an app is followed by a path, like com.example.app:/callback")
    return RedirectKind.PRIVATE_USE


def _host(authority: str) -> str:
    """Return the host. User information is looked for first: what follows the last @ is where a browser goes."""
    if "@" in authority:
        raise RedirectError("a redirect URI has no user information (@) before its host")
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise RedirectError("the host is a name or an address in lower-case ASCII, with a port from 1 to 65535 or none")
    host, port = found.groups()
    if port is not None and int(port) > 65535:
        raise RedirectError("the port is a number from 1 to 65535")
    if not _is_host(host):
        raise RedirectError("the host is neither a domain name nor an address as everybody writes it")
    return str(host)


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            address = IPv6Address(host[1:-1])
            return address.compressed == host[1:-1] and address.ipv4_mapped is None
        labels = host.split(".")
        if labels[-1].isdigit() or labels[-1].startswith("0x"):
            return str(IPv4Address(host)) == host
    except ValueError:
        return False
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


def _check_path(path: str) -> None:
    if "%" in path:
        raise RedirectError("the path is written without percent-encoding (%)")
    if _PATH.fullmatch(path) is None:
        raise RedirectError("the path holds a character that a URI does not have")
    segments = path.split("/")
    if any(_DOTS.fullmatch(segment) for segment in segments):
        raise RedirectError("the path has a dot segment")
    if "" in segments[1:-1]:
        raise RedirectError("the path has an empty segment (//)")


def _portless(uri: str) -> str:
    """Return a loopback redirect without its port; of any other URI something that no loopback redirect is."""
    found = _PORT.fullmatch(uri)
    return uri if found is None else found[1] + found[2]
