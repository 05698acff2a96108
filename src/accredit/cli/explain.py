"""`accredit explain`: one decision, or one question, with the chain of those who take part drawn."""

import re
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from accredit.cli import chain
from accredit.cli.client import path
from accredit.cli.screen import Screen, mark, moment, plain
from accredit.cli.session import Session, command
from accredit.cli.trouble import Exit, Trouble, usage
from accredit.identity.server import TargetKind

_TRACE: Final = re.compile("[0-9a-f]{32}")


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "explain")(explain)


def explain(
    session: Session,
    decision: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Of a decision, a token or a trace.", show_default=False),
    ] = None,
    *,
    client: Annotated[str | None, typer.Option(metavar="CLIENT", help="Who would use the tool.")] = None,
    server: Annotated[str | None, typer.Option(metavar="SERVER", help="The server that offers it.")] = None,
    tool: Annotated[str | None, typer.Option(metavar="TOOL", help="Its name, or the URI of a resource.")] = None,
    kind: Annotated[TargetKind, typer.Option(help="What the name stands for.")] = TargetKind.TOOL,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it would be, like 2026-12-31T23:59:59Z; left out: now.")
    ] = None,
) -> None:
    """Explain a decision; or, with --client, --server and --tool, whether a call would be allowed, and what would help.

    Both tell every factor, what removed what, what would have to change, and who can change it.
    """
    if decision is not None:
        if client or server or tool or at:
            raise usage("give the id of a decision, or --client, --server and --tool, and not both")
        _decision(session, decision)
    elif client and server and tool:
        wanted = {"client": client, "tool": tool, "kind": kind.value, "at": at}
        _question(session, server, wanted)
    else:
        raise usage("give the id of a decision; or --client, --server and --tool, to ask what would be decided")


# ------------------------------------------------------------------ a decision
def _decision(session: Session, given: str) -> None:
    found, others = _found(session, given)
    if session.as_json:
        session.screen.data(found)
        return
    screen = session.screen
    screen.details([("decision", found["decision"]), ("at", moment(found["at"])), ("outcome", mark(found["outcome"]))])
    screen.say("")
    links = [chain.Link(item["station"], item["name"], item["note"]) for item in found["chain"]]
    screen.show(chain.drawn(links, found["outcome"], screen.width))
    screen.say("")
    screen.say(_sentence(found))
    _left_out(screen, found["left_out"])
    _token(screen, found)
    _since(screen, found["policy"])
    if found["today"] is not None:
        screen.say("")
        word = "be allowed" if found["today"]["allowed"] else "be denied"
        screen.say(f"As things stand now, it would {word}: {found['today']['sentence']}.")
        answer(screen, found["today"])
    if others:
        screen.say("")
        screen.table(("also found", "at", "outcome"), [_other(item) for item in others], "")


def _found(session: Session, given: str) -> tuple[Any, list[Any]]:
    """Return the decision that is meant, and others that were found. Raises Trouble."""
    kind = "token" if given.startswith("tok_") else "trace" if _TRACE.fullmatch(given) else None
    if kind is None:
        return session.server.get(path("decisions", given)), []
    sought: dict[str, Any] = {kind: given}
    page = session.server.get(path("decisions"), **sought)
    items = page["items"]
    if not items:
        raise Trouble(Exit.REFUSED, f"nothing is known of this {kind}")
    # Of a trace, what went wrong is what somebody wants to hear of.
    first = next((item for item in items if item["outcome"] == "deny"), items[0])
    return session.server.get(path("decisions", first["decision"])), [item for item in items if item is not first]


def _sentence(found: dict[str, Any]) -> str:
    word = {"allow": "Allowed", "deny": "Denied", "done": "Done", "contested": "Contested"}.get(
        found["outcome"], found["outcome"]
    )
    verb = "asked for" if found["kind"].startswith("token_") else "needed"
    needed = f" It {verb} {', '.join(found['needed'])}." if found["needed"] else ""
    return f"{word}: {found['sentence']}.{needed}"


