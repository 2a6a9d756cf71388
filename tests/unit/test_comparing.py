"""What tells two texts apart and what does not, and where comparable words are used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.comparing import aligned, common, figures, searchable, shared, tokens, unbacked, words
from groundtune.comparing.folding import fold, fold_with_places
from groundtune.comparing.quantities import quantities
from groundtune.text import locate


def same(one, other):
    left, right = aligned(tokens(one), tokens(other))
    return list(left) == list(right)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It costs €1.50.", "It costs €150."),
        ("It costs -5.", "It costs 5."),
        ("−5 °C", "5 °C"),
        ("+5", "5"),
        ("+5", "-5"),
        ("1.50", "150"),
        ("€1,50", "€1,500"),
        ("1,50", "1,500"),
        ("1,50", "150"),
        ("5-10", "510"),
        ("5–10 days", "510 days"),
        ("€5", "$5"),
        ("€5", "£5"),
        ("5 EUR", "5 USD"),
        ("5 euros", "5 dollars"),
        ("5%", "5"),
        ("5 %", "5 ‰"),
        ("C++", "C"),
        ("C#", "C"),
        ("C++", "C#"),
        ("F#", "F"),
        ("F#", "C#"),
        (".NET", "net"),
        ("Node.js", "node js"),
        ("Node.js", "Nodejs"),
        ("firmware 3.1", "firmware 3.10"),
        ("Firmware 3.1", "3.10"),
        ("3.1", "Firmware 3.10"),
        ("version 3.1", "release 3.10"),
        ("3.1", "3.10"),
        ("Python 3.1", "Python 3.10"),
        ("python 3.1", "python 3.10"),
        ("iOS 17.1", "iOS 17.10"),
        ("ios 17.1", "ios 17.10"),
        ("192.168.1.1", "192.168.11"),
        ("192.168.1.1", "192.168.1.10"),
        ("192.168.1.1", "192.168.1.11"),
        ("10.0.0.0/8", "10.0.0.0/80"),
        ("2.10.3", "2.1.3"),
        ("2.1.3", "21.3"),
        ("v3.1", "v3.10"),
        ("v3.1", "v31"),
        ("3.1.0", "3.1"),
        ("2024-01-05", "2024-01-15"),
        ("2024-01-05", "20240105"),
        ("05.01.2024", "15.01.2024"),
        ("10:30", "1030"),
        ("10:30", "10:31"),
        ("1/2", "12"),
        ("1/2 cup", "12 cup"),
        ("½ cup", "12 cup"),
        ("10²", "102"),
        ("10^2", "102"),
        ("m²", "m2x"),
        ("< 5", "> 5"),
        ("<5 ms", ">5 ms"),
        ("≤ 5", "≥ 5"),
        ("<5", "≤5"),
        ("it works", "it does not work"),
        ("can", "can't"),
        ("a.b@example.com", "ab@example.com"),
        ("https://example.com/a", "https://example.com/b"),
        ("example.com", "example.org"),
        ("max_tokens", "maxtokens"),
        ("5 GB", "5 MB"),
        ("5 GB", "5"),
        ("5 million", "5"),
        ("€5 million", "€5"),
        ("AT&T", "AT T"),
        ("👍", "👎"),
        ("…", "?!"),
        ("the", "a"),
        ("Option A", "Option B"),
        ("Option A", "Option"),
        ("A", "B"),
        ("5G", "4G"),
        ("5G+", "5G"),
        ("H5", "H 5"),
        ("007", "7"),
        ("O+", "O-"),
        ("A-", "A"),
        ("1e3", "13"),
        ("1.5e3", "15e3"),
        ("10:30-11:30", "10301130"),
        ("5×10", "510"),
        ("24/7", "247"),
        ("§ 3.1", "§ 3.10"),
        ("section 3.1", "section 3.10"),
        ("€1.500", "€1.5"),
        ("€1.500", "€1500"),
        ("(−5)", "(5)"),
        ("1 000 €", "1 €"),
        ("ABBA", "AB BA"),
        ("~5", "5"),
        ("±5", "5"),
        ("10+", "10"),
        ("हिन्दी", "हन्द"),
        ("5 m", "5 cm"),
        ("5°C", "5°F"),
        ("1:2", "12"),
        ("Zone -1", "Zone 1"),
        ("fe80::1", "fe80::11"),
        ("0.5", "5"),
        (".5", "5"),
        ("1.", "1.5"),
        ("10^-3", "10^3"),
        ("2-3", "-3"),
        ("#1", "1x"),
        ("$1.50", "$15.0"),
        ("1.5 million", "15 million"),
        ("-0.5%", "0.5%"),
        ("3.5 GB", "35 GB"),
        ("2.5x", "25x"),
        ("£9.99", "£999"),
        ("12:05", "1205"),
        ("1.5e-3", "1.5e3"),
        ("Objective-C", "Objective-C++"),
        ("C", "C+"),
        ("Qt 6.1", "Qt 6.10"),
        ("Node.js 18.1", "Node.js 18.10"),
        ("TLS 1.2", "TLS 1.20"),
        ("Section 2.1", "Section 2.10"),
        ("chapter 4.2", "chapter 42"),
        ("release 10.1", "release 10.10"),
        ("10.0.0.1", "10.0.01"),
        ("10.0.0.1", "1.0.0.01"),
        ("255.255.255.0", "255.255.255.00"),
        ("IPv4 8.8.8.8", "IPv4 8.8.88"),
        ("$5 \u2013 $10", "$510"),
        ("5\u201310%", "510%"),
        ("pages 5-7", "pages 57"),
        ("+3 °C", "-3 °C"),
        ("± 5", "5"),
        ("100 €", "100 $"),
        ("100 USD", "100 AUD"),
        ("US$100", "A$100"),
        ("10 kr", "10 €"),
        ("¥100", "€100"),
        ("100 CHF", "100 SEK"),
        (">= 18", "<= 18"),
        (">18", "18"),
        ("≥ 18", "18"),
        ("~18", "18"),
        ("10%", "10"),
        ("10 %", "10 €"),
        ("5 km", "5 km/h"),
        ("5 mg", "5 g"),
        ("5 kg", "5 g"),
        ("1st", "1"),
        ("2:1", "21"),
        ("16:9", "169"),
        ("a@b.com", "a.b.com"),
        ("foo_bar", "foobar"),
        ("user-id", "userid"),
        ("not allowed", "allowed"),
        ("H2O", "HO"),
        ("R2-D2", "R2D2"),
        ("1,5 €", "15 €"),
        ("1.234,56 €", "123456 €"),
        ("€1.234", "€1.23"),
        ("0.1", "01"),
        ("00:00", "0"),
        ("3/4", "34"),
        ("2²", "22"),
        ("x²", "x2y"),
        ("5′", "5"),
        ("5′", "5″"),
        ("A+", "A"),
        ("B-", "B"),
        ("vitamin A.", "vitamin."),
        ("no", "yes"),
        ("v1.0", "v10"),
        ("v1.10", "v1.1"),
        ("1.2.3", "1.23"),
        ("build 1.10", "build 1.1"),
        ("Android 4.1", "Android 4.10"),
        ("firmware v3.1", "firmware v3.10"),
        ("update to 3.1", "update to 3.10"),
        ("upgrade from 3.1", "upgrade from 3.10"),
        ("the 3.1 release", "the 3.10 release"),
        ("Firmware: 3.1", "Firmware: 3.10"),
        ("FW 3.1", "FW 3.10"),
        ("3.1 is not supported", "3.10 is not supported"),
        ("5 GB", "5 GiB"),
        ("5 Gbit/s", "5 GB/s"),
        ("$1k", "$1"),
        ("€2m", "€2"),
        ("5 million", "5 billion"),
        ("1 000 000 €", "1 €"),
        ("(5)", "(-5)"),
        ("5%-10%", "510%"),
        ("10-12-2024", "10122024"),
        ("#5", "#6"),
        ("Q1", "Q2"),
        ("50/50", "5050"),
        ("24h", "24"),
        ("0x10", "010"),
        ("1080p", "1080i"),
        ("top-10", "top-1"),
        ("é", "e"),
        ("ñ", "n"),
        ("ü", "u"),
        ("日本", "本日"),
    ],
)
def test_what_tells_two_texts_apart(one, other):
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It costs €1.50.", "it costs 1.50 EUR"),
        ("€5", "5 €"),
        ("€5", "5 EUR"),
        ("€5", "5 euros"),
        ("€5", "EUR 5"),
        ("5 %", "5%"),
        ("5%", "5 percent"),
        ("5%", "5 per cent"),
        ("$5", "5 dollars"),
        ("US$5", "$5"),
        ("USD 5", "$5"),
        ("24.90", "24.9"),
        ("€24.90", "€24.9"),
        ("€24.90", "24.9 euros"),
        ("It costs 24.90", "It costs 24.9"),
        ("1,000", "1000"),
        ("€1,000.00", "€1000"),
        ("€1,000", "1 000 €"),
        ("€1.000,50", "€1,000.50"),
        ("1’000 CHF", "CHF 1000"),
        ("1,50 €", "1.50 €"),
        ("5 GB", "5GB"),
        ("5 gb", "5GB"),
        ("5 Gb", "5GB"),
        ("500g", "500 g"),
        ("10 km/h", "10km/h"),
        ("5–10", "5-10"),
        ("5 – 10", "5-10"),
        ("5-10 days", "5 to 10 days"),
        ("5-10 GB", "5–10GB"),
        ("−5", "-5"),
        ("don't", "don’t"),
        ("don't", "dont"),
        ("the Eiffel Tower", "Eiffel tower!"),
        ("an apple", "The Apple"),
        ("“Yes”", '"yes"'),
        ("ﬁrst oﬃce", "first office"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("pre\u00adpaid", "prepaid"),
        ("pre\u200bpaid", "prepaid"),
        ("10\u00a0GB", "10 GB"),
        ("cafe\u0301", "café"),
        ("Straße", "STRASSE"),
        ("Node.js", "node.JS"),
        (".NET", ".net"),
        ("C++.", "c++"),
        ("(C#)", "C#"),
        ("v3.1", "version 3.1"),
        ("V3.1", "v3.1"),
        ("3.1", "3.1"),
        ("Firmware 3.10", "firmware 3.10"),
        ("customer’s", "customer's"),
        ("“It’s”", "It's"),
        ("½ cup", "1/2 cup"),
        ("1½ cups", "1 1/2 cups"),
        ("10²", "10^2"),
        ("5°C", "5 °C"),
        ("5 degrees Celsius", "5 °C"),
        ("https://example.com/", "example.com"),
        ("e.g. this", "eg this"),
        ("U.S.", "US"),
        ("7 p.m.", "7pm"),
        ("Otter™", "Otter"),
        ("1920×1080", "1920x1080"),
        ("1920 x 1080", "1920x1080"),
        ("≤5", "≤ 5"),
        ("<5", "< 5"),
        ("A", "a"),
        ("Option A.", "option a"),
        ("hello , world", "hello, world"),
        ("−€5", "-€5"),
        ("€-5", "-€5"),
        ("1 234,56 €", "€1,234.56"),
        ("1\u202f234 €", "€1234"),
        ("Q&A", "q&a"),
        ("salt & pepper", "salt and pepper"),
        ("5 GB – 10 GB", "5 GB - 10 GB"),
        ("€5–10", "5–10 €"),
        ("self-service", "self service"),
        ("—yes—", "yes"),
        ("10 000 EUR", "10,000 EUR"),
        ("0.50 EUR", ".50 EUR"),
        ("5,- €", "5 €"),
        ("naïve", "nai\u0308ve"),
        ("ok…", "ok..."),
        ("5 ㎏", "5 kg"),
        ("25℃", "25 °C"),
        ("№ 5", "No 5"),
        ("$1.50", "1.50 USD"),
        ("$1.50", "1.5 dollars"),
        ("£9.99", "9.99 pounds"),
        ("£9.90", "GBP 9.9"),
        ("100 kr", "100kr"),
        ("10,000.00 €", "10000 EUR"),
        ("CHF 1'000.50", "1000.5 CHF"),
        ("€ 5", "€5"),
        ("5€", "€5"),
        ("5.00 %", "5%"),
        ("0.50%", ".5%"),
        ("12.50 kg", "12.5kg"),
        ("5 km/h", "5km/h"),
        ("10 Mbps", "10Mbps"),
        ("10 ms", "10ms"),
        ("5 °F", "5°F"),
        ("3\u20135 days", "3-5 days"),
        ("3—5 days", "3-5 days"),
        ("3 to 5 days", "3\u20135 days"),
        ("€3\u2013€5", "3-5 euros"),
        ("node.js", "Node.js"),
        ("c++", "C++"),
        ("“C++”", "C++"),
        ("HTTP://Example.com", "example.com"),
        ("www.example.com", "https://example.com/"),
        ("A@B.com", "a@b.com"),
        ("it’s", "its"),
        ("it's", "it`s"),
        ("l’eau", "l'eau"),
        ("O'Neil", "O’Neil"),
        ("rock’n’roll", "rock'n'roll"),
        ("e\u0301te\u0301", "été"),
        ("ﬂow", "flow"),
        ("ﬃ", "ffi"),
        ("Ａ１", "A1"),
        ("①", "1"),
        ("co\u00adop\u00aderate", "cooperate"),
        ("zero\u200bwidth", "zerowidth"),
        ("zero\u200dwidth", "zerowidth"),
        ("\ufeffword", "word"),
        ("word\u2060joiner", "wordjoiner"),
        ("non\u2011breaking", "non-breaking"),
        ("5\u202f000 €", "5000 €"),
        ("5\u00a0%", "5%"),
        ("the price", "price"),
        ("A car", "a car"),
        ("an Apple", "apple"),
        ("The End", "end"),
        ("Hello, World!", "hello world"),
        ("(yes)", "yes"),
        ("yes.", "Yes!"),
        ("“yes”", "«yes»"),
        ("²", "²"),
        ("10 \u2013 12", "10-12"),
        ("10:30 \u2013 11:30", "10:30-11:30"),
        ("version 2.1", "v2.1"),
        ("Version 2.1.", "version 2.1"),
        ("ＣＰＵ", "cpu"),
        ("ÅNGSTRÖM", "ångström"),
        ("µm", "μm"),
        ("5 µm", "5μm"),
        ("Ⅳ", "IV"),
        ("ǆ", "dž"),
        ("½", "1/2"),
        ("1¼", "1 1/4"),
        ("3×4", "3x4"),
        ("3 × 4", "3 x 4"),
        ("Straße", "strasse"),
        ("ΟΔΟΣ", "οδος"),
        ("İstanbul", "i̇stanbul"),
        ("5 per cent", "5%"),
        ("5 pct", "5%"),
        ("1,000,000", "1000000"),
        ("$1,000", "$1000.00"),
        ("\u2013 5 points", "5 points"),
        ("USD 5\u201310", "$5-10"),
    ],
)
def test_what_does_not_tell_two_texts_apart(one, other):
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("It costs €1.50.", "It costs €150."),
        ("It costs €5.", "It costs $5."),
        ("It costs €5.", "The price is 5."),
        ("It is 5% off.", "It is 5 off."),
        ("It is -5 °C.", "It is 5 °C."),
        ("Firmware 3.1 is supported.", "Firmware 3.10 is supported."),
        ("Firmware 3.1 is supported.", "Supported: 3.10"),
        ("3.1 is supported.", "We support firmware 3.10."),
        ("Use 192.168.1.1.", "Use 192.168.11."),
        ("You get 5 GB.", "You get 5 MB."),
        ("Call at 10:30.", "Call at 1030."),
        ("It takes < 5 s.", "It takes > 5 s."),
        ("From 2024-01-05.", "From 2024-01-15."),
    ],
)
def test_a_number_that_a_text_does_not_have(claim, source):
    assert unbacked(figures(claim), source)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("It costs €24.90.", "It costs 24.9 euros."),
        ("It costs 24.90.", "It costs €24.9."),
        ("Brook costs €9.", "| Plan | Price in € |\n|---|---|\n| Brook | 9.00 |"),
        ("It takes up to 10 days.", "It takes 5-10 days."),
        ("You get 5 GB.", "You get 5GB."),
        ("You get 5 GB.", "You get 5."),
        ("A Kiln R4 costs 160.00 euros.", "A Kiln R2 costs 85.00 euros, a Kiln R4 160.00 euros."),
        ("Firmware 3.10 is supported.", "Supported: 3.10"),
        ("It is 5 percent.", "It is 5 %."),
        ("Nothing here.", ""),
    ],
)
def test_a_number_that_a_text_has(claim, source):
    assert unbacked(figures(claim), source) == []


@pytest.mark.parametrize(
    "text",
    ["返金には十日かかります", "退款需要十天", "ใช้เวลาสิบวัน", "ໃຊ້ເວລາສິບວັນ", "ចំណាយពេលដប់ថ្ងៃ", "ဆယ်ရက်ကြာသည်"],
)
def test_scripts_without_spaces_are_compared_by_character(text):
    assert len(tokens(text)) == len(text)
    half = text[: len(text) // 2]
    assert 0 < shared(tokens(text), tokens(half)) < len(text)
    assert len(searchable(text).split()) == len(text) - 1
    assert set(searchable(half).split()) <= set(searchable(text).split())


@pytest.mark.parametrize(("one", "other"), [("हिन्दी", "हन्द"), ("كِتاب", "كُتاب"), ("கொடு", "கடு")])
def test_marks_on_letters_belong_to_words(one, other):
    assert len(tokens(one)) == 1
    assert not same(one, other)


@pytest.mark.parametrize(
    ("text", "indexed"),
    [
        ("Firmware 3.10", "firmware 3.10"),
        ("€24.90", "=24.9 24.9 eur =24.9eur"),
        ("24.90", "=24.9 24.90"),
        ("5GB C++ e-mail", "5 gb 5gb c++ e mail"),
        ("max_tokens", "max_tokens max tokens"),
        ("", ""),
        ("— … ?!", ""),
    ],
)
def test_what_goes_into_the_word_index(text, indexed):
    assert searchable(text) == indexed


@given(st.text(max_size=60))
def test_any_text_equals_itself_whatever_the_case(text):
    assert tokens(text) == tokens(text + " ")
    assert same(text, text)
    assert bool(tokens(text)) == bool("".join(fold(text).split()))


@given(
    st.lists(st.sampled_from(["€", "5", "1", ".", ",", "-", " ", "GB", "%", "x", "v", "/", ":", "3.10"]), max_size=9)
)
def test_quantities_are_in_order_and_apart(pieces):
    text = "".join(pieces).lower()
    ends = 0
    for found in quantities(text):
        assert ends <= found.start < found.end <= len(text)
        ends = found.end


@given(st.text(alphabet="aé e\u0301ﬁ½²\u00ad\u200b–“’1.\n日", max_size=30))
def test_folded_characters_know_their_place(text):
    folded, starts, ends = fold_with_places(text)
    assert len(folded) == len(starts) == len(ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(starts, ends, strict=True))
    assert sorted(starts) == starts


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("café menu", "The cafe\u0301 menu.", "cafe\u0301 menu"),
        ("first office", "our ﬁrst oﬃce is", "ﬁrst oﬃce"),
        ("prepaid plan", "a pre\u00adpaid plan", "pre\u00adpaid plan"),
        ("prepaid plan", "a pre\u200bpaid\u00a0plan", "pre\u200bpaid\u00a0plan"),
        ("information", "infor\u00ad\nmation", "infor\u00ad\nmation"),
        ("10² metres", "10^2 metres", "10^2 metres"),
        ("102 metres", "10² metres", None),
        ("½ cup", "1/2 cup", "1/2 cup"),
        ("Otter™ phone", "Otter phone", "Otter phone"),
        ("5 - 10", "5 – 10", "5 – 10"),
        ("１２ days", "12 days", "12 days"),
    ],
)
def test_quotes_are_found_whatever_the_unicode_form(quote, text, found):
    place = locate(quote, text)
    assert (place and text[slice(*place)]) == found


def test_numbers_in_other_writing_are_common():
    assert common({"24.9", "plan"}, {"24.90?", "plans"}) == {"24.9"}
    assert common({"3·1"}, {"3·10", "3.10?"}) == set()
    assert words("The plan") == ("the", "plan")
