"""Records: the keyed hash of what a tool was called with."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import record


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_arguments_are_hashed_with_hmac_sha_256(key: bytes, raw: bytes) -> None:
    assert record.arguments_digest(key, raw) == hmac.digest(key, raw, "sha256").hex()
    assert record.arguments_digest(key, raw + b"!") == hmac.digest(key, raw + b"!", "sha256").hex()
