"""What can be written about groups; `changes` has it with everything else."""

from dataclasses import dataclass

from accredit.identity.group import Group


@dataclass(frozen=True, slots=True)
class AddGroup:
    """Claim: create a group without roles and members. Loses when its slug is taken."""

    group: Group


@dataclass(frozen=True, slots=True)
class ReplaceGroup:
    """Claim: change a group, but not what it holds or who is in it. Loses unless the stored version is one less.

    Whoever changes what it holds or who is in it makes this claim as well: of two that cross, one sees the other.
    """

    group: Group


@dataclass(frozen=True, slots=True)
class RemoveGroup:
    """Claim: drop a group (an id) with its roles and memberships. Loses unless the stored version is `version`."""

    group: str
    version: int


@dataclass(frozen=True, slots=True)
class AddMember:
    """Write: put a member (an id; its prefix tells the kind) into a group (an id); who is in it already stays."""

    group: str
    member: str


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Write: take a member (an id) out of a group (an id)."""

    group: str
    member: str
