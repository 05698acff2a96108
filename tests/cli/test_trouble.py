"""However a command line is wrong, and whatever answers: a sentence, an exit code, and no traceback."""

import io
import sys
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accredit.cli.main import LOG, main
from tests.support.terminal import CommandLine

# The transport of httpx2 leaves the socket of a connection that failed to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

DESTRUCTIVE = [
    ("server", "suspend", "ledger"),
    ("server", "tool", "ledger", "list_invoices", "--remove"),
    ("agent", "suspend", "bot"),
    ("agent", "remove", "bot"),
    ("agent", "credential", "revoke", "bot", "crd_1"),
    ("role", "unassign", "reader", "bot"),
    ("guard", "suspend", "front"),
    ("key", "rotate", "access"),
]


class Terminal(io.StringIO):
    """Standard input with somebody behind it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line of a folder that no node runs in."""
    return CommandLine(tmp_path / "nowhere", capsys)


@pytest.mark.parametrize("words", DESTRUCTIVE)
def test_what_hurts_is_not_done_unasked_when_nobody_is_there_to_answer(
    nowhere: CommandLine, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    asked = nowhere.run(*words, transport=httpx2.MockTransport(unexpected))
    assert asked.code == 2
    assert "--yes" in asked.err


@pytest.mark.parametrize("words", DESTRUCTIVE)
@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yess\n"])
def test_what_hurts_is_not_done_unless_the_person_says_yes(
    nowhere: CommandLine, words: tuple[str, ...], answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert nowhere.run(*words, transport=httpx2.MockTransport(unexpected)).code == 1


@pytest.mark.parametrize("words", DESTRUCTIVE)
@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_what_hurts_is_asked_of_the_server_once_the_person_says_yes(
    nowhere: CommandLine, words: tuple[str, ...], answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert nowhere.run(*words).code == 3


@pytest.mark.parametrize("words", DESTRUCTIVE)
@pytest.mark.parametrize("yes", ["--yes", "-y"])
def test_a_program_says_yes_beforehand(nowhere: CommandLine, words: tuple[str, ...], yes: str) -> None:
    assert nowhere.run(*words, yes).code == 3
    assert nowhere.run(yes, *words).code == 3


def unexpected(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(request.url)


@pytest.mark.parametrize(
    "words",
    [
        ("server", "list"), ("role", "list"), ("agent", "list"), ("guard", "list"), ("key", "list"),
        ("audit", "search"), ("audit", "verify"), ("explain", "dec_1"), ("server", "add", "http://x", "--name", "x"),
    ],
)  # fmt: skip
def test_without_a_server_a_command_ends_with_3_and_the_way_out(nowhere: CommandLine, words: tuple[str, ...]) -> None:
    person, program = nowhere.run(*words), nowhere.run(*words, "--json")
    assert (person.code, person.out, program.out) == (3, "", "")
    assert f"accredit up --data {nowhere.folder}" in person.err
    assert program.trouble["exit"] == program.code == 3
    assert not nowhere.folder.exists()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx2.Response(200, text="<html>"), 3),
        (httpx2.Response(502, text="Bad Gateway"), 3),
        (httpx2.Response(200, json=[]), 3),
        (httpx2.Response(500, json=["x"]), 3),
        (httpx2.Response(500, json={}), 1),
        (httpx2.Response(503, json={"detail": 5, "type": [], "status": "x"}), 1),
        (httpx2.ConnectError("refused"), 3),
        (httpx2.ReadTimeout("slow"), 3),
        (httpx2.RemoteProtocolError("odd"), 3),
    ],
)
def test_whatever_answers_instead_of_accredit_is_told_in_a_sentence(
    nowhere: CommandLine, answer: httpx2.Response | Exception, code: int
) -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    ran = nowhere.run("server", "list", transport=httpx2.MockTransport(handler))
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("✘ ")


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",), ("server", "nonsense"), ("agent", "credential", "nonsense"), ("server", "add"),
        ("server", "list", "more"), ("server", "list", "--nonsense"), ("audit", "search", "--limit", "many"),
        ("audit", "search", "--outcome", "perhaps"), ("up", "--port", "x"), ("explain",), ("agent", "add", "bot"),
        ("server", "add", "http://x", "--name"), ("key", "rotate", "x"), ("server", "list", "--json=1"),
    ],
)  # fmt: skip
def test_a_command_line_that_cannot_be_read_ends_with_2_for_people_and_programs(
    nowhere: CommandLine, words: tuple[str, ...]
) -> None:
    person, program = nowhere.run(*words), nowhere.run("--json", *words)
    assert (person.code, person.out, program.code, program.out) == (2, "", 2, "")
    assert person.err.splitlines()[-1].startswith(("Error: ", "✘ "))
    assert program.trouble["exit"] == 2


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "server" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "server" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "code"), [("issuer = 'ftp://x'\nport = 70000\n", 2), ("not toml", 2), ("nonsense = 1\n", 2), (None, 2)]
)
def test_a_configuration_that_cannot_be_used_ends_with_2_and_names_every_problem(
    nowhere: CommandLine, tmp_path: Path, file: str | None, code: int
) -> None:
    path = tmp_path / "accredit.toml"
    if file is not None:
        path.write_text(file)
    assert nowhere.run("--config", str(path), "server", "list").code == code


