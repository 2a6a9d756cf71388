"""Text in the encodings that programs write.

How many of the 69 business texts (23 languages and encodings, 40, 200 and 2,000 bytes) and of the 19 short lines in
`_business_texts` each library reads letter by letter. `groundtune` is chardet with that list, and windows-1252
where a text in Latin letters leaves it in doubt.

| | 69 texts | 19 lines |
|---|---|---|
| charset-normalizer 3.5.2 | 56 | 11 |
| charset-normalizer, with a list of encodings | 59 | 14 |
| cchardet (faust) 3.2.0 | 61 | 11 |
| chardetng 0.3.5 | 62 | 17 |
| chardet 7.7.0 | 67 | 14 |
| chardet, with a list of encodings | 68 | 17 |
| groundtune | 69 | 19 |
"""

import codecs

import pytest
from _business_texts import SHORT, TEXTS, cut

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.readers._decoding import decoded
from groundtune.knowledge.readers._encodings import codec

LATIN, RUSSIAN, JAPANESE = "Roaming costs 5 €.\nToday.\n", "Цена: 490 руб.\nЗвоните.\n", "料金は500円です。\nどうぞ。\n"


def of(path, data, declared=""):
    path.write_bytes(data)
    return decoded(path, declared)


def kinds(source):
    return {each.kind: each.count for each in source.left_out.all()}


@pytest.mark.parametrize("size", [40, 200, 2000])
@pytest.mark.parametrize("key", TEXTS)
def test_business_texts(tmp_path, key, size):
    encoding = key.split("/")[0]
    data = cut(TEXTS[key], encoding, size)
    source = of(tmp_path / "a.txt", data)
    assert source.text == data.decode(encoding)
    assert len(source.notes) == 1
    assert source.notes[0].endswith("; save it as UTF-8 if letters are wrong.")
    assert kinds(source) == {}


@pytest.mark.parametrize(("encoding", "line"), SHORT)
def test_short_lines(tmp_path, encoding, line):
    assert of(tmp_path / "a.txt", f"{line}\n".encode(encoding)).text == f"{line}\n"


def test_the_note_names_the_encoding_as_people_know_it(tmp_path):
    notes = {key: of(tmp_path / "a.txt", cut(TEXTS[key], key.split("/")[0], 200)).notes[0] for key in TEXTS}
    assert notes["windows-1252/de"].startswith("Read as windows-1252;")
    assert notes["shift_jis/ja"].startswith("Read as Shift_JIS;")
    assert notes["cp866/ru"].startswith("Read as cp866;")
    assert notes["iso-8859-2/pl"].startswith("Read as ISO-8859-2;")
    assert notes["koi8-r/ru"].startswith("Read as KOI8-R;")


def test_utf8_needs_no_note(tmp_path):
    for data in (LATIN.encode(), codecs.BOM_UTF8 + LATIN.encode(), b"plain", b""):
        assert of(tmp_path / "a.txt", data).notes == ()


@pytest.mark.parametrize("text", [LATIN, RUSSIAN, JAPANESE, "요금은 500원입니다.\n", "السعر 49 يورو.\n", "😀 smile\n"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_texts_with_and_without_a_mark(tmp_path, encoding, text):
    source = of(tmp_path / "a.txt", text.encode(encoding))
    assert source.text == text
    assert source.notes == (f"Read as {encoding[:6].upper()}.",)


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE])
def test_big_endian_marks(tmp_path, mark):
    encoding = "utf-16-be" if len(mark) == 2 else "utf-32-be"
    for text in (LATIN, RUSSIAN, JAPANESE):
        assert of(tmp_path / "a.txt", mark + text.encode(encoding)).text == text


def test_wide_text_that_is_cut_off(tmp_path):
    for text in (LATIN, RUSSIAN, JAPANESE):
        source = of(tmp_path / "a.txt", text.encode("utf-16")[:-1])
        assert source.text[:-1] == text[:-1]
        assert kinds(source) == {"unreadable part": 1}


@pytest.mark.parametrize("word", ["メール本文です", "料金 500円", "よろしく"])
def test_japanese_mail(tmp_path, word):
    assert of(tmp_path / "a.txt", f"Price: {word}.\n".encode("iso2022_jp")).text == f"Price: {word}.\n"


@pytest.mark.parametrize(
    ("data", "text", "lines"),
    [
        ("Größe für ä\nund ö: caf".encode() + b"\xe9 und mehr\n", "Größe für ä\nund ö: caf\ufffd und mehr\n", "line 2"),
        ("Größe für 5 €".encode()[:-1], "Größe für 5 \ufffd", "line 1"),
        (b"Setup costs 5\nMonthly 9 \xe2\x82", "Setup costs 5\nMonthly 9 \ufffd", "line 2"),
        (
            "料金は五百円です\n\n解約".encode() + b"\xff" + "です".encode(),
            "料金は五百円です\n\n解約\ufffdです",
            "line 3",
        ),
    ],
)
def test_utf8_with_broken_places_stays_utf8(tmp_path, data, text, lines):
    source = of(tmp_path / "a.txt", data)
    assert source.text == text
    assert source.notes == ()
    (left_out,) = source.left_out.all()
    assert (left_out.kind, left_out.count) == ("unreadable part", 1)
    assert left_out.reason.endswith(lines)


