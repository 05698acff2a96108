"""How a client shows who it is: one way, one spelling, and nothing to be learnt from a failure."""

import base64
import hmac
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit.identity.credential import CredentialState
from accredit.identity.principal import Principal
from accredit.oauth import client_assertion
from accredit.oauth.client_auth import MAX_CLIENT_ID, Authenticated, Method, Presented, authenticate, presented
from accredit.oauth.errors import ErrorCode, Refusal
from tests.unit.oauth.world import (
    AGENT,
    CREDENTIAL,
    ISSUER,
    NOW,
    PRINCIPAL,
    SECOND,
    SECRET,
    STRANGER,
    assertion,
    basic,
    key_of,
    secret_of,
)

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=60)
FORM = {"client_id": AGENT.client_id, "client_secret": SECRET}
ASSERTION = {"client_assertion": assertion(), "client_assertion_type": client_assertion.TYPE}


def code(found: Presented | Refusal) -> ErrorCode | None:
    return found.code if isinstance(found, Refusal) else None


def raw_basic(pair: bytes | str) -> str:
    return "Basic " + base64.b64encode(pair.encode() if isinstance(pair, str) else pair).decode()


def judged(client: Presented, principal: Principal | None = PRINCIPAL, now: int = NOW) -> Authenticated | Refusal:
    return authenticate(client, principal, ISSUER, now)


# ---------------------------------------------------------------- one way


@pytest.mark.parametrize(
    ("authorization", "form"),
    [
        (basic(AGENT.client_id, SECRET), FORM),
        (basic(AGENT.client_id, SECRET), ASSERTION),
        (basic(AGENT.client_id, SECRET), {"client_assertion_type": client_assertion.TYPE}),
        ("Bearer something", FORM),
        ("", FORM),
        (None, FORM | ASSERTION),
        (None, {"client_secret": SECRET, "client_assertion": "x"}),
        (basic(AGENT.client_id, SECRET), FORM | ASSERTION),
    ],
)
def test_more_than_one_way_is_refused_even_if_each_is_right(authorization: str | None, form: dict[str, str]) -> None:
    assert code(presented(authorization, form)) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("form", [{}, {"client_id": AGENT.client_id}])
def test_no_way_at_all_is_invalid_client_since_only_confidential_clients_may_ask(form: dict[str, str]) -> None:
    assert code(presented(None, form)) is ErrorCode.INVALID_CLIENT


@pytest.mark.parametrize("scheme", ["Bearer", "Digest", "DPoP", "Basic2", "Bas", ""])
def test_another_scheme_is_no_client_authentication(scheme: str) -> None:
    header = basic(AGENT.client_id, SECRET).replace("Basic", scheme)
    assert code(presented(header, {})) is ErrorCode.INVALID_CLIENT


# ---------------------------------------------------------------- Basic


@given(PRINTABLE, st.text(max_size=80))
@example("https://app.example/client?a=b&c=d%20e+f", "p:a%zz+ß")
def test_basic_carries_every_client_id_and_every_secret(client_id: str, secret: str) -> None:
    for encode in (quote_plus, lambda text: quote(text, safe="")):
        header = raw_basic(f"{encode(client_id)}:{encode(secret)}")
        assert presented(header, {}) == Presented(Method.BASIC, client_id, secret)


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    assert code(presented(basic(AGENT.client_id, SECRET).replace("Basic", scheme), {})) is None


GOOD = base64.b64encode(f"{AGENT.client_id}:{SECRET}".encode()).decode()
PADDED = base64.b64encode(b"agt:s").decode()


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        f"Basic  {GOOD}",
        f"Basic\t{GOOD}",
        f" Basic {GOOD}",
        f"Basic {GOOD} ",
        f"Basic {GOOD}\n",
        f"Basic {GOOD}=",
        f"Basic {GOOD[:10]} {GOOD[10:]}",
        f"Basic {GOOD},{GOOD}",
        f"Basic realm=x, {GOOD}",
        f"Basic {PADDED.rstrip('=')}",
        f"Basic {PADDED}===",
        f"Basic {PADDED[:-2]}B=",  # loose last bits
        "Basic YWd0OsO_w78=",  # base64url
        "Basic \u0130",
        raw_basic(b"agt\xff:secret"),
        raw_basic("agt:s\u00e9cret"),
        raw_basic("no colon"),
        raw_basic("agt%:secret"),
        raw_basic("agt:secret%4"),
        raw_basic("agt:secret%zz"),
        raw_basic("agt:%ff"),
        raw_basic("agt:%ed%a0%80"),
        raw_basic("agt:%c0%80"),
        raw_basic(":secret"),
        raw_basic("agt%00:secret"),
        raw_basic("agt%0a:secret"),
        raw_basic("agt%c3%a9:secret"),
        raw_basic("a" * (MAX_CLIENT_ID + 1) + ":secret"),
    ],
)
def test_sloppy_basic_is_refused(header: str) -> None:
    assert code(presented(header, {})) is ErrorCode.INVALID_CLIENT


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode()))
def test_any_header_is_refused_or_read_in_its_one_spelling(credentials: str) -> None:
    found = presented("Basic " + credentials, {})
    if isinstance(found, Presented):
        assert base64.b64encode(base64.b64decode(credentials)).decode() == credentials
        assert found.client_id.isascii()
        assert found.client_id.isprintable()


