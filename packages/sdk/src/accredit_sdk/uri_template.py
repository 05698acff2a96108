"""RFC 3986, 6.2.2, and RFC 6570: URIs of MCP resources in one spelling, and the templates that they may fit.

A server reads a URI in its own way. So one spelling is compared, and what two readers could take for different places
(dot segments, encoded slashes) is no URI here. Pure.
"""

import re
from typing import Final

from accredit_sdk.errors import ResourceError

LONGEST: Final = 4096
"""The most characters of a URI."""

_URI: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_ALLOWED: Final = re.compile(r"(?:[!#$&-;=?-\[\]_a-z~]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")
_TRIPLET: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SEPARATORS: Final = frozenset("/\\")
_EXPRESSION: Final = re.compile(r"\{([+#./;?&]?)([A-Za-z0-9_.,*:%]+)\}")
_WIDE: Final = frozenset("+#/")


def normal(uri: str) -> str:
    """Return the one spelling of an absolute URI: scheme and host in lower case, no escape that is not needed.

    Raises ResourceError for what is no URI, and for dot segments, encoded slashes and control characters in its path.
    """
    found = _URI.fullmatch(uri) if len(uri) <= LONGEST else None
    if found is None or _ALLOWED.fullmatch(uri) is None:
        raise ResourceError("not an absolute URI")
    scheme, authority, path, query, fragment = found.groups(default="")
    path = _plain(path, barred=_SEPARATORS)
    if not {".", ".."}.isdisjoint(path.split("/")):
        raise ResourceError("the path has a dot segment")
    host = f"//{_plain(authority, barred=_SEPARATORS).lower()}" if found[2] is not None else ""
    return f"{scheme.lower()}:{host}{path}{_plain(query)}{_plain(fragment)}"


def is_template(text: str) -> bool:
    """Tell whether `text` has an expression of RFC 6570 in it."""
    return "{" in text


def pattern(template: str) -> re.Pattern[str]:
    """Return what matches every normal URI that `template` can stand for.

    A plain variable stands for one segment; one with `+`, `#`, `/` or `*` for any number of them; `?` and `&` for a
    query. Raises ResourceError for a template that cannot be read.
    """
    parts: list[str] = []
    at = 0
    for found in _EXPRESSION.finditer(template):
        parts += [_literal(template[at : found.start()]), _expression(found[1], found[2])]
        at = found.end()
    parts.append(_literal(template[at:]))
    return re.compile("".join(parts), re.DOTALL)


def _expression(operator: str, names: str) -> str:
    if operator in ("?", "&"):
        return rf"(?:[{operator}][^#]*)?"
    return ".*" if operator in _WIDE or "*" in names else "[^/?#]*"


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise ResourceError("the template has a brace that opens or closes nothing")
    scheme, colon, rest = text.partition("://")
    return re.escape(f"{scheme.lower()}{colon}{_plain(rest)}" if colon else _plain(text))


def _plain(text: str, barred: frozenset[str] = frozenset()) -> str:
    """Decode what needs no escape. Raises ResourceError for an escaped control character, or one that is barred."""

    def decoded(found: re.Match[str]) -> str:
        character = chr(int(found[0][1:], 16))
        if character in barred or character < " " or character == "\x7f":
            raise ResourceError("an escape hides a separator or a control character")
        return character if character in _UNRESERVED else found[0].upper()

    return _TRIPLET.sub(decoded, text) if "%" in text else text