@pytest.mark.parametrize("data", [b"caf\xe9", b"caf\xe9\n", b"Z\xfcrich", b"na\xefve caf\xe9s"])
def test_one_western_letter_is_no_broken_utf8(tmp_path, data):
    assert of(tmp_path / "a.txt", data).text == data.decode("cp1252")


@pytest.mark.parametrize(
    ("data", "text", "count"),
    [
        (b"plain\0text", "plain text", 1),
        (b"one\0\0\0\0two\n", "one two\n", 4),
        (b"end\n\x1a", "end\n", 1),
        (b"\x1b[31mred\x1b[0m text\n", "red text\n", 9),
        (b"bell\x07 and back\x08space\n", "bell and backspace\n", 2),
        ("one\ufefftwo\n".encode(), "onetwo\n", 1),
        (b"a,b\n1,\x002\n", "a,b\n1, 2\n", 1),
    ],
)
def test_control_characters_are_removed_and_counted(tmp_path, data, text, count):
    source = of(tmp_path / "a.txt", data)
    assert source.text == text
    assert kinds(source) == {"control character": count}


@pytest.mark.parametrize(
    ("wrong", "right"), [("don\x92t", "don’t"), ("5 \x80", "5 €"), ("\x93so\x94 \x96 it", "“so” – it")]
)
def test_windows_characters_that_became_controls(tmp_path, wrong, right):
    source = of(tmp_path / "a.txt", wrong.encode())
    assert source.text == right
    assert kinds(source) == {}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        ("a\u2028b\x85c\vd".encode(), "a\nb\nc\nd"),
        ("page one\fpage two\u2029last".encode(), "page one\n\npage two\n\nlast"),
    ],
)
def test_line_ends(tmp_path, data, text):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert readers.read(path).text == text


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("latin1", "cp1252"),
        ("ISO-8859-1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("x-sjis", "cp932"),
        ("gb2312", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("windows-949", "cp949"),
        ("iso-8859-9", "cp1254"),
        ("tis-620", "cp874"),
        ("x-cp1251", "cp1251"),
        ("iso88592", "iso8859-2"),
        ("csiso88596e", "iso8859-6"),
        ("x-mac-cyrillic", "mac-cyrillic"),
        ("x-x-big5", "big5hkscs"),
        ("koi8-ru", "koi8-u"),
        (" 'windows-1252' ", "cp1252"),
        ("utf-16", ""),
        ("rot13", ""),
        ("hex", ""),
        ("no-such-thing", ""),
        ("", ""),
    ],
)
def test_declared_encodings_are_those_of_browsers(label, expected):
    assert codec(label) == expected


@pytest.mark.parametrize(
    ("text", "declared"),
    [("Größe – 5 €", "iso-8859-1"), ("プラン表", "shift_jis"), ("Цена", "x-cp1251"), ("價格", "big5")],
)
def test_what_a_file_declares_wins_over_guessing(tmp_path, text, declared):
    source = of(tmp_path / "a.html", text.encode(codec(declared)), declared)
    assert source.text == text
    assert source.notes[0].endswith(", as it declares.")
    assert of(tmp_path / "a.html", text.encode(), declared).text == text  # UTF-8 is UTF-8 whatever a file says


@pytest.mark.parametrize("declared", ["ascii", "no-such-thing", "utf-8", "shift_jis"])
def test_what_a_file_declares_in_vain(tmp_path, declared):
    assert "Größe" in of(tmp_path / "a.html", "Die Größe des Büros für drei".encode("cp1252"), declared).text


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" + b"word/document.xml",
        b"%PDF-1.7\n1 0 obj\n",
        b"\x89PNG\r\n\x1a\nIHDR",
        b"{\\rtf1 Hello}",
        bytes(range(256)) * 4,
        bytes(range(128, 256)) * 20,
        bytes(range(0xA1, 0xFF)) * 30,
        b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8" * 9,
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".md", ".csv", ".json"])
def test_other_files_are_refused(tmp_path, data, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    with pytest.raises(UnreadableDocument, match="text") as caught:
        readers.read(path)
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["BMW für 5 € am Tag", "BZh ist für alle da", "GIF8 prüfen", "MZ für Köln"])
def test_text_that_begins_like_a_picture(tmp_path, text):
    assert of(tmp_path / "a.txt", text.encode("cp1252")).text == text
