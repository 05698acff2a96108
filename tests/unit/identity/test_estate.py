"""What is stored, as files describe it: ids become slugs, and what files do not describe survives them."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.agent import Agent
from accredit.identity.application import Application, ClientType
from accredit.identity.client import Client, ClientKind
from accredit.identity.estate import Estate
from accredit.identity.group import Group
from accredit.identity.manifest import ApplicationShape, GroupShape
from accredit.identity.role import Assignment, Role
from accredit.identity.server import Scope, Server, TargetKind, Tool
from accredit.identity.software import Software
from accredit.identity.state import State
from accredit.identity.wanted import server, shape_of
from accredit_sdk.decision import Mode
from tests.unit.identity.shapes import LEDGER, servers

EMPTY = Server("srv_1", "ledger", "", "", 7)
LEDGER_SERVER = server(LEDGER, EMPTY)
GUARD = Server("srv_0", "guard", "Guard", "https://id.example/guard", 0, builtin=True)
READER = Role("rol_1", "reader", "Reader", {"srv_1": frozenset({"read"}), "srv_9": frozenset({"x"})}, 0)
BOT = Agent(Client("agt_1", "agt_1", ClientKind.AGENT, "bot", "Bot", 0, expires_at=5), "dana", "ann", "Pays")


def test_slugs_take_the_place_of_ids_and_nothing_leads_to_what_is_gone() -> None:
    held = {"agt_1": (Assignment("rol_1", "agt_1", 9), Assignment("rol_9", "agt_1"))}
    shape = Estate(3, (GUARD, LEDGER_SERVER), (READER,), (BOT,), held).shape()
    assert shape.builtin == {"guard": "https://id.example/guard"}
    assert shape.servers == {"ledger": LEDGER}
    assert shape.roles["reader"].scopes == {"ledger": frozenset({"read"})}
    agent = shape.agents["bot"]
    assert (agent.owner, agent.sponsor, agent.purpose, agent.expires) == ("dana", "ann", "Pays", 5)
    assert agent.roles == {"reader": 9}


def test_who_holds_nothing_has_no_roles() -> None:
    assert Estate(agents=(BOT,)).shape().agents["bot"].roles == {}


@given(servers("ledger"), servers("ledger"))
def test_a_server_that_was_described_anew_is_as_described_and_keeps_what_files_do_not_say(
    one: object, two: object
) -> None:
    first = server(one, EMPTY)  # type: ignore[arg-type]
    second = server(two, first)  # type: ignore[arg-type]
    assert shape_of(second) == two
    assert (second.id, second.created_at, second.version) == ("srv_1", 7, 1)


@given(st.permutations(["pay", "read", "write"]))
def test_scopes_and_tools_stay_in_the_order_that_they_had(order: list[str]) -> None:
    found = Server(
        "srv_1", "ledger", "", "", 0,
        scopes=tuple(Scope(word) for word in order),
        tools=tuple(Tool(word, frozenset({word}), TargetKind.PROMPT) for word in order),
    )  # fmt: skip
    shape = shape_of(found)
    assert server(shape, found) == found
    more = server(replace(shape, scopes={**shape.scopes, "apply": "", "zap": ""}), found)
    assert [scope.word for scope in more.scopes] == [*order, "apply", "zap"]


def test_offices_are_nothing_that_files_speak_of() -> None:
    office = Role("rol_8", "accredit-auditor", "Auditors", {"srv_0": frozenset({"audit"})}, 0)
    held = {"agt_1": (Assignment("rol_8", "agt_1"),), "agt_2": (Assignment("rol_1", "agt_2"),)}
    other = Agent(Client("agt_2", "agt_2", ClientKind.AGENT, "clerk", "Clerk", 0), "dana")
    estate = Estate(3, (GUARD, LEDGER_SERVER), (READER, office), (BOT, other), held)
    assert estate.officers() == {"bot"}
    assert estate.shape().roles.keys() == {"reader"}
    assert estate.shape().agents["bot"].roles == {}


def test_applications_and_groups_are_told_by_the_names_of_those_who_are_there() -> None:
    acme = Software("acme", "2")
    client = Client("app_1", "app_1", ClientKind.APPLICATION, "bot", "Bot", 0, State.SUSPENDED, 5, software=acme)
    application = Application(client, "dana", "Shows", ClientType.PUBLIC, frozenset({"https://a.example/cb"}))
    group = Group("grp_1", "staff", "Staff", 0)
    held = {"app_1": (Assignment("rol_1", "app_1"),), "grp_1": (Assignment("rol_1", "grp_1", 9),)}
    members = {"grp_1": frozenset({"agt_1", "app_1", "agt_gone"})}
    shape = Estate(3, (LEDGER_SERVER,), (READER,), (BOT,), held, (application,), (group,), members).shape()
    assert shape.groups == {"staff": GroupShape("staff", "Staff", {"reader": 9}, frozenset({"bot", "app:bot"}))}
    uris = frozenset({"https://a.example/cb"})
    assert shape.applications == {
        "bot": ApplicationShape(
            "bot", "dana", "Bot", "Shows", ClientType.PUBLIC, uris, 5, State.SUSPENDED, {"reader": None}, "acme", "2"
        )
    }
    plain = replace(application, client=replace(client, software=None))
    found = Estate(3, applications=(plain,)).shape().applications["bot"]
    assert (found.software_id, found.software_version) == ("", "")


def test_a_dry_run_goes_on_while_a_file_wants_the_server_enforced_and_ends_when_it_observes() -> None:
    running = replace(EMPTY, mode=Mode.DRY_RUN, candidate=(Tool("one", frozenset({"read"})),))
    shape = shape_of(running)
    assert shape.mode is Mode.ENFORCE
    kept = server(shape, running)
    assert (kept.mode, kept.candidate) == (Mode.DRY_RUN, running.candidate)
    ended = server(replace(shape, mode=Mode.OBSERVE), running)
    assert (ended.mode, ended.candidate) == (Mode.OBSERVE, ())
    assert server(shape, replace(ended, mode=Mode.OBSERVE)).mode is Mode.ENFORCE
