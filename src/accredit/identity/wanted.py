"""What a file makes of the present state: the wanted state as a whole, and everything about it that cannot be."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from accredit.identity.application import ClientType
from accredit.identity.group import MOST
from accredit.identity.holder import Holder, HolderKind
from accredit.identity.management import RESERVED_PREFIX
from accredit.identity.manifest import (
    SHAPES,
    GroupShape,
    Manifest,
    Noun,
    Offer,
    Said,
    ServerShape,
    Shape,
)
from accredit.identity.schema import Finding, Findings, unknown
from accredit.identity.server import Scope, Server, TargetKind, Tool, problems, reserved, unusable
from accredit_sdk.decision import Mode


def wanted(current: Shape, manifest: Manifest, *, prune: bool) -> tuple[Shape, tuple[Finding, ...]]:
    """Return the state that `manifest` wants, and what is wrong with it; with a problem, it must not be used.

    What the manifest does not say stays. With `prune`, what is in none of its sections goes; a section that is not
    there is left alone, except that it loses what is gone: servers, roles, members.
    """
    findings = Findings()
    found = replace(current, **{noun.section: _overlaid(current, manifest, noun, prune=prune) for noun in Noun})
    if prune:
        found = _without_the_gone(found, manifest)
    _check_servers(current, found, findings)
    _check_roles(found, findings)
    for noun in (Noun.AGENT, Noun.APPLICATION):
        _check_owners(found, manifest, noun, findings)
    for noun in (Noun.AGENT, Noun.APPLICATION, Noun.GROUP):
        _check_held(found, noun, findings)
    _check_applications(current, found, findings)
    _check_members(found, findings)
    return found, findings.all()


def server(shape: ServerShape, base: Server) -> Server:
    """Return `base` as `shape` describes it. What files do not describe stays, also the order of its parts."""
    return replace(
        base,
        slug=shape.slug,
        resource=shape.resource,
        name=shape.name,
        state=shape.state,
        **_mode(shape, base),
        may_ask=shape.may_ask,
        default_scopes=shape.default_scopes,
        first_use=shape.first_use,
        scopes=_scopes(shape, base),
        tools=_tools(shape, base),
    )


def shape_of(found: Server) -> ServerShape:
    """Return what files say of a server."""
    offered: dict[TargetKind, dict[str, Offer]] = {kind: {} for kind in TargetKind}
    for tool in found.tools:
        offered[tool.kind][tool.name] = Offer(
            tool.needs, tool.description, tool.read_only, tool.destructive, tool.visibility
        )
    return ServerShape(
        slug=found.slug,
        resource=found.resource,
        name=found.name,
        state=found.state,
        mode=Mode.OBSERVE if found.mode is Mode.OBSERVE else Mode.ENFORCE,
        may_ask=found.may_ask,
        default_scopes=found.default_scopes,
        first_use=found.first_use,
        scopes={scope.word: scope.description for scope in found.scopes},
        tools=offered[TargetKind.TOOL],
        resources=offered[TargetKind.RESOURCE],
        prompts=offered[TargetKind.PROMPT],
    )


def _mode(shape: ServerShape, base: Server) -> dict[str, Any]:
    """Return the mode: a dry run, of which files know nothing, goes on while the file wants it enforced."""
    goes_on = shape.mode is Mode.ENFORCE and base.mode is Mode.DRY_RUN
    return {} if goes_on else {"mode": shape.mode, "candidate": ()}


def _scopes(shape: ServerShape, base: Server) -> tuple[Scope, ...]:
    kept = [scope.word for scope in base.scopes if scope.word in shape.scopes]
    words = [*kept, *sorted(shape.scopes.keys() - set(kept))]
    return tuple(Scope(word, shape.scopes[word]) for word in words)


def _tools(shape: ServerShape, base: Server) -> tuple[Tool, ...]:
    offered = {(kind, name): offer for kind, name, offer in shape.offers()}
    kept = [tool for tool in base.tools if (tool.kind, tool.name) in offered]
    known = {(tool.kind, tool.name) for tool in kept}
    fresh = [Tool(name, frozenset(), kind) for kind, name in offered if (kind, name) not in known]
    return tuple(_tool(tool, offered[tool.kind, tool.name]) for tool in (*kept, *fresh))


def _tool(tool: Tool, offer: Offer) -> Tool:
    return replace(
        tool,
        needs=offer.needs,
        description=offer.description,
        read_only=offer.read_only,
        destructive=offer.destructive,
        visibility=offer.visibility,
    )


def _overlaid(current: Shape, manifest: Manifest, noun: Noun, *, prune: bool) -> Mapping[str, Any]:
    before, said = current.of(noun), manifest.of(noun)
    if said is None:
        return before
    kept = {slug: shape for slug, shape in before.items() if slug in said or not prune}
    return kept | {slug: _overlay(before.get(slug), noun, slug, members) for slug, members in said.items()}


def _overlay(before: Any, noun: Noun, slug: str, said: Said) -> Any:
    found = replace(before or SHAPES[noun](slug), **said)
    if isinstance(found, ServerShape) and "first_use" not in said:
        found = replace(found, first_use=found.first_use & found.scopes.keys())
    return found if found.name else replace(found, name=slug)


def _without_the_gone(found: Shape, manifest: Manifest) -> Shape:
    """Take what is gone out of the nouns that the manifest does not speak of; where it does, that is its mistake."""
    roles = {
        slug: role
        if _speaks(manifest.roles, slug, "scopes")
        else _fewer(role, "scopes", role.scopes, found.servers.keys())
        for slug, role in found.roles.items()
    }

    def still(noun: Noun) -> dict[str, Any]:
        section, shapes = manifest.of(noun), dict[str, Any](found.of(noun))
        return {
            slug: one if _speaks(section, slug, "roles") else _fewer(one, "roles", one.roles, roles.keys())
            for slug, one in shapes.items()
        }

    kept = replace(found, roles=roles, agents=still(Noun.AGENT), applications=still(Noun.APPLICATION))
    there = clients(kept)
    groups: dict[str, GroupShape] = {
        slug: group if _speaks(manifest.groups, slug, "members") else replace(group, members=group.members & there)
        for slug, group in still(Noun.GROUP).items()
    }
    return replace(kept, groups=groups)


def clients(shape: Shape) -> frozenset[str]:
    """Return who can be in a group, as people write it."""
    applications = {Holder(HolderKind.APPLICATION, slug).render() for slug in shape.applications}
    return frozenset({*shape.agents, *applications})


def _speaks(section: Mapping[str, Said] | None, slug: str, member: str) -> bool:
    return section is not None and member in section.get(slug, {})


def _fewer(shape: Any, member: str, held: Mapping[str, Any], there: Iterable[str]) -> Any:
    known = set(there)
    if held.keys() <= known:
        return shape
    fewer: dict[str, Any] = {member: {name: value for name, value in held.items() if name in known}}
    return replace(shape, **fewer)


def _check_servers(current: Shape, found: Shape, findings: Findings) -> None:
    owners: dict[str, str] = {}
    for slug, shape in sorted(found.servers.items()):
        path = (Noun.SERVER.section, slug)
        taken = reserved(shape.resource, current.builtin) or owners.setdefault(shape.resource, slug)
        if shape.resource and taken != slug:
            findings.add((*path, "resource"), f"is the resource of {taken} already")
        before = current.servers.get(slug)
        if before == shape:
            continue
        if slug in current.builtin:
            findings.add(path, f"{slug} is built in and cannot be changed")
        if not shape.resource:
            findings.add(path, "a new server needs its `resource`")
        if before is not None and before.resource != shape.resource:
            text = "the resource of a server cannot change, because tokens are made out to it: name a new server"
            findings.add((*path, "resource"), text)
        draft = server(shape, Server(id="", slug=slug, name="", resource="", created_at=0))
        for problem in problems(draft):
            findings.add(path, problem)


def _check_roles(found: Shape, findings: Findings) -> None:
    drafts: dict[str, Server] = {}
    for slug, role in sorted(found.roles.items()):
        if slug.startswith(RESERVED_PREFIX):
            text = f"names that begin with {RESERVED_PREFIX} belong to built-in roles"
            findings.add((Noun.ROLE.section, slug), text)
        for name, words in sorted(role.scopes.items()):
            path = (Noun.ROLE.section, slug, "scopes", name)
            shape = found.servers.get(name)
            if name in found.builtin:
                findings.add(path, f"{name} is built in; no role can reach it")
            elif shape is None:
                findings.add(path, unknown("server", name, found.servers))
            else:
                if name not in drafts:
                    drafts[name] = server(shape, Server(id="", slug=name, name="", resource="", created_at=0))
                for word in unusable(drafts[name], words):
                    findings.add(path, f"{name}: {unknown('scope', word, shape.scopes)}")


def _check_owners(found: Shape, manifest: Manifest, noun: Noun, findings: Findings) -> None:
    shapes: Mapping[str, Any] = found.of(noun)
    for slug in sorted(manifest.of(noun) or {}):
        if not shapes[slug].owner:
            findings.add((noun.section, slug), f"a new {noun.value} needs its `owner`")


def _check_held(found: Shape, noun: Noun, findings: Findings) -> None:
    shapes: Mapping[str, Any] = found.of(noun)
    for slug, one in sorted(shapes.items()):
        for name in sorted(one.roles.keys() - found.roles.keys()):
            findings.add((noun.section, slug, "roles", name), unknown("role", name, found.roles))


def _check_applications(current: Shape, found: Shape, findings: Findings) -> None:
    for slug, one in sorted(found.applications.items()):
        path, before = (Noun.APPLICATION.section, slug), current.applications.get(slug)
        if before is not None and before.type is not one.type:
            findings.add((*path, "type"), "the type of an application cannot change: register another one")
        if one.software_version and not one.software_id:
            findings.add((*path, "software_version"), "is one of a software: name its `software_id`, too")
        if one.type is ClientType.PUBLIC and not one.redirect_uris:
            findings.add(path, "a public application needs `redirect_uris`: people come back to it by one")


def _check_members(found: Shape, findings: Findings) -> None:
    there, counts = clients(found), Counter[str]()
    for slug, group in sorted(found.groups.items()):
        path = (Noun.GROUP.section, slug, "members")
        counts.update(group.members)
        for member in sorted(group.members - there):
            findings.add(path, unknown("agent or application", member, there))
        for member in sorted(group.members):
            if counts[member] == MOST + 1:
                findings.add(path, f"{member} is in {MOST} groups already, and that is the most")