def test_every_problem_of_a_configuration_is_a_line_of_its_own(nowhere: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "accredit.toml").write_text("nonsense = 1\nport = 70000\n")
    said = nowhere.run("--config", str(tmp_path / "accredit.toml"), "server", "list").err
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("server", "show", "x" * 100_000),
        ("agent", "add", "bot2", "--owner", "x" * 2_000_000),
        ("role", "add", "r", "--scope", "ledger=" + "x" * 100_000),
        ("server", "defaults", "ledger", *["ledger:read"] * 5000),
        ("audit", "search", "--cursor", "1" * 100_000),
        ("audit", "search", "--since", "9" * 10_000 + "d"),
        ("explain", "dec_" + "0" * 100_000),
        ("agent", "edit", "bot", "--owner", "@", "--role", "@", "--expires", "@"),
        ("agent", "remove", "@"),
        ("app", "add", "@", "--owner", "@", "--redirect", "@", "--role", "@"),
        ("app", "edit", "@", "--redirect", "@"),
        ("group", "add", "@", "--title", "@"),
        ("group", "member", "add", "@", "@"),
        ("group", "show", "@"),
        ("agent", "credential", "revoke", "bot", "x" * 100_000, "--yes"),
    ],
)
def test_input_without_measure_is_refused(settled: CommandLine, words: tuple[str, ...]) -> None:
    ran = settled.run(*words)
    assert ran.code in (1, 2)
    assert len(ran.err) < 2000


TEXTS = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    [
        "",
        ".",
        "..",
        "../..",
        "a/b",
        "?x=1",
        "#",
        "%00",
        "%2e%2e",
        "\0",
        "\udcff",
        "\ud800",
        "-",
        "--",
        "=",
        "a=b",
        "\uff11d",
    ]
)
FORMS = [
    ("server", "show", "@"), ("role", "show", "@"), ("agent", "show", "@"), ("explain", "@"), ("audit", "show", "@"),
    ("agent", "add", "@", "--owner", "@", "--purpose", "@", "--expires", "@", "--role", "@"),
    ("server", "add", "@", "--name", "@", "--scope", "@", "--tool", "@", "--default", "@", "--title", "@"),
    ("server", "tool", "ledger", "@", "--needs", "@", "--description", "@"), ("server", "scope", "ledger", "@"),
    ("role", "add", "@", "--scope", "@"), ("role", "scopes", "reader", "--scope", "@"),
    ("role", "assign", "@", "@", "--until", "@"), ("guard", "enrol", "@", "--name", "@"),
    ("agent", "edit", "bot", "--owner", "@", "--role", "@", "--expires", "@"), ("agent", "remove", "@"),
    ("app", "add", "@", "--owner", "@", "--redirect", "@", "--role", "@"), ("app", "edit", "@", "--redirect", "@"),
    ("group", "add", "@", "--title", "@"), ("group", "member", "add", "@", "@"), ("group", "show", "@"),
    ("agent", "credential", "revoke", "@", "@", "--yes"), ("key", "rotate", "@", "--yes"),
    ("audit", "search", "--server", "@", "--kind", "@", "--since", "@", "--cursor", "@", "--decision", "@"),
    ("--config", "@", "server", "list"), ("agent", "credential", "add", "bot", "--secret-file", "@"), ("@", "@"),
]  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(FORMS), st.booleans())
def test_no_text_at_any_place_of_a_command_ends_in_an_error_that_nobody_foresaw(
    settled: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    data: st.DataObject,
    form: tuple[str, ...],
    as_json: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [data.draw(TEXTS) if word == "@" else word for word in form]
    ran = settled.run(*(["--json"] if as_json else []), *words)
    assert ran.code in (0, 1, 2)
    assert "\x1b" not in ran.out + ran.err
    if as_json and ran.code and ran.err:
        assert ran.trouble["exit"] == ran.code


def test_what_nobody_foresaw_is_one_sentence_on_the_screen_and_the_rest_is_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        raise ZeroDivisionError("secret details")

    code = main(["--data", str(tmp_path), "server", "list"], httpx2.MockTransport(handler))
    said = capsys.readouterr().err
    assert code == 1
    assert "ZeroDivisionError" in said
    assert "secret details" not in said
    assert "secret details" in (tmp_path / LOG).read_text()
    assert (tmp_path / LOG).stat().st_mode & 0o777 == 0o600
