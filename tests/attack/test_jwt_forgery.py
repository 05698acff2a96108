"""jwt_forgery: nothing in a JWT but the signature of a known key counts, at the guard and at the token endpoint."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accredit_sdk import jws, keys
from tests.support.house import House, b64, parts

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MINE = keys.generate(jws.Algorithm.ES256)
MY_RSA = keys.generate(jws.Algorithm.RS256)
MY_JWK = keys.public_jwk(MINE.verifying())

Forgery = Callable[[dict[str, Any], dict[str, Any], jws.VerifyingKey], str]


def unsigned(alg: object, signature: str = "") -> Forgery:
    return lambda header, claims, key: f"{b64(header | {'alg': alg})}.{b64(claims)}.{signature}"


def signed(mine: jws.SigningKey = MINE, **members: Any) -> Forgery:
    """Sign with the attacker's own key; the header says more than it should."""

    def forge(header: dict[str, Any], claims: dict[str, Any], key: jws.VerifyingKey) -> str:
        start = f"{b64(header | members)}.{b64(claims)}"
        return f"{start}.{b64(mine.sign(start.encode()))}"

    return forge


def keyed(form: Callable[[jws.VerifyingKey], bytes], alg: str = "HS256") -> Forgery:
    """Use the public key as the key of a MAC."""

    def forge(header: dict[str, Any], claims: dict[str, Any], key: jws.VerifyingKey) -> str:
        start = f"{b64(header | {'alg': alg})}.{b64(claims)}"
        return f"{start}.{b64(hmac.digest(form(key), start.encode(), hashlib.sha256))}"

    return forge


def raw_header(text: str) -> Forgery:
    def forge(header: dict[str, Any], claims: dict[str, Any], key: jws.VerifyingKey) -> str:
        start = f"{b64((text % (key.kid, header['typ'])).encode())}.{b64(claims)}"
        return f"{start}.{b64(MINE.sign(start.encode()))}"

    return forge


FORGERIES: dict[str, Forgery] = {
    **{f"alg {alg!r}": unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "", None, 0, ["none"])},
    "alg none, with a signature": unsigned("none", "AAAA"),
    "ES256 with nothing signed": unsigned("ES256"),
    "ES256 of zeros (psychic)": unsigned("ES256", b64(bytes(64))),
    "ES256 of zeros in DER": unsigned("ES256", b64(bytes.fromhex("3006020100020100"))),
    "HS256 of the PEM": keyed(lambda key: key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
    "HS256 of the DER": keyed(lambda key: key.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    "HS256 of the JWK": keyed(lambda key: json.dumps(keys.public_jwk(key)).encode()),
    "HS256 of nothing": keyed(lambda key: b"\0"),
    "HMAC that calls itself ES256": keyed(lambda key: keys.public_jwk(key)["x"].encode(), "ES256"),
    "own key, right kid": signed(),
    "own key in jwk": signed(jwk=MY_JWK),
    "own key in jwk, own kid": signed(jwk=MY_JWK, kid=MINE.kid),
    "jku": signed(jku="https://evil.example/jwks", kid=MINE.kid),
    "x5u": signed(x5u="https://evil.example/cert"),
    "x5c": signed(x5c=["AAAA"]),
    "crit": signed(crit=["exp"]),
    "b64 false": signed(b64=False, crit=["b64"]),
    "RS256 by an own RSA key": signed(MY_RSA, alg="RS256"),
    "no kid": signed(kid=None),
    "kid as a path": signed(kid="../../../../dev/null"),
    "kid as SQL": signed(kid="x' UNION SELECT 'AA' --"),
    "kid as a list": signed(kid=[MINE.kid]),
    "kid named twice": raw_header('{"alg":"ES256","kid":"mine","kid":"%s","typ":"%s"}'),
    "alg named twice": raw_header('{"alg":"none","alg":"ES256","kid":"%s","typ":"%s"}'),
    "alg named twice, once escaped": raw_header('{"alg":"ES256","\\u0061lg":"none","kid":"%s","typ":"%s"}'),
}


async def test_a_forged_access_token_opens_nothing(victim: House) -> None:
    header, claims, _ = parts(await victim.token())
    known = victim.site.guard._gate.knowledge
    assert known is not None
    for forge in FORGERIES.values():
        await victim.stopped(forge(header, claims, known.keys[header["kid"]]))


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_client_assertion_authenticates_nobody(victim: House, name: str) -> None:
    header, claims, _ = parts(victim.assertion())
    forged = FORGERIES[name](header, claims, victim.guard.key.verifying())
    answer = await victim.assert_with(forged)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await victim.assert_with(victim.assertion())).status_code == 200


def spellings(token: str) -> list[str]:
    """Other texts that a loose base64 decoder reads as the same three parts."""
    header, payload, signature = token.split(".")
    # 64 bytes are 86 characters: the last one has four spare bits, which are zero.
    spare = signature[:-1] + ALPHABET[ALPHABET.index(signature[-1]) | 1]
    loose = [f"{header}.{payload}.{spare}"]
    for end in ("=", "==", "\n", " ", "%3D", "\0", ".", ".AAAA"):
        loose += [f"{header}.{payload}.{signature}{end}", f"{header}{end}.{payload}.{signature}"]
    middle = len(payload) // 2
    loose += [f"{header}.{payload[:middle]}{end}{payload[middle:]}.{signature}" for end in ("\n", " ", "+", "!", "=")]
    standard = signature.translate(str.maketrans("-_", "+/"))
    return [*loose, f"{header}.{payload}.{standard}" if standard != signature else f"{header}.{payload}.+/{signature}"]


async def test_one_token_has_one_spelling(victim: House) -> None:
    token = await victim.token()
    for loose in spellings(token):
        for sent in (loose, f" {loose}"):
            answer = await victim.reach(sent)
            assert answer.status == 401, sent
    assert victim.site.inner.calls == []
    assert (await victim.reach(token)).status == 200


async def test_one_assertion_has_one_spelling(victim: House) -> None:
    for number, _ in enumerate(spellings(victim.assertion())):
        answer = await victim.assert_with(spellings(victim.assertion())[number])
        assert answer.status_code in (400, 401)
    assert (await victim.assert_with(victim.assertion())).status_code == 200


async def test_any_changed_claim_breaks_the_signature(victim: House) -> None:
    header, claims, signature = parts(await victim.token())
    for change in ({"scope": "ledger"}, {"exp": claims["exp"] + 1}, {"sub": "agt_x"}, {"rev": []}, {"ver": 10**9}):
        await victim.stopped(f"{b64(header)}.{b64(claims | change)}.{signature}", "signature")


async def test_the_twin_of_a_signature_gets_no_second_use_of_a_jti(victim: House) -> None:
    # (r, n - s) verifies wherever (r, s) does: the text differs, the single use must not.
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    assertion = victim.assertion()
    start, _, signature = assertion.rpartition(".")
    raw = parts(assertion)[2]
    assert raw == signature

    both = base64.urlsafe_b64decode(raw + "==")
    twin = both[:32] + (order - int.from_bytes(both[32:], "big")).to_bytes(32, "big")
    assert (await victim.assert_with(assertion)).status_code == 200
    assert (await victim.assert_with(f"{start}.{b64(twin)}")).status_code == 401
