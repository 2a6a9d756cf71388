"""Messages: headers for people, the body once, in whatever encoding and form a mail program writes it."""

import base64
import binascii
import time
from datetime import UTC, datetime, timedelta

import pytest
from _mail import left_out, message, reason, titles, written
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from groundtune.errors import UnreadableDocument

HEAD = "Subject: {}\nFrom: Ana Silva <ana@acme.test>\n"
LINES = "Router broken\n\nFrom: Ana Silva <ana@acme.test>\n"


def raw(body="", headers="", subject="Router broken"):
    return f"{HEAD.format(subject)}{headers}\n{body}".encode()


def body_of(plain):
    return plain.text.split("\n\n", 2)[2]


# --- headers --------------------------------------------------------------------------------------


def test_headers_become_a_heading_lines_and_metadata(tmp_path):
    made = message(day=31, cc="Bob <bob@acme.test>, carl@acme.test")
    plain = written(tmp_path, made)
    assert plain.title == "Router broken"
    assert titles(plain) == [(1, "Router broken")]
    assert plain.text == (
        "Router broken\n\nFrom: Ana Silva <ana@acme.test>\nTo: Help <help@acme.test>\n"
        "Cc: Bob <bob@acme.test>, carl@acme.test\nDate: 2024-05-31 10:00 +0000\n\nThe light is off."
    )
    assert plain.metadata == {
        "title": "Router broken",
        "author": "Ana Silva <ana@acme.test>",
        "to": "Help <help@acme.test>",
        "cc": "Bob <bob@acme.test>, carl@acme.test",
        "date": "2024-05-31",
    }
    assert plain.left_out == ()


@pytest.mark.parametrize(
    ("written_as", "expected"),
    [
        ("=?utf-8?q?Gr=C3=B6=C3=9Fe?=", "Größe"),
        ("=?UTF-8?B?R3LDtsOfZQ==?=", "Größe"),
        ("=?utf-8?q?Gr=C3?=\n =?utf-8?q?=B6=C3=9Fe?=", "Größe"),  # a letter cut in two
        ("=?iso-8859-1?q?Gr=F6=DFe_?= =?iso-8859-1?q?neu?=", "Größe neu"),
        ("Re: =?windows-1252?Q?Gr=F6=DFe?= (2)", "Re: Größe (2)"),
        ("=?utf-8*de?q?Gr=C3=B6=C3=9Fe?=", "Größe"),
        ("=?nonsense?q?Gr=C3=B6=C3=9Fe?=", "Größe"),
        ("=?utf-8?b?R3LDtsOfZQ?=", "Größe"),  # without its padding
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("Two\n lines", "Two lines"),
        ("Größe", "Größe"),
    ],
)
def test_subjects(tmp_path, written_as, expected):
    assert written(tmp_path, raw("x", subject=written_as)).title == expected


def test_a_subject_in_bytes_of_another_encoding(tmp_path):
    assert written(tmp_path, "Subject: Größe der Wünsche\n\nx".encode("cp1252")).title == "Größe der Wünsche"


@pytest.mark.parametrize(
    ("written_as", "expected"),
    [
        ('"Silva, Ana" <ana@acme.test>', "Silva, Ana <ana@acme.test>"),
        ("ana@acme.test", "ana@acme.test"),
        ("ana@acme.test (Ana Silva)", "Ana Silva <ana@acme.test>"),
        ("=?utf-8?q?J=C3=B6rg?= <j@acme.test>, b@acme.test", "Jörg <j@acme.test>, b@acme.test"),
        ("ana at acme.test (Ana Silva)", "ana at acme.test (Ana Silva)"),  # an archive of a mailing list
        ("Undisclosed-recipients:;", None),
        ("", None),
    ],
)
def test_people(tmp_path, written_as, expected):
    plain = written(tmp_path, f"Subject: s\nTo: {written_as}\n\nx".encode())
    assert plain.metadata.get("to") == expected


