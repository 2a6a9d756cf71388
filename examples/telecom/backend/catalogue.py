"""What Tirvane sells and charges, as the documents of the example say it. Knows no customer and no database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal

Family = Literal["phone", "data", "fibre", "prepaid"]
"""Plans can be exchanged within a family, and prepaid for phone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`monthly` is the price with a 12-month contract (24 months for fibre), VAT included.

    `free_passes` and `free_twin_sims` are what the plan includes, the passes per calendar year.
    """

    title: str
    family: Family
    monthly: Decimal
    document: str
    free_passes: tuple[tuple[str, int], ...] = ()
    free_twin_sims: int = 0
    ages: tuple[int, int] = (0, 200)


_SMALL, _LARGE = "plans/pebble-and-brook.md", "plans/river-and-delta.md"
_DRIFT, _HEARTH = "plans/drift-data-only.md", "plans/hearth-fibre.html"
PLANS = {
    "pebble": Plan("Pebble", "phone", Decimal("8.40"), _SMALL),
    "hazel": Plan("Hazel", "phone", Decimal("9.80"), "plans/hazel.md", ages=(65, 200)),
    "sprig": Plan("Sprig", "phone", Decimal("10.30"), "plans/sprig.html", ages=(14, 26)),
    "brook": Plan("Brook", "phone", Decimal("13.70"), _SMALL),
    "river": Plan("River", "phone", Decimal("19.60"), _LARGE, (("hop-2", 1),), 1),
    "delta": Plan("Delta", "phone", Decimal("31.20"), _LARGE, (("hop-2", 2), ("hop-3", 1)), 2),
    "drift-50": Plan("Drift 50", "data", Decimal("11.90"), _DRIFT),
    "drift-300": Plan("Drift 300", "data", Decimal("24.50"), _DRIFT),
    "hearth-150": Plan("Hearth 150", "fibre", Decimal("24.80"), _HEARTH),
    "hearth-500": Plan("Hearth 500", "fibre", Decimal("32.60"), _HEARTH),
    "hearth-1500": Plan("Hearth 1500", "fibre", Decimal("43.90"), _HEARTH),
    "hearth-8000": Plan("Hearth 8000", "fibre", Decimal("68.40"), _HEARTH),
    "skim": Plan("Skim", "prepaid", Decimal("0.00"), "plans/skim-prepaid.html"),
}

AddOnKind = Literal["pass", "option", "top-up"]
"""A pass and a top-up are bought once and used up; an option costs its price every month."""


@dataclass(frozen=True, slots=True)
class AddOn:
    """`plans` are those that it can be booked on, `most` how many a line may have at a time (0: any number)."""

    title: str
    kind: AddOnKind
    price: Decimal
    document: str
    plans: frozenset[str]
    most: int = 1


PASSES_AT_A_TIME = 3  # all passes of a line together
_PHONE = frozenset(name for name, plan in PLANS.items() if plan.family == "phone")
_TRAVELS = frozenset(name for name, plan in PLANS.items() if plan.family in ("phone", "data"))
_FIBRE = frozenset(name for name, plan in PLANS.items() if plan.family == "fibre")
_PASSES, _ABROAD = "roaming/travel-passes.md", "roaming/calling-abroad-from-home.md"
_TOP_UPS = _PHONE - {"delta"}
ADD_ONS = {
    "hop-2": AddOn("Hop 2", "pass", Decimal("12.40"), _PASSES, _TRAVELS, 0),
    "hop-3": AddOn("Hop 3", "pass", Decimal("19.30"), _PASSES, _TRAVELS, 0),
    "hop-3-long": AddOn("Hop 3 Long", "pass", Decimal("38.70"), _PASSES, _TRAVELS, 0),
    "hop-world": AddOn("Hop World", "pass", Decimal("44.60"), _PASSES, _TRAVELS, 0),
    "hop-sea": AddOn("Hop Sea", "pass", Decimal("17.50"), _PASSES, _PHONE, 0),
    "world-talk": AddOn("World Talk", "option", Decimal("4.90"), _ABROAD, _PHONE),
    "twin-sim": AddOn(
        "Twin SIM", "option", Decimal("3.30"), _LARGE, frozenset({"brook", "sprig", "river", "delta"}), 3
    ),
    "fixed-ip": AddOn("Fixed IP address", "option", Decimal("5.20"), _HEARTH, _FIBRE),
    "hearth-voice": AddOn("Hearth Voice", "option", Decimal("4.40"), _HEARTH, _FIBRE),
    "top-up-1": AddOn("Data top-up 1 GB", "top-up", Decimal("2.10"), _SMALL, _TOP_UPS, 0),
    "top-up-5": AddOn("Data top-up 5 GB", "top-up", Decimal("6.80"), _SMALL, _TOP_UPS, 0),
    "top-up-20": AddOn("Data top-up 20 GB", "top-up", Decimal("16.40"), _SMALL, _TOP_UPS, 0),
}


def _choice(kind: str, names: list[str]) -> type[StrEnum]:
    return StrEnum(kind, {name.replace("-", "_").upper(): name for name in names})


PlanName = _choice("PlanName", list(PLANS))
PassName = _choice("PassName", [name for name, add_on in ADD_ONS.items() if add_on.kind == "pass"])
OptionName = _choice("OptionName", [name for name, add_on in ADD_ONS.items() if add_on.kind != "pass"])

# plans/contract-terms.pdf, 6
SMALLER_PLAN_FEE = Decimal("4.60")
MONTHS_BETWEEN_SMALLER = 6
# billing/spending-cap.md
LEAST_CAP, MOST_CAP = Decimal("10.00"), Decimal("300.00")
# roaming/travel-passes.md, policies/cancellation-and-pause.md
DAYS_TO_GIVE_BACK = 14
# billing/invoice-and-payment.md
BILLING_DAY = 5
# rules of this back-end, which no document tells
HOURS_TO_REFUND = 24
FAULT_CODE = re.compile(r"(TN5|FB|ES|WH|BL|PO)-[0-9]{1,2}")
