"""Who can hold roles and be a member of groups, as people write it: `bot` is an agent, `app:portal`, `group:staff`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accredit.identity.slug import slug


class HolderKind(StrEnum):
    """What kind of holder it is; the value is the word before the colon."""

    AGENT = "agent"
    APPLICATION = "app"
    GROUP = "group"


@dataclass(frozen=True, slots=True, order=True)
class Holder:
    """A holder by its kind and slug."""

    kind: HolderKind
    slug: str

    def render(self) -> str:
        """Return it as people write it."""
        return self.slug if self.kind is HolderKind.AGENT else f"{self.kind.value}:{self.slug}"


_KINDS: Final = {kind.value: kind for kind in HolderKind}


def parse(text: str) -> Holder:
    """Return the holder that `text` names: a slug alone is an agent's. Raises ValueError."""
    word, colon, name = text.partition(":")
    if not colon:
        return Holder(HolderKind.AGENT, slug(text))
    if word not in _KINDS:
        raise ValueError("write the name of an agent, app:NAME for an application, or group:NAME for a group")
    return Holder(_KINDS[word], slug(name))
