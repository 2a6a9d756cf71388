"""Messages as text: a heading, who wrote to whom and when, the body once, and what is attached.

Of two forms of a body, plain text and HTML, the plain one is read, unless it says much less. Knows where each part of a
message goes; what parts say, the other modules know.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._mail.attachments import AttachedFiles
from groundtune.knowledge.readers._mail.body import PAGES, MailBody, body_of, is_body
from groundtune.knowledge.readers._mail.calendar import invitations
from groundtune.knowledge.readers._mail.charsets import decoded_part
from groundtune.knowledge.readers._mail.headers import content_type, file_name, header, parameter, people, sent
from groundtune.knowledge.readers._mail.parse import children, message_within, parsed, payload
from groundtune.knowledge.readers._mail.quotes import Quotes, without
from groundtune.knowledge.readers._mail.signed import signed_content

_MUCH_LESS = 0.5  # of the words of the other form
_DEEPEST_PART, _DEEPEST_MESSAGE = 30, 8
_OTHER_FORMS = ("text/x-amp-html", "text/watch-html")
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_KEYS = ("application/pgp-keys", "application/pkix-cert", "application/x-x509-ca-cert")
_WRAPPED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_CALENDARS = ("text/calendar", "application/ics", "text/x-vcalendar")
_METHODS = {"REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Reply", "COUNTER": "Other time proposed"}
_MESSAGES = ("message/rfc822", "message/global", "message/news")
_MAIL_SUFFIXES = (".eml", ".emlx")
_NO_SUBJECT = "No subject"
_TWO_FORMS, _SEALS = "the same text in two forms", "digital signatures and keys"


class MailText:
    """Writes messages into a builder. `quotes` knows the earlier messages of a mailbox, where there are some."""

    def __init__(self, builder: TextBuilder, path: Path, quotes: Quotes | None = None) -> None:
        self._builder, self._path, self._quotes = builder, path, quotes
        self._attached = AttachedFiles(builder)
        self._notes: dict[str, None] = {}
        self._rendered: dict[Message, MailBody] = {}
        self._said: list[str] = []  # texts of the message that is being read
        self.read_bodies = 0
        self.encrypted = 0

    def message(self, message: Message, title: str, level: int = 1, depth: int = 0) -> None:
        """Write a message below the heading `title`, "" for none."""
        if depth > _DEEPEST_MESSAGE:
            self._attached.refuse("messages within messages", f"more than {_DEEPEST_MESSAGE} within one another")
            return
        self._builder.heading(title, level)
        pairs = [(name, ", ".join(people(message, name.lower()))) for name in ("From", "To", "Cc")]
        self._builder.record([*pairs, ("Date", sent(message).said)])
        outside, self._said = self._said, []
        self._part(message, level, depth, 0)
        self._said = outside
        if not depth:
            self._rendered.clear()  # they belong to parts, which end with their message

    def notes(self) -> list[str]:
        """Return what a person should know, once all messages are written, and count what was left out."""
        self._attached.tell()
        return [*self._notes, *dict.fromkeys(self._attached.notes)]

    # --- parts ------------------------------------------------------------------------------------

    def _part(self, part: Message, level: int, depth: int, within: int, again: bool = False) -> None:
        """Write a part; `again` if its text was read in another form."""
        kind, parts = content_type(part), children(part)
        if within > _DEEPEST_PART:
            self._attached.refuse("parts", f"more than {_DEEPEST_PART} within one another")
        elif kind == "multipart/encrypted":
            self._encrypted()
        elif kind == "multipart/signed" and parts:
            self._part(parts[0], level, depth, within + 1, again)
            self._builder.left_out.add("attachment", len(parts) - 1, _SEALS)
        elif kind == "multipart/alternative" and parts:
            self._alternative(parts, level, depth, within, again)
        elif kind in _MESSAGES:
            self._nested(message_within(part, self._parsed), level, depth)
        elif kind == "message/delivery-status":
            for block in parts:
                self._builder.record([(name, " ".join(str(value).split())) for name, value in block.raw_items()])
        elif parts:
            for each in parts:
                self._part(each, level, depth, within + 1, again)
        else:
            self._leaf(part, kind, level, depth, again)

    def _alternative(self, parts: Sequence[Message], level: int, depth: int, within: int, again: bool) -> None:
        """Write one form of a text, and what only the others have: invitations and files."""
        plain = next((each for each in parts if content_type(each) == "text/plain"), None)
        pages = [each for each in parts if any(map(_is_page, each.walk()))]
        page = pages[-1] if pages else None
        chosen = plain if plain is not None and (page is None or self._says_enough(plain, page)) else page
        for each in parts:
            if each is chosen or chosen is None:
                self._part(each, level, depth, within + 1, again)
            elif content_type(each) in _OTHER_FORMS:
                self._builder.left_out.add("repeated text", detail=_TWO_FORMS)
            else:
                self._part(each, level, depth, within + 1, again=True)

    def _says_enough(self, plain: Message, page: Message) -> bool:
        words = len(self._body(plain).plain.text.split())
        others = sum(len(self._body(each).plain.text.split()) for each in page.walk() if _is_page(each))
        return words > 0 and words >= _MUCH_LESS * others

    def _parsed(self, data: bytes) -> Message | None:
        try:
            return parsed(data, self._path)
        except UnreadableDocument as error:
            self._builder.left_out.add("unreadable part", detail=f"a message that {error.message}")
            return None

    def _nested(self, message: Message | None, level: int, depth: int) -> None:
        if message is not None:
            self.message(message, header(message, "subject") or _NO_SUBJECT, level + 1, depth + 1)

    def _leaf(self, part: Message, kind: str, level: int, depth: int, again: bool) -> None:
        name = file_name(part)
        suffix = Path(name).suffix.lower()
        if is_body(part) and (not name or not self._said):
            self._write_body(part, level, again)
        elif kind in _CALENDARS or suffix == ".ics":
            self._invitation(part, name, level)
        elif kind in _SIGNATURES + _KEYS or suffix == ".p7s":
            self._builder.left_out.add("attachment", detail=_SEALS)
        elif kind in _WRAPPED or suffix == ".p7m":
            content = signed_content(payload(part))
            if content is None:
                self._encrypted()
            elif (signed := self._parsed(content)) is not None:
                self._part(signed, level, depth, 1, again)
        elif kind.startswith("image/"):
            self._builder.left_out.add("image")
        elif kind == "text/css" or kind.endswith("javascript"):
            self._builder.left_out.add("script")
        elif suffix in _MAIL_SUFFIXES:
            self._nested(self._parsed(payload(part)), level, depth)
        elif kind == "application/ms-tnef":
            self._attached.refuse(name or kind, "what Outlook sends to Outlook only")
        else:
            self._attached.read(name, kind, payload(part), level + 1)

    def _encrypted(self) -> None:
        self.encrypted += 1
        self._builder.left_out.add("unreadable part", detail="encrypted text")

    # --- what parts say ---------------------------------------------------------------------------

    def _write_body(self, part: Message, level: int, again: bool) -> None:
        if again:
            self._builder.left_out.add("repeated text", int(bool(self._body(part).plain.text)), _TWO_FORMS)
            return
        body = self._body(part)
        plain = body.plain
        self._builder.left_out.of_part("", plain.left_out)
        self._notes |= dict.fromkeys(plain.notes)
        if body.encrypted:
            self._encrypted()
        self._said += [plain.text] if plain.text.strip() else []
        if self._quotes is not None:
            spans = self._quotes.repeated(plain.text)
            self._builder.left_out.add("quoted text", len(spans))
            plain = without(plain, spans)
        self.read_bodies += self._builder.include(plain, level) is not None
        for name, data in body.files:
            self._attached.read(name, "application/octet-stream", data, level + 1)

    def _body(self, part: Message) -> MailBody:
        if part not in self._rendered:
            self._rendered[part] = body_of(part)
        return self._rendered[part]

    def _invitation(self, part: Message, name: str, level: int) -> None:
        """Write what an invitation says and the text does not."""
        data = payload(part)
        if self._attached.is_repeated(data):
            self._builder.left_out.add("repeated text", detail="a file that is attached several times")
            return
        try:
            method, events = invitations(decoded_part(data, parameter(part, "charset")).text)
        except UnreadableDocument as error:
            self._attached.refuse(name or "an invitation", error.message)
            return
        if not events:
            self._attached.refuse(name or "an invitation", "it has no event")
        text = _essence(" ".join(self._said))
        for event in events:
            self._builder.heading(f"{_METHODS.get(method, 'Event')}: {event.summary or name or _NO_SUBJECT}", level + 1)
            said = [each for each in event.pairs if each[0] == "Description" and _essence(each[1]) in text]
            self._builder.left_out.add("repeated text", len(said), "descriptions that the text of the message has")
            self._builder.record([each for each in event.pairs if each not in said])


def _is_page(part: Message) -> bool:
    return content_type(part) in PAGES and is_body(part)


def _essence(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
