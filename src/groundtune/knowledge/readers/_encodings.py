"""Finding the encoding of bytes that are not UTF-8: by what they declare, by the pattern of NULs, by a library.

chardet 7 finds the encoding; it was compared with charset-normalizer, cchardet and chardetng on business texts of 40,
200 and 2,000 bytes (`tests/unit/knowledge/test_encodings.py`). Short texts in Latin letters are its weak side, so they
are windows-1252 unless it is sure. Knows nothing of files and of what is told to people.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

import chardet

# Labels that pages use and Python does not know: https://encoding.spec.whatwg.org/#names-and-labels
_LABELS = {
    "chinese": "gb18030",
    "cn-big5": "big5hkscs",
    "csbig5": "big5hkscs",
    "cseucpkdfmtjapanese": "euc_jp",
    "cseuckr": "cp949",
    "csgb2312": "gb18030",
    "csksc56011987": "cp949",
    "csisolatin9": "iso8859-15",
    "dos-874": "cp874",
    "gb-2312": "gb18030",
    "gb-2312-80": "gb18030",
    "iso-ir-149": "cp949",
    "koi": "koi8-r",
    "koi8": "koi8-r",
    "koi8-ru": "koi8-u",
    "ksc5601": "cp949",
    "ksc-5601": "cp949",
    "ks-c-5601-1989": "cp949",
    "logical": "iso8859-8",
    "mac": "mac-roman",
    "csmacintosh": "mac-roman",
    "sun-eu-greek": "iso8859-7",
    "visual": "iso8859-8",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "mac-ukrainian": "mac-cyrillic",
    "x-big5": "big5hkscs",
}
# What a codec's name stands for on the web: the larger set that programs really write.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_UNLIKELY = ("utf", "idna", "punycode", "unicode", "raw", "mbcs", "oem", "undefined")
_NAMES = {
    "cp932": "Shift_JIS",
    "shift_jis_2004": "Shift_JIS",
    "euc_jp": "EUC-JP",
    "euc_jis_2004": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "cp949": "EUC-KR",
    "big5hkscs": "Big5",
    "gb18030": "GB18030",
    "koi8-r": "KOI8-R",
    "koi8-u": "KOI8-U",
    "mac-roman": "Mac Roman",
    "mac-cyrillic": "Mac Cyrillic",
}

# By encoding: its basic set, and the last first byte of that set's common characters.
_COMMON = {
    "cp932": ("shift_jis", 0x97),
    "shift_jis_2004": ("shift_jis", 0x97),
    "euc_jis_2004": ("euc_jp", 0xCF),
    "gb18030": ("gb2312", 0xD7),
    "big5hkscs": ("big5", 0xC6),
    "cp949": ("euc_kr", 0xC8),
}
_LATIN = "cp1252 cp1250 cp1254 cp1257 iso8859_2 iso8859_15 mac_roman cp850 cp852 cp437".split()
_OTHERS = (
    "cp1251 cp1253 cp1255 cp1256 cp1258 iso8859_5 iso8859_7 koi8_r koi8_u cp866 cp874 mac_cyrillic".split()
)  # letters that are not Latin, or many accents in a row
_BEFORE_WINDOWS = ("mac-roman", "cp850", "cp852", "cp437")  # read as windows-1252, they show signs within words
_SAMPLE = 200_000  # bytes
_HIGH = re.compile(rb"[\x80-\xff]+")
_LINE_WITH_HIGH = re.compile(rb"[^\n]*[\x80-\xff][^\n]*\n?")
_CONTROLS = bytes([*range(9), 11, *range(14, 32), 127])
_MOST_CONTROLS = 0.02  # of the bytes
_UNSURE, _SURE_OF_MULTIBYTE, _MANY = 0.1, 0.2, 200
_MOST_COMMON = 0.75  # of the characters
_LIKE_TEXT = 0.3  # what chardet has at least for a text with many letters that are not Latin; noise has less
_RUN, _DIFFERENT = 80, 24  # bytes in a row without a space, and how many different ones among them, that no text has
_IDEOGRAPHS = re.compile("[\u2010-\u2027\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]+")
_TWO_SCRIPTS = re.compile(r"[A-Za-z][\u0370-\u05ff]|[\u0370-\u05ff][A-Za-z]")  # Greek, Cyrillic, Hebrew in Latin words
# A sign within a word, or a capital after a small letter: not how Latin letters stand in a text.
_OUT_OF_PLACE = re.compile(r"[^\W\d_][^\w\s\x00-\x7f’‘\u00ad–—…®™·][^\W\d_]|[a-zß-öø-ÿ][À-ÖØ-ÞŠŒŽŸ](?![A-ZÀ-ÖØ-Þ])")


def codec(label: str) -> str:
    """Return the codec for what a file declares, as browsers understand it; "" if nobody knows it."""
    name = label.strip().strip("\"'").lower().replace("_", "-")
    name = re.sub(r"^x-(?=cp125|mac-|x-|sjis|gbk|euc-)", "", name)
    name = re.sub(r"^(?:cs)?iso-?8859-?(\d+)(?:-?[ei])?$", r"iso8859-\1", name)
    name = _LABELS.get(name, name)
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    # `_is_text_encoding` is how Python itself refuses `bytes.decode("hex")`.
    if not getattr(known, "_is_text_encoding", True) or known.name.startswith(_UNLIKELY):
        return ""
    return _SUPERSETS.get(known.name, known.name)


def name_of_codec(codec_name: str) -> str:
    """Return the name of an encoding as people know it."""
    if codec_name.startswith(("utf-16", "utf-32")):
        return codec_name[:6].upper()
    return _NAMES.get(codec_name) or re.sub("^cp(?=125|874)", "windows-", codec_name).replace("iso8859", "ISO-8859")


def wide(data: bytes) -> str:
    """Return "utf-16-le" and the like if `data` is such a text without a mark, else "".

    Digits, spaces and line ends of any language have NULs in one half of such a text.
    """
    if len(data) < 4:
        return ""
    if 0 not in data:
        return _wide_ideographs(data[:_SAMPLE])
    for name in ("utf-32-le", "utf-32-be"):
        if len(data) % 4 == 0 and _reads(data[:_SAMPLE], name):
            return name
    sample = data[:_SAMPLE]
    low, high = sample[0::2].count(0), sample[1::2].count(0)
    if min(low, high) * 5 > max(low, high):
        return ""
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls * 5 <= len(sample) and _near_utf8(sample.translate(None, b"\0")):
        return ""  # a few stray NULs
    name = "utf-16-le" if high > low else "utf-16-be"
    return name if _reads(sample[: len(sample) // 2 * 2], name) else ""


def _wide_ideographs(data: bytes) -> str:
    """Return the encoding of a text in which nothing has a NUL: Chinese or Japanese, in one long line.

    Its full stops and commas (U+3002, U+3001) have a byte that is a control character everywhere else.
    """
    if len(data) % 2 or not set(data) & {1, 2}:
        return ""
    texts = {name: data.decode(name, "replace") for name in ("utf-16-le", "utf-16-be")}
    return next((name for name, text in texts.items() if _IDEOGRAPHS.fullmatch(text)), "")


def _near_utf8(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    return text.count("\ufffd") * 100 <= len(text)


def _reads(data: bytes, name: str) -> bool:
    """Tell whether `data` makes sense in a wide encoding, apart from half a character at its end."""
    text = data.decode(name, "replace").removesuffix("\ufffd")
    odd = sum(unicodedata.category(character) in ("Cn", "Cc", "Cs", "Co") for character in text)
    odd -= sum(map(text.count, "\t\n\r\f"))
    return "\ufffd" not in text and odd * 50 <= len(text)


def detected(data: bytes) -> str:
    """Return the codec that fits best to bytes that are not UTF-8; "" if they are no text."""
    sample = b"".join(_LINE_WITH_HIGH.findall(data[: 50 * _SAMPLE]))[:_SAMPLE] or data[:_SAMPLE]
    length, sample = len(sample), sample.translate(None, _CONTROLS)
    if length - len(sample) > max(2, _MOST_CONTROLS * length):
        return ""
    runs = _HIGH.findall(sample)
    letters = sum(map(len, runs))
    alone = letters <= 1.3 * len(runs)  # as accents in Latin text are
    allowed = [*_LATIN, *_COMMON] if alone else [*_LATIN, *_COMMON, *_OTHERS]
    # The line end keeps chardet from taking a text that begins with "BM" for a picture.
    guess = chardet.detect(b"\n" + sample, include_encodings=allowed, compat_names=False)
    name, sure = guess["encoding"] or "", guess["confidence"]
    doubtful = sure < _UNSURE or name in _BEFORE_WINDOWS or (name in _COMMON and sure < _SURE_OF_MULTIBYTE)
    if alone and doubtful and _fits_western(sample):
        return "cp1252"
    if (
        name.replace("-", "_") in _OTHERS
        and _TWO_SCRIPTS.search(sample.decode(name, "replace"))
        and _fits_western(sample)
    ):
        return "cp1252"
    if letters >= _MANY and not (
        _common(sample, name) if name in _COMMON else sure > (_UNSURE if alone else _LIKE_TEXT)
    ):
        return ""
    if name not in (*_COMMON, "cp874") and any(len(run) > _RUN and len(set(run)) > _DIFFERENT for run in runs):
        return ""
    return _SUPERSETS.get(name, name)


def _common(sample: bytes, name: str) -> bool:
    """Tell whether most characters beyond ASCII are common ones, as in texts and not in noise."""
    basic, last = _COMMON[name]
    characters = [character for character in sample.decode(name, "replace") if character > "\x7f"]
    common = sum(b"\x80" < character.encode(basic, "ignore")[:1] <= bytes([last]) for character in characters)
    return common >= _MOST_COMMON * len(characters)


def _fits_western(sample: bytes) -> bool:
    text = sample.decode("cp1252", "replace")
    return "\ufffd" not in text and not _OUT_OF_PLACE.search(text)
