"""Whatever a presentation is made of, each word in it stands in a chunk, or `left_out` names its kind."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from _lost import lost, read
from _slide_files import (
    Page,
    alternatives,
    body,
    content,
    graphic,
    group,
    paragraph,
    part,
    run,
    shape,
    slides,
    table,
    title,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SEEN = {
    "text": run,
    "linked": lambda text: run(text, '<a:hlinkClick r:id="x"/>'),
    "field": lambda text: f'<a:fld type="author"><a:t>{text}</a:t></a:fld>',
    "equation": lambda text: f"<a14:m><m:oMath><m:e><m:r><m:t>{text}</m:t></m:r></m:e></m:oMath></a14:m>",
    "alternative": lambda text: alternatives(run(text), run("fallback")),
}
UNSEEN = {"running head": lambda text: f'<a:fld type="slidenum"><a:t>{text}</a:t></a:fld>'}
PLACES = ["", "item", "numbered", "title", "subtitle", "hidden", "gone"]

inlines = st.lists(st.sampled_from([*SEEN, *UNSEEN]), min_size=1, max_size=4)
box = st.none() | st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(0, 5)] * 2)
text_shapes = st.tuples(st.just("shape"), st.sampled_from(PLACES), st.lists(inlines, min_size=1, max_size=3), box)
tables = st.tuples(
    st.just("table"), st.lists(st.lists(inlines, min_size=1, max_size=3), min_size=1, max_size=3), st.none(), box
)
drawings = st.tuples(st.sampled_from(["diagram", "chart", "picture"]), st.none(), st.none(), box)
trees = st.recursive(
    st.one_of(text_shapes, tables, drawings),
    lambda inner: st.tuples(st.just("group"), st.lists(inner, min_size=1, max_size=4), st.none(), box),
    max_leaves=10,
)
decks = st.lists(st.lists(trees, max_size=5), min_size=1, max_size=4)


@dataclass
class Written:
    """A presentation as it grows: the words that are seen, and those that are not with their kind."""

    seen: list[str] = field(default_factory=list)
    unseen: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    related: dict[str, tuple[str, str]] = field(default_factory=dict)

    def word(self, kind: str = "") -> str:
        said = f"w{len(self.seen) + len(self.unseen)}x"
        if kind:
            self.unseen[said] = kind
        else:
            self.seen.append(said)
        return said

    def paragraph(self, kinds: list[str], gone: str = "", properties: str = "") -> str:
        pieces = [
            SEEN[kind](self.word(gone)) if kind in SEEN else UNSEEN[kind](self.word(gone or kind)) for kind in kinds
        ]
        return paragraph(run(self.word(gone)), *pieces, properties=properties)

    def shape(self, given_shape: tuple) -> str:
        kind, inner, paragraphs, place = given_shape
        if kind == "group":
            return group(*(self.shape(each) for each in inner), box=place)
        if kind == "table":
            return graphic(table([[self.paragraph(cell) for cell in row] for row in inner]), box=place)
        if kind == "picture":
            return shape(named=f'descr="A picture of {self.word()}"', box=place)
        if kind in ("diagram", "chart"):
            return self.drawing(kind, place)
        gone = {"hidden": "hidden text", "gone": "running head"}.get(inner, "")
        marks = {"item": '<a:buChar char="•"/>', "numbered": '<a:buAutoNum type="alphaUcPeriod"/>'}
        said = [self.paragraph(each, gone, marks.get(inner, "")) for each in paragraphs]
        if inner == "gone":
            return shape(*said, place='<p:ph type="sldNum" idx="9"/>', box=place)
        places = {"title": '<p:ph type="title"/>', "subtitle": '<p:ph type="subTitle" idx="4"/>'}
        return shape(*said, place=places.get(inner, ""), named='hidden="1"' if gone else "", box=place)

    def drawing(self, kind: str, place: tuple | None) -> str:
        key = f"{kind}{len(self.others)}"
        if kind == "diagram":
            points = "".join(f"<dgm:pt modelId='{n}'>{body(self.word(), kind='dgm:t')}</dgm:pt>" for n in range(3))
            xml = part("dgm:dataModel", f"<dgm:ptLst>{points}</dgm:ptLst>")
        else:
            values = "".join(f'<c:pt idx="{n}"><c:v>{self.word()}</c:v></c:pt>' for n in range(3))
            axis = f"<c:valAx><c:title>{paragraph(self.word())}</c:title></c:valAx>"
            xml = part("c:chartSpace", f"<c:chart><c:ser><c:val>{values}</c:val></c:ser>{axis}</c:chart>")
        self.others[f"ppt/drawings/{key}.xml"] = xml
        self.related[key] = (kind, f"../drawings/{key}.xml")
        reference = f'<dgm:relIds r:dm="{key}"/>' if kind == "diagram" else f'<c:chart r:id="{key}"/>'
        return graphic(reference, box=place)


@settings(max_examples=150, deadline=None)
@given(decks, st.sampled_from([100, 300, 1200]), st.booleans())
def test_no_word_is_lost(deck: list, size: int, with_notes: bool) -> None:
    said = Written()
    pages = [Page(title(said.word()) + content(said.word()))]
    for trees_of_slide in deck:
        shapes = "".join(said.shape(each) for each in trees_of_slide)
        pages.append(Page(shapes, notes=shape(said.word()) if with_notes else ""))
    for page in pages:
        page.related = said.related
    with tempfile.TemporaryDirectory() as folder:
        path = slides(Path(folder) / "a.pptx", *pages, others=said.others)
        plain, chunks = read(path, chunk_size=size, chunk_overlap=0)
    assert not lost(said.seen, chunks)
    assert set(said.unseen.values()) <= {each.kind for each in plain.left_out}
    assert len(lost(said.unseen, chunks)) == len(said.unseen)
    assert sum(plain.text.count(word) for word in said.seen) == len(said.seen)
