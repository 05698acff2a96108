"""The figures of the guard run, are about what they say, and refuse to measure anything else. No time is asserted."""

import pytest

from bench import figures, guard_cold, guard_hot, guard_share_of_tools_call, guard_site, tool_call
from bench.figure import Plan, measured


def test_a_call_is_a_kilobyte_and_says_in_its_headers_what_it_says_in_its_body():
    call = tool_call.Call(7, "t")
    body = tool_call.call_body(7)
    assert len(body) == tool_call.SIZE
    assert dict(call.scope["headers"])[b"content-length"] == b"1024"
    assert dict(call.scope["headers"])[b"mcp-name"] == tool_call.TOOL.encode()


async def test_a_begun_guard_lets_a_good_call_through_and_no_other_and_its_records_arrive():
    async with guard_site.begun_guard() as (guard, accredit):
        statuses = []
        for token in (accredit.token(tool_call.SCOPE), accredit.token("ledger:purge"), None):
            call = tool_call.Call(1, token)
            await guard(call.scope, call.receive, call.send)
            statuses.append(call.status)
    assert statuses == [200, 403, 401]
    assert [one["outcome"] for one in accredit.records()] == ["allow", "deny", "deny"]


@pytest.mark.parametrize("module", [guard_hot, guard_cold])
def test_a_round_of_the_guard_has_ours_and_the_peers_figure(module):
    assert set(module.measure(1)) == {"ours_us", "peer_us"}


def test_a_round_of_the_share_has_both_frameworks():
    found = guard_share_of_tools_call.measure(3)
    assert set(found) == {"sdk", "fastmcp"}
    assert all(len(pair) == 2 for pair in found.values())


@pytest.mark.parametrize(
    ("found", "measures"),
    [
        ({"ours_us": 1.0, "peer_us": 4.0}, {"made_up": (1.0, 4.0)}),
        ({"a": (1.0, 4.0), "b": (2.0, None)}, {"made_up.a": (1.0, 4.0), "made_up.b": (2.0, None)}),
    ],
)
def test_a_figure_in_process_has_one_measure_or_one_for_each_part(monkeypatch, found, measures):
    monkeypatch.setattr(figures, "_measure_of", lambda _: lambda: found)
    wanted = [figures.Measure(name, "µs", figures.Bar(5)) for name in measures]
    figure = figures.in_process("made_up", *wanted, packages=["msgspec"])
    entries = measured(figure, Plan(server_core=0, rounds=1, say=lambda _: None))
    assert {entry.measure.name: (entry.finding.ours, entry.finding.peer) for entry in entries} == measures
    assert set(entries[0].versions) == {"msgspec"}


def test_every_figure_has_its_file():
    for name in figures.FIGURES:
        assert figures.importlib.util.find_spec(f"bench.{name}"), name
