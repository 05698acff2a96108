"""A server as its guards know it: what they are told, and the policy that they make of it."""

from collections.abc import Iterable

from accredit.identity.server import Server, Tool
from accredit.identity.state import State
from accredit_sdk import snapshot
from accredit_sdk.decision import Mode
from accredit_sdk.policy import Policy


def entry(server: Server) -> snapshot.ServerEntry:
    """Return a server as its guards are told of it."""
    return snapshot.ServerEntry(
        id=server.id,
        resource=server.resource,
        suspended=server.state is not State.ACTIVE,
        scopes=sorted(server.words()),
        default_scopes=sorted(server.default_scopes),
        may_ask=sorted(server.may_ask),
        targets=_targets(server.tools),
        denied=[snapshot.DeniedEntry(denial.kind, denial.name) for denial in server.denied],
        candidate=_targets(server.candidate) if server.mode is Mode.DRY_RUN else None,
    )


def _targets(tools: Iterable[Tool]) -> list[snapshot.TargetEntry]:
    return [
        snapshot.TargetEntry(
            kind=tool.kind.value,
            name=tool.name,
            needs=sorted(tool.needs),
            destructive=tool.destructive,
            read_only=tool.read_only,
            visibility=tool.visibility.value,
        )
        for tool in tools
    ]


def policy(server: Server, issuer: str, seq: int) -> Policy:
    """Return the policy that a guard makes of `server` as it is at signal `seq`."""
    return snapshot.policy_of(entry(server), issuer, seq, server.mode)
