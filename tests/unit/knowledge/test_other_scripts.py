"""Text whose sentences end without a full stop or without a blank, and characters of several code points."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtune.knowledge.graphemes import cut_before
from groundtune.knowledge.splitting import split
from groundtune.sentences import sentence_spans
from groundtune.settings import KnowledgeSettings
from groundtune.values import Document, PlainText


def sentences(text):
    return [text[start:end] for start, end in sentence_spans(text)]


def cut(text, **given):
    return split(Document("a", text, "A", ("e",)), PlainText(text, "A"), KnowledgeSettings(**given))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("漫游需要付费。请先激活！可以吗？可以", ["漫游需要付费。", "请先激活！", "可以吗？", "可以"]),
        ("料金は5ユーロです。｢はい｣と答えます。", ["料金は5ユーロです。", "｢はい｣と答えます。"]),
        ("「お電話ください。」次に進みます。", ["「お電話ください。」", "次に進みます。"]),
        ("真的吗？！是的。", ["真的吗？！", "是的。"]),
        ("版本是１．５。下一个。", ["版本是１．５。", "下一个。"]),
        ("使用 Wi-Fi。Then call us. 谢谢。", ["使用 Wi-Fi。", "Then call us.", "谢谢。"]),
        ("هل يعمل؟ نعم. اتصل بنا", ["هل يعمل؟", "نعم.", "اتصل بنا"]),
        ("یہ مہنگا ہے۔ ہم سے پوچھیں۔", ["یہ مہنگا ہے۔", "ہم سے پوچھیں۔"]),
        ("यह महँगा है। हमसे पूछें।", ["यह महँगा है।", "हमसे पूछें।"]),
        ("ডাকুন। ধন্যবাদ।", ["ডাকুন।", "ধন্যবাদ।"]),
        ("ይደውሉ። እናመሰግናለን።", ["ይደውሉ።", "እናመሰግናለን።"]),
        ("ပိတ်ပါ။ဖွင့်ပါ။", ["ပိတ်ပါ။", "ဖွင့်ပါ။"]),
        ("โรมมิ่งมีค่าใช้จ่าย ติดต่อเรา", ["โรมมิ่งมีค่าใช้จ่าย ติดต่อเรา"]),
    ],
)
def test_sentences_of_other_scripts(text, expected):
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "lines",
    [
        "您可以随时取消合同，我们会退还您已经支付的所有款\n项。请给我们写信。",
        "契約はいつでも解約することができ、お支払いいただいた\n料金は返金されます。ご連絡ください。",
        "고객은 언제든지 계약을 해지할 수 있으며 이미 지불한 요금은 모두\n돌려받을 수 있습니다. 연락하세요.",
    ],
)
def test_a_line_of_wide_characters_goes_on(lines):
    found = sentences(lines)
    assert len(found) == 2
    assert "\n" in found[0]


@pytest.mark.parametrize(
    "sentence",
    [
        "我们的客服每天从早上九点到晚上九点为您服务。",
        "海外でのご利用には別途料金がかかりますのでご注意ください！",
        "この料金プランは来月から変更できますか？",
        "यदि आप विदेश में हैं तो रोमिंग के लिए अलग से भुगतान करना होगा। ",
        "تكلف خدمة التجوال خمسة يورو في سويسرا كل يوم، أليس كذلك؟ ",
        "اگر آپ بیرون ملک ہیں تو رومنگ کے لیے الگ ادائیگی کرنی ہوگی۔ ",
    ],
)
def test_chunks_are_cut_at_sentences(sentence):
    for chunk in cut(sentence * 40, chunk_size=200):
        assert chunk.text.startswith(sentence.strip())
        assert chunk.text.endswith(sentence.strip())


@pytest.mark.parametrize(
    "clause",
    ["我们的客服每天从早上九点到晚上九点为您服务，", "海外でのご利用には別途料金がかかり、", "第一项；第二项："],
)
def test_a_long_sentence_is_cut_between_clauses(clause):
    for chunk in cut(clause * 40 + "。", chunk_size=100):
        assert chunk.text[-1] in "，、；：。"


@pytest.mark.parametrize("word", ["ความ\u200b", "ភាសា\u200b", "ພາສາ\u200b"])
def test_words_parted_by_a_blank_of_no_width_are_not_cut(word):
    for chunk in cut(word * 100, chunk_size=100):
        assert chunk.text.startswith(word.rstrip("\u200b"))
        assert chunk.text.endswith("\u200b")


@pytest.mark.parametrize("text", ["漢字を書きます。" * 40, "甲乙丙丁，" * 60])
def test_overlap_begins_at_a_sentence_or_clause(text):
    first = text[0]
    chunks = cut(text, chunk_size=100, chunk_overlap=30)
    assert all(chunk.text[0] == first for chunk in chunks)
    assert any(later.start < earlier.end for earlier, later in pairwise(chunks))


WHOLE = {
    "accent": "e\u0301",
    "several accents": "a\u0323\u0302\u0301",
    "Hindi": "कि",
    "Thai": "ที่",
    "family": "👩‍👩‍👧‍👦",
    "skin": "👍🏽",
    "flag": "🇩🇪",
    "Scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "keycap": "1\ufe0f\u20e3",
    "Korean in parts": "\u1112\u1161\u11ab",
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("shift", ["", "x", "xy"])
def test_no_character_is_cut_in_two(name, shift):
    text = shift + WHOLE[name] * 200
    chunks = cut(text, chunk_size=100)
    assert "".join(chunk.text for chunk in chunks) == text
    assert all((chunk.start - len(shift)) % len(WHOLE[name]) == 0 for chunk in chunks[1:])


@given(st.lists(st.sampled_from([*WHOLE.values(), "a", "漢"]), min_size=60, max_size=200))
@settings(max_examples=60, deadline=None)
def test_chunks_of_such_characters_begin_where_one_begins(characters):
    text, begins = "", set()
    for number, character in enumerate(characters):
        if number and unicodedata.category(character[0])[0] == "M":
            continue
        begins.add(len(text))
        text += character
    assert all(chunk.start in begins for chunk in cut(text, chunk_size=100))


def test_marks_without_an_end_are_cut_anyhow():
    text = "a" + "\u0301" * 1000
    assert "".join(chunk.text for chunk in cut(text, chunk_size=100)) == text
    assert cut_before(text, 100, 200) == 200
