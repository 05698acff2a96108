"""What a doctor finds: a level, what was seen, and what to do about it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """OK is well, WARN can wait, FAIL keeps a node from starting or from being safe."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    advice: str = ""


async def look(name: str, check: Callable[[], Awaitable[Finding]], troubles: tuple[type[Exception], ...]) -> Finding:
    """Run one check; one of the expected `troubles` becomes a failure with its own words as advice."""
    try:
        return await check()
    except troubles as trouble:
        return Finding(Level.FAIL, f"{name} cannot be used", str(trouble))


def about_issuer(issuer: str) -> Finding:
    """Tell what the issuer means for who can reach this server."""
    if issuer.startswith("http:"):
        text = "only this machine can use it; set an https issuer for others"
        return Finding(Level.WARN, f"the issuer is {issuer}", text)
    return Finding(Level.OK, f"the issuer is {issuer}")