@given(st.text(max_size=60))
def test_no_authorization_header_is_an_error_of_ours(header: str) -> None:
    assert isinstance(presented(header, {"client_id": "x"}), Presented | Refusal)


def test_a_client_id_in_the_body_must_be_the_one_in_the_header() -> None:
    header = basic(AGENT.client_id, SECRET)
    assert code(presented(header, {"client_id": AGENT.client_id})) is None
    assert code(presented(header, {"client_id": STRANGER.client_id})) is ErrorCode.INVALID_REQUEST


def test_a_percent_encoded_client_id_is_compared_after_decoding() -> None:
    header = raw_basic(f"%{ord(AGENT.client_id[0]):02x}{AGENT.client_id[1:]}:{SECRET}")
    assert presented(header, {"client_id": AGENT.client_id}) == Presented(Method.BASIC, AGENT.client_id, SECRET)


# ---------------------------------------------------------------- secret in the body, assertions


def test_a_secret_in_the_body_is_taken_as_it_is() -> None:
    assert presented(None, FORM) == Presented(Method.POST, AGENT.client_id, SECRET)
    assert presented(None, FORM | {"client_secret": "a%20+b"}) == Presented(Method.POST, AGENT.client_id, "a%20+b")


@pytest.mark.parametrize("client_id", [None, "agt_\u00e9", "\u0430gt", "agt\u200b", "a" * (MAX_CLIENT_ID + 1)])
def test_a_missing_foreign_or_endless_client_id_is_invalid_client(client_id: str | None) -> None:
    form = {"client_secret": SECRET} | ({} if client_id is None else {"client_id": client_id})
    assert code(presented(None, form)) is ErrorCode.INVALID_CLIENT


def test_an_assertion_names_its_client() -> None:
    assert presented(None, ASSERTION) == Presented(
        Method.PRIVATE_KEY_JWT, AGENT.client_id, ASSERTION["client_assertion"]
    )
    assert code(presented(None, ASSERTION | {"client_id": AGENT.client_id})) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_assertion_type": ""}, ErrorCode.INVALID_REQUEST),
        ({"client_assertion_type": client_assertion.TYPE.upper()}, ErrorCode.INVALID_REQUEST),
        (
            {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            ErrorCode.INVALID_REQUEST,
        ),
        ({"client_assertion": "garbage"}, ErrorCode.INVALID_CLIENT),
        ({"client_id": STRANGER.client_id}, ErrorCode.INVALID_CLIENT),
        ({"client_assertion": assertion(sub="agt\u00e9", iss="agt\u00e9")}, ErrorCode.INVALID_CLIENT),
        ({"client_assertion": assertion(sub="")}, ErrorCode.INVALID_CLIENT),
    ],
)
def test_an_assertion_of_another_type_or_client_is_refused(changes: dict[str, str], expected: ErrorCode) -> None:
    form = {name: value for name, value in (ASSERTION | changes).items() if value}
    assert code(presented(None, form)) is expected


def test_an_assertion_without_its_type_and_a_type_without_assertion_are_refused() -> None:
    assert code(presented(None, {"client_assertion": assertion()})) is ErrorCode.INVALID_REQUEST
    assert code(presented(None, {"client_assertion_type": client_assertion.TYPE})) is ErrorCode.INVALID_CLIENT


def test_what_was_presented_does_not_show_its_proof() -> None:
    shown = repr(presented(None, FORM))
    assert AGENT.client_id in shown
    assert SECRET not in shown
    assert SECRET not in f"{presented(None, FORM)}"


# ---------------------------------------------------------------- judging secrets


def with_secret(text: str) -> Presented:
    return Presented(Method.POST, AGENT.client_id, text)


def test_the_right_secret_authenticates_and_names_its_credential() -> None:
    second, text = secret_of(AGENT, 16)
    principal = Principal(AGENT, (CREDENTIAL, second))
    assert judged(with_secret(SECRET), principal) == Authenticated(CREDENTIAL)
    assert judged(with_secret(text), principal) == Authenticated(second)


