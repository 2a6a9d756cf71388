"""Personal data by rules: what is found, what is left alone, and what a text is without it."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.tuning.quality.personal import PersonalSpan, all_of, patterns, redacted

FOUND = [
    ("My card is 4111 1111 1111 1111, exp 12/25", "My card is [CARD], exp 12/25"),
    ("card 4131034282458809939.", "card [CARD]."),  # 19 digits
    ("Amex 3782 822463 10005 thanks", "Amex [CARD] thanks"),
    ("Diners 30569309025904", "Diners [CARD]"),
    ("JCB 3530111333300000", "JCB [CARD]"),
    ("Maestro 630427373398", "Maestro [CARD]"),  # 12 digits
    ("4111-1111-1111-1111", "[CARD]"),
    ("4111.1111.1111.1111", "[CARD]"),
    ("4111\u00a01111\u00a01111\u00a01111", "[CARD]"),
    ("４１１１１１１１１１１１１１１１", "[CARD]"),
    ("(5500 0055 5555 5559)", "([CARD])"),
    ("I paid order 77 by card 4111111111111111", "I paid order 77 by card [CARD]"),
    ("card 4111 1111 1111 1111 123", "card [CARD] 123"),
    ("my credit card 060426070012 is lost", "my credit card 060426070012 is lost"),  # Luhn fails
    ("gb82 west 1234 5698 7654 32 please", "[IBAN] please"),
    ("IBAN: DE89370400440532013000.", "IBAN: [IBAN]."),
    ("ES91-2100-0418-4502-0005-1332", "[IBAN]"),
    ("NO9386011117947", "[IBAN]"),
    ("mt84malt011000012345mtlcast001s", "[IBAN]"),
    ("to josé.garcía@correo.es or bo[at]shop[dot]org", "to [EMAIL] or [EMAIL]"),
    ("Mail:a.b+c@mail.example.co.uk!", "Mail:[EMAIL]!"),
    ("ping 8.8.8.8 and 203.0.113.7", "ping [IP] and [IP]"),
    ("2001:db8::1 and 2a00:1450:4001:81b::200e", "[IP] and [IP]"),
    ("call +44 20 7946 0958 ext. 12", "call [PHONE]"),
    ("+1 (212) 555-0123 x45", "[PHONE]"),
    ("(212) 555-0123 is mine", "[PHONE] is mine"),
    ("Call me on 07700 900123.", "Call me on [PHONE]."),
    ("Tel 0049 30 123456", "Tel [PHONE]"),
    ("Mi móvil: 612 345 678", "Mi móvil: [PHONE]"),
    ("Rufen Sie an, Telefon 030/1234567", "Rufen Sie an, Telefon [PHONE]"),
    ("SSN 123-45-6789", "SSN [ID]"),
    ("DNI 12345678Z", "DNI [ID]"),
    ("NIE x-1234567-l", "NIE [ID]"),
    ("NHS number 943 476 5919", "NHS number [ID]"),
    ("NI AB 12 34 56 C", "NI [ID]"),
    ("Steuer-ID 36 574 261 809", "Steuer-ID [ID]"),
    ("cpf 390.533.447-05", "cpf [ID]"),
    ("RSSMRA85T10A562S", "[ID]"),
    ("AHV 756.9217.0769.85", "AHV [ID]"),
    ("19811228-9874", "[ID]"),
]
LEFT_ALONE = [
    "order number 4111111111111111 shipped",  # passes Luhn, but is called something else
    "Bestellnummer 4111 1111 1111 1111",
    "IMEI 352099001761481",
    "ICCID 8944500102198304826",
    "Tracking 1234567890123456789",
    "4111 1111 1111 1112",
    "0000 0000 0000 0000",
    "Numbers 12 34 56 78 90 12 34",
    "pi 3.14159265358979323846",
    "price 1,234,567,890,123",
    "it costs 0.000123456789012",
    "UUID 123e4567-e89b-12d3-a456-426614174000",
    "ISBN 978-3-16-148410-0",
    "IBAN DE89 3704 0044 0532 0130 01",
    "GB00 0000 0000 0000 0000 00",
    "a@b and @handle and user@host",
    "192.168.1.1, 10.0.0.1, 127.0.0.1, 255.255.255.0, 0.0.0.0",
    "firmware 10.2.33.4 and version 8.8.8.8",
    "at 12:30:45 std::vector and a::b",
    "0800 123 4567 is the hotline",
    "Dial 1-800-555-0199",
    "order 2125550123",
    "on 2023-10-12 12:30",
    "12.05.2023 to 13.05.2023",
    "range 1000-2000, pages 120-131",
    "000-12-3456",
    "DNI 12345678A",
    "Error 0x80070057 and 5G-1042",
    "Meter reading 00123456 on 01.02.2024",
    "pay 1 234 567 EUR",
    "",
    "No digits at all.",
]


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_personal_data_is_replaced(text: str, expected: str) -> None:
    assert redacted(text)[0] == expected


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_looks_personal_is_left_alone(text: str) -> None:
    assert redacted(text) == (text, ())


@pytest.mark.parametrize(("text", "_"), FOUND)
def test_redacting_twice_changes_nothing_more(text: str, _: str) -> None:
    once = redacted(text)[0]
    assert redacted(once) == (once, ())


def test_spans_are_those_of_the_text_that_was_given() -> None:
    text = "bo@shop.org pays with 4111111111111111"
    assert [text[span.start : span.end] for span in redacted(text)[1]] == ["bo@shop.org", "4111111111111111"]


def test_an_order_number_passes_luhn_by_chance_only_without_a_word_for_it() -> None:
    """One in ten 16-digit numbers passes Luhn; first digits and lengths of issuers leave few of those."""
    told = sum(bool(redacted(f"No. {number}")[1]) for number in range(9_000_000_000_000_000, 9_000_000_000_002_000))
    assert told == 0


def test_finders_are_joined_without_overlap() -> None:
    def everything(text: str) -> list[PersonalSpan]:
        return [PersonalSpan(0, len(text), "name")]

    assert redacted("8.8.8.8", all_of(patterns, everything))[0] == "[IP]"


@given(st.text(max_size=300))
def test_any_text_can_be_redacted(text: str) -> None:
    clean, spans = redacted(text)
    assert all(0 <= one.start < one.end <= len(text) for one in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert (clean == text) == (not spans)


@pytest.mark.parametrize("text", ["1 " * 20_000, "4" * 50_000, "a1" * 20_000, "a." * 20_000 + "@", "1.1." * 10_000])
def test_odd_long_texts_take_no_long_time(text: str) -> None:
    start = time.perf_counter()
    patterns(text)
    assert time.perf_counter() - start < 20
