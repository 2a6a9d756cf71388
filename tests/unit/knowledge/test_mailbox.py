"""Mailboxes: one document, a part for each message in the order of their dates, and each text once."""

import tracemalloc

import pytest
from _lost import lost, read
from _mail import box, left_out, message, reason, titles

from groundtune.knowledge import readers

OFF = "the light of the router is off since Monday morning, and nothing helps."
QUESTION = f"Hello,\n\n{OFF}\nFrom here on it is dark.\n\nAna\n"
HEADERS = "Sent: Friday\nTo: Help\nSubject: Router broken"
ANSWER = "Press the button for five seconds."


def marked(text):
    return "".join(f">{line if line.startswith('>') else f' {line}'}".rstrip() + "\n" for line in text.splitlines())


def reply(own, quoted, day, attribution="On Fri, 3 May 2024 at 10:00, Ana Silva <ana@acme.test> wrote:\n"):
    return message(
        "Re: Router broken", f"{own}\n\n{attribution}{marked(quoted)}", day, **{"from": "Bob <bob@acme.test>"}
    )


def test_messages_in_the_order_of_their_dates_below_headings(tmp_path):
    first = message(body=QUESTION, day=3)
    path = box(tmp_path / "help-desk.mbox", [message("Later", "x", 9), reply(ANSWER, QUESTION, 4), first])
    plain = readers.read(path)
    assert plain.title == "help desk"
    assert titles(plain) == [
        (1, "Router broken (Ana Silva, 2024-05-03)"),
        (1, "Re: Router broken (Bob, 2024-05-04)"),
        (1, "Later (Ana Silva, 2024-05-09)"),
    ]
    assert "From here on it is dark.\n\nAna\n\nRe: Router broken" in plain.text
    assert "From: Bob <bob@acme.test>\nTo: Help <help@acme.test>\nDate: 2024-05-04 10:00 +0000\n\nPress" in plain.text


def test_messages_without_a_date_stay_where_they_are(tmp_path):
    made = [message("One", "a", 5), message("Two", "b"), message("Three", "c", 4), message("", "d", 6)]
    path = tmp_path / "a.mbox"
    path.write_bytes(b"".join(b"From ana@acme.test\n" + each.as_bytes() + b"\n" for each in made))
    plain = readers.read(path)
    assert [title.split(" (")[0] for _, title in titles(plain)] == ["Three", "One", "Two", "No subject"]


