"""What is denied to everybody, as servers are shown with it."""

from accredit.identity import times
from accredit.identity.denial import Denial
from accredit.web.api.fields import View


class DeniedView(View):
    """What is denied to everybody; `name` is null for the server as a whole."""

    kind: str
    name: str | None
    at: str | None
    by: str
    reason: str


def denied(one: Denial) -> DeniedView:
    """Return a denial as the API shows it."""
    return DeniedView(kind=one.kind, name=one.name or None, at=times.render(one.at), by=one.by, reason=one.reason)