@pytest.mark.parametrize(
    ("header", "line", "day"),
    [
        ("Date: Fri, 31 May 2024 10:00:00 -0500 (CDT)", "Date: 2024-05-31 10:00 -0500", "2024-05-31"),
        ("Date: Fri, 31 May 2024 23:30:00 +0200", "Date: 2024-05-31 23:30 +0200", "2024-05-31"),
        ("Date: 31 May 24 10:00", "Date: 2024-05-31 10:00", "2024-05-31"),
        ("Date: yesterday", "Date: yesterday", "yesterday"),
        ("Date: Fri, 31 May 99999 10:00:00 +0000", "Date: Fri, 31 May 99999 10:00:00 +0000", None),
        ("Received: from a by b; Fri, 31 May 2024 10:00:00 +0000", "Date: 2024-05-31 10:00 +0000", "2024-05-31"),
        ("X-Other: 1", "", None),
    ],
)
def test_dates(tmp_path, header, line, day):
    plain = written(tmp_path, raw("Text.", f"{header}\n"))
    assert plain.text == f"{LINES}{line}".rstrip() + "\n\nText."
    assert day is None or plain.metadata["date"] == day


def test_without_a_subject_the_name_is_the_title(tmp_path):
    plain = written(tmp_path, message(subject=""), "a-question.eml")
    assert plain.title == "a question"
    assert plain.text.startswith("From: Ana")
    assert plain.headings == ()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Subject: s\nno header\nFrom: a@x.org\n\nText.", "s no header\n\nFrom: a@x.org\n\nText."),
        (
            b"Subject: s\nFrom: a@x.org\nText without\nspace before.",
            "s\n\nFrom: a@x.org\n\nText without\nspace before.",
        ),
        (b"\n\nSubject: s\n\nText.", "s\n\nText."),
        (b"From a@x.org Fri May 31 10:00:00 2024\nSubject: s\n\nText.", "s\n\nText."),
        (b"\xef\xbb\xbfSubject: s\n\nText.", "s\n\nText."),
        (b"Subject: s\r\rText.\rMore.", "s\n\nText.\nMore."),
        ("Subject: s\n\nText: Größe.".encode("utf-16"), "s\n\nText: Größe."),
        ("Subject: s\nContent-Type: text/plain; charset=utf-8\n\nGröße.".encode("utf-16-le"), "s\n\nGröße."),
        (b"31\nSubject: s\nFrom: a@x.org\n\nText.<plist/>", "s\n\nFrom: a@x.org\n\nText."),
    ],
)
def test_odd_beginnings(tmp_path, data, text):
    assert written(tmp_path, data).text == text


def test_a_file_without_headers_is_text(tmp_path):
    plain = written(tmp_path, b"Only a few words.")
    assert plain.text == "Only a few words."
    assert "no headers" in plain.notes[0]


# --- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "encoding", "text"),
    [
        ("utf-8", "utf-8", "Größe – 5 €"),
        ("iso-8859-1", "iso-8859-1", "Größe: fünf"),
        ("windows-1252", "windows-1252", "Größe – 5 €"),
        ("us-ascii", "windows-1252", "Größe: fünf Käse für Jörg"),  # a wrong name
        ("utf-8", "windows-1252", "Größe: fünf Käse für Jörg"),
        ("unknown-8bit", "utf-8", "Größe – 5 €"),
        ("", "utf-8", "Größe – 5 €"),
        ("koi8-r", "koi8-r", "Цена пять рублей в день"),
        ("iso-2022-jp", "iso2022_jp", "日本語の本文です。"),
        ("gb2312", "gb18030", "价格是每天五欧元。"),
        ("utf-7", "utf-7", "Größe"),
    ],
)
@pytest.mark.parametrize("transfer", ["8bit", "base64", "quoted-printable"])
def test_encodings(tmp_path, charset, encoding, text, transfer):
    data = text.encode(encoding)
    coded = {"8bit": bytes, "base64": base64.encodebytes, "quoted-printable": binascii.b2a_qp}[transfer](data)
    declared = f"; charset={charset}" if charset else ""
    head = raw("", f"Content-Type: text/plain{declared}\nContent-Transfer-Encoding: {transfer}\n")
    plain = written(tmp_path, head + coded)
    assert body_of(plain).strip() == text
    assert plain.left_out == ()


