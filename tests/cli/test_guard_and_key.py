"""`accredit guard` and `accredit key`."""

import httpx2
import pytest

from accredit.testing.serving import Served
from accredit_sdk import keys
from accredit_sdk.jws import Algorithm
from tests.support.terminal import CommandLine


def enrol(node: Served, code: str) -> int:
    jwk = keys.public_jwk(keys.generate(Algorithm.ES256).verifying())
    return httpx2.post(f"{node.issuer}/guard/v1/enrol", json={"code": code, "jwk": jwk}).status_code


def test_an_invitation_shows_its_code_once_and_names_the_guard(ledger: CommandLine) -> None:
    named = ledger.data("guard", "enrol", "ledger", "--name", "front")
    assert named["guard"] == "front"
    assert named["code"].startswith("ace_")
    assert ledger.data("guard", "enrol", "ledger")["guard"].startswith("ledger-")
    assert named["code"] not in ledger.ok("audit", "search")
    file = ledger.folder / "the code"
    said = ledger.ok("guard", "enrol", "ledger", "--secret-file", str(file))
    assert f"--code-file '{file}'" in " ".join(said.split())
    ran = ledger.run("guard", "enrol", "ledger")
    assert "ace_" in ran.out
    assert ran.err.startswith("! ")


def test_the_code_makes_a_guard_that_is_listed_suspended_and_resumed(ledger: CommandLine, node: Served) -> None:
    assert "guard enrol" in ledger.ok("guard", "list")
    code = ledger.data("guard", "enrol", "ledger", "--name", "front")["code"]
    assert enrol(node, code) == 201
    assert [(item["slug"], item["servers"]) for item in ledger.data("guard", "list")["items"]] == [
        ("front", ["ledger"])
    ]
    assert ledger.data("guard", "suspend", "front", "--yes")["state"] == "suspended"
    assert ledger.ok("guard", "list").splitlines()[-1].split()[:4] == ["front", "ledger", "○", "suspended"]
    assert ledger.ok("guard", "resume", "front").startswith("✔ ")
    assert ledger.data("guard", "list")["items"][0]["state"] == "active"


@pytest.mark.parametrize(
    "words",
    [
        ("guard", "enrol", "nobody"),
        ("guard", "enrol", "guard"),
        ("guard", "enrol", "ledger", "--name", "Not A Slug"),
        ("guard", "suspend", "nobody", "--yes"),
        ("guard", "resume", "nobody"),
    ],
)
def test_what_the_server_refuses_about_guards_ends_with_1(settled: CommandLine, words: tuple[str, ...]) -> None:
    assert settled.run(*words).code == 1
    assert settled.data("guard", "list")["items"] == []


def test_each_use_has_a_key_that_signs_and_one_that_comes_next(cli: CommandLine) -> None:
    found = [(item["use"], item["state"]) for item in cli.data("key", "list")["items"]]
    uses = ("access", "checkpoint", "signal")
    assert found == [(use, state) for use in uses for state in ("active", "upcoming")]
    assert "signals to guards" in cli.ok("key", "list")


@pytest.mark.parametrize("use", ["access", "signal"])
def test_rotation_lets_the_next_key_sign_and_retires_the_present_one(cli: CommandLine, use: str) -> None:
    before = {item["state"]: item["kid"] for item in cli.data("key", "list")["items"] if item["use"] == use}
    assert cli.data("key", "rotate", use, "--yes")["kid"] == before["upcoming"]
    after = {item["kid"]: item["state"] for item in cli.data("key", "list")["items"] if item["use"] == use}
    assert after[before["upcoming"]] == "active"
    assert after[before["active"]] == "retired"
    assert "○ retired" in cli.ok("key", "list")


def test_a_use_that_no_key_has_is_a_usage_error(cli: CommandLine) -> None:
    assert cli.run("key", "rotate", "everything", "--yes").code == 2
