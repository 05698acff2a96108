"""Lines for terminals of every width."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from accredit.cli import chain, layout

IDENTIFIER = "chn_06h0s7j55ppqr4i0rfu0gi3n2g"
LINKS = [
    chain.Link("person", "dana@example.com", "may read, write and pay invoices"),
    chain.Link("client", "billing-bot", "acts for dana"),
    chain.Link("tool", "pay_invoice", ""),
]
widths = st.integers(20, 200)
words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=15)
cells = st.lists(words, max_size=12).map(" ".join)
tables = st.integers(1, 5).flatmap(
    lambda count: st.lists(st.lists(cells, min_size=count, max_size=count), min_size=1, max_size=4)
)


def plain(lines: list[Text]) -> list[str]:
    return [line.plain for line in lines]


@given(cells, widths, st.integers(0, 4))
def test_a_wrapped_sentence_keeps_every_word_and_fits(text: str, width: int, hang: int) -> None:
    lines = plain(layout.wrapped(Text(text), width, hang))
    assert " ".join(" ".join(lines).split()) == text
    assert all(cell_len(line) <= width or len(line.split()) == 1 for line in lines)


@given(tables, widths)
def test_a_table_keeps_every_word_and_fits_where_its_words_do(rows: list[list[str]], width: int) -> None:
    columns = [f"c{number}" for number in range(len(rows[0]))]
    lines = plain(layout.table(columns, [[Text(cell) for cell in row] for row in rows], width))
    there = "\n".join(lines).split()
    for word in (word for row in rows for cell in row for word in cell.split()):
        assert word in there
    longest = max((cell_len(word) for word in there if "─" not in word), default=0)
    assert all(cell_len(line) <= max(width, longest + 4) for line in lines)


def test_a_table_with_room_has_one_line_for_each_row() -> None:
    rows = [[Text(IDENTIFIER), Text("the server"), Text("18")], [Text("x"), Text(""), Text("1600")]]
    assert plain(layout.table(("chain", "written by", "records"), rows, 80)) == [
        "chain                            written by   records",
        "─────────────────────────────────────────────────────",
        f"{IDENTIFIER}   the server   18",
        "x                                             1600",
    ]


def test_prose_wraps_beside_ids_that_stay_whole() -> None:
    rows = [[Text(IDENTIFIER), Text("no role that it holds carries it on this server")]]
    assert plain(layout.table(("id", "because"), rows, 60))[2:] == [
        f"{IDENTIFIER}   no role that it holds",
        "                                 carries it on this server",
    ]


def test_a_table_without_room_for_its_ids_becomes_details() -> None:
    rows = [[Text(IDENTIFIER), Text(IDENTIFIER)], [Text("a"), Text("")]]
    assert plain(layout.table(("chain", "written by"), rows, 60)) == [
        f"chain       {IDENTIFIER}",
        f"written by  {IDENTIFIER}",
        "",
        "chain  a",
    ]


def test_a_chain_with_room_is_drawn_from_left_to_right() -> None:
    assert plain(chain.drawn(LINKS[1:], "allow", 80)) == [
        "┌─ client ──────┐   ┌─ tool ──────┐",
        "│ billing-bot   │──▶│ pay_invoice │",
        "│ acts for dana │   │             │",
        "└───────────────┘   └─────────────┘",
    ]


def test_a_chain_without_room_is_drawn_downwards_and_a_denial_crosses_its_last_step() -> None:
    assert plain(chain.drawn(LINKS, "deny", 40)) == [
        "person  dana@example.com",
        "│       may read, write and pay invoices",
        "▼",
        "client  billing-bot",
        "│       acts for dana",
        "✘",
        "tool    pay_invoice",
    ]


@given(st.lists(st.builds(chain.Link, words, words, cells), min_size=1, max_size=6), widths)
def test_a_chain_is_never_wider_than_the_terminal_unless_a_word_is(links: list[chain.Link], width: int) -> None:
    longest = max(cell_len(word) for link in links for word in (link.name, *link.note.split()))
    indent = max(cell_len(link.station) for link in links) + 2
    lines = plain(chain.drawn(links, "allow", width))
    assert all(cell_len(line) <= max(width, indent + longest) for line in lines)


def test_without_anybody_in_it_no_chain_is_drawn() -> None:
    assert chain.drawn([], "done", 80) == []
