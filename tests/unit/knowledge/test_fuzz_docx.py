"""Whatever a Word document is made of, each word in it stands in a chunk, or `left_out` names its kind."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from _lost import lost, read
from _word_files import (
    control,
    item,
    numbering,
    paragraph,
    part,
    run,
    styles,
    table,
    text_box,
    word,
)
from _word_files import field as word_field
from hypothesis import given, settings
from hypothesis import strategies as st

PROMPT = '<w:placeholder><w:docPart w:val="DefaultPlaceholder_1"/></w:placeholder><w:showingPlcHdr/>'
SEEN = {
    "text": run,
    "bold": lambda text: run(text, "<w:b/>"),
    "struck": lambda text: run(text, "<w:strike/>"),
    "inserted": lambda text: f"<w:ins>{run(text)}</w:ins>",
    "moved": lambda text: f"<w:moveTo>{run(text)}</w:moveTo>",
    "linked": lambda text: f'<w:hyperlink r:id="x">{run(text)}</w:hyperlink>',
    "tagged": lambda text: f"<w:smartTag>{run(text)}</w:smartTag>",
    "controlled": lambda text: control(run(text)),
    "field": lambda text: word_field("REF x", text),
    "simple field": lambda text: f'<w:fldSimple w:instr="x">{run(text)}</w:fldSimple>',
    "equation": lambda text: f"<m:oMath><m:f><m:num><m:r><m:t>{text}</m:t></m:r></m:num></m:f></m:oMath>",
    "ruby": lambda text: f"<w:r><w:ruby><w:rt>{run('r')}</w:rt><w:rubyBase>{run(text)}</w:rubyBase></w:ruby></w:r>",
    "drawn": lambda text: f"<w:r><w:drawing><a:p><a:r><a:t>{text}</a:t></a:r></a:p></w:drawing></w:r>",
    "alternative": lambda text: (
        f"<w:r><mc:AlternateContent><mc:Choice><w:t>{text}</w:t></mc:Choice><mc:Fallback><w:t>{text}</w:t>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    ),
}
UNSEEN = {
    "deleted text": lambda text: f"<w:del><w:r><w:delText>{text}</w:delText></w:r></w:del>",
    "hidden text": lambda text: run(text, "<w:vanish/>"),
    "form control": lambda text: control(run(text, '<w:rStyle w:val="P"/>'), PROMPT),
}
STYLES = styles(
    ("P", "Placeholder Text", "", "<w:rPr/>"),
    ("H1", "heading 1", "", ""),
    ("H2", "heading 2", "", ""),
    ("L", "List Bullet", "", ""),
    ("C", "caption", "", ""),
)

inlines = st.lists(st.sampled_from([*SEEN, *UNSEEN, "footnote", "endnote", "tab"]), min_size=1, max_size=5)
paragraphs = st.tuples(st.just("paragraph"), st.sampled_from(["", "H1", "H2", "L", "C", "item", "joined"]), inlines)


def nested(blocks):
    several = st.lists(blocks, min_size=1, max_size=3)
    rows = st.lists(st.lists(several, min_size=1, max_size=3), min_size=1, max_size=4)
    marks = st.lists(st.sampled_from(["", "span", "down", "before", "header", "deleted"]), min_size=4, max_size=4)
    return st.one_of(
        st.tuples(st.just("table"), rows, marks),
        st.tuples(st.just("box"), several),
        st.tuples(st.just("control"), several),
        st.tuples(st.just("custom"), several),
    )


documents = st.lists(st.recursive(paragraphs, nested, max_leaves=12), min_size=1, max_size=6)


@dataclass
class Written:
    """A document as it grows: the words that are seen, and those that are not with their kind."""

    seen: list[str] = field(default_factory=list)
    unseen: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=lambda: {"footnote": [], "endnote": []})

    def word(self, kind: str = "") -> str:
        said = f"w{len(self.seen) + len(self.unseen)}x"
        if kind:
            self.unseen[said] = kind
        else:
            self.seen.append(said)
        return said

    def inline(self, kind: str, gone: str) -> str:
        if kind == "tab":
            return "<w:r><w:tab/></w:r>"
        if kind in self.notes:
            if gone:  # a note that only deleted text refers to is another test
                return run(self.word(gone))
            self.notes[kind].append(paragraph(self.word()))
            return f'<w:r><w:{kind}Reference w:id="{len(self.notes[kind])}"/></w:r>'
        if kind in SEEN:
            return SEEN[kind](self.word(gone))
        return UNSEEN[kind](self.word(gone or kind))

    def block(self, block: tuple, gone: str = "") -> str:
        kind, *rest = block
        if kind == "paragraph":
            style, pieces = rest
            content = [run(self.word(gone)), *(self.inline(piece, gone) for piece in pieces)]
            if style == "item":
                return item("", 1).replace("</w:p>", "".join(content) + "</w:p>")
            joined = "<w:rPr><w:del/></w:rPr>" if style == "joined" else ""
            return paragraph(*content, properties=f'<w:pStyle w:val="{style}"/>{joined}')
        if kind == "table":
            return self.table(*rest, gone)
        inner = "".join(self.block(each, gone) for each in rest[0])
        if kind == "box":
            return paragraph(text_box(inner))
        return control(inner) if kind == "control" else f'<w:customXml w:element="x">{inner}</w:customXml>'

    def table(self, rows: list, marks: list[str], gone: str) -> str:
        said = []
        for cells, mark in zip(rows, marks, strict=False):
            kind = gone or ("deleted text" if mark == "deleted" else "")
            properties = {"span": '<w:gridSpan w:val="2"/>', "down": '<w:vMerge w:val="restart"/>'}.get(mark, "")
            inner = "".join(
                f"<w:tc><w:tcPr>{properties}</w:tcPr>{''.join(self.block(block, kind) for block in cell)}</w:tc>"
                for cell in cells
            )
            if mark == "down":
                inner += "</w:tr><w:tr>" + "<w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc>" * len(cells)
            of_row = {"before": '<w:gridBefore w:val="2"/>', "header": "<w:tblHeader/>", "deleted": "<w:del/>"}
            said.append(f"<w:tr><w:trPr>{of_row.get(mark, '')}</w:trPr>{inner}</w:tr>")
        return table(*said)

    def parts(self) -> dict[str, str]:
        parts = {"word/styles.xml": STYLES, "word/numbering.xml": numbering(("decimal", "%1."), ("lowerRoman", "%2)"))}
        for kind, texts in self.notes.items():
            said = "".join(f'<w:{kind} w:id="{at}">{text}</w:{kind}>' for at, text in enumerate(texts, start=1))
            parts[f"word/{kind}s.xml"] = part(f"w:{kind}s", said)
        return parts


@settings(max_examples=150, deadline=None)
@given(documents, st.sampled_from([100, 300, 1200]))
def test_no_word_is_lost(blocks: list, size: int) -> None:
    written = Written()
    body = "".join(written.block(block) for block in blocks)
    with tempfile.TemporaryDirectory() as folder:
        path = word(Path(folder) / "a.docx", f"{paragraph('begin')}{body}", written.parts())
        plain, chunks = read(path, chunk_size=size, chunk_overlap=0)
    assert not lost(written.seen, chunks)
    assert set(written.unseen.values()) <= {each.kind for each in plain.left_out}
    assert len(lost(written.unseen, chunks)) == len(written.unseen)
    notes = sum(map(len, written.notes.values()))
    assert plain.text.count("[") >= 2 * notes  # more often where a cell covers several rows
