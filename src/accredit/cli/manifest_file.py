"""Files of servers, roles and agents, read from YAML (or JSON) with the line of everything in them.

Only what JSON can say is read: no tags, no anchors, no second document, no name twice; and of plain words only `true`,
`false`, `null` and whole numbers are anything but text, so that `no` and `12:30` stay what somebody wrote.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from accredit.cli.trouble import Exit, Trouble, usage

MOST_BYTES: Final = 12 * 1024 * 1024
"""The largest file that is read."""

DEEPEST: Final = 16
"""How many mappings and lists may stand in each other."""

Place = tuple[str, ...]
"""The names of the members that lead somewhere."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}
_OPENING: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file: its document, the line (from 1) of every member, and what was wrong before anybody looked at meanings."""

    document: dict[str, Any]
    lines: dict[Place, int] = field(default_factory=dict)
    problems: tuple[tuple[int, str], ...] = ()

    def line(self, place: Place) -> int:
        """Return the line of the member, or of the nearest one around it; 1 when there is none."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def sound(self, file: Path) -> dict[str, Any]:
        """Return the document. Raises Trouble when anything was wrong with it."""
        if self.problems:
            sentence = "\n".join(f"{file}:{line}: {text}" for line, text in sorted(set(self.problems)))
            raise Trouble(Exit.REFUSED, sentence)
        return self.document


class _Refused(Exception):
    """The file can be read no further."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


def load(path: Path) -> Loaded:
    """Read a file. Raises Trouble when it cannot be opened; what is wrong inside is in the answer."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise usage(f"{path}: {error.strerror}") from error
    if len(raw) > MOST_BYTES:
        raise usage(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MiB; divide it")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Loaded({}, problems=((raw.count(b"\n", 0, error.start) + 1, "these bytes are not UTF-8"),))
    return parse(text)


def parse(text: str) -> Loaded:
    """Read the text of a file; see `load`."""
    builder = _Builder(text)
    try:
        return builder.whole()
    except _Refused as refused:
        if text.lstrip().startswith("{") and builder.unreadable:
            # JSON knows spellings in its texts that YAML does not; they cost the lines of its members.
            return _from_json(text, (refused.line, refused.text))
        return Loaded({}, builder.lines, (*builder.problems, (refused.line, refused.text)))


class _Builder:
    """Makes values of the events of a parser, without ever following how deep they nest."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.lines: dict[Place, int] = {}
        self.problems: list[tuple[int, str]] = []
        self.unreadable = False

    def whole(self) -> Loaded:
        """Return the file. Raises _Refused."""
        documents = 0
        events = self._events()
        found: object = {}
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Refused(_line(event), "a second document begins here; a file holds one")
                found = self._node(next(events), events, ())
        if not isinstance(found, dict):
            found = {}
            self.problems.append((1, "a file holds members, each with its name and a colon"))
        return Loaded(found, self.lines, tuple(self.problems))

    def _events(self) -> Iterator[Any]:
        """Yield the events of the parser, none of which may be what JSON cannot say."""
        depth = 0
        try:
            for event in yaml.parse(self._text, Loader=_LOADER):
                self._check(event)
                depth += isinstance(event, _OPENING) - isinstance(event, yaml.CollectionEndEvent)
                if depth > DEEPEST:
                    raise _Refused(_line(event), f"more than {DEEPEST} members stand in each other here")
                yield event
        except yaml.MarkedYAMLError as error:
            self.unreadable = True
            line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
            raise _Refused(line, f"this is not YAML: {error.problem}") from None
        except yaml.YAMLError:
            self.unreadable = True
            raise _Refused(1, "this is not YAML: it holds a character that no text has") from None

    def _check(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _Refused(_line(event), "anchors and aliases (& and *) are not read; write it out")
        if getattr(event, "tag", None) is not None:
            raise _Refused(_line(event), "tags (!) are not read")

    def _node(self, event: Any, events: Iterator[Any], place: Place) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, place)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, place)
        return _scalar(event)

    def _mapping(self, events: Iterator[Any], place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refused(_line(event), "the name of a member must be text")
            name = event.value
            inner = (*place, name)
            if name in found:
                first = self.lines[inner]
                self.problems.append(
                    (_line(event), f"{name[:80]!r} is here a second time; the first is in line {first}")
                )
                self._node(next(events), events, (*inner, "again"))
                continue
            self.lines[inner] = _line(event)
            found[name] = self._node(next(events), events, inner)
        return found

    def _sequence(self, events: Iterator[Any], place: Place) -> list[Any]:
        found: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            inner = (*place, str(len(found)))
            self.lines[inner] = _line(event)
            found.append(self._node(event, events, inner))
        return found


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _scalar(event: Any) -> str | int | bool | None:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _NUMBER.fullmatch(text) else text


def _from_json(text: str, problem: tuple[int, str]) -> Loaded:
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except _Refused as refused:
        return Loaded({}, problems=((refused.line, refused.text),))
    except (ValueError, RecursionError):
        return Loaded({}, problems=(problem,))
    return Loaded(found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused(1, "a member of an object is there twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)
