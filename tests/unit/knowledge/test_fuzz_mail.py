"""Whatever parts a message has, each word of them stands in a chunk, or what is left out has its part."""

from __future__ import annotations

import tempfile
from email.message import EmailMessage, MIMEPart
from itertools import count
from pathlib import Path

from _lost import lost, read
from _mail import box
from hypothesis import given, settings
from hypothesis import strategies as st

CHARSETS = ["utf-8", "iso-8859-1", "utf-7", "windows-1252"]
TRANSFERS = ["quoted-printable", "base64", "8bit"]
texts = st.tuples(st.just("text"), st.sampled_from(CHARSETS), st.sampled_from(TRANSFERS), st.booleans())
pages = st.tuples(st.just("page"), st.sampled_from(["utf-8", "iso-8859-1"]), st.sampled_from(TRANSFERS))
files = st.tuples(st.just("file"), st.sampled_from([".txt", ".html", ".csv", ".zip", ".png"]), st.booleans())


def within(parts):
    several = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        st.tuples(st.just("mixed"), several),
        st.tuples(st.just("related"), several),
        st.tuples(st.just("message"), several),
        st.tuples(st.just("signed"), parts),
    )


messages = st.lists(st.recursive(st.one_of(texts, pages, files), within, max_leaves=8), min_size=1, max_size=4)


class Words:
    """Makes words that stand once in a message, and remembers which are to be read."""

    def __init__(self):
        self.numbers, self.seen, self.files = count(), [], 0

    def make(self, seen=True):
        word = f"w{next(self.numbers)}ü"
        if seen:
            self.seen.append(word)
        return word


def made(part, words):
    kind, *more = part
    built = MIMEPart()
    if kind == "text":
        charset, transfer, flowed = more
        text = f"{words.make()} {words.make()}\nFrom {words.make()}\n\n> {words.make()}\n"
        text = text.replace("ü", "u") if transfer == "8bit" and charset == "utf-7" else text
        words.seen = [word.replace("ü", "u") if word.replace("ü", "u") in text.split() else word for word in words.seen]
        built.set_content(text, charset=charset, cte=transfer)
        if flowed:
            built.set_param("format", "flowed")
    elif kind == "page":
        built.set_content(f"<p>{words.make()}</p><h2>{words.make()}</h2>", subtype="html", charset=more[0], cte=more[1])
    elif kind == "file":
        suffix, named = more
        seen = suffix not in (".zip", ".png")
        words.files += not seen
        data = f"{words.make(seen)},{words.make(seen)}\n".encode()
        types = {".txt": "text/plain", ".html": "text/html", ".csv": "text/csv", ".png": "image/png"}
        maintype, subtype = types.get(suffix, "application/zip").split("/")
        built.set_content(data, maintype=maintype, subtype=subtype, disposition="attachment")
        if named:
            built.set_param("filename", f"{words.make(seen)}{suffix}", "Content-Disposition")
    elif kind == "message":
        inner = EmailMessage()
        inner["Subject"] = f"{words.make()} {words.make()}"
        fill(inner, more[0], words)
        built.set_content(inner)
    elif kind == "signed":
        built.make_mixed()
        built.attach(made(more[0], words))
        seal = MIMEPart()
        seal.set_content(b"x", maintype="application", subtype="pkcs7-signature")
        built.attach(seal)
        built.set_type("multipart/signed")
        words.files += 1
    else:
        built.make_mixed()
        built.set_type(f"multipart/{kind}")
        for each in more[0]:
            built.attach(made(each, words))
    return built


def fill(message, parts, words):
    message.make_mixed()
    for part in parts:
        message.attach(made(part, words))


@settings(max_examples=150, deadline=None)
@given(several=st.lists(messages, min_size=1, max_size=3))
def test_every_word_is_in_a_chunk(several):
    words, written = Words(), []
    for parts in several:
        message = EmailMessage()
        message["Subject"], message["From"] = words.make(), f"{words.make()} <a@acme.test>"
        fill(message, parts, words)
        written.append(message)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.mbox" if len(written) > 1 else "a.eml")
        if len(written) > 1:
            box(path, written)
        else:
            path.write_bytes(written[0].as_bytes())
        plain, chunks = read(path, chunk_size=200, chunk_overlap=0)
    assert lost(words.seen, chunks) == []
    counted = {each.kind: each.count for each in plain.left_out}
    assert sum(counted.get(kind, 0) for kind in ("attachment", "image", "repeated text")) == words.files
