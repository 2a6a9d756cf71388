"""The text of one paragraph, and what hangs on it: notes, text boxes, drawings. Knows no blocks and no tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._office.content import chosen, has_text
from groundtune.knowledge.readers._office.equations import linear
from groundtune.knowledge.readers._office.numerals import roman
from groundtune.knowledge.readers._office.pictures import shown
from groundtune.knowledge.readers._office.symbols import PRIVATE, symbol
from groundtune.knowledge.readers._ooxml import Element, child, children, is_on, name, number, value
from groundtune.knowledge.readers._word.content import DELETED, PROPERTIES, controlled
from groundtune.knowledge.readers._word.styles import Styles
from groundtune.values import LeftOutKind

BESIDE = frozenset("w:txbxContent w:p w:tbl a:p a:tbl c:chart cx:chart dgm:relIds w:altChunk".split())
"""What stands beside the text of a paragraph: each is a block."""

_SIGNS = {
    "w:tab": "\t",
    "w:ptab": "\t",
    "w:br": "\n",
    "w:cr": "\n",
    "a:br": "\n",
    "w:noBreakHyphen": "-",
    "w:softHyphen": "",
}
_NOTES = {"w:footnoteReference": "footnote", "w:endnoteReference": "endnote"}
_FRACTION = re.compile(r"\\f\s*\(([^(),;]*)[,;]([^(),;]*)\)", re.IGNORECASE)
_SWITCH = re.compile(
    r"\\\*\s*\w+|\\(?:s\\)?[a-z!]+\d*(?=\W|$)|\b(?:hps|jc|up|ad|do)\d+\b|\"Font:[^\"]*\"|[(),;]", re.IGNORECASE
)


@dataclass(slots=True)
class Line:
    """A paragraph: its text, the notes it refers to, in order, what its pictures show, and the blocks beside it.

    `joined` says that its end is deleted: it runs on in the next paragraph.
    """

    text: str
    notes: list[tuple[str, str, str]] = field(default_factory=list)  # kind, id, sign
    beside: list[Element] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    joined: bool = False


class NoteSigns:
    """Gives notes their signs in the order of the text: [1], [2] to footnotes, [i], [ii] to endnotes."""

    def __init__(self) -> None:
        self._signs: dict[tuple[str, str], str] = {}
        self._counts = {"footnote": 0, "endnote": 0}

    def sign(self, kind: str, identifier: str) -> str:
        """Return the sign of a note, the same each time."""
        if (kind, identifier) not in self._signs:
            self._counts[kind] += 1
            count = self._counts[kind]
            self._signs[kind, identifier] = f"[{count if kind == 'footnote' else roman(count)}]"
        return self._signs[kind, identifier]


@dataclass(slots=True)
class _Field:
    at: int
    code: bool = True
    shown: str = ""
    instruction: str = ""


class Inline:
    """Reads paragraphs."""

    def __init__(self, styles: Styles, left_out: Omissions, signs: NoteSigns) -> None:
        self.styles = styles
        self.left_out = left_out
        self.signs = signs

    def line(self, paragraph: Element) -> Line:
        """Return what is in a paragraph of Word or of a drawing, or in a run or an equation without one."""
        return _Walk(self, paragraph).line()


class _Walk:
    """One way through a paragraph. A stack in place of recursion: files nest as deep as they like."""

    def __init__(self, inline: Inline, paragraph: Element) -> None:
        self._styles, self._left_out, self._signs = inline.styles, inline.left_out, inline.signs
        self._stack: list[Element | Callable[[], None]] = (
            list(paragraph)[::-1] if name(paragraph).endswith(":p") else [paragraph]
        )
        self._line = Line("")
        self._pieces: list[str] = []
        self._fields: list[_Field] = []
        self._readings: list[str] = []  # of ruby, written behind the last character that has some
        self._in_ruby = 0
        self._equation_end = -1
        self._omitted = ""  # the kind of what came last, if it was left out
        self._hidden, self._font = False, ""
        properties = child(paragraph, "w:pPr")
        self._style = self._styles.of(properties)
        mark = child(properties, "w:rPr")
        self._line.joined = mark is not None and any(name(each) in DELETED for each in mark)

    def line(self) -> Line:
        """Return the paragraph."""
        while self._stack:
            element = self._stack.pop()
            if callable(element):
                element()
            else:
                self._enter(element, name(element))
        self._end_ruby()
        self._line.text = "".join(self._pieces)
        return self._line

    def _enter(self, element: Element, kind: str) -> None:
        if kind in ("w:t", "a:t", "m:t"):
            self._text("".join(element.itertext()))
        elif kind in _SIGNS:
            self._emit(_SIGNS[kind])
        elif kind in DELETED:
            if has_text(element):
                self._omit("deleted text")
        elif kind in BESIDE:
            self._line.beside.append(element)
        elif kind == "mc:AlternateContent":
            branch = chosen(element)
            self._stack += [] if branch is None else [branch]
        elif kind == "w:sdt":
            self._stack += controlled(element, self._styles, self._left_out)[::-1]
        elif kind in _NOTES:
            self._note(element, _NOTES[kind])
        elif kind in _HANDLERS:
            _HANDLERS[kind](self, element)
        elif kind not in PROPERTIES:
            self._stack += list(element)[::-1]

    # --- text -------------------------------------------------------------------------------------

    def _text(self, text: str) -> None:
        if PRIVATE.search(text):
            text = PRIVATE.sub(lambda sign: self._symbol(ord(sign[0]), self._font), text)
        elif len(text.strip()) == 1 and self._font.casefold().startswith("wingdings"):
            text = symbol(ord(text.strip()), self._font) or text
        self._emit(text.replace("\u00ad", ""))

    def _symbol(self, code: int, font: str) -> str:
        shown = symbol(code, font)
        if not shown:
            self._left_out.add("control character")
        return shown

    def _emit(self, text: str) -> None:
        if not text or any(each.code for each in self._fields):
            return
        if self._hidden:
            if text.strip():
                self._omit("hidden text")
            return
        if not self._in_ruby:
            self._end_ruby()
        self._omitted = ""
        self._pieces.append(text)

    def _omit(self, kind: LeftOutKind) -> None:
        """Count what is left out; what several runs say in a row counts once."""
        if kind != self._omitted:
            self._left_out.add(kind)
        self._omitted = kind

    def _end_ruby(self) -> None:
        if any(self._readings):
            self._pieces.append(f"({''.join(self._readings)})")
        self._readings = []

    # --- elements ---------------------------------------------------------------------------------

    def _run(self, run: Element) -> None:
        hidden, font = self._hidden, self._font

        def leave() -> None:
            self._hidden, self._font = hidden, font

        properties = child(run, "w:rPr")
        self._hidden = self._styles.hides(properties, self._style)
        self._font = self._styles.font(properties)
        self._stack.append(leave)
        self._stack += list(run)[::-1]

    def _sym(self, element: Element) -> None:
        try:
            code = int(value(element, "char") or "", 16)
        except ValueError:
            return
        self._emit(self._symbol(code, value(element, "font") or self._font))

    def _ruby(self, element: Element) -> None:
        reading, base = child(element, "w:rt"), child(element, "w:rubyBase")

        def leave() -> None:
            self._in_ruby -= 1
            if reading is not None:
                self._readings.append("".join(each.text or "" for each in reading.iter() if name(each) == "w:t"))

        self._in_ruby += 1
        self._stack.append(leave)
        self._stack += [] if base is None else list(base)[::-1]

    def _equation(self, element: Element) -> None:
        if self._pieces and self._equation_end == len(self._pieces):
            self._emit(" ")
        self._emit(linear(element))
        self._equation_end = len(self._pieces)

    def _equations(self, element: Element) -> None:
        for each in children(element, "m:oMath"):
            self._emit(f"\n{linear(each)}\n")

    def _note(self, element: Element, kind: str) -> None:
        identifier = value(element, "id") or ""
        if any(each.code for each in self._fields):
            return
        sign = self._signs.sign(kind, identifier)
        if not is_on(element) or value(element, "customMarkFollows") in (None, "0", "false", "off"):
            self._emit(sign)
        else:
            sign = ""  # the note has a sign of its own
        self._line.notes.append((kind, identifier, sign))

    # --- fields -----------------------------------------------------------------------------------

    def _field(self, element: Element) -> None:
        kind = value(element, "fldCharType")
        if kind == "begin":
            self._fields.append(_Field(len(self._pieces), shown=_shown(child(element, "w:ffData"))))
        elif self._fields and kind == "separate":
            self._fields[-1].code = False
            self._fields[-1].at = len(self._pieces)
        elif self._fields and kind == "end":
            ended = self._fields.pop()
            if len(self._pieces) == ended.at:
                self._emit(ended.shown or self._without_result(ended.instruction))

    def _instruction(self, element: Element) -> None:
        if self._fields:
            self._fields[-1].instruction += element.text or ""

    def _without_result(self, instruction: str) -> str:
        word, _, rest = instruction.strip().partition(" ")
        if word.upper() == "MACROBUTTON":
            self._left_out.add("form control")
        if word.upper() != "EQ":
            return ""
        return " ".join(_SWITCH.sub(" ", _FRACTION.sub(r" \1/\2 ", rest)).split())

    # --- drawings ---------------------------------------------------------------------------------

    def _picture(self, element: Element) -> None:
        self._left_out.add("image")
        self._stack += list(element)[::-1]

    def _drawing(self, element: Element) -> None:
        drawn = list(_outside_boxes(element))
        if any(name(each) == "pic:pic" for each in drawn):
            said = (value(each, "descr") for each in drawn if name(each) == "wp:docPr")
            self._describe(next((each for each in said if each), ""))
        self._stack += list(element)[::-1]

    def _shape(self, element: Element) -> None:
        if any(name(each) == "v:imagedata" for each in element):
            self._describe(value(element, "alt") or "")
        self._stack += list(element)[::-1]

    def _describe(self, said: str) -> None:
        """Write what a picture shows, as its author described it."""
        if picture := shown(said):
            self._line.pictures.append(picture)

    def _word_art(self, element: Element) -> None:
        self._emit(f" {value(element, 'string') or ''} ")

    def _object(self, element: Element) -> None:
        control = any(name(each) == "w:control" for each in element.iter())
        self._left_out.add("form control" if control else "attachment")
        self._line.beside += [each for each in element.iter() if name(each) == "w:txbxContent"]

    def _attachment(self, element: Element) -> None:
        self._left_out.add("attachment")


_HANDLERS: dict[str, Callable[[_Walk, Element], None]] = {
    "w:r": _Walk._run,
    "w:sym": _Walk._sym,
    "w:ruby": _Walk._ruby,
    "m:oMath": _Walk._equation,
    "m:oMathPara": _Walk._equations,
    "w:fldChar": _Walk._field,
    "w:instrText": _Walk._instruction,
    "pic:pic": _Walk._picture,
    "v:imagedata": _Walk._picture,
    "w:drawing": _Walk._drawing,
    "v:shape": _Walk._shape,
    "v:textpath": _Walk._word_art,
    "w:object": _Walk._object,
    "w:subDoc": _Walk._attachment,
}


def _outside_boxes(drawing: Element) -> Iterator[Element]:
    """Yield what a drawing is made of, without the text in it, which may have drawings of its own."""
    stack = [drawing]
    while stack:
        element = stack.pop()
        yield element
        if name(element) != "w:txbxContent":
            stack += list(element)[::-1]


def _shown(form: Element | None) -> str:
    """Return what a form field shows that has no text: the state of a box, the choice from a list."""
    if (box := child(form, "w:checkBox")) is not None:
        state = child(box, "w:checked")
        return "☒" if is_on(state if state is not None else child(box, "w:default")) else "☐"
    choices = child(form, "w:ddList")
    entries = [value(each) or "" for each in children(choices, "w:listEntry")]
    result = number(value(child(choices, "w:result")) or value(child(choices, "w:default")))
    return entries[result] if result < len(entries) else ""
