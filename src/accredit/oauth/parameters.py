"""RFC 6749, 3.2: the parameters of a request to an endpoint where clients authenticate, read strictly."""

from collections.abc import Iterable
from typing import Final

from accredit.oauth.errors import ErrorCode, Refusal

MAX_VALUE: Final = 16_384
"""The longest value of a parameter, in characters."""

CLIENT: Final = frozenset({"client_id", "client_secret", "client_assertion", "client_assertion_type"})
"""The parameters with which a client authenticates (RFC 6749, 2.3.1; RFC 7521, 4.2)."""


def read(
    pairs: Iterable[tuple[str, str]], known: frozenset[str], many: str | None = None
) -> tuple[dict[str, str], tuple[str, ...]] | Refusal:
    """Return the decoded form fields by name, and the values of `many`, the one that may repeat.

    A parameter without a value counts as absent, a repeated one is an error. Unknown parameters are ignored, whatever
    they hold.
    """
    form: dict[str, str] = {}
    values: list[str] = []
    for name, value in pairs:
        if not value:
            continue
        if name in known and (len(value) > MAX_VALUE or not value.isprintable()):
            return invalid(f"the value of {name} is too long or not printable")
        if name == many:
            values.append(value)
        elif name in form:
            return invalid(f"{name if name in known else 'a parameter'} appears more than once")
        else:
            form[name] = value
    return form, tuple(values)


def invalid(text: str) -> Refusal:
    """Return the refusal of a request that makes no sense."""
    return Refusal(ErrorCode.INVALID_REQUEST, text, text)