def _left_out(screen: Screen, items: list[dict[str, Any]]) -> None:
    if not items:
        return
    screen.say("")
    screen.table(
        ("left out", "because", "to change it", "who can"),
        [(item["scope"], item["why"], item["remedy"], item["who"]) for item in items],
        "",
    )


def _token(screen: Screen, found: dict[str, Any]) -> None:
    token = found["token"]
    if token is None:
        return
    screen.say("")
    issued = "" if token["decision"] == found["decision"] else f"{token['decision']}, {moment(token['at'])}"
    screen.details(
        [
            ("token", token["jti"]),
            ("issued by", issued),
            ("credential", token["credential"]),
            ("it carries", " ".join(token["scopes"])),
        ]
    )


def _since(screen: Screen, policy: dict[str, Any]) -> None:
    if policy["version"] is None or not policy["changes"]:
        return
    screen.say("")
    screen.say(f"The policy was at {policy['version']} then and is at {policy['version_now']} now. Changed since:")
    more = "" if policy["whole"] else " (and more before these)"
    rows = [(moment(item["at"]), item["action"], item["summary"], item["by"]) for item in policy["changes"]]
    screen.table(("when", "what", f"how{more}", "who"), rows, "")


def _other(item: dict[str, Any]) -> tuple[object, ...]:
    return item["decision"], moment(item["at"]), mark(item["outcome"])


# ------------------------------------------------------------------ a question
def _question(session: Session, server: str, wanted: dict[str, Any]) -> None:
    found = session.server.get(path("servers", server, "explain"), **wanted)
    if session.as_json:
        session.screen.data(found)
        return
    screen = session.screen
    outcome = "allow" if found["allowed"] else "deny"
    links = [
        chain.Link("client", found["client"], ""),
        chain.Link("server", found["server"], ""),
        chain.Link("tool", found["tool"], found["kind"] if found["kind"] != "tool" else ""),
    ]
    screen.show(chain.drawn(links, outcome, screen.width))
    screen.say("")
    when = f" at {moment(found['at'])}" if wanted["at"] else ""
    word = "It would be let through" if found["observed"] else "It would be denied"
    word = "It would be allowed" if found["allowed"] and not found["observed"] else word
    screen.say(f"{word}{when}: {found['sentence']}.")
    if found["observed"]:
        screen.warn(f"{found['server']} does not enforce; end it with: accredit server mode {found['server']} enforce")
    answer(screen, found)


def answer(screen: Screen, found: dict[str, Any]) -> None:
    """Show the factors of an answer, the roles that count, and the ways out."""
    screen.say("")
    rows = [(_held(item), item["factor"].replace("_", " "), item["why"]) for item in found["factors"]]
    screen.table(("", "factor", "what is so"), rows, "")
    if found["roles"]:
        screen.say("")
        held = [(item["role"], " ".join(item["scopes"]), _until(item)) for item in found["roles"]]
        screen.table(("role", f"carries on {plain(found['server'])}", "until"), held, "")
    failing = [item for item in found["factors"] if not item["holds"] and item["remedy"]]
    if failing:
        screen.say("")
        screen.table(("to change it", "who can"), [(item["remedy"], item["who"]) for item in failing], "")
    if len(found["changes"]) > 1:
        screen.say("")
        ways = [(item["command"], _gives(item)) for item in found["changes"]]
        screen.table(("ways to the scopes, the smallest first", "what else it gives"), ways, "")


def _held(item: dict[str, Any]) -> Text:
    return Text("✔", "green") if item["holds"] else Text("✘", "red")


def _until(item: dict[str, Any]) -> str:
    end = moment(item["ends_at"]) or "for good"
    return end if item["counts"] else f"ended {end}"


def _gives(item: dict[str, Any]) -> str:
    found = [f"{item['opens']} more of the server's names"] if item["opens"] else []
    found += [f"{item['elsewhere']} other servers"] if item["elsewhere"] else []
    return ", ".join(found) or "nothing"
