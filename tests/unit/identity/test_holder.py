"""Holders as people write them: a slug alone is an agent, a word and a colon tell the others."""

import pytest

from accredit.identity.holder import Holder, HolderKind, parse


@pytest.mark.parametrize(
    ("text", "holder", "written"),
    [
        ("bot", Holder(HolderKind.AGENT, "bot"), "bot"),
        ("agent:bot", Holder(HolderKind.AGENT, "bot"), "bot"),
        ("app:portal", Holder(HolderKind.APPLICATION, "portal"), "app:portal"),
        ("group:staff", Holder(HolderKind.GROUP, "staff"), "group:staff"),
    ],
)
def test_a_holder_is_read_and_written_in_one_form(text: str, holder: Holder, written: str) -> None:
    assert parse(text) == holder
    assert holder.render() == written
    assert parse(holder.render()) == holder


@pytest.mark.parametrize("text", ["", ":", "app:", ":bot", "user:ann", "App:portal", "app:Portal", "app:a:b", "Bot"])
def test_what_names_nobody_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        parse(text)