def test_a_body_in_two_bytes_a_letter(tmp_path):
    head = raw("", "Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n")
    assert body_of(written(tmp_path, head + base64.encodebytes("Größe – 5 €".encode("utf-16")))) == "Größe – 5 €"


def test_one_form_of_two_is_read(tmp_path):
    made = message(body="It costs 5 euros.\n")
    made.add_alternative("<p>It costs <b>5</b> euros.</p>", subtype="html")
    plain = written(tmp_path, made)
    assert plain.text.count("5 euros") == 1
    assert left_out(plain) == {"repeated text": 1}


@pytest.mark.parametrize("stub", ["", " \n", "Your program does not show HTML."])
def test_the_page_is_read_where_the_text_says_little(tmp_path, stub):
    made = message(body=stub)
    cells = "".join(f"<tr><td>Plan {n}</td><td>{n} euros</td></tr>" for n in range(5, 12))
    made.add_alternative(f"<h2>Prices</h2><table><tr><th>Plan</th><th>Price</th></tr>{cells}</table>", subtype="html")
    plain = written(tmp_path, made)
    assert "Plan | Price\nPlan 5 | 5 euros" in plain.text
    assert titles(plain)[1] == (3, "Prices")
    assert stub.strip() not in plain.text or not stub.strip()
    assert any(context.text == "Plan | Price" for context in plain.contexts)


def test_a_page_alone_in_its_own_encoding(tmp_path):
    page = '<html><head><meta charset="windows-1251"></head><body><p>Цена пять рублей</p></body></html>'
    data = raw("", "Content-Type: text/html\nContent-Transfer-Encoding: base64\n")
    plain = written(tmp_path, data + base64.encodebytes(page.encode("cp1251")))
    assert body_of(plain) == "Цена пять рублей"


def test_text_around_a_page_and_pictures(tmp_path):
    """As Apple Mail writes a message with files in its middle."""
    data = raw(
        "--A\nContent-Type: text/plain\n\nFirst words.\n\nLast words.\n"
        "--A\nContent-Type: multipart/mixed; boundary=B\n\n"
        "--B\nContent-Type: text/html\n\n<p>First words.</p>\n--B\nContent-Type: text/csv; name=fees.csv\n"
        "Content-Disposition: inline; filename=fees.csv\n\nname,fee\nA,5\n--B\nContent-Type: image/png\n\nx\n"
        "--B\nContent-Type: text/html\n\n<p>Last words.</p>\n--B--\n--A--\n",
        "Content-Type: multipart/alternative; boundary=A\n",
    )
    plain = written(tmp_path, data)
    assert body_of(plain) == "First words.\n\nLast words.\n\nfees.csv\n\nname: A\nfee: 5"
    assert left_out(plain) == {"repeated text": 2, "image": 1}


def test_flowed_text_has_its_paragraphs_whole(tmp_path):
    text = "This is one \nparagraph.\nNext.\n>> quoted \n>> twice \n> once\n From here\n-- \nAna \nSilva\n"
    plain = written(tmp_path, raw(text, "Content-Type: text/plain; format=flowed\n"))
    assert body_of(plain) == ("This is one paragraph.\nNext.\n>> quoted twice\n> once\nFrom here\n--\nAna Silva")
    japanese = raw("日本 \n語\n", "Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\n")
    assert body_of(written(tmp_path, japanese)) == "日本語"


def test_enriched_text(tmp_path):
    text = "<bold>Bold</bold> and <fontfamily><param>x</param>plain</fontfamily>\nline\n\n5 << 6"
    assert body_of(written(tmp_path, raw(text, "Content-Type: text/enriched\n"))) == "Bold and plain line\n5 < 6"


def test_quotes_and_signatures_of_a_single_message_stay(tmp_path):
    text = "Yes.\n\nOn Friday, Bob wrote:\n> Does it help?\n\n-- \nAna Silva\nAcme"
    assert body_of(written(tmp_path, raw(text))) == text.replace("-- ", "--")


def test_messages_within_messages(tmp_path):
    inner, middle, outer = message("Inner", "Deep."), message("Middle", "Between."), message("Outer", "Above.")
    middle.add_attachment(inner)
    outer.add_attachment(middle)
    plain = written(tmp_path, outer)
    assert titles(plain) == [(1, "Outer"), (2, "Middle"), (3, "Inner")]
    assert plain.text.index("Above.") < plain.text.index("Between.") < plain.text.index("Deep.")