def test_the_line_between_two_messages_has_a_date_where_the_headers_have_none(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_text(
        "From a@x.org Sat Jun  1 10:00:00 2024\nSubject: Two\n\nb\n\n"
        "From 1462821104707864209@xxx Fri May 31 10:00:00 +0000 2024\nSubject: One\n\na\n"
    )
    assert titles(readers.read(path)) == [(1, "One (2024-05-31)"), (1, "Two (2024-06-01)")]


# --- quotes ---------------------------------------------------------------------------------------


def quoting(tmp_path, *bodies):
    made = [message(body=body, day=day) for day, body in enumerate(bodies, start=1)]
    plain = readers.read(box(tmp_path / "a.mbox", made))
    return plain, [part.split("+0000\n\n")[1].strip() for part in plain.text.split("Router broken (")[1:]]


def test_quotes_of_quotes_are_read_once(tmp_path):
    made = [message(body=QUESTION, day=3), reply(ANSWER, QUESTION, 4)]
    made.append(reply("That helped.", made[1].get_content(), 5, "On Sat, 4 May 2024,\nBob <bob@acme.test> wrote:\n\n"))
    made.append(reply("Me too.", made[2].get_content(), 6, "Am 05.05.2024 um 10:00 schrieb Ana:\n"))
    plain = readers.read(box(tmp_path / "a.mbox", made))
    for text in ("nothing helps", ANSWER, "That helped.", "Me too."):
        assert plain.text.count(text) == 1
    assert "wrote:" not in plain.text
    assert left_out(plain) == {"quoted text": 3}


@pytest.mark.parametrize(
    "body",
    [
        f"Thanks.\n\n{marked(QUESTION)}",
        f"{marked(QUESTION)}\nThanks.",
        f"Thanks.\n\nOn 2024-05-01, Ana wrote:\n{QUESTION}",
        f"Thanks.\n\n-----Original Message-----\nFrom: Ana\n{HEADERS}\n\n{QUESTION}",
        f"Thanks.\n\n________________________\nVon: Ana\nGesendet: Freitag\nAn: Help\n\n{QUESTION}",
        f"Thanks.\n\nLe 1 mai 2024 à 10:00, Ana <ana@acme.test> a écrit :\n\n{marked(QUESTION)}",
        "Thanks.\n\n> the light of the router is off since\n> Monday morning, and nothing\n> helps.",
        f"Thanks.\n\n> Hello,\n> {OFF}",  # some of it
        f"Thanks.\n\n{marked(marked(QUESTION))}",
        "Thanks.\n\n" + "".join(f"AS> {line}\n" for line in QUESTION.splitlines()),
    ],
)
def test_a_quote_of_any_program_goes(tmp_path, body):
    plain, parts = quoting(tmp_path, QUESTION, body)
    assert parts[1] == "Thanks."
    assert left_out(plain)["quoted text"] >= 1


@pytest.mark.parametrize(
    "body",
    [
        "Thanks.\n\n> something that nobody has said before in here",  # the message before is not in the mailbox
        "Thanks.\n\n> the light of the router is off since Tuesday morning, and nothing helps.",  # one word is another
        "the light of the router is off since Monday morning, and nothing helps.",  # said again, and not quoted
        "On Friday Ana wrote:\n\nAnd I say what nobody else has said to you.",
        "Thanks.\n\n-- \nAna\nAcme",
        "From: Ana\nTo: Bob\nSubject: mine\n\nA letter of my own.",
    ],
)
def test_what_is_no_quote_of_an_earlier_message_stays(tmp_path, body):
    plain, parts = quoting(tmp_path, QUESTION, body)
    assert parts[1] == body.replace("-- ", "--")
    assert left_out(plain) == {}


def test_answers_between_the_lines_stay(tmp_path):
    body = f"{marked('the light of the router is off since Monday')}\nMine, too.\n\n> and nothing helps.\n\nReally?"
    _, parts = quoting(tmp_path, QUESTION, body)
    assert parts[1].replace("\n\n\n", "\n\n").startswith("Mine, too.")
    assert parts[1].endswith("Really?")


def test_signatures_stay(tmp_path):
    one, two = (
        f"{QUESTION}\n-- \nAna Silva\nAcme Corporation, Lisbon",
        "More.\n\n-- \nAna Silva\nAcme Corporation, Lisbon",
    )
    _, parts = quoting(tmp_path, one, two)
    assert parts[1] == "More.\n\n--\nAna Silva\nAcme Corporation, Lisbon"


def test_quotes_in_pages(tmp_path):
    page = (
        "<h2>New</h2><p>Thanks.</p><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
        '<div class="gmail_quote"><div>On Wed, May 1, 2024 at 10:00 AM Ana &lt;ana@acme.test&gt; wrote:<br></div>'
        f"<blockquote><h2>Hello,</h2><p>{OFF}</p><p>From here on it is dark.</p></blockquote></div>"
    )
    made = message(body="", day=2)
    made.set_content(page, subtype="html")
    plain = readers.read(box(tmp_path / "a.mbox", [message(body=QUESTION, day=1), made]))
    assert plain.text.count("nothing helps") == 1
    assert plain.text.endswith("New\n\nThanks.\n\na | b\n1 | 2")
    assert titles(plain)[-1] == (3, "New")
    assert [context.text for context in plain.contexts][-1] == "a | b"


# --- what programs put into mailboxes -------------------------------------------------------------

BEGIN = "From ana@acme.test Fri May 31 10:00:00 2024\n"


@pytest.mark.parametrize(
    ("content", "subjects"),
    [
        (f"{BEGIN}Subject: One\n\na\n\n{BEGIN}Subject: Two\n\nb\n", ["One", "Two"]),
        (f"{BEGIN}Subject: One\n\na\n{BEGIN}Subject: Two\n\nb\n", ["One", "Two"]),  # without a blank line
        (f"\n{BEGIN}Subject: One\n\na\n\n{BEGIN}X-Status: \nSubject: Two\n\nb\n", ["One", "Two"]),
        (f"{BEGIN}Subject: One\n\nFrom now on\nit is free.\n\nFrom then: no.\n", ["One"]),
        (f"{BEGIN}Subject: One\n\na\n\nFrom the beginning, until 10:00 in 2024\nthis holds.\n", ["One"]),
        ("From - Fri May 31 10:00:00 2024\nX-Mozilla-Status: 0001\nSubject: One\n\na\n", ["One"]),
        ("From ana at acme.test  Fri May 31 10:00:00 2024\nFrom: ana at acme.test (Ana)\nSubject: One\n\na\n", ["One"]),
        ("From ???@??? Fri May 31 10:00:00 2024\nSubject: One\n\na\n\nFrom x\nSubject: Two\n\nb\n", ["One", "Two"]),
        ("Subject: Alone\n\na\n", ["Alone"]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_where_a_message_begins(tmp_path, content, subjects, end):
    path = tmp_path / "a.mbox"
    path.write_bytes(content.replace("\n", end).encode())
    plain = readers.read(path)
    assert [title.split(" (")[0] for _, title in titles(plain)] == subjects


def test_text_before_the_first_message_is_counted(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_text(f"An export of May.\n\n{BEGIN}Subject: One\n\na\n")
    plain = readers.read(path)
    assert titles(plain) == [(1, "One (2024-05-31)")]
    assert "text before the first message" in reason(plain, "unreadable part")


def test_lines_that_begin_with_from(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_text(f"{BEGIN}Subject: s\n\n>From here\n>>From there\n> From a quote\n")
    assert readers.read(path).text.endswith("From here\n>From there\n> From a quote")


def test_deleted_repeated_and_internal_messages_are_counted(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_text(
        f"{BEGIN}X-IMAP: 1 2\nSubject: DON'T DELETE THIS MESSAGE\n\nx\n\n"
        f"{BEGIN}X-Mozilla-Status: 0009\nSubject: gone\n\nx\n\n{BEGIN}X-Status: AD\nSubject: gone\n\nx\n\n"
        f"{BEGIN}Message-ID: <1@x>\nSubject: One\n\na\n\n{BEGIN}Message-ID: <1@x>\nSubject: One\n\na\n\n"
        f"{BEGIN}Subject: One\n\na\n\n{BEGIN}Subject: One\n\na\n\n{BEGIN}X-Mozilla-Status: 0001\nSubject: Two\n\nb\n"
    )
    plain = readers.read(path)
    assert [title[:3] for _, title in titles(plain)] == ["One", "One", "One", "Two"]
    assert left_out(plain) == {"deleted text": 2, "front matter": 1, "repeated text": 1}


def test_what_cannot_be_read_of_a_message_takes_no_other_with_it(tmp_path):
    path = tmp_path / "a.mbox"
    encrypted = "Content-Type: application/pkcs7-mime\n\nxxxx\n\n"
    deep = "".join(f"Content-Type: multipart/mixed; boundary=B{n}\n\n--B{n}\n" for n in range(2000))
    path.write_text(f"{BEGIN}Subject: One\n{encrypted}{BEGIN}Subject: Deep\n{deep}\n{BEGIN}Subject: Two\n\nb\n")
    plain = readers.read(path)
    assert [title[:3] for _, title in titles(plain)] == ["One", "Two"]
    assert "encrypted text" in reason(plain, "unreadable part")
    assert "nested too deeply" in reason(plain, "unreadable part")


def test_each_message_stands_in_chunks_below_its_heading(tmp_path):
    bodies = [" ".join(f"w{number}x{n}" for n in range(300)) for number in range(5)]
    path = box(tmp_path / "a.mbox", [message(f"Number {n}", body, n + 1) for n, body in enumerate(bodies)])
    plain, chunks = read(path)
    assert lost([word for body in bodies for word in body.split()], chunks) == []
    for chunk in chunks:
        assert [number for number in range(5) if f"w{number}x" in chunk.text] == [
            int(chunk.heading.split("Number ")[1][0])
        ]
    assert plain.left_out == ()


def test_a_message_is_held_and_never_the_mailbox(tmp_path):
    made = []
    for number in range(20):
        made.append(message(f"Number {number}", f"Text {number}.", 1 + number))
        made[-1].add_attachment(bytes([number]) * 1_000_000, maintype="application", subtype="zip", filename="a.zip")
    path = box(tmp_path / "a.mbox", made)
    del made
    readers.read(box(tmp_path / "b.mbox", [message(day=1)]))  # what is imported once is not counted
    tracemalloc.start()
    plain = readers.read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 25_000_000
    assert peak < 15_000_000
    assert left_out(plain) == {"attachment": 20}
