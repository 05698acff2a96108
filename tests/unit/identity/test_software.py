"""Software: compared byte by byte, and named by nothing that could be mistaken."""

import pytest

from accredit.identity.software import LONGEST, Software, software, text


@pytest.mark.parametrize(
    ("identity", "version"), [("acme", ""), ("acme", "2.1-beta"), ("https://acme.example/client.json", "1"), ("", "")]
)
def test_a_software_has_an_id_and_perhaps_a_version(identity: str, version: str) -> None:
    assert software(identity, version) == (Software(identity, version) if identity else None)


@pytest.mark.parametrize(
    ("identity", "version"),
    [
        ("", "1"), ("two words", ""), ("acme", "2 1"), ("acm\u00e9", ""), ("\u0430cme", ""), ("acme\n", ""),
        ("x" * 201, ""), ("acs_" + "0" * 26 + "_" + "x" * 43, ""),
    ],
    ids=["no id", "space", "space in version", "accent", "cyrillic", "line", "long", "secret"],
)  # fmt: skip
def test_what_could_be_mistaken_is_no_name_of_a_software(identity: str, version: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        software(identity, version)


def test_the_longest_name_and_an_empty_one_are_texts() -> None:
    assert text("x" * LONGEST) == "x" * LONGEST
    assert text("") == ""


def test_a_software_without_a_version_stands_for_every_one() -> None:
    every, one = Software("acme"), Software("acme", "1")
    assert every.covers(every)
    assert every.covers(one)
    assert one.covers(one)
    assert not one.covers(every)
    assert not one.covers(Software("acme", "2"))
    assert not every.covers(Software("Acme"))
    assert not every.covers(None)


def test_a_software_is_read_with_its_version() -> None:
    assert [one.render() for one in (Software("acme"), Software("acme", "1"))] == ["acme", "acme 1"]