STRANGERS, STRANGERS_SECRET = secret_of(STRANGER, 32)
SPLICED = SECRET[:30] + STRANGERS_SECRET[30:]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "guess",
        SECRET[:-1] + "8",
        SECRET[:-1],
        SECRET + "A",
        SECRET.upper(),
        STRANGERS_SECRET,
        SPLICED,
        SECRET + "\n",
    ],
)
def test_any_other_secret_is_refused_also_one_of_another_client(text: str) -> None:
    found = judged(with_secret(text))
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.INVALID_CLIENT


def test_the_credential_of_another_client_opens_nothing_even_by_its_selector() -> None:
    found = authenticate(
        Presented(Method.POST, STRANGER.client_id, SECRET), Principal(STRANGER, (STRANGERS,)), ISSUER, NOW
    )
    assert isinstance(found, Refusal)


def test_a_public_key_is_no_secret() -> None:
    key = replace(key_of(AGENT, number=1), material=CREDENTIAL.material)
    assert isinstance(judged(with_secret(SECRET), Principal(AGENT, (key,))), Refusal)


def test_a_secret_is_no_key() -> None:
    found = judged(Presented(Method.PRIVATE_KEY_JWT, AGENT.client_id, assertion()))
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.INVALID_CLIENT


@pytest.mark.parametrize("name", ["expires_at", "retires_at"])
@pytest.mark.parametrize(("offset", "works"), [(-1, False), (0, False), (1, True)])
def test_a_credential_works_until_the_microsecond_of_its_end(name: str, offset: int, works: bool) -> None:
    credential = replace(CREDENTIAL, **{name: NOW + offset})
    assert isinstance(judged(with_secret(SECRET), Principal(AGENT, (credential,))), Authenticated) is works


@pytest.mark.parametrize(
    "credential",
    [
        replace(CREDENTIAL, state=CredentialState.REVOKED),
        replace(CREDENTIAL, state=CredentialState.REVOKED, retires_at=NOW + SECOND),
        replace(CREDENTIAL, state=CredentialState.RETIRING),
    ],
    ids=["revoked", "revoked before its deadline", "retiring without a deadline"],
)
def test_a_revoked_or_endlessly_retiring_credential_works_no_more(credential: object) -> None:
    principal = replace(PRINCIPAL, credentials=(credential,))
    assert isinstance(judged(with_secret(SECRET), principal), Refusal)
    as_key = key_of(AGENT, state=CredentialState.REVOKED)
    by_key = Presented(Method.PRIVATE_KEY_JWT, AGENT.client_id, assertion())
    assert isinstance(judged(by_key, Principal(AGENT, (as_key,))), Refusal)


def test_every_failure_looks_the_same_from_outside_and_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    honest = hmac.compare_digest

    def counting(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return honest(left, right)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    revoked = Principal(AGENT, (replace(CREDENTIAL, state=CredentialState.REVOKED),))
    cases = [
        (with_secret(SECRET), None),
        (with_secret("not one of ours"), PRINCIPAL),
        (with_secret(STRANGERS_SECRET), PRINCIPAL),
        (with_secret(SECRET[:-1] + "8"), PRINCIPAL),
        (with_secret(SECRET), revoked),
    ]
    answers = [judged(client, principal) for client, principal in cases]
    assert {(a.code, a.description) for a in answers if isinstance(a, Refusal)} == {
        (ErrorCode.INVALID_CLIENT, "client authentication failed")
    }
    assert compared == [(32, 32)] * len(cases)


def test_the_operator_is_told_what_the_client_is_not() -> None:
    found = judged(with_secret(SECRET), Principal(AGENT, (replace(CREDENTIAL, state=CredentialState.REVOKED),)))
    assert isinstance(found, Refusal)
    assert found.reason != found.description


# ---------------------------------------------------------------- judging assertions


def test_an_assertion_authenticates_by_its_key_and_must_be_won() -> None:
    key = key_of(AGENT)
    found = judged(Presented(Method.PRIVATE_KEY_JWT, AGENT.client_id, assertion()), Principal(AGENT, (CREDENTIAL, key)))
    assert isinstance(found, Authenticated)
    assert found.credential == key
    assert [claim.jti for claim in found.claims] == ["once"]


def test_an_assertion_of_an_unknown_client_is_refused() -> None:
    assert isinstance(judged(Presented(Method.PRIVATE_KEY_JWT, AGENT.client_id, assertion()), None), Refusal)
