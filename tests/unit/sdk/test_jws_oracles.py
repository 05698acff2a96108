"""PyJWT and joserfc judge the same tokens: what we accept both accept; what both accept we refuse for a named reason.

The oracles are given the key and the algorithm, which we find by `kid`; they look at neither `kid` nor `typ`.
"""

import json
import warnings
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk
from joserfc import jws as joserfc
from joserfc.errors import JoseError

from accredit_sdk import jws, keys
from accredit_sdk.algorithms import SigningKey
from accredit_sdk.errors import InvalidToken
from tests.unit.sdk.forge import KEYS, SIGNERS, TYP, b64, forged, header, unb64

KEY = st.sampled_from(list(SIGNERS.values()))
REFUSED = {"b64", "crit", "jku", "jwk", "x5c", "x5u"}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def by_us(token: str) -> bytes | None:
    try:
        return jws.verify(token, KEYS, TYP)
    except InvalidToken:
        return None


def by_pyjwt(token: str, key: SigningKey) -> bytes | None:
    public = jwt.PyJWK(keys.public_jwk(key.verifying()))
    try:
        found: bytes = jwt.PyJWS().decode(token, public, algorithms=[key.alg.value])
    except jwt.exceptions.PyJWTError:
        return None
    return found


def by_joserfc(token: str, key: SigningKey) -> bytes | None:
    registry = joserfc.JWSRegistry(algorithms=[key.alg.value], strict_check_header=False)
    registry.max_header_length = 4096
    public = jwk.import_key(keys.public_jwk(key.verifying()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joserfc would rather see RFC 9864's name for EdDSA
            return joserfc.deserialize_compact(token, public, registry=registry).payload
    except (JoseError, ValueError, TypeError, AttributeError):
        return None


def stricter(token: str, key: SigningKey) -> bool:
    """Tell whether we refuse a token for one of the reasons that `test_jws.py` lists as our own strictness."""
    raw = unb64(token.partition(".")[0])
    members = json.loads(raw)
    typ = str(members.get("typ", "")).lower()
    repeated = len(json.loads(raw, object_pairs_hook=list)) != len(members)
    named = members.get("kid") == key.kid and typ in (TYP, f"application/{TYP}")
    return repeated or not named or bool(REFUSED & members.keys()) or "=" in token


def agree(token: str, key: SigningKey) -> bool:
    """Hold our verdict against theirs, and return it."""
    ours, theirs = by_us(token), (by_pyjwt(token, key), by_joserfc(token, key))
    if ours is not None:
        assert theirs == (ours, ours)
    elif None not in theirs:
        assert stricter(token, key), token
    return ours is not None


EXTRA: dict[str, st.SearchStrategy[Any]] = {
    "cty": st.text(max_size=5),
    "x5t": st.just("AAAA"),
    "x": st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=4),
    "jku": st.just("https://evil.example/jwks"),
    "jwk": st.just({"kty": "oct", "k": "AAAA"}),
    "x5u": st.just("https://evil.example/x5u"),
    "x5c": st.just(["AAAA"]),
    "crit": st.sampled_from([["b64"], ["exp"], []]),
    "b64": st.booleans(),
}


@st.composite
def headers(draw: st.DrawFn, key: SigningKey) -> bytes:
    algs, kids = ["none", "HS256", *SIGNERS], [None, "unknown", *KEYS]
    changes = {
        "alg": draw(st.sampled_from([key.alg.value] * 30 + algs)),
        "kid": draw(st.sampled_from([key.kid] * 30 + kids)),
        "typ": draw(st.sampled_from([TYP] * 20 + ["AT+JWT", f"application/{TYP}", "JWT", None])),
    }
    names = draw(st.lists(st.sampled_from(sorted(EXTRA)), max_size=2, unique=True))
    extra = {name: draw(EXTRA[name]) for name in names}
    members = list(header(key, **changes, **extra).items())
    text = json.dumps(dict(draw(st.permutations(members))), indent=draw(st.sampled_from([None, 1, "\t"])))
    if draw(st.integers(0, 9)) == 0:
        text = text[:-1] + ', "typ": "JWT"}'
    return text.encode()


@settings(max_examples=300)
@given(KEY, st.data(), st.binary(max_size=60))
def test_verdicts_agree_on_any_header_with_a_right_signature(key: SigningKey, data: st.DataObject, body: bytes) -> None:
    agree(forged(data.draw(headers(key)), body, key), key)


@st.composite
def mutations(draw: st.DrawFn, token: str) -> str:
    """A token after one or two small changes of its text."""
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(token) - 1))
        other = draw(st.sampled_from(ALPHABET + "=.+/ \n\x00é"))
        match draw(st.sampled_from(["replace", "insert", "drop", "cut", "swap", "repeat", "pad"])):
            case "replace":
                token = token[:at] + other + token[at + 1 :]
            case "insert":
                token = token[:at] + other + token[at:]
            case "drop":
                token = token[:at] + token[at + 1 :]
            case "cut":
                token = token[: at + 1]
            case "swap":
                token = ".".join(draw(st.permutations(token.split("."))))
            case "repeat":
                token += "." + token.rpartition(".")[2]
            case _:
                token += "=" * (-len(token.rpartition(".")[2]) % 4)
    return token


@given(KEY, st.data(), st.binary(max_size=40))
def test_verdicts_agree_on_mutated_tokens(key: SigningKey, data: st.DataObject, body: bytes) -> None:
    token = jws.sign(key, TYP, body)
    changed = data.draw(mutations(token))
    assert agree(changed, key) == (changed == token)


@given(KEY, st.binary(max_size=40), st.integers(0, 63))
def test_verdicts_agree_on_every_last_character_of_every_part(key: SigningKey, body: bytes, other: int) -> None:
    token = jws.sign(key, TYP, body)
    for place, part in enumerate(parts := token.split(".")):
        if part:
            changed = ".".join([*parts[:place], part[:-1] + ALPHABET[other], *parts[place + 1 :]])
            assert agree(changed, key) == (changed == token)


@given(KEY, st.text(ALPHABET + "=.", max_size=80) | st.text(max_size=30))
def test_verdicts_agree_on_noise(key: SigningKey, noise: str) -> None:
    assert not agree(noise, key)


@given(KEY, st.binary(max_size=300))
def test_noise_in_place_of_a_signature_convinces_nobody(key: SigningKey, noise: bytes) -> None:
    token = jws.sign(key, TYP, b"{}")
    changed = f"{token.rpartition('.')[0]}.{b64(noise)}"
    assert not agree(changed, key)


@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
@given(body=st.binary(max_size=60))
def test_a_token_of_theirs_is_one_of_ours_and_the_other_way_round(key: SigningKey, body: bytes) -> None:
    made = jwt.PyJWS().encode(body, key.private, key.alg.value, header(key))
    assert by_us(made) == by_joserfc(made, key) == body
    assert agree(jws.sign(key, TYP, body), key)


@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
@pytest.mark.parametrize("other", SIGNERS.values(), ids=SIGNERS.keys())
def test_verdicts_agree_when_another_key_signed(key: SigningKey, other: SigningKey) -> None:
    assert agree(forged(header(key), b"{}", other), key) == (key is other)


@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_the_oracles_refuse_and_accept_at_all(key: SigningKey) -> None:
    token = jws.sign(key, TYP, b"body")
    assert (by_pyjwt(token, key), by_joserfc(token, key)) == (b"body", b"body")
    assert (by_pyjwt(token[:-4], key), by_joserfc(token[:-4], key)) == (None, None)
