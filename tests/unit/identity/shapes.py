"""States that files can describe, drawn at random and always sound."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from hypothesis import strategies as st

from accredit.identity.application import ClientType
from accredit.identity.manifest import (
    AgentShape,
    AnyShape,
    ApplicationShape,
    GroupShape,
    Manifest,
    Noun,
    Offer,
    RoleShape,
    ServerShape,
    Shape,
)
from accredit.identity.state import State
from accredit_sdk.decision import Mode
from accredit_sdk.policy import Visibility

WORDS = ("read", "read:own", "pay")
STATES = st.sampled_from([State.ACTIVE, State.SUSPENDED])
ENDS = st.none() | st.integers(0, 10**15)
NAMES = st.sampled_from(["One", "Two", "\u00c9t\u00e9"])
LEDGER = ServerShape(
    "ledger",
    "https://ledger.example/mcp",
    "Ledger",
    scopes={"read": "Read", "pay": ""},
    tools={"list": Offer(frozenset({"read"}), read_only=True), "pay": Offer(frozenset({"read", "pay"}))},
    default_scopes=frozenset({"read"}),
    first_use=frozenset({"read"}),
)
READER = RoleShape("reader", "Reader", {"ledger": frozenset({"read"})})
BOT = AgentShape("bot", "dana", "Bot", roles={"reader": None})
PORTAL = ApplicationShape(
    "portal", "dana", "Portal", "Shows", redirect_uris=frozenset({"https://portal.example/cb"}), roles={"reader": 5}
)
STAFF = GroupShape("staff", "Staff", {"reader": None}, frozenset({"bot", "app:portal"}))
WORLD = Shape({"ledger": LEDGER}, {"reader": READER}, {"bot": BOT}, {"guard": "https://id.example/guard"})
CROWD = replace(WORLD, applications={"portal": PORTAL}, groups={"staff": STAFF})
"""The same with an application, and a group that it and the agent are in."""


@st.composite
def offers(draw: st.DrawFn, words: list[str]) -> Offer:
    return Offer(
        frozenset(draw(st.sets(st.sampled_from(words), min_size=1))),
        draw(st.sampled_from(["", "Does it"])),
        *draw(st.sampled_from([(False, False), (True, False), (False, True)])),
        draw(st.sampled_from(Visibility)),
    )


@st.composite
def servers(draw: st.DrawFn, slug: str) -> ServerShape:
    scopes = draw(st.dictionaries(st.sampled_from(WORDS), st.sampled_from(["", "In plain words"]), min_size=1))
    scopes |= {"read": "Always there: roles rest on it"}
    words = sorted(scopes)
    offered = st.dictionaries(st.sampled_from(["list", "pay now", "file:///{path}"]), offers(words), max_size=3)
    return ServerShape(
        slug,
        f"https://{slug}.example/mcp",
        draw(NAMES),
        draw(STATES),
        draw(st.sampled_from([Mode.ENFORCE, Mode.OBSERVE])),
        frozenset(draw(st.sets(st.sampled_from(["sampling", "roots"])))),
        frozenset(draw(st.sets(st.sampled_from(words)))),
        frozenset(draw(st.sets(st.sampled_from(words)))),
        scopes,
        draw(offered),
        draw(offered),
        draw(offered),
    )


def some(slugs: tuple[str, ...], make: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a mapping of some slugs to what `make` draws for each."""
    return st.sets(st.sampled_from(slugs)).flatmap(
        lambda chosen: st.fixed_dictionaries({slug: make(slug) for slug in sorted(chosen)})
    )


@st.composite
def states(draw: st.DrawFn) -> Shape:
    """Draw a whole sound state."""
    found = draw(some(("ledger", "notes", "mail"), servers))
    carried = st.dictionaries(st.sampled_from(sorted(found)), st.just(frozenset({"read"}))) if found else st.just({})
    roles = draw(some(("reader", "payer"), lambda slug: st.builds(RoleShape, st.just(slug), NAMES, carried)))
    held = st.dictionaries(st.sampled_from(sorted(roles)), ENDS) if roles else st.just({})
    text = st.sampled_from(["", "dana"])
    agents = draw(
        some(
            ("bot", "crawler", "clerk"),
            lambda slug: st.builds(
                AgentShape, st.just(slug), st.just("dana"), NAMES, text, text, ENDS, STATES, held
            ),
        )
    )  # fmt: skip
    uris = st.sets(st.sampled_from(["https://a.example/cb", "http://127.0.0.1/cb", "com.example.app:/cb"]), min_size=1)
    applications = draw(
        some(
            ("bot", "phone"),
            lambda slug: st.builds(
                ApplicationShape, st.just(slug), st.just("dana"), NAMES, text,
                st.just(ClientType.PUBLIC if slug == "phone" else ClientType.CONFIDENTIAL), uris.map(frozenset), ENDS,
                STATES, held, st.sampled_from(["acme", "other"]) if slug == "phone" else st.just(""),
                st.sampled_from(["", "2"]) if slug == "phone" else st.just(""),
            ),
        )
    )  # fmt: skip
    inside = sorted([*agents, *(f"app:{slug}" for slug in applications)])
    members = st.sets(st.sampled_from(inside)).map(frozenset) if inside else st.just(frozenset[str]())
    groups = draw(some(("staff", "night"), lambda slug: st.builds(GroupShape, st.just(slug), NAMES, held, members)))
    return Shape(found, roles, agents, {"guard": "https://id.example/guard"}, applications, groups)


def said(shape: AnyShape) -> dict[str, Any]:
    """Return every member of a shape, as a file that says all of it does."""
    return {field.name: getattr(shape, field.name) for field in fields(shape) if field.name != "slug"}


def manifest(shape: Shape) -> Manifest:
    """Return what a file wants that says everything of `shape`."""
    sections: Mapping[Noun, Any] = {
        noun: {slug: said(one) for slug, one in shape.of(noun).items()} for noun in Noun
    }  # fmt: skip
    return Manifest(**{noun.section: sections[noun] for noun in Noun})
