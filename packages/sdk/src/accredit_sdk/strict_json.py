"""RFC 8259, 4, read strictly: UTF-8 without a byte order mark, no NaN, and every member of an object named once."""

import json
from typing import Any, Final

import msgspec

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


def decode(text: bytes) -> Any:
    """Return the value of a JSON text that two readers cannot read differently. Raises ValueError."""
    try:
        tree = _decode(text)
        # Had a member appeared twice, `tree` would have lost one, and could not come out as it went in.
        if _encode(tree) != msgspec.json.format(text, indent=-1):
            json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError(f"not strict JSON: {type(error).__name__}") from None
    return tree


def decode_object(text: bytes) -> dict[str, Any]:
    """Return the members of a JSON object, read like `decode`. Raises ValueError."""
    tree = decode(text)
    if type(tree) is not dict:
        raise ValueError("not a JSON object")
    return tree


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member appears more than once")
    return found
