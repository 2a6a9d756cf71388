"""Writing tickets as text: a heading, fields as `name: value` lines, the text, and the conversation in its order.

    NET-7: No light                      the key or number, and the title
    status: Open                         what is nested has a dotted name
    assignee: Ada (id: 17)               an object with a name is one value
    The lamp stays dark.
    bob, 2024-05-31                      a heading for each message
    Press the button for five seconds.

Knows nothing of files. Where tickets stand in JSON, `_tickets` knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress
from operator import not_

from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._json import plainly
from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._rich_text import is_document, text_of
from groundtune.knowledge.readers._tickets import (
    AUTHOR,
    CHANNEL,
    FIRST,
    IDS,
    TITLE,
    WHEN,
    TicketJson,
    Tickets,
    bare,
    body_keys,
    first_of,
    messages_in,
    talk_key,
    unwrapped,
)

_NAMES = ("displayname", "realname", "fullname", "name", "login", "username", "label", "title", "value", "emailaddress",
          "email")  # fmt: skip
_NAMED_BY = ("id", "name", "key", "field", "fieldid", "label", "title")  # of {"id": 360, "value": "Gold"}
_TITLE_LENGTH, _LONG = 80, 200  # characters
_NUMBERED = ("number", "iid")
_ADDRESSES = ("url", "urls", "uri", "href", "self", "link", "links", "nodeid", "gravatarid")
_PERMANENT = ("htmlurl", "weburl", "permalink", "url")  # the address of the ticket itself, for people
_FOR_PROGRAMS = re.compile(r"https?://(?:api\.|[^/]+/(?:rest|api)/)")
_PAGING = ("total", "totalcount", "maxresults", "startat", "count", "type", "pageinfo", "pages", "next", "previous")
_MOMENT = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})(?:[T ].*)?")
_SECONDS = range(10**8, 5 * 10**9)  # since 1970, from 1973 to 2128
_EMPTY: tuple[object, ...] = (None, "", [], {})
_DETAIL = "addresses and pages, which are for programs"

NamedTexts = Sequence[tuple[str, str]]  # with the name of each, "" for what is simply the text


class TicketText:
    """Writes the tickets of a file into a builder."""

    def __init__(self, tickets: Tickets, builder: TextBuilder, title: str) -> None:
        self._tickets = tickets
        self._builder = builder
        self._title = title

    def write(self) -> None:
        """Write what stands beside the tickets, and each of them."""
        self._rest(self._cleaned(self._tickets.beside, within=True))
        for entry in self._tickets.entries:
            self._ticket(self._cleaned(entry, within=False))

    def _cleaned(self, values: TicketJson, within: bool) -> dict[str, object]:
        """Return an object without what is empty and without addresses for programs, which are counted."""
        kept: dict[str, object] = {}
        for key, value in values.items():
            if _is_address(key, value, within):
                self._builder.left_out.add("navigation", detail=_DETAIL)
            elif (clean := self._clean(value)) not in _EMPTY:
                kept[key] = clean
        return kept

    def _clean(self, value: object) -> object:
        if isinstance(value, dict):
            return value if is_document(value) else self._cleaned(value, within=True)
        if isinstance(value, list):
            return [clean for each in value if (clean := self._clean(each)) not in _EMPTY]
        return value

    def _ticket(self, entry: TicketJson) -> None:
        number, title, talk = first_of(entry, IDS), first_of(entry, (*TITLE, "name")), talk_key(entry)
        first = next((key for key in entry if bare(key) in FIRST and _is_message(entry[key])), None)
        messages = [] if first is None else [unwrapped(entry[first])]
        messages += [] if talk is None else messages_in(entry[talk]) or []
        bodies, taken = self._bodies(entry)
        said = self._title_of(entry, title, bodies, messages)
        mark = "#" if number is not None and bare(number) in _NUMBERED else ""
        name = "" if number is None else f"{mark}{plainly(entry[number])}"
        self._builder.heading(": ".join(filter(None, (name, said))) or self._title, 1)
        taken |= {key for key in (number, title, talk, first) if key is not None}
        self._rest({key: value for key, value in entry.items() if key not in taken}, bodies)
        if talk is not None:
            self._around(entry[talk])
        self._messages(messages, {_essence(body) for _, body in bodies}, said)

    def _title_of(self, entry: TicketJson, title: str | None, bodies: NamedTexts, messages: Sequence[object]) -> str:
        """Return a ticket's title, that of its first message, or the first words of either."""
        message = messages[0] if messages else None
        within = first_of(message, TITLE) if isinstance(message, dict) else None
        if title is not None and (said := self._of(entry[title])):
            return said
        if within is not None and isinstance(message, dict) and (said := self._of(message[within])):
            return said
        if set(entry) == {CHANNEL} and len(self._tickets.entries) == 1:
            return self._title
        texts = [text for _, text in bodies]
        if not texts and isinstance(message, dict):
            texts = [text_of(message[key], Omissions()) for key in body_keys(message)]
        words = " ".join(texts[0].split()) if texts else ""
        return words if len(words) <= _TITLE_LENGTH else f"{words[:_TITLE_LENGTH].rsplit(' ', 1)[0]} …"

    def _bodies(self, entry: TicketJson) -> tuple[NamedTexts, set[str]]:
        """Return the texts of a ticket or a message, each once, all but the first with their names; and all keys."""
        texts: dict[str, tuple[str, str]] = {}
        keys = body_keys(entry)
        for key in keys:
            text = text_of(entry[key], self._builder.left_out)
            if text and _essence(text) in texts:
                self._builder.left_out.add("repeated text", detail="the same text in two forms")
            elif text:
                texts[_essence(text)] = key if texts else "", text
        return list(texts.values()), set(keys)

    # --- conversations ----------------------------------------------------------------------------

    def _messages(self, messages: Sequence[object], said: set[str], title: str) -> None:
        for number, message in enumerate(messages, start=1):
            if isinstance(message, dict):
                self._message(message, number, said, title)
            elif text := text_of(message, self._builder.left_out) or plainly(message):
                self._builder.heading(f"Message {number}", 2)
                self._builder.add(text)

    def _message(self, message: TicketJson, number: int, said: set[str], title: str) -> None:
        """Write a message below its author and day; `said` is what the ticket's own text says, which comes once."""
        bodies, taken = self._bodies(message)
        if bodies and all(_essence(body) in said for _, body in bodies):
            self._builder.left_out.add("repeated text", len(bodies), "messages that repeat the text of their ticket")
            bodies = []
        author, when, talk = first_of(message, AUTHOR), first_of(message, WHEN), talk_key(message)
        name = self._of(message.get("name")) if author is None else self._person(author, message[author])
        day = "" if when is None else _day(message[when])
        self._builder.heading(", ".join(filter(None, (name, day))) or f"Message {number}", 2)
        subject = first_of(message, TITLE)
        if subject is not None and self._of(message[subject]) != title:
            subject = None
        taken |= {key for key in (author, when if day else None, talk, subject) if key is not None}
        rest = {key: value for key, value in message.items() if key not in taken}
        if author is not None and isinstance(message[author], dict):
            rest |= {f"{author}.{key}": value for key, value in _beyond_name(message[author]).items()}
        self._texts(bodies)
        self._rest(rest)
        if talk is not None:
            self._messages(messages_in(message[talk]) or [], said, title)

    def _person(self, key: str, value: object) -> str:
        if isinstance(value, dict):
            named = first_of(value, _NAMES)
            return _brief(value) if named is None else self._of(value[named])
        otherwise = f"{key} {plainly(value)}" if bare(key).endswith("id") else self._of(value)
        return self._tickets.names.get(str(value), otherwise)

    def _around(self, value: object) -> None:
        """Write what an object says beside its list of messages, but for the number of pages."""
        if not isinstance(value, dict):
            return
        others = {key: each for key, each in value.items() if not isinstance(each, list)}
        paging = [key for key in others if bare(key) in _PAGING]
        self._builder.left_out.add("navigation", len(paging), _DETAIL)
        self._rest({key: each for key, each in others.items() if key not in paging})

    # --- fields -----------------------------------------------------------------------------------

    def _rest(self, values: TicketJson, bodies: NamedTexts = ()) -> None:
        """Write fields: short values, then the texts of the ticket, then long values."""
        pairs = list(self._flat(values))
        short = [len(value) <= _LONG and "\n" not in value for _, value in pairs]
        self._builder.record(list(compress(pairs, short)))
        self._texts([*bodies, *compress(pairs, map(not_, short))])

    def _texts(self, texts: NamedTexts) -> None:
        for name, text in texts:
            self._builder.part()
            self._builder.add(f"{name}: {text}" if name else text)
            self._builder.part()

    def _flat(self, values: TicketJson, above: str = "") -> Iterator[tuple[str, str]]:
        for key, value in values.items():
            name = f"{above}{key}"
            if isinstance(value, dict) and not is_document(value) and not _is_named(value):
                yield from self._flat(value, f"{name}.")
            elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
                yield from self._listed(value, name)
            elif text := self._of(value, key):
                person = self._tickets.names.get(text) if bare(key).endswith("id") else None
                yield name, f"{text} ({person})" if person else text

    def _listed(self, value: list[object], name: str) -> Iterator[tuple[str, str]]:
        pairs = [_pair(each) for each in value]
        fields = dict(filter(None, pairs))
        if len(fields) == len(value) and any(fields.values()):
            yield from self._flat(fields, f"{name}.")
        elif all(_is_named(each) for each in value):
            yield name, ", ".join(self._of(each) for each in value)
        else:
            yield from self._flat({str(at): each for at, each in enumerate(value, start=1)}, f"{name}.")

    def _of(self, value: object, key: str = "") -> str:
        """Return a value as text."""
        if isinstance(value, dict) and not is_document(value):
            named = first_of(value, _NAMES)
            others = _brief({name: each for name, each in value.items() if name != named})
            return f"{plainly(value[named]) if named else ''}{f' ({others})' if others else ''}".strip()
        if isinstance(value, str) or is_document(value):
            return text_of(value, self._builder.left_out)
        if isinstance(value, list):
            return ", ".join(filter(None, map(self._of, value)))
        return (_moment(value) if _is_when(key) else "") or plainly(value)


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and bool(body_keys(value))


