"""`accredit audit` and `accredit explain`."""

import sqlite3

import httpx2
import pytest

from accredit.testing.serving import Served
from tests.cli.conftest import RESOURCE
from tests.support.terminal import CommandLine


@pytest.fixture
def refused(ledger: CommandLine, node: Served) -> str:
    """The id of a decision: an agent asked for more than its role allows."""
    ledger.ok("role", "add", "reader", "--scope", "ledger=ledger:read")
    made = ledger.data("agent", "add", "bot", "--owner", "dana@example.com", "--role", "reader")
    form = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "ledger:pay"}
    answer = httpx2.post(node.issuer + "/token", data=form, auth=(made["client_id"], made["secret"]))
    assert answer.status_code == 400
    return str(ledger.data("audit", "search", "--kind", "token_refused")["items"][0]["decision"])


def test_the_log_is_searched_newest_first_and_page_by_page(ledger: CommandLine, refused: str) -> None:
    whole = ledger.data("audit", "search")["items"]
    assert whole[0]["decision"] == refused
    first = ledger.data("audit", "search", "--limit", "2")
    second = ledger.data("audit", "search", "--limit", "2", "--cursor", first["next"])
    assert first["items"] + second["items"] == whole[:4]
    assert first["next"] in ledger.ok("audit", "search", "--limit", "2")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--outcome", "deny"), {"token_refused"}),
        (("--outcome", "allow"), set[str]()),
        (("--kind", "chain_opened"), {"chain_opened"}),
        (("--server", "ledger"), {"token_refused", "administered"}),
        (("--since", "1h", "--outcome", "deny"), {"token_refused"}),
        (("--until", "1h"), set[str]()),
        (("--since", "2001-01-01T00:00:00Z", "--until", "2002-01-01T00:00:00Z"), set[str]()),
    ],
)
def test_a_search_finds_only_what_matches(
    ledger: CommandLine, refused: str, words: tuple[str, ...], expected: set[str]
) -> None:
    assert {item["kind"] for item in ledger.data("audit", "search", *words)["items"]} == expected
    shown = ledger.ok("audit", "search", *words)
    assert (refused in shown) == ("token_refused" in expected)


@pytest.mark.parametrize(
    "words",
    [
        ("--limit", "0"), ("--limit", "201"), ("--limit", "9" * 30), ("--cursor", "x"), ("--kind", "No Kind"),
        ("--server", "nobody"), ("--decision", "x"), ("--since", "whenever"), ("--until", "-1h"), ("--server", ""),
    ],
)  # fmt: skip
def test_a_search_that_makes_no_sense_is_refused(settled: CommandLine, words: tuple[str, ...]) -> None:
    assert settled.run("audit", "search", f"{words[0]}={words[1]}").code == 1


