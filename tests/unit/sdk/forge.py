"""Tokens and keys made by hand, so that a test can say what `jws.sign` never would."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from accredit_sdk import claims, jws, keys
from accredit_sdk.algorithms import Algorithm, SigningKey
from accredit_sdk.errors import InvalidToken, Problem

TYP: Final = claims.ACCESS_TOKEN_TYPE
SIGNERS: Final[dict[str, SigningKey]] = {alg.value: keys.generate(alg) for alg in Algorithm}
ES256: Final = SIGNERS["ES256"]
KEYS: Final = {key.kid: key.verifying() for key in SIGNERS.values()}


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


def header(key: SigningKey = ES256, **changes: Any) -> dict[str, Any]:
    """The header that `jws.sign` writes, with `changes`; None leaves a member out."""
    usual = {"alg": key.alg.value, "kid": key.kid, "typ": TYP}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def forged(members: Mapping[str, Any] | bytes, payload: bytes = b"{}", key: SigningKey = ES256) -> str:
    """A token with any header at all, and a signature of `key` that is right for it."""
    raw = members if isinstance(members, bytes) else json.dumps(members).encode()
    return signed(f"{b64(raw)}.{b64(payload)}", key)


def signed(signing_input: str, key: SigningKey = ES256) -> str:
    return f"{signing_input}.{b64(key.sign(signing_input.encode()))}"


def problem(token: str | bytes, typ: str = TYP) -> Problem | None:
    """Why a token is refused, or None when it is good."""
    try:
        jws.verify(token, KEYS, typ)
    except InvalidToken as refused:
        return refused.problem
    return None


def refused(call: Callable[[], object]) -> bool:
    """Tell whether `call` raises ValueError."""
    try:
        call()
    except ValueError:
        return True
    return False
