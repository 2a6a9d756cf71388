"""Pages of any nesting: each word stands in a chunk, or what is left out names the kind as which it was written."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import count

from _lost import lost, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CONTAINERS = (
    "div p section article main aside header form fieldset blockquote details dialog figure center address body html "
    "button label summary span b em a i u small code font mark time ins x-card o:p ix:nonfraction sup sub abbr "
    "h1 h2 h3 h4 legend figcaption pre object video canvas noframes"
).split()
ATTRIBUTES = (
    "",
    " hidden",
    ' aria-hidden="true"',
    ' style="display:none"',
    ' class="tab-pane sr-only"',
    ' role="tabpanel"',
)
LEFT_OUT = {
    "nav": "navigation",
    "footer": "navigation",
    "del": "deleted text",
    "s": "deleted text",
    "strike": "deleted text",
    "script": "script",
    "style": "script",
    "noscript": "script",
    "template": "script",
}


@dataclass
class Written:
    """A page's source, its words and, of words that may be missing, the kind as which they are left out."""

    html: str
    words: dict[str, set[str]]


class Writer:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.numbers, self.words = draw, count(), dict[str, set[str]]()

    def word(self, kinds: frozenset[str]) -> str:
        word = f"w{next(self.numbers)}q"
        self.words[word] = set(kinds)
        return word

    def text(self, kinds: frozenset[str]) -> str:
        return self.word(kinds) + self.draw(st.sampled_from(["", " ", "\n", "&nbsp;", "<br>", "<wbr>", ", "]))

    def parts(self, depth: int, kinds: frozenset[str]) -> str:
        return "".join(self.part(depth, kinds) for _ in range(self.draw(st.integers(1, 3))))

    def part(self, depth: int, kinds: frozenset[str]) -> str:
        if depth <= 0:
            return self.text(kinds)
        shape = self.draw(st.sampled_from(SHAPES))
        return getattr(self, f"a_{shape}")(depth - 1, kinds)

    def a_text(self, depth: int, kinds: frozenset[str]) -> str:
        return self.text(kinds)

    def a_container(self, depth: int, kinds: frozenset[str]) -> str:
        tag, attributes = self.draw(st.sampled_from(CONTAINERS)), self.draw(st.sampled_from(ATTRIBUTES))
        return f"<{tag}{attributes}>{self.parts(depth, kinds)}{self.closed(tag)}"

    def closed(self, tag: str) -> str:
        """Leave some tags open that browsers close."""
        return "" if tag in ("p", "body", "html") and self.draw(st.booleans()) else f"</{tag}> "

    def a_left_out(self, depth: int, kinds: frozenset[str]) -> str:
        tag = self.draw(st.sampled_from(sorted(LEFT_OUT)))
        kinds = kinds | {LEFT_OUT[tag]}
        inner = self.word(kinds) if tag in ("script", "style") else self.parts(depth, kinds)
        return f"<{tag}>{inner}</{tag}> "

    def a_list(self, depth: int, kinds: frozenset[str]) -> str:
        tag = self.draw(st.sampled_from(["ul", "ol"]))
        items = "".join(f"<li>{self.parts(depth, kinds)}" for _ in range(self.draw(st.integers(1, 3))))
        return f"<{tag}>{items}</{tag}>"

    def a_definition(self, depth: int, kinds: frozenset[str]) -> str:
        return f"<dl><dt>{self.parts(depth, kinds)}<dd>{self.parts(depth, kinds)}</dl>"

    def a_table(self, depth: int, kinds: frozenset[str]) -> str:
        spans = st.sampled_from(["", "", "", " colspan=2", " rowspan=2", " rowspan=0", " colspan=9 rowspan=3"])
        cells = st.sampled_from(["td", "td", "th"])
        rows = [
            "<tr>"
            + "".join(f"<{self.draw(cells)}{self.draw(spans)}>{self.parts(depth, kinds)}" for _ in range(columns))
            for columns in self.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
        ]
        role = self.draw(st.sampled_from(["", "", " role=presentation", " hidden"]))
        caption = self.draw(st.booleans())
        return (
            f"<table{role}>{f'<caption>{self.parts(depth, kinds)}</caption>' if caption else ''}{''.join(rows)}</table>"
        )

    def a_special(self, depth: int, kinds: frozenset[str]) -> str:
        shape = self.draw(st.integers(0, 9))
        if shape == 0:
            return f'<iframe srcdoc="{escape(self.parts(depth, kinds))}"></iframe>'
        if shape == 1:
            shadow, light = self.parts(depth, kinds), self.parts(depth, kinds)
            return f"<div><template shadowrootmode=open>{shadow}</template>{light}</div>"
        if shape == 2:
            return f"<img src=data:image/png;base64,AA alt='{self.word(kinds)}'>"
        if shape == 3:
            return f"<math><mfrac><mi>{self.word(kinds)}</mi><msqrt><mi>{self.word(kinds)}</mi></msqrt></mfrac></math>"
        if shape == 4:
            return f"<ruby>{self.word(kinds)}<rp>(</rp><rt>{self.word(kinds)}</rt><rp>)</rp></ruby>"
        if shape == 5:
            return f"<textarea>{self.word(kinds)}\n{self.word(kinds)}</textarea>"
        if shape == 6:
            return f"<!--{self.word(kinds | {'comment'})}--><![CDATA[{self.word(kinds)} < & ]]>"
        if shape == 7:
            return f"<select><option>{self.word(kinds | {'form control'})}</select>"
        if shape == 8:
            return f"<svg><title>{self.word(kinds | {'image'})}</title><text>{self.word(kinds)}</text></svg>"
        hidden = self.word(kinds | {"form control"})
        return f"<input type=submit value={self.word(kinds)}><input type=hidden value={hidden}>"


SHAPES = ("text", "text", "container", "container", "container", "left_out", "list", "definition", "table", "special")


@st.composite
def pages(draw: st.DrawFn) -> Written:
    writer = Writer(draw)
    html = f"<p>{writer.word(frozenset())}</p>{writer.parts(draw(st.integers(1, 4)), frozenset())}"
    return Written(html, writer.words)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(page=pages(), size=st.sampled_from([300, 2000]))
def test_every_word_is_read_or_named(tmp_path, page, size):
    path = tmp_path / "page.html"
    path.write_text(page.html, encoding="utf-8")
    plain, chunks = read(path, chunk_size=size, chunk_overlap=0)
    named = {each.kind for each in plain.left_out}
    missing = [word for word in lost(page.words, chunks) if not page.words[word] & named]
    assert not missing, f"{missing} of {page.html}"
