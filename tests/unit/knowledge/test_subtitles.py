"""Subtitles: what is said in paragraphs, with the second at which each begins, and nothing twice."""

import pytest
from _lost import lost, read
from _mail import left_out, reason

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.values import located

TALK = """WEBVTT - The new router
Kind: captions
Language: en

NOTE Copyright
by Acme

STYLE
::cue { color: red }

intro
00:01.000 --> 00:03.500 align:left size:50%
<v.loud Ada>Welcome. The <i>router</i>
costs <c.price>5</c> &lt; 6 euros.</v>

00:03.500 --> 00:05.000
<v Ada>It is <00:00:04.000>white.

NOTE between

00:05.000 --> 00:07.000
<v Bob Roe>&amp; the <lang de>Stecker</lang>?

01:00:10.000 --> 01:00:12.000
Somebody else.
"""


def written(tmp_path, content, name="talk.vtt"):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return readers.read(tmp_path / name)


def moments(plain):
    """Return each paragraph with the second at which it begins."""
    return [(segment.seconds, plain.text[segment.start : segment.end].strip()) for segment in plain.segments]


def test_cues_become_paragraphs_of_speakers_with_their_seconds(tmp_path):
    plain = written(tmp_path, TALK)
    assert moments(plain) == [
        (1.0, "Ada: Welcome. The router costs 5 < 6 euros. It is white."),
        (5.0, "Bob Roe: & the Stecker?"),
        (3610.0, "Somebody else."),
    ]
    assert plain.title == "The new router"
    assert plain.metadata == {"title": "The new router", "language": "en", "kind": "captions"}
    assert left_out(plain) == {"comment": 2, "script": 1}
    place = located(plain.text.index("Somebody"), len(plain.text), plain.segments)
    assert place.label == "1:00:10"


def srt(*cues):
    return "\n\n".join(f"{n}\n{begin} --> {end}\n{text}" for n, (begin, end, text) in enumerate(cues, start=1)) + "\n"


def at(second, text, length=2.0):
    def clock(moment):
        return (
            f"{int(moment) // 3600:02}:{int(moment) // 60 % 60:02}:{int(moment) % 60:02},{round(moment % 1 * 1000):03}"
        )

    return clock(second), clock(second + length), text


def test_subrip(tmp_path):
    content = srt(at(0, "<i>Hello,</i>"), at(2, '{\\an8}<font color="#fff">how are you?</font>'), at(20, "a < b & c"))
    plain = written(tmp_path, content, "my-talk.srt")
    assert moments(plain) == [(0.0, "Hello, how are you?"), (20.0, "a < b & c")]
    assert plain.title == "my talk"
    assert plain.left_out == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("1\n00:00:01,000 --> 00:00:02,000\nOne\n2\n00:00:09,000 --> 00:00:10,000\nTwo\n", [(1, "One"), (9, "Two")]),
        ("1\n\n00:00:01,000 --> 00:00:02,000\n\nOne\n\nmore\n", [(1, "One more")]),
        ("00:01.5 --> 00:02.5\nOne\n", [(1.5, "One")]),
        ("1\n00:00:01.000 --> 00:00:02.000  X1:10 X2:20\nOne\n", [(1, "One")]),
        ("1\n0:0:1,0 -> 0:0:2,0\nOne\n", [(1, "One")]),
        ("1\n00:00:01,000 --> 00:00:02,000\n42\n\n2\n00:00:09,000 --> 00:00:10,000\nTwo\n", [(1, "42"), (9, "Two")]),
        ("2\n00:00:09,000 --> 00:00:10,000\nTwo\n\n1\n00:00:01,000 --> 00:00:02,000\nOne\n", [(1, "One"), (9, "Two")]),
        ("1\r\n00:00:01,000 --> 00:00:02,000\r\nOne\r\n\r\n", [(1, "One")]),
        ("1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:09,000 --> 00:00:10,000\nTwo\n", [(9, "Two")]),
        ("1\n100:00:01,000 --> 100:00:02,000\nOne\n", [(360001, "One")]),
    ],
)
def test_odd_subrip(tmp_path, content, expected):
    assert moments(written(tmp_path, content, "a.srt")) == expected


def test_odd_webvtt(tmp_path):
    content = "WEBVTT\n00:01.000 --> 00:02.000\nOne\n00:09.000 --> 00:10.000\nTwo\n\nwithout times\n\nREGION\nid:a\n"
    plain = written(tmp_path, content)
    assert moments(plain) == [(1.0, "One"), (9.0, "Two")]
    assert left_out(plain) == {"unreadable part": 1, "markup": 1}
    assert "text without times" in reason(plain, "unreadable part")


def test_several_speakers_in_a_cue(tmp_path):
    plain = written(tmp_path, "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada>Hello!</v> <i>laughter</i>\n<v Bob>Hi.\n")
    assert plain.text == "Ada: Hello!\n\nlaughter\n\nBob: Hi."
    assert [segment.seconds for segment in plain.segments] == [1.0, 1.0, 1.0]


