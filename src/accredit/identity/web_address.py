"""RFC 3986: an address on the web that Accredit itself asks, read so strictly that nobody can read it otherwise."""

import re
from dataclasses import dataclass
from typing import Final

from accredit.identity import address

LONGEST: Final = 2000
"""The most characters of an address."""

PORT: Final = 443
"""The port of https."""

_FORM: Final = re.compile(
    r"https://(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<target>(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?)"
)
_LOWEST_FREE: Final = 1024


class WebAddressError(ValueError):
    """The text is no address that Accredit asks; the message says what is wrong, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An https address: `host` is a name or an address without brackets, `target` path and query as they are sent."""

    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as they stand in an address and in the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORT else f"{host}:{self.port}"


def parse(text: str) -> WebAddress:
    """Return what `text` names. Raises WebAddressError for all but https with a host and a usual port."""
    if len(text) > LONGEST:
        raise WebAddressError(f"the address has more than {LONGEST} characters")
    if not text.startswith("https://"):
        raise WebAddressError("the address must begin with https://, in lower case")
    found = _FORM.fullmatch(text)
    if found is None:
        raise WebAddressError(
            "write the address as https://host/path: a host in lower case, no user, no fragment, nothing to be escaped"
        )
    port = int(found["port"] or PORT)
    if port != PORT and not _LOWEST_FREE <= port <= 65535:
        raise WebAddressError(f"the port must be {PORT} or from {_LOWEST_FREE} on: those between are of other services")
    target = found["target"]
    return WebAddress(_host(found["host"]), port, target if target.startswith("/") else f"/{target}")


def _host(text: str) -> str:
    bare = text.removeprefix("[").removesuffix("]")
    if address.is_name(text):
        return text
    try:
        found = address.read(bare)
    except ValueError:
        found = None
    if found is None or str(found) != bare or (found.version == 6) is not text.startswith("["):
        raise WebAddressError("the host is neither a name in lower case nor an address in its usual form")
    return bare