def test_a_decision_is_explained_with_its_chain_and_who_can_change_it(ledger: CommandLine, refused: str) -> None:
    told = ledger.data("explain", refused)
    assert (told["outcome"], told["needed"]) == ("deny", ["ledger:pay"])
    assert [item["scope"] for item in told["left_out"]] == ["ledger:pay"]
    shown = ledger.ok("explain", refused)
    assert "─✘─" in shown
    assert "role scopes ROLE --scope ledger=ledger:pay" in shown


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_an_explanation_fits_the_terminal(
    ledger: CommandLine, refused: str, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = ledger.ok("explain", refused).splitlines()
    assert max(len(line) for line in lines) <= columns


def test_in_a_pipe_no_sentence_and_no_row_is_broken(ledger: CommandLine, refused: str) -> None:
    ledger.ok("agent", "add", "talker", "--owner", "x", "--purpose", "word " * 150)
    purposes = [line for line in ledger.ok("agent", "list").splitlines() if line.startswith("talker")]
    assert purposes[0].count("word") == 150


def test_the_records_of_a_decision_are_shown_as_they_were_written(ledger: CommandLine, refused: str) -> None:
    records = ledger.data("audit", "show", refused)["items"]
    assert [item["kind"] for item in records] == ["token_refused"]
    shown = ledger.ok("audit", "show", refused)
    assert records[0]["hash"] in shown
    assert f"{records[0]['seq']} of {records[0]['chain']}" in shown


@pytest.mark.parametrize("verb", [("explain",), ("audit", "show")])
def test_a_decision_that_is_none_or_unknown_is_refused(settled: CommandLine, verb: tuple[str, ...]) -> None:
    assert settled.run(*verb, "dec_" + "0" * 26, "--json").trouble["status"] == 404
    assert settled.run(*verb, "nonsense", "--json").trouble["status"] == 422
    assert settled.run(*verb, "").code == 2
    assert settled.run(*verb, "../keys").code == 1


def test_a_question_is_answered_with_every_factor_and_the_way_out(settled: CommandLine) -> None:
    question = ("explain", "--client", "bot", "--server", "ledger", "--tool", "list_invoices")
    told = settled.data(*question)
    assert told["allowed"] is False
    assert [item["factor"] for item in told["factors"] if not item["holds"]] == ["client_roles"]
    shown = settled.ok(*question)
    assert "─✘─" in shown
    assert "accredit role assign reader bot" in shown
    assert "an administrator of ledger" in shown
    later = settled.ok(*question, "--at", "2999-01-01T00:00:00Z")
    assert "2999-01-01" in later


@pytest.mark.parametrize(
    "words",
    [
        (), ("--client", "bot"), ("--client", "bot", "--server", "ledger"), ("dec_x", "--client", "bot"),
        ("--tool", "x", "--server", "ledger"),
    ],
)  # fmt: skip
def test_half_a_question_is_a_mistake_of_usage(settled: CommandLine, words: tuple[str, ...]) -> None:
    assert settled.run("explain", *words).code == 2


def test_a_token_is_explained_by_its_own_id(ledger: CommandLine, node: Served) -> None:
    ledger.ok("role", "add", "reader", "--scope", "ledger=ledger:read")
    made = ledger.data("agent", "add", "bot", "--owner", "dana@example.com", "--role", "reader")
    form = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "ledger:read ledger:pay"}
    answer = httpx2.post(node.issuer + "/token", data=form, auth=(made["client_id"], made["secret"]))
    assert answer.status_code == 200
    (record,) = ledger.data("audit", "search", "--kind", "token_issued")["items"]
    told = ledger.data("explain", record["person"]["jti"])
    assert (told["decision"], told["token"]["jti"]) == (record["decision"], record["person"]["jti"])
    ledger.ok("role", "scopes", "reader", "--scope", "ledger=ledger:read", "--scope", "ledger=ledger:pay")
    shown = ledger.ok("explain", record["person"]["jti"])
    assert record["person"]["credential"] in shown
    assert "role.scopes" in shown
    assert "the client itself" in shown


@pytest.mark.parametrize("identity", ["tok_" + "0" * 26, "0" * 32])
def test_a_token_or_trace_that_nobody_knows_is_said_to_be_unknown(settled: CommandLine, identity: str) -> None:
    assert settled.run("explain", identity).code == 1


def test_the_search_tables_are_filled_anew_and_then_everything_is_found(ledger: CommandLine, node: Served) -> None:
    before = [item["hash"] for item in ledger.data("audit", "search")["items"]]
    with sqlite3.connect(node.folder / "accredit.db") as database:
        database.execute("DELETE FROM audit_terms")
    assert ledger.data("audit", "search")["items"] == []
    assert "can be found again" in ledger.ok("audit", "reindex", "--yes")
    newest, *found = [item["hash"] for item in ledger.data("audit", "search")["items"]]
    assert found == before
    assert newest not in before
    assert ledger.data("audit", "reindex", "--yes", "--no-wait")["records"] > len(before)
    assert "in some time" in ledger.ok("audit", "reindex", "--yes", "--no-wait")


def test_the_search_tables_are_not_emptied_without_a_word(ledger: CommandLine) -> None:
    assert ledger.run("audit", "reindex").code == 2
    assert ledger.data("audit", "search")["behind"]["records"] == 0