def test_a_message_within_that_is_encoded_against_the_rules(tmp_path):
    inner = base64.encodebytes(raw("Deep.", subject="Inner")).decode()
    parts = f"--A\n\nAbove.\n--A\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{inner}--A--\n"
    plain = written(tmp_path, raw(parts, "Content-Type: multipart/mixed; boundary=A\n"))
    assert titles(plain) == [(1, "Router broken"), (2, "Inner")]
    assert plain.text.endswith("Deep.")


def test_a_digest_and_a_report(tmp_path):
    digest = "--A\n\nSubject: One\n\nFirst.\n--A\n\nSubject: Two\n\nSecond.\n--A--\n"
    plain = written(tmp_path, raw(digest, "Content-Type: multipart/digest; boundary=A\n"))
    assert titles(plain)[1:] == [(2, "One"), (2, "Two")]
    report = (
        "--A\n\nNot delivered.\n--A\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; b@x.org\n--A--\n"
    )
    plain = written(tmp_path, raw(report, "Content-Type: multipart/report; boundary=A\n"))
    assert body_of(plain) == "Not delivered.\n\nFinal-Recipient: rfc822; b@x.org"


# --- signed and encrypted -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def identity():
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ana")])
    now = datetime(2024, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=999))
    return key, builder.sign(key, hashes.SHA256())


INNER = "Content-Type: text/plain; charset=utf-8\n\nIt costs 5 €.\n".encode()
WRAPPED = "Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n"


def signed(identity, encoding, *options):
    key, certificate = identity
    builder = pkcs7.PKCS7SignatureBuilder().set_data(INNER).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(encoding, list(options))


def test_a_message_wrapped_into_its_signature(tmp_path, identity):
    der = signed(identity, serialization.Encoding.DER, pkcs7.PKCS7Options.Binary)
    assert body_of(written(tmp_path, raw("", WRAPPED) + base64.encodebytes(der))) == "It costs 5 €."


def test_lengths_that_are_not_known_before(tmp_path):
    """OpenSSL and Outlook stream: parts end with two zeros, and the text is cut into pieces."""

    def whole(tag, *parts):
        return bytes([tag, 0x80]) + b"".join(parts) + b"\0\0"

    def short(tag, value):
        return bytes([tag, len(value)]) + value

    identifier = bytes.fromhex("2a864886f70d0107")
    text = whole(0x24, short(0x04, INNER[:20]), short(0x04, INNER[20:]))
    content = whole(0x30, short(0x06, identifier + b"\1"), whole(0xA0, text))
    data = whole(0x30, short(0x06, identifier + b"\2"), whole(0xA0, whole(0x30, short(2, b"\1"), content)))
    assert body_of(written(tmp_path, raw("", WRAPPED) + base64.encodebytes(data))) == "It costs 5 €."


def test_a_signature_beside_the_message(tmp_path, identity):
    made = signed(identity, serialization.Encoding.SMIME, pkcs7.PKCS7Options.DetachedSignature)
    plain = written(tmp_path, HEAD.format("Router broken").encode() + made)
    assert body_of(plain) == "It costs 5 €."
    assert left_out(plain) == {"attachment": 1}


def test_an_encrypted_message_is_refused(tmp_path, identity):
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(INNER).add_recipient(identity[1])
    der = builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    with pytest.raises(UnreadableDocument, match=r"is encrypted.*without encryption"):
        written(tmp_path, raw("", WRAPPED) + base64.encodebytes(der))
    noise = raw("", WRAPPED) + base64.encodebytes(b"\x30\x80" * 200)
    with pytest.raises(UnreadableDocument, match="is encrypted"):
        written(tmp_path, noise)


PGP = "-----BEGIN PGP MESSAGE-----\n\nabc\n=xx\n-----END PGP MESSAGE-----\n"


