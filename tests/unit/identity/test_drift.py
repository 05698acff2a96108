"""What a server offers now against what was confirmed."""

from dataclasses import replace

from accredit.identity.declared import Declared, Hints, LeftOut
from accredit.identity.drift import drift
from accredit.identity.pin import Pin
from accredit.identity.proposal import propose
from accredit.identity.server import Server, TargetKind, Tool

LIST = Declared(TargetKind.TOOL, "list", "list", Pin.of("Lists", [True], {}), description="Lists")
PAY = Declared(TargetKind.TOOL, "pay", "pay", Pin.of("Pays", [None], {}), description="Pays")
FOUND = propose((LIST, PAY), "ledger")
SERVER = Server("srv_1", "ledger", "Ledger", "https://l.example", 0, scopes=FOUND.scopes, tools=FOUND.tools)


def test_what_is_as_it_was_confirmed_has_not_drifted() -> None:
    found = drift(SERVER, (PAY, LIST))
    assert not found
    assert (found.new, found.changed, found.gone) == ((), (), ())


def test_what_is_new_is_told_and_what_has_its_name_and_another_kind_is_new() -> None:
    prompt = replace(PAY, kind=TargetKind.PROMPT)
    found = drift(SERVER, (LIST, prompt, PAY))
    assert found
    assert (found.new, found.changed, found.gone) == ((prompt,), (), ())


def test_a_change_is_told_by_its_parts() -> None:
    now = replace(PAY, pin=Pin.of("Pays", [None], {"type": "object"}))
    (changed,) = drift(SERVER, (LIST, now)).changed
    assert (changed.tool.name, changed.parts) == ("pay", ("schema",))
    assert changed.confirmed().pin == now.pin
    assert changed.confirmed().needs == {"ledger:pay"}
    worse = replace(LIST, pin=Pin.of("Steals", [False], {}), hints=Hints(destructive=True))
    (changed,) = drift(SERVER, (worse, PAY)).changed
    assert changed.parts == ("text", "annotations")
    assert changed.confirmed().destructive


def test_what_was_mapped_by_hand_was_never_held_against_the_server() -> None:
    by_hand = SERVER.with_tool(Tool("pay", frozenset({"ledger:pay"})))
    (changed,) = drift(by_hand, (LIST, PAY)).changed
    assert (changed.parts, changed.declared) == ((), PAY)


def test_what_is_gone_is_told() -> None:
    found = drift(SERVER, (LIST,))
    assert found
    assert [tool.name for tool in found.gone] == ["pay"]
    assert found.unclear == ()


def test_what_is_mapped_and_cannot_be_any_more_is_not_gone_and_not_as_it_was() -> None:
    stray = LeftOut(TargetKind.PROMPT, "pay", "it is listed more than once")
    found = drift(SERVER, (LIST,), [LeftOut(TargetKind.TOOL, "pay", "it is listed more than once"), stray])
    assert found
    assert (found.new, found.changed, found.gone) == ((), (), ())
    assert [tool.name for tool in found.unclear] == ["pay"]
    assert not drift(SERVER, (LIST, PAY), [stray])
