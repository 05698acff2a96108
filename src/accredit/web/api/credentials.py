"""How credentials look over the management API, for every kind of client that has them."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from accredit.identity import times
from accredit.identity.client import Client
from accredit.identity.credential import Credential, CredentialState
from accredit.identity.outlook import Holding, Outlook, outlook
from accredit.identity.use import Use
from accredit.service.problem import Problem, ProblemCode
from accredit.web.api.fields import Body, Flag, Instant, Span, View, end, example

CredentialId = Annotated[str, StringConstraints(max_length=64)]
"""The id of a credential."""

_RETIRE_IN = 7 * 24 * 3600


class CredentialView(View):
    """A credential, without what proves it. `created_by` is empty for one of before that was kept."""

    id: str
    kind: str
    state: str
    created_at: str | None
    created_by: str
    expires_at: str | None
    retires_at: str | None


class UseView(View):
    """The use of a credential: the first and the last token, where the last was asked for, and at which node."""

    first_at: str | None
    last_at: str | None
    address: str
    node: str


class HeldCredentialView(CredentialView):
    """A credential with its use, null when nobody came with it; `outlook` tells whether its end would be noticed.

    `state` is `ended` for one whose time is over. `advice` is the outlook in a sentence.
    """

    used: UseView | None
    outlook: Outlook
    advice: str


class CredentialList(View):
    """All credentials of a client, oldest first; what was revoked and has ended is among them."""

    client: str
    client_id: str
    items: list[HeldCredentialView]


class NewCredentialView(View):
    """A credential that has just been made. Its secret is shown this once, and null in a repetition and for a key."""

    client: str
    client_id: str
    credential: CredentialView
    secret: str | None


class RotatedView(NewCredentialView):
    """The same, with the credential that it takes the place of."""

    old: CredentialView


class CredentialBody(Body):
    """A credential that the client made itself: a public key as a JSON Web Key (RFC 7517)."""

    model_config = example(
        jwk={
            "kty": "EC",
            "crv": "P-256",
            "x": "WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis",
            "y": "y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE",
        },
    )

    jwk: dict[str, Any] | None = None


class RetireBody(Body):
    """When a credential stops working: at `retires_at`, or `retires_in` seconds from now."""

    model_config = example(retires_in=86_400)

    retires_at: Instant | None = None
    retires_in: Span | None = None


class RotateBody(Body):
    """What goes: the credential `old`, or the only active one. `jwk` takes its place; without it a secret is made.

    The old one works until `retires_at`, or for `retires_in` seconds, or for seven days; with `now` it is cut at once,
    and every token that it obtained.
    """

    model_config = example(retires_in=604_800)

    old: CredentialId | None = None
    jwk: dict[str, Any] | None = None
    retires_at: Instant | None = None
    retires_in: Span | None = None
    now: Flag = Field(default=False)

    def until(self, now: int) -> int | None:
        """Return until when the old one works; None: it is cut at once. Raises Problem."""
        at = end(now, self.retires_at, self.retires_in)
        if self.now and at is not None:
            raise Problem(ProblemCode.INVALID, "the old credential is cut now or works until a deadline, not both")
        return at if self.now or at is not None else end(now, None, _RETIRE_IN)


def credential_view(item: Credential) -> CredentialView:
    """Return a credential as the API shows it."""
    return CredentialView(**_shown(item))


def _shown(item: Credential) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind.value,
        "state": item.state.value,
        "created_at": times.render(item.created_at),
        "created_by": item.created_by,
        "expires_at": times.render(item.expires_at),
        "retires_at": times.render(item.retires_at),
    }


def new_members(client: Client, credential: Credential, secret: str | None) -> dict[str, Any]:
    """Return the members of the view of a credential that has just been made."""
    return {
        "client": client.slug,
        "client_id": client.client_id,
        "credential": credential_view(credential),
        "secret": secret,
    }


def credential_list(client: Client, held: tuple[Holding, ...], now: int) -> CredentialList:
    """Return the credentials of a client as the API shows them at `now` (microseconds UTC)."""
    items = [_held(one, held, now) for one in held]
    return CredentialList(client=client.slug, client_id=client.client_id, items=items)


def _held(one: Holding, held: tuple[Holding, ...], now: int) -> HeldCredentialView:
    judged = outlook(one, held, now)
    over = judged is Outlook.ENDED and one.credential.state is not CredentialState.REVOKED
    shown = _shown(one.credential) | ({"state": "ended"} if over else {})
    return HeldCredentialView(**shown, used=_used(one.use), outlook=judged, advice=_advice(one, judged))


def _used(use: Use | None) -> UseView | None:
    if use is None:
        return None
    return UseView(
        first_at=times.render(use.first_at), last_at=times.render(use.last_at), address=use.address, node=use.node
    )


def _advice(one: Holding, judged: Outlook) -> str:
    last = f"the last token was for {one.use.address or 'an unknown address'}" if one.use is not None else ""
    return {
        Outlook.SAFE: "safe to retire: nobody has come with it for longer than a token lives",
        Outlook.IN_USE: f"still in use: {last}",
        Outlook.FRESH: "new: nobody has come with it yet",
        Outlook.UNTRIED: "not yet: nobody has come with its successor since it was last used",
        Outlook.ALONE: "not yet: nothing else goes on working; rotate it",
        Outlook.ENDED: "it works no more",
    }[judged]
