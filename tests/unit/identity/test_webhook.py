"""Webhooks: when what was not heard is tried again, and how a receiver knows that it was us."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.webhook import (
    MOST_WAITING,
    SUBSCRIBED,
    Announcement,
    WebhookKind,
    headers,
    next_attempt,
    seal_context,
    secret_text,
)

NOON = 1_790_000_000_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND
LOW, HIGH = b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"


def test_what_was_not_heard_is_tried_ever_later_up_to_a_day_and_then_given_up() -> None:
    spans = [next_attempt(n, NOON, b"\x80\x00\x00\x00") for n in range(1, 10)]
    assert spans[-1] is None
    seconds = [round((at - NOON) / SECOND) for at in spans if at is not None]
    assert seconds == [10, 40, 160, 640, 2560, 10_240, 40_960, 86_400]


@given(st.integers(0, 8), st.binary(min_size=4, max_size=4))
def test_no_two_receivers_are_tried_at_the_same_moment_only_because_they_failed_at_one(n: int, roll: bytes) -> None:
    low, found, high = (next_attempt(n, NOON, one) for one in (LOW, roll, HIGH))
    assert low is not None
    assert found is not None
    assert high is not None
    assert NOON < low <= found <= high <= NOON + DAY * 6 // 5
    assert (high - NOON) * 2 == (low - NOON) * 3


def test_a_secret_is_shown_as_standard_webhooks_writes_it() -> None:
    raw = bytes(range(32))
    assert secret_text(raw) == "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert base64.b64decode(secret_text(raw).removeprefix("whsec_")) == raw
    for wrong in (b"", raw[:-1], raw + b"x"):
        with pytest.raises(ValueError, match="32"):
            secret_text(wrong)


def test_the_signature_covers_id_time_and_body() -> None:
    raw, body = bytes(range(32)), b'{"type":"webhook.test"}'
    found = headers(raw, "evt_1", NOON + 999_999, body)
    assert found == {
        "content-type": "application/json",
        "webhook-id": "evt_1",
        "webhook-timestamp": "1790000000",
        "webhook-signature": "v1," + base64.b64encode(
            hmac.new(raw, b"evt_1.1790000000." + body, hashlib.sha256).digest()
        ).decode(),
    }  # fmt: skip
    others = (
        headers(raw[::-1], "evt_1", NOON, body),
        headers(raw, "evt_2", NOON, body),
        headers(raw, "evt_1", NOON + SECOND, body),
        headers(raw, "evt_1", NOON, body + b" "),
    )
    assert found["webhook-signature"] not in {one["webhook-signature"] for one in others}


def test_the_signature_is_the_one_that_standard_webhooks_gives_as_an_example() -> None:
    raw = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    found = headers(raw, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330 * SECOND, body)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_was_moved_to_another_webhook_does_not_open_there() -> None:
    assert seal_context("whk_1") != seal_context("whk_2")


def test_a_test_is_nothing_to_subscribe_to() -> None:
    assert WebhookKind.TEST not in SUBSCRIBED
    assert len(SUBSCRIBED) == len(WebhookKind) - 1


def test_what_a_guard_can_bring_about_takes_no_place_from_the_rest_nor_does_what_comes_again() -> None:
    def places(kind: WebhookKind, *, lasting: bool) -> int:
        return Announcement("evt_1", kind, "key", NOON, NOON, b"", lasting).places

    assert places(WebhookKind.GUARD_LAPSED, lasting=True) == 250
    assert places(WebhookKind.CLIENT_EXPIRING, lasting=True) == 750
    assert places(WebhookKind.EMERGENCY_DENIED, lasting=False) == MOST_WAITING == 1000
