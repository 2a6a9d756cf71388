"""A number looks as in the sheet.

Expected texts are what Excel shows, but for grouped thousands and the order of days.
"""

import pytest

from groundtune.knowledge.readers._sheets.numbers import BUILT_IN, general, number_format

EURO = '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-'  # Excel in German
CALC = "#,##0.00\\ [$€-407];[RED]\\-#,##0.00\\ [$€-407]"  # LibreOffice


def shown(value, code):
    return " ".join(number_format(code).shown(float(value))[0].split())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (-3, "-3"),
        (0.1 + 0.2, "0.3"),
        (17 + 1 / 3, "17.33333333"),
        (52.520006599, "52.520006599"),
        (4006381333931, "4006381333931"),
        (1e-7, "1e-07"),
        (0.125, "0.125"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
    ],
)
def test_without_a_format(value, text):
    assert general(float(value)) == text
    assert shown(value, "General") == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (0.125, "0.0%", "12.5%"),
        (0.05, "0%", "5%"),
        (-0.05, "0.0 %", "-5.0 %"),
        (2.345, "0.00", "2.35"),  # as Excel rounds, not as binary fractions do
        (2.5, "0", "3"),
        (1234567, "#,##0", "1234567"),
        (1234567, '0.0,,"M"', "1.2M"),
        (1500, '[>=1000]0.0,"k";0', "1.5k"),
        (15, '[>=1000]0.0,"k";0', "15"),
        (7, "000", "007"),
        (0.5, ".00", ".50"),
        (5, "0.#", "5"),
        (0.333, "0.0##", "0.333"),
        (123456789, "000-00-0000", "123-45-6789"),
        (5551234567, "(000) 000-0000", "(555) 123-4567"),
        (42, '"No. "0', "No. 42"),
        (3, '0" kg"', "3 kg"),
        (12345, "0.00E+00", "1.23E+04"),
        (9.999, "0.00E+00", "1.00E+01"),
        (0.00012, "0.0E-0", "1.2E-4"),
        (1.5, "# ?/?", "1 1/2"),
        (0.75, "?/8", "6/8"),
        (3, "# ?/?", "3"),
        (12, "Standard", "12"),
        (8, "General\\ \\p\\c\\s", "8 pcs"),
        (-0.001, "0.00", "0.00"),
    ],
)
def test_numbers(value, code, text):
    assert shown(value, code) == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (12.5, CALC, "12.50 €"),
        (-12.5, CALC, "-12.50 €"),
        (2, EURO, "2.00 €"),
        (0, EURO, "- €"),
        (12.5, BUILT_IN[44], "$12.50"),
        (-12.5, BUILT_IN[44], "$(12.50)"),
        (-5, "#,##0_);(#,##0)", "(5)"),
        (1234.5, "[$EUR] #,##0.00", "EUR 1234.50"),
        (-1234.5678, "#,##0.00;[Red]-#,##0.00", "-1234.57"),
        (0, '0;-0;"none"', "none"),
    ],
)
def test_currencies_and_signs(value, code, text):
    assert shown(value, code) == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (45443, "dd.mm.yyyy", "2024-05-31"),
        (45443, "m/d/yy", "2024-05-31"),
        (45443, "[$-F800]dddd, mmmm dd, yyyy", "2024-05-31"),
        (45443, 'yyyy"年"m"月"d"日"', "2024-05-31"),
        (45443, "[$-407]d. mmmm yyyy;@", "2024-05-31"),
        (45443, "d-mmm", "2024-05-31"),
        (45443, "mmm-yy", "May 2024"),
        (45443, "mmmm yyyy", "May 2024"),
        (45443, "mm/yyyy", "2024-05"),
        (45443, "yyyy", "2024"),
        (45443, "dddd", "Friday"),
        (45443.5, "dd/mm/yyyy hh:mm", "2024-05-31 12:00"),
        (45443.99999999, "yyyy-mm-dd hh:mm:ss", "2024-06-01 00:00:00"),
        (29 / 48, "h:mm AM/PM", "2:30 PM"),
        (29 / 48, "hh:mm:ss", "14:30:00"),
        (1.25, "[h]:mm", "30:00"),
        (-1.25, "[h]:mm:ss", "-30:00:00"),
        (0.0123, "mm:ss.0", "17:42.7"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (-3, "yyyy-mm-dd", "-3"),  # Excel shows ####
        (1e9, "yyyy-mm-dd", "1000000000"),
    ],
)
def test_days_and_times(value, code, text):
    assert shown(value, code) == text


def test_what_shows_nothing():
    assert shown(7, ";;;") == ""
    assert number_format(";;;").text("secret") == ""
    assert number_format('"Dr. "@').text("Ada") == "Dr. Ada"
    assert number_format("0.00").text("Ada") == "Ada"


def test_days_from_1904():
    assert number_format("yyyy-mm-dd").shown(43981.0, 1462) == ("2024-05-31", "date")


@pytest.mark.parametrize(
    "code", ["[", '"', "\\", "0.0.0", "E+", "/", "?/?/?", "%%%", ";;;;;;", "[h", "*", "_", "@@", "0" * 5000]
)
def test_broken_formats_show_something_or_nothing(code):
    for value in (0.0, -1.5, 45443.25, 1e15):
        assert isinstance(number_format(code).shown(value)[0], str)