def test_pgp(tmp_path):
    text = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nIt costs 5 euros.\n- -- \nAna\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
    )
    plain = written(tmp_path, raw(text))
    assert body_of(plain) == "It costs 5 euros.\n--\nAna"
    assert left_out(plain) == {"attachment": 1}
    encrypted = f"--A\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--A\n\n{PGP}--A--\n"
    for data in (raw(PGP), raw(encrypted, "Content-Type: multipart/encrypted; boundary=A\n")):
        with pytest.raises(UnreadableDocument, match="is encrypted"):
            written(tmp_path, data)
    plain = written(tmp_path, raw(f"See below.\n\n{PGP}"))
    assert body_of(plain) == "See below."
    assert "encrypted text" in reason(plain, "unreadable part")


# --- broken and hostile ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "contains no text"),
        (b"  \n \n", "contains no text"),
        (bytes(range(128, 256)) * 20, "is not text"),
        (b"%PDF-1.7 x", "is a PDF"),
        (raw("--A\n\nx\n" * 100_001, "Content-Type: multipart/mixed; boundary=A\n"), "more than 100,000 parts"),
        (
            raw(
                "--A\nContent-Type: multipart/mixed; boundary=A\n\n" * 3000,
                "Content-Type: multipart/mixed; boundary=A\n",
            ),
            "",
        ),
        (
            raw("".join(f"Content-Type: multipart/mixed; boundary=B{n}\n\n--B{n}\n" for n in range(3000))),
            "",
        ),
    ],
)
def test_what_is_no_message(tmp_path, data, message):
    start = time.perf_counter()
    if message:
        with pytest.raises(UnreadableDocument, match=message):
            written(tmp_path, data)
    else:
        assert written(tmp_path, data).title == "Router broken"
    assert time.perf_counter() - start < 20


def test_parts_without_an_end_are_refused(tmp_path):
    deep = b"x"
    for number in range(3000):
        deep = f"Content-Type: multipart/mixed; boundary=B{number}\n\n--B{number}\n".encode() + deep
    with pytest.raises(UnreadableDocument, match="nested too deeply"):
        written(tmp_path, b"Subject: s\n" + deep)


def test_messages_without_an_end_are_counted(tmp_path):
    deep = b"x"
    for number in range(40):
        deep = f"Subject: level {number}\nContent-Type: message/rfc822\n\n".encode() + deep
    plain = written(tmp_path, deep)
    assert len(plain.headings) == 9
    assert "more than 8 within one another" in reason(plain, "attachment")


def test_a_message_cut_off_in_a_file(tmp_path):
    made = message()
    made.add_attachment(b"x" * 5000, maintype="application", subtype="pdf", filename="a.pdf")
    plain = written(tmp_path, made.as_bytes()[:2000])
    assert "The light is off." in plain.text
    assert left_out(plain) == {"attachment": 1}


def test_a_body_that_is_no_text(tmp_path):
    parts = "--A\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{}--A\n\nText.\n--A--\n"
    noise = base64.encodebytes(bytes(range(128, 256)) * 20).decode()
    plain = written(tmp_path, raw(parts.format(noise), "Content-Type: multipart/mixed; boundary=A\n"))
    assert body_of(plain) == "Text."
    assert "is not text" in reason(plain, "unreadable part")


def test_a_separator_that_never_comes(tmp_path):
    plain = written(tmp_path, raw("Text all the same.", "Content-Type: multipart/mixed; boundary=A\n"))
    assert body_of(plain) == "Text all the same."


@pytest.mark.parametrize(
    "header",
    [
        'Content-Type: text/plain; charset = "utf-8"Content-Transfer-Encoding: 8bit',
        "Content-Type: ;;;",
        "Content-Type: text",
        "Content-Type: text/plain; charset*=x",
        "Content-Type: text/plain; charset*=utf-8'",
        "Content-Disposition: ; filename",
        "Content-Transfer-Encoding: 9bit",
        "Date: ",
        'Cc: <<<>>>, "unclosed, (open',
        "Subject: =?utf-8?b?%%%?= =?x?z?y?= =?=?=",
    ],
)
def test_broken_headers(tmp_path, header):
    plain = written(tmp_path, f"From: Ana <ana@acme.test>\n{header}\n\nThe text.\n".encode())
    assert "The text." in plain.text
