"""Whatever a FAQ list holds, each word of its values stands in a chunk, or its entry is counted as left out."""

import json
from itertools import count

from _lost import lost, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# A value is drawn as a tree whose leaves become words.
LEAVES = st.sampled_from(["word", "number", "true", "null", "text"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=3),
    max_leaves=8,
)
ENTRIES = st.lists(
    st.tuples(st.booleans(), st.dictionaries(st.sampled_from("abcde"), VALUES, max_size=3)), min_size=1, max_size=5
)


def grown(value, numbers, words):
    if isinstance(value, list):
        return [grown(item, numbers, words) for item in value]
    if isinstance(value, dict):
        return {key: grown(item, numbers, words) for key, item in value.items()}
    if value in ("true", "null"):
        return value == "true" or None
    number = next(numbers)
    if value == "number":
        words.append(str(1_000_000 + number))
        return 1_000_000 + number
    words += [f"w{number}z", f"é{number}ü"]
    return f"w{number}z{' ' if value == 'word' else chr(10)}é{number}ü"


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=ENTRIES, ascii_only=st.booleans(), framed=st.booleans(), encoding=st.sampled_from(["utf-8", "utf-16"]))
def test_every_word_is_in_a_chunk(tmp_path, entries, ascii_only, framed, encoding):
    numbers, kept, gone = count(), list[str](), list[str]()
    built = []
    for good, others in [(True, {}), *entries]:
        words = kept if good else gone
        entry = {"question": grown("word", numbers, words), **grown(others, numbers, words)}
        built.append(entry | ({"answer": grown("text", numbers, words)} if good else {}))
    content = {"faq": built, "title": grown("word", numbers, kept)} if framed else built
    path = tmp_path / "faq.json"
    path.write_bytes(json.dumps(content, ensure_ascii=ascii_only).encode(encoding))
    plain, chunks = read(path, chunk_size=200, chunk_overlap=0)
    assert lost(kept, chunks) == []
    counted = {each.kind: each.count for each in plain.left_out}
    assert counted == ({"unreadable part": sum(not good for good, _ in entries)} if gone else {})
