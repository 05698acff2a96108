"""`accredit plan --replay`: the pages of a replay put together."""

from typing import Any

import pytest

from accredit.cli import replay
from accredit.cli.screen import Screen
from accredit.cli.trouble import Exit, Trouble


def item(tool: str, effect: str, calls: int, last: str = "2030-01-01T00:00:00Z") -> dict[str, Any]:
    return {
        "client": "bot", "server": "ledger", "kind": "tool", "tool": tool, "effect": effect,
        "because": ["client_roles"], "calls": calls,
        "last": last,
    }  # fmt: skip


def page(*items: dict[str, Any], following: str | None = None, fingerprint: str = "f", over: int = 0) -> dict[str, Any]:
    return {"fingerprint": fingerprint, "items": list(items), "looked_at": 10, "passed_over": over, "next": following}


def ran(*pages: dict[str, Any]) -> tuple[replay.Replay, list[Any]]:
    waiting, asked = list(pages), []

    def ask(body: dict[str, Any]) -> Any:
        asked.append(body.get("cursor"))
        return waiting.pop(0)

    return replay.run(Screen(as_json=True), ask, {"since": "x"}), asked


def test_counts_of_all_pages_are_added_up_and_the_newest_time_stays() -> None:
    newest, oldest = item("a", "refused", 2, "2030-02-02T00:00:00Z"), item("a", "refused", 3)
    done, asked = ran(page(newest, item("b", "allowed", 9), following="1"), page(oldest, over=4))
    assert asked == [None, "1"]
    assert [(one["tool"], one["calls"], one["last"][:7]) for one in done.items()] == [
        ("a", 5, "2030-02"), ("b", 9, "2030-01"),
    ]  # fmt: skip
    assert (done.looked_at, done.passed_over) == (20, 4)


def test_a_state_that_changes_on_the_way_ends_it() -> None:
    with pytest.raises(Trouble) as caught:
        ran(page(following="1"), page(fingerprint="g"))
    assert caught.value.code is Exit.OVERTAKEN


def test_what_turns_is_shown_with_what_cannot_be_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    many = [item(f"tool-{number}", "refused", 1) for number in range(60)]
    done, _ = ran(page(*many, over=1))
    replay.show(Screen(as_json=False), done)
    said = capsys.readouterr()
    assert "tool-49" in said.out
    assert "10 more" in said.out
    assert replay.NOTE in said.out
    assert "passed over" in said.err
