"""Whatever encoding a text has, each word of it stands in a chunk, and what is removed is counted."""

import contextlib
from itertools import chain

from _lost import lost, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundtune.errors import UnreadableDocument

WORDS = {
    "cp1252": ["Größe", "Gebühr", "für", "täglich", "Störungen", "€", "café", "naïve", "prévoyez", "señal"],
    "cp1251": ["Цена", "рублей", "договор", "служба", "поддержки", "возврат", "денег", "сайте"],
    "koi8-r": ["Цена", "рублей", "договор", "служба", "поддержки", "возврат", "денег", "сайте"],
    "cp932": ["料金", "解約", "お客様", "サービス", "カタログ", "ください", "返品", "です"],
    "gb18030": ["每月费用", "解约", "书面形式", "客户服务", "价格表", "退货", "网站"],
}
WIDE = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
BREAKS = st.sampled_from([" ", "\n", "\r\n", "\n\n", "\t", ". ", "\r"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), encoding=st.sampled_from([*WORDS, *WIDE]))
def test_every_word_is_in_a_chunk(tmp_path, data, encoding):
    words = WORDS.get(encoding) or WORDS[data.draw(st.sampled_from(list(WORDS)))]
    orders = data.draw(st.lists(st.permutations(words), min_size=2, max_size=8))
    text = "".join(word + data.draw(BREAKS) for word in [*chain(*orders), "2024"])
    path = tmp_path / "page.txt"
    path.write_bytes(text.encode(encoding))
    plain, chunks = read(path, chunk_size=200, chunk_overlap=0)
    assert lost(text.split(), chunks) == []
    assert plain.left_out == ()
    assert bool(plain.notes) == (not encoding.startswith("utf-8"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(["alpha", "Größe", "料金", "Цена"]), min_size=10, max_size=40), data=st.data())
def test_control_characters_are_counted(tmp_path, words, data):
    controls = data.draw(st.lists(st.sampled_from("\0\x01\x07\x1a\x1f\x7f"), min_size=1, max_size=len(words) // 5 + 1))
    text = "".join(f"{word} {control}\n" for word, control in zip(words, [*controls, *[""] * len(words)], strict=False))
    path = tmp_path / "page.txt"
    path.write_text(text)
    plain, chunks = read(path)
    assert lost(words, chunks) == []
    assert [(each.kind, each.count) for each in plain.left_out] == [("control character", len(controls))]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=1, max_size=300))
def test_any_bytes_give_text_or_a_reason(tmp_path, data):
    path = tmp_path / "page.txt"
    path.write_bytes(data)
    with contextlib.suppress(UnreadableDocument):
        assert "\0" not in read(path)[0].text
