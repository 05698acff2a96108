"""Events: a closed set, each with the same header, none with anything secret."""

import inspect
from dataclasses import MISSING, fields
from typing import Any, get_args

import msgspec
import pytest

from accredit.audit import events
from accredit.audit.chain import Head, append
from accredit.audit.events import Event, Result

CLOSED: tuple[Any, ...] = get_args(Event)


SAMPLES: dict[Any, Any] = {str: "text", int: 7, frozenset[str]: frozenset({"b", "a"})}


def filled(kind: Any) -> Any:
    """An event of that kind with something in every field that has no default."""
    return kind(**{one.name: SAMPLES.get(one.type, ()) for one in fields(kind) if one.default is MISSING})


def test_the_set_is_closed_and_every_kind_has_its_own_name() -> None:
    declared = {
        one
        for _, one in inspect.getmembers(events, inspect.isclass)
        if one.__module__ == events.__name__ and hasattr(one, "kind")
    }
    assert set(CLOSED) == declared
    assert len({one.kind for one in CLOSED}) == len(CLOSED)


@pytest.mark.parametrize("kind", CLOSED, ids=lambda one: one.__name__)
def test_every_event_can_be_written_and_says_what_its_header_needs(kind: Any) -> None:
    assert kind.outcome in Result
    assert {"decision", "server"} <= {field.name for field in fields(kind)}
    _, stored = append(Head("chn_1"), filled(kind), 5, bytes(16))
    assert (stored.kind, stored.outcome) == (kind.kind, kind.outcome.value)
    assert stored.person is not None
    assert isinstance(msgspec.json.decode(stored.person), dict)


@pytest.mark.parametrize("kind", CLOSED, ids=lambda one: one.__name__)
def test_secret_in_log_no_event_has_a_place_for_a_secret(kind: Any) -> None:
    names = {field.name for field in fields(kind)}
    assert not names & {"secret", "token", "access_token", "assertion", "code", "password", "proof", "arguments", "key"}


def test_a_refusal_counts_no_strangers_unless_it_says_so() -> None:
    refused = events.AdministrationRefused(decision="dec_1", by="agt_1", operation="keys.rotate", reason="no")
    assert (refused.server, refused.unsaid, refused.outcome) == (None, 0, Result.DENY)


def test_a_refused_enrolment_needs_nothing_but_a_decision_and_a_reason() -> None:
    refused = events.EnrolmentRefused(decision="dec_1", reason="unknown code")
    assert refused.server is None
    assert refused.outcome is Result.DENY
