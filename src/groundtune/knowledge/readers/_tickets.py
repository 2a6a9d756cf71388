"""Finding tickets in JSON as help desks export it, whatever they are called and wherever they stand.

    {"issues": [{"key": "NET-7", "fields": {"summary": "No light", "comment": {"comments": [...]}}}], "total": 1}

A ticket is an object with a title, a text or a conversation. Knows nothing of how it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from groundtune.knowledge.readers._rich_text import is_document

TicketJson = Mapping[str, object]

# Keys in small letters without "_", "-" and blanks, the telling one first.
TITLE = ("subject", "title", "summary", "shortdescription", "headline")
BODY = (
    "descriptiontext", "bodytext", "plainbody", "description", "body", "content", "text", "message", "htmlbody",
    "bodyhtml", "descriptionhtml", "renderedbody", "details", "comment", "note",
)  # fmt: skip
TALK = (
    "comments", "comment", "conversation", "conversations", "conversationparts", "messages", "replies", "notes",
    "posts", "thread", "threads", "articles", "transcript", "discussions", "answers", "responses", "turns",
)  # fmt: skip
IDS = (
    "key", "issuekey", "number", "iid", "ticketnumber", "casenumber", "ticketid", "displayid", "conversationid", "id",
)  # fmt: skip
AUTHOR = (
    "author", "user", "from", "sender", "createdby", "creator", "userprofile", "authorname", "fromname", "sendername",
    "username", "speaker", "role", "authoremail", "fromemail", "by", "authorid", "userid", "senderid",
)  # fmt: skip
WHEN = (
    "createdat", "created", "date", "createdon", "createddate", "datecreated", "sentat", "senttime", "timestamp", "ts",
    "datetime", "time", "publishedat", "postedat",
)  # fmt: skip
FIRST = ("source", "conversationmessage", "firstmessage")  # an object that is the first message of a conversation
_MERGED = ("fields", "attributes")  # objects whose values belong to the ticket itself
_STATE = ("status", "state", "priority")
_PEOPLE = ("users", "agents", "people", "contacts", "members", "customers", "requesters", "authors")
_DEEPEST = 6  # lists within objects
CHANNEL = "messages"  # of a list that is itself a conversation


@dataclass(slots=True)
class Tickets:
    """The tickets of a file; `beside` is what stands around them, `no_objects` the numbers of entries that are none."""

    entries: list[TicketJson] = field(default_factory=list)
    beside: dict[str, object] = field(default_factory=dict)
    no_objects: list[int] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # of people, by their id


def tickets_in(content: object) -> Tickets | None:
    """Return the tickets in what a file says; None if nothing in it looks like one."""
    tickets = Tickets()
    _collect(content, "", tickets, 0)
    if not tickets.entries:
        return None
    tickets.names = dict(_people(content))
    return tickets


def bare(key: str) -> str:
    """Return a key as the lists of this module have it: "createdAt" and "created_at" are "createdat"."""
    return "".join(character for character in key.lower() if character not in "_- ")


def first_of(entry: TicketJson, names: Sequence[str]) -> str | None:
    """Return the key of `entry` that comes first in `names` and has a value."""
    keys = {bare(key): key for key, value in entry.items() if value not in (None, "", [], {})}
    return next((keys[name] for name in names if name in keys), None)


def messages_in(value: object) -> list[object] | None:
    """Return the messages of a conversation: a list, or what an object, page by page, says is one; None if none is."""
    if isinstance(value, dict):
        lists = [each for each in value.values() if isinstance(each, list)]
        value = lists[0] if len(lists) == 1 else None
    if not isinstance(value, list) or not any(isinstance(each, dict | str) and each for each in value):
        return None
    return [unwrapped(each) for each in value]


def unwrapped(value: object) -> object:
    """Return the ticket in `{"ticket": {...}}` and in `{"fields": {...}}`; everything else as it is."""
    while isinstance(value, dict) and len(value) == 1:
        (inner,) = value.values()
        if not isinstance(inner, dict) or is_document(inner):
            break
        value = inner
    if not isinstance(value, dict):
        return value
    entry: dict[str, object] = {}
    for key, each in value.items():
        if bare(key) in _MERGED and isinstance(each, dict):
            entry |= {name if name not in value else f"{key}.{name}": inner for name, inner in each.items()}
        else:
            entry[key] = each
    return entry


def talk_key(entry: TicketJson) -> str | None:
    """Return the key of the conversation in a ticket."""
    keys = {bare(key): key for key in entry}
    return next((keys[name] for name in TALK if name in keys and messages_in(entry[keys[name]]) is not None), None)


def body_keys(entry: TicketJson) -> list[str]:
    """Return the keys of the texts of a ticket or a message, plain ones first: programs give the same as HTML."""
    keys = {bare(key): key for key, value in entry.items() if _is_text(value)}
    return [keys[name] for name in BODY if name in keys]


def _is_text(value: object) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or is_document(value)


def _is_ticket(entry: TicketJson) -> bool:
    title = first_of(entry, TITLE)
    titled = title is not None and isinstance(entry[title], str)
    first = next((entry[key] for key in entry if bare(key) in FIRST), None)
    body = bool(body_keys(entry)) or (isinstance(first, dict) and bool(body_keys(first)))
    talk = talk_key(entry) is not None
    facts = first_of(entry, (*IDS, *WHEN, *_STATE)) is not None
    return (talk and _is_talk(entry)) or ((titled or body or talk) and titled + body + talk + facts > 1)


def _is_talk(entry: TicketJson) -> bool:
    """Tell whether the conversation is one of messages, and not a list of tickets."""
    key = talk_key(entry)
    messages = messages_in(entry[key]) if key is not None else None
    return bool(messages) and all(
        isinstance(each, dict) and bool(body_keys(each)) and first_of(each, TITLE) is None and talk_key(each) is None
        for each in messages or []
    )


def _is_channel(entries: Sequence[object]) -> bool:
    """Tell whether a list is itself a conversation: texts by somebody or of some time, and none has a title."""
    objects = [each for each in entries if isinstance(each, dict)]
    return all(first_of(each, TITLE) is None and talk_key(each) is None for each in objects) and any(
        body_keys(each) and first_of(each, (*AUTHOR, *WHEN)) is not None for each in objects
    )


def _collect(value: object, name: str, tickets: Tickets, depth: int) -> bool:
    """Add the tickets in `value`, and what is called `name` beside them; return whether there are any."""
    if isinstance(value, list):
        entries = [unwrapped(each) for each in value]
        if _is_channel(entries):
            tickets.entries.append({CHANNEL: value})
            return True
        if any(isinstance(each, dict) and not _holds(each, depth) and _is_ticket(each) for each in entries):
            tickets.entries += [each for each in entries if isinstance(each, dict)]
            tickets.no_objects += [number for number, each in enumerate(value, start=1) if not isinstance(each, dict)]
            return True
        return _collect_all({str(number): each for number, each in enumerate(value, start=1)}, name, tickets, depth)
    if isinstance(value, dict):
        entry = unwrapped(value)
        if not depth and isinstance(entry, dict) and not _holds(entry, depth) and _is_ticket(entry):
            tickets.entries.append(entry)
            return True
        return _collect_all(value, name, tickets, depth)
    return False


def _holds(entry: TicketJson, depth: int) -> bool:
    """Tell whether an object holds a list of tickets under a key that is no conversation's, as a project does."""
    return depth <= _DEEPEST and any(
        isinstance(value, list)
        and bare(key) not in TALK
        and any(isinstance(each, dict) and _is_ticket(each) for each in map(unwrapped, value))
        for key, value in entry.items()
    )


def _collect_all(values: TicketJson, name: str, tickets: Tickets, depth: int) -> bool:
    if depth > _DEEPEST:
        return False
    before = len(tickets.entries)
    beside = {}
    for key, value in values.items():
        if not _collect(value, f"{name}{key}.", tickets, depth + 1):
            beside[f"{name}{key}"] = value
    if len(tickets.entries) == before:
        return False
    tickets.beside |= {key: value for key, value in beside.items() if value not in (None, "", [], {})}
    return True


def _people(content: object) -> Iterator[tuple[str, str]]:
    """Yield id and name of the people that a file lists beside its tickets."""
    for key, value in content.items() if isinstance(content, dict) else ():
        for each in value if bare(key) in _PEOPLE and isinstance(value, list) else ():
            if isinstance(each, dict) and (named := first_of(each, ("displayname", "realname", "name", "email"))):
                yield str(each.get("id")), str(each[named])
