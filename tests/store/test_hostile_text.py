"""No text is ever more than a text: it is stored exactly, or refused before anything is written."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accredit.identity import changes
from accredit.identity.agent import Agent
from accredit.identity.client import Client, ClientKind
from accredit.identity.guard import Enrolment
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment, Role
from accredit.identity.server import Scope, Server, TargetKind, Tool
from accredit.oauth.outcome import Outcome, Won
from accredit.ports.audit_log import Filter
from accredit.ports.journal import Unstorable
from accredit.store import storable
from accredit.store.conformance import NOW, outcome, server
from tests.store import checks

BAD = ("a\0b", "\0", "\ud800", "x\udfff", "é" * 501)
SHARP = (
    "'; DROP TABLE servers; --",
    '" OR "1"="1',
    "%s %(a)s :name ? $1 {x} \\",
    "Robert'); DELETE FROM clients;--",
    "\u202e\u0000"[0] + "rtl",
    "\ufb00 ß İ \u0131",
    "💥" * 90,
    "\x1b[31m\r\n\t",
    "/* */ -- #",
)
texts = st.one_of(st.text(max_size=90), st.sampled_from(SHARP))


def everything(text: str, mark: str) -> tuple[Server, Role, Client, Agent, Enrolment]:
    """Values with `text` in every text that the store keeps; `mark` keeps them apart from other examples'."""
    word, own = text + "w", mark + text
    made = Server(
        id=own,
        slug=own,
        name=text,
        resource=own,
        created_at=NOW,
        scopes=(Scope(word, text), Scope(word + "2", text)),
        tools=(
            Tool(text, frozenset({word}), description=text),
            Tool(text, frozenset({word, word + "2"}), TargetKind.PROMPT, text),
        ),
        default_scopes=frozenset({word}),
        first_use=frozenset({word + "2"}),
    )
    role = Role(own, own, text, {own: frozenset({word, word + " " + word})}, NOW)
    client = Client(own, own, ClientKind.AGENT, own, text, NOW)
    enrolment = Enrolment(own, own, text, mark.encode().ljust(32), NOW, NOW + 1)
    return made, role, client, Agent(client, text, text, text), enrolment


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=texts)
async def test_every_text_comes_back_exactly(store: Any, text: str) -> None:
    assume("\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text))
    seen = getattr(store, "seen", 0) + 1
    store.seen = seen
    journal = getattr(store, "journal", None) or await store.node()
    store.journal = journal
    made, role, client, agent, enrolment = everything(text, f"{seen}:")
    claims = (changes.AddServer(made), changes.AddRole(role), changes.AddClient(client, agent))
    writes = (changes.AddEnrolment(enrolment), changes.Assign(Assignment(role.id, client.id)))
    assert isinstance(await journal.submit(outcome(*claims, writes=writes, about=text)), Won)
    catalogue = await store.catalogue.load()
    assert made in catalogue.servers
    assert role in catalogue.roles
    assert await store.clients.principal(client.client_id) == Principal(client, (), (Assignment(role.id, client.id),))
    assert await store.clients.by_slug(client.kind, client.slug) is not None
    assert await store.clients.agent(client.id) == agent
    assert await store.enrolments.by_code(enrolment.code_digest) == enrolment
    assert (await store.catalogue.signals(seen - 1, 9))[0].handle == text
    assert len(catalogue.servers) == seen
    chains = await checks.sound(store)
    assert f"dec_{text}" in {line.decision for lines in chains.values() for line in lines}


@pytest.mark.parametrize("text", BAD)
async def test_what_no_database_keeps_is_refused_and_nothing_is_written(store: Any, text: str) -> None:
    journal = await store.node()
    for value in _with(text):
        with pytest.raises(Unstorable):
            await journal.submit(outcome(changes.AddServer(server(5)), value))
    with pytest.raises(Unstorable):
        await journal.submit(outcome(changes.AddServer(server(5)), about=text))
    assert (await store.catalogue.load()).servers == ()
    assert await store.audit.chains() == ()


def _with(text: str) -> list[Any]:
    """Every claim that holds `text` somewhere."""
    return [
        changes.AddServer(server(0, slug=text)),
        changes.AddServer(
            server(0, scopes=(Scope(text),), default_scopes=frozenset({text}), first_use=frozenset({text}), tools=())
        ),
        changes.AddServer(server(0, tools=(Tool("x", frozenset({text})),))),
        changes.AddServer(server(0, tools=(Tool(text, frozenset({"admin"})),))),
        changes.AddRole(Role("r", "r", "r", {text: frozenset()}, NOW)),
        changes.AddRole(Role("r", "r", "r", {"s": frozenset({text})}, NOW)),
    ]


@pytest.mark.parametrize("text", BAD)
async def test_what_cannot_be_stored_is_not_found(store: Any, text: str) -> None:
    assert await store.clients.principal(text) is None
    assert await store.clients.by_slug(ClientKind.AGENT, text) is None
    assert await store.clients.agent(text) is None
    assert await store.audit.chain_end(text) is None
    for question in (
        store.clients.agents(text, 5),
        store.clients.guards(text, 5),
        store.audit.records(text, 0, 5),
        store.tables.search(Filter(decision=text), None, 5),
        store.tables.search(Filter(kind=text), None, 5),
    ):
        with pytest.raises(Unstorable):
            await question


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
async def test_a_number_that_no_column_holds_is_refused(store: Any, number: int) -> None:
    journal = await store.node()
    with pytest.raises(Unstorable):
        await journal.submit(Outcome(None, (changes.AddServer(server(0, created_at=number)),)))
    with pytest.raises(Unstorable):
        await store.tables.search(Filter(since=number), None, 5)
    with pytest.raises(Unstorable):
        await store.audit.records("chn", number, 5)
    assert isinstance(await journal.submit(Outcome(None, (changes.AddServer(server(0, created_at=2**63 - 1)),))), Won)


async def test_an_event_that_cannot_be_encoded_fails_alone(store: Any) -> None:
    committer = store.committer()
    good, bad = outcome(changes.AddServer(server(0))), outcome(changes.AddServer(server(1)))
    object.__setattr__(bad.events[0], "summary", "\ud800")
    results = await store.commit(committer, [good, bad])
    assert [type(result) for result in results] == [Won, UnicodeEncodeError]
    assert [found.id for found in (await store.catalogue.load()).servers] == [server(0).id]
    await checks.sound(store)


async def test_prose_may_be_longer_than_names(store: Any) -> None:
    journal = await store.node()
    long = server(0, scopes=(Scope("admin", "d" * 20_000),), default_scopes=frozenset(), tools=())
    assert isinstance(await journal.submit(Outcome(None, (changes.AddServer(long),))), Won)
    assert (await store.catalogue.load()).servers == (long,)
    with pytest.raises(Unstorable):
        await journal.submit(Outcome(None, (changes.AddServer(server(1, scopes=(Scope("a", "d" * 20_001),))),)))


async def test_the_longest_names_fit_into_every_index(store: Any) -> None:
    journal = await store.node()
    text = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(266))
    word = text[1:] + "z"
    made = server(
        0,
        id=text,
        slug=text,
        resource=text,
        scopes=(Scope(word),),
        default_scopes=frozenset(),
        tools=(Tool(text, frozenset({word})),),
    )
    role = Role("r", text, text, {text: frozenset({word})}, NOW)
    assert isinstance(await journal.submit(outcome(changes.AddServer(made), changes.AddRole(role))), Won)
    assert (await store.catalogue.load()).servers == (made,)


def test_the_check_walks_into_every_value() -> None:
    for kind in (changes.AddServer, changes.AddClient, changes.AppendRecords):
        assert fields(kind)
    with pytest.raises(Unstorable, match="slug"):
        storable.check(changes.AddServer(server(0, slug="\0")))
    with pytest.raises(Unstorable, match="word"):
        storable.check(changes.AddServer(server(0, scopes=(Scope("\0"),))))
    storable.check(changes.AddServer(server(0)))
