"""RFC 3986, 6.2.2, and RFC 6570: URIs of MCP resources in one spelling, and the templates that they may fit.

A server reads a URI in its own way. So one spelling is compared, and what two readers could take for different places
(dot segments, encoded slashes, escapes of escapes) is no URI here. Pure.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias
from urllib.parse import unquote

from accredit_sdk.errors import ResourceError

LONGEST: Final = 4096
"""The most characters of a URI."""

_URI: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_ALLOWED: Final = re.compile(r"(?:[!#$&-;=?-\[\]_a-z~]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")
_TRIPLET: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_TWICE: Final = re.compile(r"%25[0-9A-Fa-f]{2}")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SEPARATORS: Final = frozenset("/\\")
_EXPRESSION: Final = re.compile(r"\{([+#./;?&]?)([A-Za-z0-9_.,*:%]+)\}")
_HEAD: Final = re.compile(r"\A(?:[^:/?#{}]+:)?(?://(?:[^/?#{}]|\{[^{}]*\})*)?")
_DOTS: Final = re.compile(r"(?:\A|/)\.\.?(?:/|;|%3B|\Z)")
_WIDE: Final = frozenset("+#/")
_SEPARATOR: Final = re.compile("[/?#]")
_FRAGMENT: Final = re.compile("#")
_NOWHERE: Final = re.compile("(?!)")
_Step: TypeAlias = Callable[[str, list[int]], list[int]]
"""A part of a template: leads from places in a URI, in rising order, to the places that may be behind it."""


def normal(uri: str) -> str:
    """Return the one spelling of an absolute URI: scheme and host in lower case, no escape that is not needed.

    Raises ResourceError for what is no URI, and for dot segments, encoded slashes and control characters in its path.
    """
    found = _URI.fullmatch(uri) if len(uri) <= LONGEST else None
    if found is None or _ALLOWED.fullmatch(uri) is None:
        raise ResourceError("not an absolute URI")
    scheme, authority, path, query, fragment = found.groups(default="")
    path = _plain(path, barred=_SEPARATORS)
    if _DOTS.search(path):
        raise ResourceError("the path has a dot segment")
    host = f"//{_plain(authority, barred=_SEPARATORS).lower()}" if found[2] is not None else ""
    if _TWICE.search(host + path):
        raise ResourceError("an escape is escaped")
    return f"{scheme.lower()}:{host}{path}{_plain(query)}{_plain(fragment)}"


def decoded(uri: str) -> str:
    """Return a normal URI, or a template, as a server reads it that decodes every escape before it compares."""
    return unquote(uri, errors="surrogateescape") if "%" in uri else uri


def is_template(text: str) -> bool:
    """Tell whether `text` has an expression of RFC 6570 in it."""
    return "{" in text


class Template:
    """A template, and every normal URI that it can stand for.

    A plain variable stands for one segment; one with `+`, `#`, `/` or `*` for any number of them; `?` and `&` for a
    query. Raises ResourceError for a template that cannot be read.
    """

    def __init__(self, text: str) -> None:
        rest = _HEAD.sub("", text)
        head = text[: len(text) - len(rest)]
        self._steps = (*_steps(head, lower=True), *_steps(rest, lower=False))

    def fits(self, uri: str) -> bool:
        """Tell whether a normal URI is one of them.

        All places are followed that the template can have come to, so the time grows with the length of both alone.
        """
        places = [0]
        for step in self._steps:
            places = step(uri, places)
            if not places:
                return False
        return places[-1] == len(uri)


def _steps(text: str, *, lower: bool) -> Iterator[_Step]:
    at = 0
    for found in _EXPRESSION.finditer(text):
        yield _literal(text[at : found.start()], lower=lower)
        yield _expression(found[1], found[2])
        at = found.end()
    yield _literal(text[at:], lower=lower)


def _literal(text: str, *, lower: bool) -> _Step:
    if "{" in text or "}" in text:
        raise ResourceError("the template has a brace that opens or closes nothing")
    plain = _plain(text).lower() if lower else _plain(text)
    return lambda uri, places: [at + len(plain) for at in places if uri.startswith(plain, at)]


def _expression(operator: str, names: str) -> _Step:
    if operator in ("?", "&"):
        return lambda uri, places: _query(operator, uri, places)
    ends = _NOWHERE if operator in _WIDE or "*" in names else _SEPARATOR
    return lambda uri, places: _spread(ends, uri, places)


def _spread(ends: re.Pattern[str], uri: str, places: list[int]) -> list[int]:
    """Return every place between one of `places` and the next end."""
    found: list[int] = []
    for at in places:
        if not found or at > found[-1]:
            end = ends.search(uri, at)
            found.extend(range(at, (end.start() if end is not None else len(uri)) + 1))
    return found


def _query(operator: str, uri: str, places: list[int]) -> list[int]:
    begun = [at + 1 for at in places if uri.startswith(operator, at)]
    return sorted({*places, *_spread(_FRAGMENT, uri, begun)})


def _plain(text: str, barred: frozenset[str] = frozenset()) -> str:
    """Decode what needs no escape. Raises ResourceError for an escaped control character, or one that is barred."""

    def decoded(found: re.Match[str]) -> str:
        character = chr(int(found[0][1:], 16))
        if character in barred or character < " " or character == "\x7f":
            raise ResourceError("an escape hides a separator or a control character")
        return character if character in _UNRESERVED else found[0].upper()

    return _TRIPLET.sub(decoded, text) if "%" in text else text
