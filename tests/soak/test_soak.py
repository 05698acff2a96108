"""A short soak: everything that happens in the long one happens, and nothing is answered or recorded wrongly."""

import json

import pytest

from tests.soak.facts import BOUND, Expected, Facts
from tests.soak.soak import Plan, soak
from tests.support.process import ROOT


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_under_load_with_everything_happening_nothing_is_wrongly_refused_or_allowed_or_lost():
    found = soak(Plan(60, rotate=2, kill=4), lambda _: None)
    found.write(ROOT / "build" / "soak-short.json")
    assert found.failures() == [], json.dumps(found.plain(), indent=2)
    happened = found.events.happened
    for event in ("agent", "role", "tool", "secret rotated", "secret cut", "node one SIGTERM", "node two SIGKILL"):
        assert happened[event] > 0, happened
    assert any(name.startswith("server") for name in happened), happened
    assert found.recorded >= sum(found.tally.allowed.values()) > 100


def test_what_is_certain_is_certain_only_after_the_bound(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    facts = Facts()
    assert facts.expected(("one", "two"), now[0]) is Expected.ALLOWED
    facts.say("one", lives=False)
    assert facts.expected(("one", "two"), now[0] + BOUND - 0.1) is Expected.EITHER
    assert facts.expected(("one", "two"), now[0] + BOUND) is Expected.REFUSED
    assert facts.dead_for(("one", "two"), now[0] + 2) == 2
    facts.say("two", lives=None)
    assert facts.expected(("two",), now[0] + 100) is Expected.EITHER
    facts.say("one", lives=True)
    assert facts.expected(("one",), now[0] + BOUND - 0.1) is Expected.EITHER
    assert facts.expected(("one",), now[0] + BOUND) is Expected.ALLOWED
    assert facts.dead_for(("one",), now[0] + 2) is None
