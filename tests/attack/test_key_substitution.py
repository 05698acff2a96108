"""key_substitution: whoever writes the database, and has no master key, gets no key of their own published."""

from hashlib import sha256

import msgspec
import pytest

from accredit.identity.sealing import MasterKey, WrongMasterKey
from accredit.identity.signing_key import KeyState, KeyUse, StoredKey
from accredit.service.keyring import Keyring, seal_context
from accredit_sdk import keys
from accredit_sdk.jws import Algorithm, SigningKey

MASTER = MasterKey(sha256(b"the master key of this test").digest())


def _stored(key: SigningKey, public: SigningKey, kid: str | None = None) -> StoredKey:
    sealed = MASTER.seal(keys.private_bytes(key), seal_context(key.kid, KeyUse.ACCESS), bytes(12))
    jwk = keys.public_jwk(public.verifying()) | {"kid": kid or key.kid}
    return StoredKey(
        kid or key.kid, KeyUse.ACCESS, Algorithm.ES256, KeyState.RETIRED, msgspec.json.encode(jwk), sealed, 0
    )


def test_a_replaced_public_half_is_not_what_is_published() -> None:
    ours, theirs = keys.generate(Algorithm.ES256), keys.generate(Algorithm.ES256)
    keyring = Keyring(MASTER)
    keyring.refresh([_stored(ours, public=theirs)])
    expected = keys.public_jwk(ours.verifying())
    assert keyring.published(KeyUse.ACCESS) == (expected,)
    assert msgspec.json.decode(keyring.jwks()) == {"keys": [expected]}


def test_a_key_that_was_sealed_for_another_id_opens_nothing() -> None:
    ours, theirs = keys.generate(Algorithm.ES256), keys.generate(Algorithm.ES256)
    with pytest.raises(WrongMasterKey):
        Keyring(MASTER).refresh([_stored(ours, public=theirs, kid=theirs.kid)])
