"""Files within messages: read by the readers of their kinds below their names, or counted with the reason."""

import binascii
import io
from email.message import EmailMessage, MIMEPart

import docx
import pytest
from _mail import left_out, message, reason, titles, written
from fpdf import FPDF

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers._mail import attachments


def word(*paragraphs, heading="Terms"):
    made, data = docx.Document(), io.BytesIO()
    made.add_heading(heading, 1)
    for each in paragraphs:
        made.add_paragraph(each)
    made.save(data)
    return data.getvalue()


def pdf(text):
    made = FPDF()
    made.add_page()
    made.set_font("helvetica", size=11)
    made.multi_cell(0, text=text)
    return bytes(made.output())


def attached(made, data, name, kind="application/octet-stream"):
    maintype, _, subtype = kind.partition("/")
    made.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    return made


def test_each_is_read_below_its_name(tmp_path):
    made = attached(message(), word("Thirty days."), "Verträge 2024.docx")
    attached(made, pdf("Refunds take ten days."), "refunds.pdf", "application/pdf")
    attached(made, "Name;Preis\nGröße A;5\n".encode("cp1252"), "fees.csv", "text/csv")
    attached(made, b"<h2>Page</h2><p>More.</p>", "page.html", "text/html")
    attached(made, b'{"faq": [{"question": "How?", "answer": "So."}]}', "faq.json", "application/json")
    plain = written(tmp_path, made)
    assert titles(plain)[1:] == [
        (2, "Verträge 2024.docx"),
        (3, "Terms"),
        (2, "refunds.pdf"),
        (2, "fees.csv"),
        (3, "Größe A"),
        (2, "page.html"),
        (4, "Page"),
        (2, "faq.json"),
        (3, "How?"),
    ]
    for text in ("Thirty days.", "Refunds take ten days.", "Name: Größe A\nPreis: 5", "More.", "How?\nSo."):
        assert text in plain.text
    assert plain.segments == ()  # pages of attachments are no pages of the message


@pytest.mark.parametrize(
    ("name", "kind", "title"),
    [
        (None, "application/pdf", "Attachment"),
        ("refunds", "application/pdf", "refunds"),
        ("refunds.PDF", "application/octet-stream", "refunds.PDF"),
        ("=?utf-8?q?Gr=C3=B6=C3=9Fe.pdf?=", "application/octet-stream", "Größe.pdf"),
        ("C:\\files\\refunds.pdf", "application/octet-stream", "refunds.pdf"),
        ("../../../refunds.pdf", "application/octet-stream", "refunds.pdf"),
    ],
)
def test_the_kind_by_name_or_type(tmp_path, name, kind, title):
    plain = written(tmp_path, attached(message(), pdf("Refunds take ten days."), name, kind))
    assert "Refunds take ten days." in plain.text
    assert titles(plain)[1] == (2, title)


def test_what_is_not_read_is_counted_by_kind_with_the_reason(tmp_path):
    made = message()
    for name in ("a.zip", "b.zip", "song.mid"):
        attached(made, b"x" * 50, name)
    attached(made, b"PK\x03\x04 broken", "broken.docx")
    attached(made, b"", "empty.pdf")
    attached(made, b"\x78\x9f\x3e\x22", "winmail.dat", "application/ms-tnef")
    plain = written(tmp_path, made)
    assert left_out(plain) == {"attachment": 6}
    told = reason(plain, "attachment")
    assert "2 × .zip: no reader" in told
    assert "1 × .mid: no reader" in told
    assert "1 × broken.docx: is cut off or damaged" in told
    assert "1 × empty.pdf: it is empty" in told
    assert "1 × winmail.dat: what Outlook sends" in told


def test_what_an_attachment_leaves_out_is_counted_with_its_name(tmp_path):
    page = b"<script>x()</script><p>Text.</p><nav>Menu</nav>"
    plain = written(tmp_path, attached(message(), page, "page.html", "text/html"))
    assert left_out(plain) == {"navigation": 1, "script": 1}
    plain = written(tmp_path, attached(message(), b'[{"question": "a", "answer": "b"}, 3]', "faq.json"))
    assert "faq.json: entry 2: no question or no answer" in reason(plain, "unreadable part")


def test_pictures_in_and_beside_the_text(tmp_path):
    made = message(body="Text.")
    made.add_alternative('<p>Text. <img src="cid:a" alt="A lamp"></p>', subtype="html")
    made.get_payload()[1].add_related(b"x", "image", "png", cid="<a>")
    attached(made, b"x", "photo.jpg", "image/jpeg")
    assert left_out(written(tmp_path, made)) == {"image": 2, "repeated text": 1}


def test_the_same_file_twice_is_read_once(tmp_path):
    made = attached(attached(message(), word("Thirty days."), "a.docx"), b"x", "b.zip")
    attached(made, next(part for part in made.iter_attachments()).get_content(), "copy.docx")
    plain = written(tmp_path, made)
    assert plain.text.count("Thirty days.") == 1
    assert left_out(plain) == {"attachment": 1, "repeated text": 1}


def test_messages_as_files_are_messages(tmp_path):
    plain = written(tmp_path, attached(message(), message("Inner", "Deep.").as_bytes(), "forwarded.eml"))
    assert titles(plain) == [(1, "Router broken"), (2, "Inner")]
    plain = written(tmp_path, attached(message(), b"From a@x Fri May 31 10:00:00 2024\nSubject: s\n\nx\n", "in.mbox"))
    assert "1 × .mbox: no reader" in reason(plain, "attachment")


