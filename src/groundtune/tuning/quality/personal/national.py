"""National identity and tax numbers of people: the form, the checksum where the country has one, and a word before it
where the form alone would be met by chance.

The checksums are those of python-stdnum. Not looked for: passports and driving licences, whose numbers have no check.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from groundtune.tuning.quality.personal.spans import PersonalSpan, nearest_before


@dataclass(frozen=True, slots=True)
class NationalId:
    """`module` of stdnum checks what `form` matches. Where `words` are given, one must stand before the number."""

    form: str
    module: str
    words: str = ""


NATIONAL_IDS = (
    NationalId(r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    NationalId(r"\d{3}[ ]?\d{2}[ ]?\d{4}", "us.ssn", r"ssn|social security"),
    NationalId(r"\d{3}[ -]?\d{2}[ -]?\d{4}", "us.itin", r"itin|taxpayer"),
    NationalId(r"\d{2}\.?\d{3}\.?\d{3}[ -]?[A-Z]", "es.dni"),
    NationalId(r"[XYZ][ -]?\d{7}[ -]?[A-Z]", "es.nie"),
    NationalId(r"\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}", "de.idnr", r"steuer\w*|idnr|id-?nr|tax id\w*|tin|tax number"),
    NationalId(r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", r"nhs"),
    NationalId(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:[ ]?\d{2}){3}[ ]?[A-D]", ""),
    NationalId(r"[12][ ]?\d{2}[ ]?\d{2}[ ]?(?:\d{2}|2[AB])[ ]?\d{3}[ ]?\d{3}[ ]?\d{2}", "fr.nir"),
    NationalId(r"[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    NationalId(r"\d{9}", "nl.bsn", r"bsn|burgerservicenummer|sofinummer"),
    NationalId(r"\d{2}\.\d{2}\.\d{2}[ -]\d{3}[.-]\d{2}", "be.nn"),
    NationalId(r"\d{11}", "be.nn", r"rijksregister\w*|registre national|insz|niss"),
    NationalId(r"\d{11}", "pl.pesel", r"pesel"),
    NationalId(r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf"),
    NationalId(r"\d{11}", "br.cpf", r"cpf"),
    NationalId(r"756\.?\d{4}\.?\d{4}\.?\d{2}", "ch.ssn"),
    NationalId(r"\d{4}[ ]?\d{6}", "at.vnr", r"svnr|sozialversicherung\w*|versicherungsnummer"),
    NationalId(r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer"),
    NationalId(r"\d{6}[-+A]\d{3}[0-9A-Y]", "fi.hetu"),
    NationalId(r"\d{6}-?\d{4}", "dk.cpr", r"cpr\w*|personnummer"),
    NationalId(r"\d{6}[ ]?\d{5}", "no.fodselsnummer", r"fødselsnummer|fodselsnummer|personnummer"),
    NationalId(r"\d{4}[ -]?\d{4}[ -]?\d{4}", "in_.aadhaar", r"aadhaar|aadhar|uidai"),
    NationalId(r"[A-Z]{3}P[A-Z]\d{4}[A-Z]", "in_.pan"),
    NationalId(r"\d{17}[\dX]", "cn.ric"),
    NationalId(r"\d{6}-\d{7}", "kr.rrn"),
    NationalId(r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin", r"sin|social insurance|nas"),
    NationalId(r"\d{3}[ -]?\d{3}[ -]?\d{2,3}", "au.tfn", r"tfn|tax file"),
    NationalId(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", "mx.curp"),
    NationalId(r"\d{7}[A-W][ABHW]?", "ie.pps"),
    NationalId(r"[1-9]\d{12}", "ro.cnp", r"cnp|cod numeric"),
    NationalId(r"\d{13}", "za.idnr", r"id|identity|id number"),
    NationalId(r"\d{11}", "tr.tckimlik", r"kimlik|tckn|tc no"),
    NationalId(r"\d{9}", "il.idnr", r"teudat|zehut|תעודת"),
    NationalId(r"\d{9}", "pt.nif", r"nif|contribuinte"),
    NationalId(r"\d{11}", "hr.oib", r"oib"),
    NationalId(r"[1-6]\d{10}", "ee.ik", r"isikukood"),
    NationalId(r"\d{6}/\d{3,4}", "cz.rc", r"rodné|rodne|rč"),
)


def national_ids(text: str) -> Iterator[PersonalSpan]:
    """Yield the numbers that a country gives to a person."""
    for begins in _any_form().finditer(text):
        place = begins.start()
        for form, module, words in _rules():
            match = form.match(text, place)
            if match is None or (words and nearest_before(text, place, words) is None):
                continue
            if _checked(module, match[0]):
                yield PersonalSpan(place, match.end(), "id")
                break


_START, _END = r"(?<![\w.,:/-])", r"(?![\w]|[.,:/-]\w)"


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str, re.Pattern[str] | None], ...]:
    return tuple(
        (
            re.compile(rf"{_START}(?:{each.form}){_END}", re.IGNORECASE | re.ASCII),
            each.module,
            re.compile(rf"(?<!\w)(?:{each.words})(?!\w)", re.IGNORECASE) if each.words else None,
        )
        for each in NATIONAL_IDS
    )


@cache
def _any_form() -> re.Pattern[str]:
    """One pattern for where any of the forms may begin: trying them one by one everywhere takes ten times as long."""
    forms = "|".join(dict.fromkeys(each.form for each in NATIONAL_IDS))
    return re.compile(rf"{_START}(?=(?:{forms}){_END})", re.IGNORECASE | re.ASCII)


def _checked(module: str, written: str) -> bool:
    if not module:
        return True
    return bool(importlib.import_module(f"stdnum.{module}").is_valid(written.upper()))