def _is_named(value: object) -> bool:
    """Tell whether an object is little more than its name: a person, a label, a state."""
    return isinstance(value, dict) and first_of(value, _NAMES) is not None and not body_keys(value)


def _beyond_name(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        return {}
    named = first_of(value, _NAMES)
    return {key: each for key, each in value.items() if key != named}


def _pair(value: object) -> tuple[str, object] | None:
    """Return name and value of what is only that: `{"id": 360, "value": "Gold"}`; an empty value is left out there."""
    names = [key for key in value if key != "value"] if isinstance(value, dict) else []
    if not isinstance(value, dict) or len(names) != 1 or bare(names[0]) not in _NAMED_BY:
        return None
    return plainly(value[names[0]]), value.get("value", "")


def _brief(value: object) -> str:
    """Return a nested value in one line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {said}" for key, each in value.items() if (said := _brief(each)))
    if isinstance(value, list):
        return ", ".join(filter(None, map(_brief, value)))
    return plainly(value)


def _is_address(key: str, value: object, within: bool) -> bool:
    """Tell whether a value is an address for programs, or within something else that has a name."""
    name = bare(key)
    if not name.endswith(_ADDRESSES):
        return False
    if isinstance(value, str) and name in _PERMANENT and not within:
        return _FOR_PROGRAMS.match(value) is not None
    if isinstance(value, dict):
        return all(isinstance(each, str) and each.startswith("http") for each in value.values())
    return isinstance(value, str) and (value.startswith("http") or name.endswith(("nodeid", "gravatarid")))


def _is_when(key: str) -> bool:
    return bare(key) in WHEN or bare(key).endswith(("at", "date", "time", "since", "until"))


def _moment(value: object) -> str:
    """Return seconds or milliseconds since 1970 as people write a time, "" if they are none."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except ValueError:
        return ""
    seconds = seconds / 1000 if seconds >= _SECONDS.stop else seconds
    if not _SECONDS.start <= seconds < _SECONDS.stop:
        return ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _day(value: object) -> str:
    """Return the day of a time; what has another form as it is."""
    if moment := _moment(value):
        return moment[:10]
    text = plainly(value) if isinstance(value, str | int) else ""
    match = _MOMENT.fullmatch(text)
    return match["day"] if match else text


def _essence(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum()) or text.strip()
