"""Markdown: what is metadata and what is text, pictures within the source, and tables longer than a chunk."""

import pytest
from _lost import lost
from _lost import read as chunked
from _timing import linear

from groundtune.knowledge import readers

PICTURE = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUg" * 40
DRAWING = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0'/></svg>"


def read(tmp_path, content):
    (tmp_path / "some_plan.md").write_bytes(content if isinstance(content, bytes) else content.encode())
    return readers.read(tmp_path / "some_plan.md")


def left_out(plain):
    return {each.kind: each.count for each in plain.left_out}


@pytest.mark.parametrize(
    "content",
    [
        "---\n\nRoaming costs 5 euros.\n\n---\n\nMore\n",
        "---\nRoaming costs 5 euros.\n---\nMore\n",
        "---\nNote: we pay refunds within ten days.\n---\nMore\n",
        "---\nPrices: see below\nA plan costs 9 euros.\n---\nMore\n",
        "---\n# Prices\nA plan costs 9 euros.\n---\nMore\n",
        "---\n## Prices\n---\nMore\n",
        "---\n- A plan\n- Another plan\n---\nMore\n",
        "---\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\nMore\n",
        "---\n[link](x.html)\n...\nMore\n",
        "---\nhttp://example.org is: gone\n---\nMore",
    ],
)
def test_two_rules_are_no_front_matter(tmp_path, content):
    plain = read(tmp_path, content)
    assert plain.text == content
    assert plain.metadata == {}
    assert left_out(plain) == {}


@pytest.mark.parametrize(
    ("front", "metadata"),
    [
        ("---\ntitle: Plan\nlayout: post\n---\n", {"title": "Plan", "layout": "post"}),
        ("---\n# made by hand\ntitle: Plan\n\ntags:\n- a\n- b\n...\n", {"title": "Plan"}),
        ("---\ntitle: Plan\nnested:\n  key: value\n  list:\n    - x: 1\nlist: [\n  a,\n]\n---\n", {"title": "Plan"}),
        ("---\ntitle: Plan\nabstract: >\n  A long one:\n\n  with lines.\n---\n", {"title": "Plan"}),
        (
            '---\n"title": x\nog:image: y.png\nlast modified: today\ntitle: Plan: the best\n---\n',
            {"title": "Plan: the best"},
        ),
        ('+++\ntitle = "Plan"\ndate = 2024-05-31T10:00:00Z\n+++\n', {"title": "Plan", "date": "2024-05-31"}),
        (
            "+++\nTitle = 'Plan'\nweight = 3\ndraft = false\ntags = ['a']\n[author]\nname = 'Ada'\n+++\n",
            {"title": "Plan", "weight": "3", "draft": "false"},
        ),
        ('+++\ntitle = "Plan"\nday = 2024-05-31\n+++\n', {"title": "Plan", "day": "2024-05-31"}),
        ('{"title": "Plan", "weight": 3, "tags": ["a"]}\n', {"title": "Plan", "weight": "3"}),
        ('{\n  "title": "Plan",\n  "by": {"name": "Ada"}\n}\n', {"title": "Plan"}),
    ],
)
def test_front_matter(tmp_path, front, metadata):
    plain = read(tmp_path, f"{front}# Other\n\nBody\n")
    assert plain.text == "# Other\n\nBody\n"
    assert dict(plain.metadata) == metadata
    assert left_out(plain) == {"front matter": 1}


@pytest.mark.parametrize("front", ['---\ntitle: ""\n---\n', '+++\ntitle = ""\n+++\n', '{"title": " "}\n'])
def test_an_empty_title_says_that_there_is_none(tmp_path, front):
    assert read(tmp_path, f"{front}Body").title == ""


@pytest.mark.parametrize(
    "content",
    ["+++\nnot toml at all\n+++\nBody", '{"a": 1} is JSON\n', "{curly} text\n", "+++\nnever = 'closed'\n", "{}\n"],
)
def test_what_only_looks_like_front_matter(tmp_path, content):
    plain = read(tmp_path, content)
    assert plain.text == content
    assert left_out(plain) == {}


@pytest.mark.parametrize(
    ("content", "kept", "counts"),
    [
        (f"Our ![logo]({PICTURE}).", "Our ![logo]().", {"image": 1}),
        (f'![a]({PICTURE} "Title") ![b](<{PICTURE}>)', '![a]( "Title") ![b]()', {"image": 2}),
        (
            f"![a][one]\n\n[one]: {PICTURE}\n[two]: <{PICTURE}> 'T'\n",
            "![a][one]\n\n[one]: <>\n[two]: <> 'T'\n",
            {"image": 2},
        ),
        (f'<p>x <img src="{PICTURE}" alt="Logo"> y</p>', '<p>x <img src="" alt="Logo"> y</p>', {"image": 1}),
        (f'<img alt="Drawn" src="{DRAWING}">', '<img alt="Drawn" src="">', {"image": 1}),
        ("[Terms](data:application/pdf;base64,JVBERi0xLjQK)", "[Terms]()", {"attachment": 1}),
        (f"Bare {PICTURE} end", "Bare  end", {"image": 1}),
        (f"- item ![a]({PICTURE})\n\n> ![b]({PICTURE})\n", "- item ![a]()\n\n> ![b]()\n", {"image": 2}),
        ("![x](DATA:IMAGE/PNG;BASE64,iVBORw0KGgo=)", "![x]()", {"image": 1}),
    ],
)
def test_pictures_in_the_source(tmp_path, content, kept, counts):
    plain = read(tmp_path, content)
    assert plain.text == kept
    assert left_out(plain) == counts


