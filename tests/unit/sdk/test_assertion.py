"""Client assertions: signed by the client, for one issuer, for a minute."""

import json

from accredit_sdk import assertion, jws, keys
from accredit_sdk.jws import Algorithm

KEY = keys.generate(Algorithm.ES256)


def test_an_assertion_names_its_client_twice_its_one_audience_and_its_end() -> None:
    text = assertion.sign(KEY, "agt_1", "https://id.example", 1_900_000_000, "once")
    claims = json.loads(jws.verify(text, {KEY.kid: KEY.verifying()}, "client-authentication+jwt"))
    assert claims == {
        "iss": "agt_1",
        "sub": "agt_1",
        "aud": "https://id.example",
        "jti": "once",
        "iat": 1_900_000_000,
        "exp": 1_900_000_060,
    }
