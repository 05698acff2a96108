"""What a server might offer, as one column holds it: the tools of the candidate of a dry run."""

import msgspec

from accredit.identity.server import TargetKind, Tool
from accredit_sdk.policy import Visibility


class _Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    kind: TargetKind
    needs: list[str]
    read_only: bool = False
    destructive: bool = False
    visibility: Visibility = Visibility.SHOW


_decode = msgspec.json.Decoder(list[_Offer]).decode


def packed(tools: tuple[Tool, ...]) -> bytes | None:
    """Return the tools as JSON, None for none. Descriptions and pins are no part of a policy."""
    found = [
        _Offer(tool.name, tool.kind, sorted(tool.needs), tool.read_only, tool.destructive, tool.visibility)
        for tool in tools
    ]
    return msgspec.json.encode(found) if found else None


def unpacked(column: bytes | None) -> tuple[Tool, ...]:
    """Return the tools in a column."""
    return tuple(
        Tool(
            name=one.name,
            needs=frozenset(one.needs),
            kind=one.kind,
            read_only=one.read_only,
            destructive=one.destructive,
            visibility=one.visibility,
        )
        for one in (_decode(column) if column is not None else ())
    )
