"""From text to chunks, the time grows as the text does, whatever stands in it: four times the text, four times as long.

What was quadratic takes sixteen times as long; the bound lies between. Processor time is compared, which a busy machine
disturbs less.
"""

import pytest
from _timing import linear, processor_seconds

from groundtune.comparing import searchable
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers.markdown import headings
from groundtune.knowledge.splitting import split
from groundtune.sentences import sentence_spans, without_repetition
from groundtune.settings import KnowledgeSettings
from groundtune.text import locate
from groundtune.values import Context, Document, Place, PlainText

SIZE = 30_000  # characters
PATTERNS = {
    "one word": "a",
    "blanks": " ",
    "new lines": "\n",
    "tabs": "\t",
    "full stops": ".",
    "full stops and blanks": ". ",
    "a word and blanks": "a" + " " * 3000,
    "exclamations": '!)"',
    "quotes": '."',
    "initials": "A. ",
    "numbers": "1. ",
    "digits": "1",
    "decimals": "1,",
    "bars": "|",
    "bars and blanks": "| ",
    "cells": "a | ",
    "rows": "| a | b |\n",
    "rules": "---\n",
    "hashes": "# ",
    "items": "- a\n",
    "keys": "a: ",
    "words of one letter": "a ",
    "lines of one word": "ab\n",
    "lines of the old Mac and Windows": "ab\r\n",
    "blank lines": "\n \n \n",
    "lines with a blank": " \n",
    "words": "abc def ghi jkl ",
    "sentences": "Some words in a sentence. ",
    "lines that go on": "some words in a line that is broken because it is full\n",
    "paragraphs": "word word.\n\n",
    "Chinese without marks": "漢",
    "Chinese": "漢字文。",
    "Chinese marks": "。",
    "Thai": "ก",
    "accents": "\u0301",
    "joined emoji": "👩\u200d",
    "flags": "🇩",
    "blanks of no width": "\u200b",
    "a word and bars": "a" + "|" * 3000,
    "a number and initials": "1" * 3000 + "A. A. A. ",
    "a full stop and quotes": "." + "”" * 3000,
    "a Chinese full stop and brackets": "。" + "」" * 3000,
    "a full stop and blanks": "." + " " * 3000 + "a",
    "a soft hyphen and blanks": "\u00ad" + " " * 3000,
    "numbers that are items": "1" * 3000 + "\n",
    "lines of blanks": " " * 3000 + "\n",
    "colons": ":",
    "keys without values": "a:\n",
    "half rows": "a | \n",
}


def text_of(pattern, size=SIZE):
    return (pattern * (size // len(pattern) + 1))[:size]


def cut(text, plain=None, **settings):
    return split(Document("a", text, "A", ("e",)), plain or PlainText(text, "A"), KnowledgeSettings(**settings))


@pytest.mark.parametrize("name", PATTERNS)
def test_splitting(name):
    assert linear(cut, text_of(PATTERNS[name]), text_of(PATTERNS[name], 4 * SIZE))


@pytest.mark.parametrize("name", ["sentences", "words of one letter", "blanks", "Chinese", "one word", "rows"])
@pytest.mark.parametrize("settings", [{"chunk_overlap": 200}, {"chunk_size": 8000}, {"chunk_size": 100}])
def test_splitting_with_other_settings(name, settings):
    def work(text):
        cut(text, **settings)

    assert linear(work, text_of(PATTERNS[name]), text_of(PATTERNS[name], 4 * SIZE))


@pytest.mark.parametrize("name", ["sentences", "words of one letter", "full stops and blanks", "cells"])
def test_a_chunk_may_be_large_at_no_cost(name):
    def work(size):
        cut(text_of(PATTERNS[name], 4 * SIZE), chunk_size=size)

    assert linear(work, 1000, 4000)


@pytest.mark.parametrize("name", PATTERNS)
def test_sentences(name):
    assert linear(sentence_spans, text_of(PATTERNS[name]), text_of(PATTERNS[name], 4 * SIZE))


@pytest.mark.parametrize("name", ["sentences", "lines of one word", "Chinese"])
def test_repetition(name):
    assert linear(without_repetition, text_of(PATTERNS[name]), text_of(PATTERNS[name], 4 * SIZE))


@pytest.mark.parametrize("name", PATTERNS)
def test_words_for_the_index(name):
    chunk = SIZE // 4
    assert linear(searchable, text_of(PATTERNS[name], chunk), text_of(PATTERNS[name], 4 * chunk))


@pytest.mark.parametrize("quote", ["a b", "z" * 300, "a " * 50 + "b"])
@pytest.mark.parametrize("name", ["words of one letter", "a word and blanks", "Chinese", "one word"])
def test_looking_for_a_quote(name, quote):
    assert linear(lambda text: locate(quote, text), text_of(PATTERNS[name]), text_of(PATTERNS[name], 4 * SIZE))


@pytest.mark.parametrize(
    "block", ["# A\n\nText of it.\n\n", "# A\n", "# A\n## B\n### C\n\n", "Text.\n\n# A long title\n"]
)
def test_headings(block):
    plains = [PlainText(text, "A", headings(text)) for text in (text_of(block), text_of(block, 4 * SIZE))]
    assert linear(lambda plain: cut(plain.text, plain), *plains)


@pytest.mark.parametrize("pages", [1, 100, 1000])
def test_pages(pages):
    def work(text):
        length = max(1, len(text) // pages)
        places = tuple(Place(start, start + length, start // length + 1) for start in range(0, len(text), length))
        cut(text, PlainText(text, "A", segments=places))

    assert linear(work, text_of("Some words in a sentence. "), text_of("Some words in a sentence. ", 4 * SIZE))


@pytest.mark.parametrize("kind", ["one by one", "nested", "the same place"])
def test_contexts(kind):
    def work(count):
        text = "some words. " * count
        spans = {
            "one by one": [(12 * number, 12 * number + 11) for number in range(count)],
            "nested": [(0, len(text)), *[(12 * number, 12 * number + 6) for number in range(count)]],
            "the same place": [(0, 12) for _ in range(count)],
        }[kind]
        cut(text, PlainText(text, "A", contexts=tuple(Context(*span, "c") for span in spans)))

    assert linear(work, 3000, 12_000)


@pytest.mark.parametrize("cell", ["a", "a long cell that says something ", ""])
@pytest.mark.parametrize("columns", [1, 4, 30])
def test_building_tables(cell, columns):
    def work(rows):
        builder = TextBuilder()
        builder.table([[f"{cell}{row}-{column}" for column in range(columns)] for row in range(rows)])
        plain = builder.plain("T")
        cut(plain.text, plain)

    assert linear(work, 4000 // columns, 16_000 // columns)


def test_a_megabyte_without_sentences():
    assert processor_seconds(cut, "some words without an end " * 40_000) < 3  # it was 5 s; it is 0.2 s
