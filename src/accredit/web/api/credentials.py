"""Credentials of clients over the management API: one form for every kind of client.

A secret is in the answer that makes it, and nowhere else.
"""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from accredit.identity.client import ClientKind
from accredit.identity.credential import Credential, CredentialState
from accredit.identity.management import Authority
from accredit.identity.retirement import Holding, Standing, standing
from accredit.identity.use import Use
from accredit.service.credentials import Given, Holder, Rotation
from accredit.service.problem import Problem, ProblemCode
from accredit.web.api import times
from accredit.web.api.fields import Body, Flag, Instant, Slug, Span, View, end, example
from accredit.web.api.permissions import Who, not_above
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

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
    """A credential with its use, null when nobody came with it; `standing` tells whether its end would be noticed.

    `state` is `ended` for one whose time is over. `advice` is the standing in a sentence.
    """

    used: UseView | None
    standing: Standing
    advice: str


class CredentialList(View):
    """All credentials of a client, oldest first; what was revoked and has ended is among them."""

    client: str
    client_id: str
    items: list[HeldCredentialView]


class NewCredentialView(View):
    """A credential that has just been made. Its secret is shown this once; a public key has none."""

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


class CredentialApi:
    """The handlers of `/{noun}/{slug}/credentials`, for the clients of one kind: a class below names it."""

    kind: ClassVar[ClientKind]
    noun: ClassVar[str]

    def __init__(self, services: Services) -> None:
        self._credentials = services.credentials
        self._administrators = services.administrators
        self._clock = services.clock

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, f"/{cls.noun}/{{slug}}/credentials", cls.noun)
        found.add_api_route("", cls.list_credentials, methods=["GET"])
        found.add_api_route("", cls.add_credential, methods=["POST"], status_code=201)
        found.add_api_route("/rotate", cls.rotate_credential, methods=["POST"], status_code=201)
        found.add_api_route("/{credential}/retire", cls.retire_credential, methods=["POST"])
        found.add_api_route("/{credential}", cls.revoke_credential, methods=["DELETE"], status_code=204)
        return found

    async def list_credentials(self, slug: Slug) -> CredentialList:
        """List the credentials of a client, who comes with each, and which can be retired without anybody noticing."""
        whose = self._whose(slug)
        client = (await self._credentials.principal(whose)).client
        held = await self._credentials.held(whose)
        now = self._clock.now()
        return CredentialList(client=slug, client_id=client.client_id, items=[_held(one, held, now) for one in held])

    async def add_credential(self, who: Who, slug: Slug, body: CredentialBody | None = None) -> NewCredentialView:
        """Give the client one more credential: the public key in the body, or without one a secret."""
        await self._not_above(who, slug)
        jwk = body.jwk if body is not None else None
        made = await self._credentials.add(self._whose(slug), jwk, who.name)
        return NewCredentialView(**_given(made))

    async def rotate_credential(self, who: Who, slug: Slug, body: RotateBody | None = None) -> RotatedView:
        """Make a new credential and give the old one its end, in one step."""
        await self._not_above(who, slug)
        body = body or RotateBody()
        at = end(self._clock.now(), body.retires_at, body.retires_in)
        if body.now and at is not None:
            raise Problem(ProblemCode.INVALID, "the old credential is cut now or works until a deadline, not both")
        if at is None and not body.now:
            at = end(self._clock.now(), None, _RETIRE_IN)
        made = await self._credentials.rotate(self._whose(slug), Rotation(body.old, at, body.jwk), who.name)
        assert made.old is not None  # noqa: S101  (a rotation names what it replaced)
        return RotatedView(**_given(made), old=view(made.old))

    async def retire_credential(
        self, who: Who, slug: Slug, credential: CredentialId, body: RetireBody
    ) -> CredentialView:
        """Let a credential work until a deadline, and no longer; its successor takes over meanwhile."""
        await self._not_above(who, slug)
        at = end(self._clock.now(), body.retires_at, body.retires_in)
        if at is None:
            raise Problem(ProblemCode.INVALID, "say when the credential stops working: retires_at or retires_in")
        return view(await self._credentials.retire(self._whose(slug), credential, at, who.name))

    async def revoke_credential(self, who: Who, slug: Slug, credential: CredentialId) -> None:
        """End a credential now, and every token that it obtained."""
        await self._credentials.revoke(self._whose(slug), credential, who.name)

    def _whose(self, slug: str) -> Holder:
        return Holder(self.kind, slug)

    async def _not_above(self, who: Authority, slug: str) -> None:
        not_above(self._administrators, who, await self._credentials.principal(self._whose(slug)))


class AgentCredentialApi(CredentialApi):
    """The handlers of `/agents/{slug}/credentials`."""

    kind = ClientKind.AGENT
    noun = "agents"


def view(item: Credential) -> CredentialView:
    """Return what is shown of a credential."""
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


def _given(made: Given) -> dict[str, Any]:
    return {
        "client": made.client.slug,
        "client_id": made.client.client_id,
        "credential": view(made.credential),
        "secret": made.secret,
    }


def _held(one: Holding, held: tuple[Holding, ...], now: int) -> HeldCredentialView:
    judged = standing(one, held, now)
    over = judged is Standing.ENDED and one.credential.state is not CredentialState.REVOKED
    shown = _shown(one.credential) | ({"state": "ended"} if over else {})
    return HeldCredentialView(**shown, used=_used(one.use), standing=judged, advice=_advice(one, judged))


def _used(use: Use | None) -> UseView | None:
    if use is None:
        return None
    return UseView(
        first_at=times.render(use.first_at), last_at=times.render(use.last_at), address=use.address, node=use.node
    )


def _advice(one: Holding, judged: Standing) -> str:
    last = f"the last token was for {one.use.address or 'an unknown address'}" if one.use is not None else ""
    return {
        Standing.SAFE: "safe to retire: nobody has come with it for longer than a token lives",
        Standing.IN_USE: f"still in use: {last}",
        Standing.FRESH: "new: nobody has come with it yet",
        Standing.UNTRIED: "not yet: nobody has come with its successor since it was last used",
        Standing.ALONE: "not yet: nothing else goes on working; rotate it",
        Standing.ENDED: "it works no more",
    }[judged]