def test_speakers_whose_names_stand_in_the_text(tmp_path):
    """As Zoom writes them."""
    lines = ["Ada Byron: Hello.", "Ada Byron: It is late.", "Bob Roe: Yes: it is.", "Bob Roe: Good night."]
    plain = written(tmp_path, "WEBVTT\n\n" + srt(*(at(n * 2, line) for n, line in enumerate(lines))).replace(",", "."))
    assert plain.text == "Ada Byron: Hello. It is late.\n\nBob Roe: Yes: it is. Good night."


def test_colons_in_a_text_are_no_speakers(tmp_path):
    lines = ["Note: it is late.", "We go home now.", "And we sleep.", "Then: nothing."]
    plain = written(tmp_path, srt(*(at(n * 2, line) for n, line in enumerate(lines))), "a.srt")
    assert plain.text == " ".join(lines)


def test_a_pause_and_a_long_talk_begin_paragraphs(tmp_path):
    cues = [at(n * 3, f"This is the sentence number {n} of all.", 3) for n in range(40)]
    plain = written(tmp_path, srt(*cues, at(200, "After a pause.")), "a.srt")
    paragraphs = moments(plain)
    assert paragraphs[-1] == (200.0, "After a pause.")
    assert len(paragraphs) > 3
    for seconds, text in paragraphs[:-1]:
        assert len(text) < 500
        assert text.endswith("of all.")
        assert text.startswith(f"This is the sentence number {int(seconds) // 3} ")


def test_a_talk_without_full_stops_is_cut_all_the_same(tmp_path):
    plain = written(tmp_path, srt(*(at(n, f"word{n}a word{n}b", 1) for n in range(500))), "a.srt")
    assert max(len(text) for _, text in moments(plain)) < 1100


# --- captions that roll ---------------------------------------------------------------------------

ROLLING = """WEBVTT
Kind: captions

00:00:00.000 --> 00:00:02.000 align:start position:0%
 
the<00:00:00.500><c> router</c><00:00:01.000><c> costs</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
the router costs
 

00:00:02.010 --> 00:00:04.000 align:start position:0%
the router costs
five<00:00:03.000><c> euros</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
five euros
 

00:00:04.010 --> 00:00:06.000 align:start position:0%
five euros
every<00:00:05.000><c> month</c>
"""  # noqa: W293 -- as YouTube writes it


def test_captions_that_roll_up_the_screen_are_read_once(tmp_path):
    plain = written(tmp_path, ROLLING)
    assert plain.text == "the router costs five euros every month"
    assert left_out(plain) == {"repeated text": 4}


def test_captions_that_grow_are_read_once(tmp_path):
    words = "we look at the plans of this year and then go home".split()
    cues = [at(n, " ".join(words[: n + 1]), 1) for n in range(len(words))]
    assert written(tmp_path, srt(*cues), "a.srt").text == " ".join(words)


def test_what_people_say_twice_is_read_twice(tmp_path):
    lines = ["No!", "No!", "Why not?", "I do not know.", "Really?", "We will see.", "Well then.", "Good night."]
    plain = written(tmp_path, srt(*(at(n * 2, line) for n, line in enumerate(lines))), "a.srt")
    assert plain.text == " ".join(lines)
    assert plain.left_out == ()


# --- chunks and refusals --------------------------------------------------------------------------


def test_chunks_know_their_second_and_speaker(tmp_path):
    cues = "".join(
        f"{n // 60:02}:{n % 60:02}.000 --> {n // 60:02}:{n % 60:02}.900\n<v Speaker {n // 50}>w{n}x.\n\n"
        for n in range(300)
    )
    written(tmp_path, f"WEBVTT\n\n{cues}")
    _, chunks = read(tmp_path / "talk.vtt", chunk_size=200, chunk_overlap=0)
    assert lost([f"w{n}x." for n in range(300)], chunks) == []
    for chunk in chunks:
        first = int(chunk.text.split("x.")[0].rpartition("w")[2])
        assert chunk.place.seconds is not None
        assert first - 60 < chunk.place.seconds <= first
        assert f"Speaker {first // 50}" in f"{chunk.heading} {chunk.text}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("WEBVTT\n\n", "contains no text"),
        ("", "contains no text"),
        ("Only words.", "no line says when"),
        ("WEBVTT\n\nNOTE only a note\n", "no line says when"),
        (bytes(range(128, 256)) * 20, "is not text"),
    ],
)
@pytest.mark.parametrize("name", ["a.vtt", "a.srt"])
def test_refused(tmp_path, content, message, name):
    with pytest.raises(UnreadableDocument, match=message):
        written(tmp_path, content, name)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path, encoding):
    content = srt(at(1, "Größe für Köln: fünf Käse täglich")).encode(encoding)
    assert written(tmp_path, content, "a.srt").text == "Größe für Köln: fünf Käse täglich"
