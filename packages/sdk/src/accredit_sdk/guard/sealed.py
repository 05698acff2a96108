"""The sealed ids of one request, opened for the one who sent it: session, event, task, request state. Pure."""

from typing import Self

import msgspec

from accredit_sdk.guard import messages
from accredit_sdk.guard.headers import Fields
from accredit_sdk.guard.messages import Code, Fault, Message
from accredit_sdk.guard.seals import Seals
from accredit_sdk.methods import Era
from accredit_sdk.policy import Name


class Foreign(Exception):
    """An id was sealed for somebody else, or is none of ours; `task` tells that it is the id of a task."""

    def __init__(self, *, task: bool = False) -> None:
        super().__init__()
        self.task = task


class Opened(msgspec.Struct, frozen=True):
    """What the server knows the request by: `session` and `event` as its headers, `names` and `body` of the message."""

    session: bytes | None
    event: bytes | None
    names: tuple[Name, ...]
    body: bytes
    task: str | None = None

    @classmethod
    def of(
        cls, seals: Seals, owner: bytes, fields: Fields, message: Message | None = None, era: Era = Era.HANDSHAKE
    ) -> Self:
        """Open everything. Raises Foreign, and Fault for a request state of another call."""
        session = event = None
        if era is Era.HANDSHAKE:
            session = _header(seals, owner, "session", fields.get(b"mcp-session-id"))
            event = _header(seals, owner, "event", fields.get(b"last-event-id"))
        if message is None:
            return cls(session, event, (), b"")
        if message.reply and session is None:
            raise Fault(Code.INVALID_REQUEST, "A response belongs to a session")
        names, body, task = message.names, message.body, None
        if message.task is not None:
            found = seals.open_task(owner, message.task)
            if found is None:
                raise Foreign(task=True)
            task = found[0]
            names, body = (("tool", found[1]),), messages.replaced(body, taskId=task)
        if message.state is not None:
            body = messages.replaced(body, requestState=_state(seals, owner, message, names))
        return cls(session, event, names, body, task)


def _header(seals: Seals, owner: bytes, kind: str, value: bytes | None) -> bytes | None:
    if not value:
        return None
    found = seals.open(kind, owner, value.decode("latin-1"))
    if found is None:
        raise Foreign
    return found.encode("latin-1")


def _state(seals: Seals, owner: bytes, message: Message, names: tuple[Name, ...]) -> str:
    name = names[0][1] if names else ""
    found = seals.open("state", owner, message.state or "", message.method, name)
    if found is None:
        text = "params.requestState is not of this call"
        raise Fault(Code.INVALID_PARAMS, text, request_id=message.id)
    return found