@pytest.mark.parametrize(
    "content",
    [
        "```\n![code](data:image/png;base64,iVBORw0KGgo)\n```\n",
        "~~~md\n![code](data:image/png;base64,iVBORw0KGgo)\n~~~\n\nThe data: nothing.\n",
        "- ```\n  ![code](data:image/png;base64,iVBORw0KGgo)\n  ```\n",
        "Write `![x](data:image/png;base64,iVBORw0KGgo)` or ``<img src='data:x'>``.\n",
        "Our data: see [prices](prices.md). Data:base64 is a word.\n",
    ],
)
def test_code_and_words_stay(tmp_path, content):
    plain = read(tmp_path, content)
    assert plain.text == content
    assert left_out(plain) == {}


def test_places_are_those_of_the_text_without_pictures(tmp_path):
    plain = read(tmp_path, f"# One\n\n![a]({PICTURE})\n\n## Two\n\ntext\n")
    assert [plain.text[heading.offset :][:6] for heading in plain.headings] == ["# One\n", "## Two"]


@pytest.mark.parametrize(
    "content",
    ["<b>bold</b> &amp; <!-- remark --> text\n", "<details><summary>Why?</summary>\n\nSo.\n</details>\n", "a&nbsp;b\n"],
)
def test_the_source_stays(tmp_path, content):
    assert read(tmp_path, content).text == content


# --- tables ---------------------------------------------------------------------------------------

FRAMES = {
    "plain": ("| Plan | **Monthly** price |\n|---|---:|\n", "| plan{n} | {n}.50 € |\n"),
    "without outer bars": ("Plan | Monthly price\n--- | ---\n", "plan{n} | {n}.50 €\n"),
    "in a list": ("- Prices:\n\n  | Plan | Monthly price |\n  |---|---|\n", "  | plan{n} | {n}.50 € |\n"),
    "in a quote": ("> | Plan | Monthly price |\n> |---|---|\n", "> | plan{n} | {n}.50 € |\n"),
    "with a link": ("| [Plan](x.html) | Monthly `price` |\n|:--|--|\n", "| plan{n} | {n}.50 € |\n"),
}


@pytest.mark.parametrize("frame", FRAMES)
def test_rows_of_a_long_table_know_their_header(tmp_path, frame):
    head, row = FRAMES[frame]
    (tmp_path / "a.md").write_text(
        "# Prices\n\n" + head + "".join(row.format(n=n) for n in range(200)) + "\nAfter it.\n"
    )
    plain, chunks = chunked(tmp_path / "a.md")
    assert len(chunks) > 3
    for n in range(200):
        assert any(
            f"plan{n} " in chunk.text
            and f" {n}.50" in chunk.text
            and all(name in f"{chunk.heading}\n{chunk.text}" for name in ("Plan", "Monthly", "price"))
            for chunk in chunks
        )
    assert plain.contexts[-1].text == "Plan | Monthly price"
    assert plain.text[plain.contexts[-1].end :].strip() == "After it."


@pytest.mark.parametrize("words", [30, 200, 1000])
def test_pieces_of_a_long_row_know_its_label(tmp_path, words):
    rows = "".join(f"| plan{n} | {' '.join(f'w{n}x{i}' for i in range(words))} |\n" for n in range(3))
    (tmp_path / "a.md").write_text(f"| Plan | Terms |\n|---|---|\n{rows}")
    _, chunks = chunked(tmp_path / "a.md")
    assert lost([f"w{n}x{i}" for n in range(3) for i in range(words)], chunks) == []
    for n in range(3):
        for chunk in (chunk for chunk in chunks if f"w{n}x" in chunk.text):
            assert f"plan{n}" in chunk.heading or f"plan{n}" in chunk.text


@pytest.mark.parametrize(
    "content",
    [
        "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```\n",
        "| a | b |\n| 1 | 2 |\n",
        "    | a | b |\n    |---|---|\n    | 1 | 2 |\n",
    ],
)
def test_what_is_no_table(tmp_path, content):
    assert read(tmp_path, content).contexts == ()


def test_encodings(tmp_path):
    plain = read(tmp_path, "# Gebühren\n\nKöln – 5 €\n".encode("cp1252"))
    assert plain.text == "# Gebühren\n\nKöln – 5 €\n"
    assert plain.notes == ("Read as windows-1252; save it as UTF-8 if letters are wrong.",)
    assert read(tmp_path, "---\ntitle: Größe\n---\nText".encode("utf-16")).title == "Größe"


@pytest.mark.parametrize(
    "line", ["| x{n} | y{n} |\n", f"![a]({PICTURE[:200]})\n", "text `code` data: x\n", '<img src="data:x\n']
)
def test_time_grows_with_the_length(tmp_path, line):
    def long(lines):
        path = tmp_path / f"{lines}.md"
        path.write_text("| a | b |\n|---|---|\n" + "".join(line.format(n=n) for n in range(lines)))
        return path

    assert linear(readers.read, long(1000), long(4000))
