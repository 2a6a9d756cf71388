"""Questions and answers in JSON: nothing of an entry is lost silently."""

import json

import pytest

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers

GOOD = '{"question": "How?", "answer": "So."}'


def read(tmp_path, content):
    (tmp_path / "faq.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    return readers.read(tmp_path / "faq.json")


@pytest.mark.parametrize(
    ("others", "lines"),
    [
        ({"category": "Billing", "url": "https://acme.test/q"}, "category: Billing\nurl: https://acme.test/q"),
        ({"tags": ["a", "b"], "id": 7, "public": True, "price": 3.5}, "tags: a, b\nid: 7\npublic: true\nprice: 3.5"),
        ({"meta": {"by": "Ada", "on": {"day": 3}}}, "meta.by: Ada\nmeta.on.day: 3"),
        (
            {"steps": [{"do": "x"}, {"do": "y"}], "none": None, "blank": " ", "empty": []},
            "steps.1.do: x\nsteps.2.do: y",
        ),
    ],
)
def test_other_keys_follow_the_answer(tmp_path, others, lines):
    plain = read(tmp_path, json.dumps([{"question": "How?", "answer": "So.", **others}]))
    assert plain.text == f"How?\nSo.\n{lines}"
    assert plain.left_out == ()


@pytest.mark.parametrize("top", [{"title": "Our FAQ"}, {"title": "Our FAQ", "version": 3}, {"by": {"name": "Ada"}}])
def test_what_stands_beside_the_list(tmp_path, top):
    plain = read(tmp_path, json.dumps({**top, "faq": json.loads(f"[{GOOD}]")}))
    assert plain.text.endswith("\n\nHow?\nSo.")
    assert all(str(value) in plain.text for value in top.values() if not isinstance(value, dict))
    assert [heading.title for heading in plain.headings] == ["How?"]


@pytest.mark.parametrize(
    ("bad", "which"),
    [
        (['{"question": "x"}'], "entry 2"),
        (['"text"', "5", "null"], "entries 2, 3, 4"),
        (['{"question": "x", "answer": ["y"]}', '{"question": "", "answer": "y"}'], "entries 2, 3"),
        (['{"q": "x"}'] * 9, "entries 2, 3, 4, 5, 6, …"),
    ],
)
def test_bad_entries_among_good_ones(tmp_path, bad, which):
    plain = read(tmp_path, f"[{', '.join([GOOD, *bad, GOOD])}]")
    assert plain.text == "How?\nSo.\n\nHow?\nSo."
    (left_out,) = plain.left_out
    assert (left_out.kind, left_out.count) == ("unreadable part", len(bad))
    assert f"{which}: no question or no answer" in left_out.reason


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('{"question": "How?", "answer": "So.", "answer": "Or so."}', "How?\nSo.\nanswer (2): Or so."),
        ('{"question": "How?", "question": "Why?", "answer": "So."}', "How?\nSo.\nquestion (2): Why?"),
        (
            '{"question": "How?", "answer": "So.", "tag": "a", "tag": "b", "tag": "c"}',
            "How?\nSo.\ntag: a\ntag (2): b\ntag (3): c",
        ),
    ],
)
def test_equal_keys_are_all_kept(tmp_path, content, text):
    assert read(tmp_path, f"[{content}]").text == text


@pytest.mark.parametrize(
    ("answer", "text", "counts"),
    [
        ("\\ud83d\\ude00 so", "\U0001f600 so", {}),
        ("lone \\ud83d end", "lone \ufffd end", {"control character": 1}),
        ("\\ude00\\ud83d", "\ufffd\ufffd", {"control character": 2}),
        ("nul \\u0000 end", "nul \ufffd end", {"control character": 1}),
    ],
)
def test_halves_of_characters(tmp_path, answer, text, counts):
    plain = read(tmp_path, f'[{{"question": "How?", "answer": "{answer}"}}]')
    assert plain.text == f"How?\n{text}"
    assert {each.kind: each.count for each in plain.left_out} == counts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        (f'[{GOOD[:-1]}, "x": {"[" * 5000}{"]" * 5000}}}]', "nested too deeply"),
        (f'[{GOOD[:-1]},\n"n": NaN}}]', r"faq\.json:2: broken JSON: NaN is no JSON"),
        (f'[{GOOD[:-1]}, "NaN": "NaN",\n\n"n": -Infinity}}]', r"faq\.json:3: broken JSON: -Infinity"),
        (f"[{GOOD},\n]", r"faq\.json:2: broken JSON"),
        (f"[{GOOD}", r"faq\.json:1: broken JSON"),
        ('{"faq": 3}', "not a list of questions"),
        ('{"questions": []}', "not a list of questions"),
        ("[1, 2]", "entry 1 has no question"),
    ],
)
def test_refused_with_the_place(tmp_path, content, message):
    with pytest.raises(UnreadableDocument, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_encodings(tmp_path, encoding):
    content = '[{"question": "Größe für Köln?", "answer": "Fünf Käse – 5 € täglich."}]'
    assert read(tmp_path, content.encode(encoding)).text == "Größe für Köln?\nFünf Käse – 5 € täglich."


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\t", "\u2028"])
def test_line_breaks_within_an_answer(tmp_path, separator):
    plain = read(tmp_path, f'[{{"question": "How?", "answer": "one{separator}two"}}]')
    assert plain.text == f"How?\none{separator.replace(chr(13), '')}two"
