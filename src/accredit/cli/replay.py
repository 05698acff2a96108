"""`accredit plan --replay`: past calls under the policy of a file, fetched page by page and put together."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from accredit.cli.screen import Screen, count, moment
from accredit.cli.trouble import Exit, Trouble

NOTE: Final = "The log holds no arguments of calls: what depends on them cannot be replayed."
"""What has to be said of every replay."""

_MOST_SHOWN: Final = 50
_KEY: Final = ("effect", "server", "client", "kind", "tool")

Ask = Callable[[dict[str, Any]], Any]
"""Sends a body to the server and returns its answer."""


@dataclass(slots=True)
class Replay:
    """What was found so far: uses that the file would turn, by what they are."""

    looked_at: int = 0
    passed_over: int = 0
    found: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)

    def take(self, page: dict[str, Any]) -> None:
        """Add a page; the newest call comes first."""
        self.looked_at += page["looked_at"]
        self.passed_over += page["passed_over"]
        for item in page["items"]:
            known = self.found.setdefault(tuple(item[name] for name in _KEY), {**item, "calls": 0})
            known["calls"] += item["calls"]

    def items(self) -> list[dict[str, Any]]:
        """Return the uses, those first that would be refused, the most frequent ones before others."""
        return sorted(self.found.values(), key=lambda item: (item["effect"] == "allowed", -item["calls"]))


def run(screen: Screen, ask: Ask, body: dict[str, Any]) -> Replay:
    """Replay everything. Raises Trouble when the state changes on the way."""
    done, cursor, fingerprint = Replay(), None, None
    while True:
        with screen.working(f"Replaying past calls; {count(done.looked_at, 'decision')} so far"):
            page = ask(body | ({} if cursor is None else {"cursor": cursor}))
        if fingerprint not in (None, page["fingerprint"]):
            raise Trouble(Exit.OVERTAKEN, "something was changed while this ran; run it again")
        fingerprint, cursor = page["fingerprint"], page["next"]
        done.take(page)
        if cursor is None:
            return done


def show(screen: Screen, done: Replay) -> None:
    """Show what was found."""
    screen.say("")
    items = done.items()
    screen.table(
        ("would be", "client", "server", "tool", "calls", "last", "because of"),
        [_row(item) for item in items[:_MOST_SHOWN]],
        f"of {count(done.looked_at, 'past decision')}, none would be another one",
    )
    if len(items) > _MOST_SHOWN:
        screen.say(f"… and {len(items) - _MOST_SHOWN} more; --json shows them all")
    if done.passed_over:
        screen.warn(f"{count(done.passed_over, 'call')} of rare uses were passed over: too many different ones")
    screen.say(NOTE)


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    because = ", ".join(item["because"]).replace("_", " ")
    tool = item["tool"] if item["kind"] == "tool" else f"{item['kind']} {item['tool']}"
    return item["effect"], item["client"], item["server"], tool, item["calls"], moment(item["last"]), because