def test_bounds_on_number_and_size(tmp_path, monkeypatch):
    monkeypatch.setattr(attachments, "_MOST", 2)
    made = message()
    for number in range(4):
        attached(made, f"file number {number}".encode(), f"{number}.txt", "text/plain")
    plain = written(tmp_path, made)
    assert len(plain.headings) == 3
    assert left_out(plain) == {"attachment": 2}
    monkeypatch.setattr(attachments, "_MOST", 99)
    monkeypatch.setattr(attachments, "_LARGEST", 15)
    plain = written(tmp_path, attached(message(), b"16 letters long.", "a.txt", "text/plain"))
    assert left_out(plain) == {"attachment": 1}


def test_nothing_is_written_beside_the_file(tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    inner = tmp_path / "inner"
    inner.mkdir()
    written(inner, attached(message(), word("x"), "../../escaped.docx"))
    assert list(temporary.iterdir()) == []
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.eml"]


def test_files_written_as_letters(tmp_path):
    lines = "".join(binascii.b2a_uu(piece).decode() for piece in (b"The table ", b"of fees"))
    plain = written(tmp_path, message(body=f"Hello\n\nbegin 644 fees.txt\n{lines}`\nend\n\nBye\n"))
    assert plain.text.endswith("Hello\n\nBye\n\nfees.txt\n\nThe table of fees")
    assert plain.left_out == ()


# --- invitations ----------------------------------------------------------------------------------

EVENT = (
    "BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\n"
    "DTSTART:16010101T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Review\\, part 2\r\n"
    "DTSTART;TZID=Europe/Berlin:20240531T100000\r\nDTEND:20240531T090000Z\r\nLOCATION:Room 5\r\n"
    'ORGANIZER;CN="Silva, Ana":mailto:ana@acme.test\r\nATTENDEE;CN=Bob:mailto:bob@acme.\r\n test\r\n'
    "ATTENDEE:MAILTO:carl@acme.test\r\nDESCRIPTION:We look at\\nthe plans.\r\nBEGIN:VALARM\r\nDESCRIPTION:Reminder\r\n"
    "END:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def calendar(method="REQUEST"):
    part = MIMEPart()
    part.set_content(EVENT.format(method=method).encode(), maintype="text", subtype="calendar")
    return part


def test_an_invitation_says_what_when_where_and_who(tmp_path):
    made = message(body="See below.")
    made.make_alternative()
    made.attach(calendar())
    plain = written(tmp_path, made)
    assert titles(plain)[1] == (2, "Invitation: Review, part 2")
    assert plain.text.endswith(
        "Summary: Review, part 2\nStart: 2024-05-31 10:00 (Europe/Berlin)\nEnd: 2024-05-31 09:00 UTC\n"
        "Location: Room 5\n"
        "Organizer: Silva, Ana <ana@acme.test>\nAttendees: Bob <bob@acme.test>, carl@acme.test\n"
        "Description: We look at\nthe plans."
    )
    assert plain.left_out == ()


def test_an_invitation_in_three_forms_is_read_once(tmp_path):
    made = message(body="We look at the plans.")
    made.add_alternative("<p>We look at the plans.</p>", subtype="html")
    made.attach(calendar())
    attached(made, EVENT.format(method="REQUEST").encode(), "invite.ics", "application/ics")
    plain = written(tmp_path, made)
    assert plain.text.count("plans") == 1
    assert plain.text.count("Room 5") == 1
    assert left_out(plain) == {"repeated text": 3}


@pytest.mark.parametrize(("method", "title"), [("CANCEL", "Cancelled"), ("REPLY", "Reply"), ("PUBLISH", "Event")])
def test_what_an_invitation_is_for(tmp_path, method, title):
    made = message()
    made.make_mixed()
    made.attach(calendar(method))
    assert titles(written(tmp_path, made))[1] == (2, f"{title}: Review, part 2")


def test_a_calendar_without_an_event(tmp_path):
    made = attached(message(), b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "a.ics", "text/calendar")
    assert "a.ics: it has no event" in reason(written(tmp_path, made), "attachment")


# --- saved pages ----------------------------------------------------------------------------------


def saved_page(page, **headers):
    made = EmailMessage()
    for name, value in {"From": "<Saved by Blink>", "Subject": "Prices", **headers}.items():
        made[name.replace("_", "-")] = value
    made.set_content(page, subtype="html")
    made.add_related(b"x", "image", "png", cid="<a>")
    made.add_related("p {}", "css")
    made.add_related("<p>In a frame.</p>", "html")
    return made


@pytest.mark.parametrize("suffix", [".mht", ".mhtml"])
def test_a_saved_page_is_read_as_the_page(tmp_path, suffix):
    page = "<title>The prices</title><h1>Prices</h1><p>It costs 5 €.</p><script>x()</script>"
    plain = written(tmp_path, saved_page(page, Date="Fri, 31 May 2024 10:00:00 +0000"), f"a{suffix}")
    assert plain.text == "Prices\n\nIt costs 5 €.\n\nIn a frame."
    assert plain.title == "Prices"
    assert plain.metadata == {"title": "The prices", "date": "2024-05-31"}
    assert left_out(plain) == {"image": 1, "script": 2}


def test_a_saved_page_without_text_or_page(tmp_path):
    with pytest.raises(UnreadableDocument, match="without text"):
        written(tmp_path, b"Subject: s\nContent-Type: text/html\n\n<p> </p>", "a.mht")
    assert written(tmp_path, message(), "b.mht").title == "Router broken"
