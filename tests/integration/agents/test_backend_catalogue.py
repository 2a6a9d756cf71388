"""What the back-end sells and charges is what the documents of the example say."""

from __future__ import annotations

import re

import pytest
from backend import catalogue
from backend.catalogue import ADD_ONS, PLANS
from backend.client import FOLDER

TAG = re.compile(r"<[^>]*>")


def text(document):
    return " ".join(TAG.sub(" ", (FOLDER / "documents" / document).read_text(encoding="utf-8")).split())


def costs(title, price, document):
    """Whether the document names the price right behind what it is of."""
    return re.search(rf"\b{title}\b.{{0,80}}?\b{price} euros", text(document), re.IGNORECASE)


@pytest.mark.parametrize("name", [name for name, plan in PLANS.items() if plan.monthly])
def test_a_plan_costs_what_its_page_says(name):
    plan = PLANS[name]
    assert costs(plan.title, plan.monthly, plan.document)
    assert not costs(plan.title, "7.77", plan.document)


@pytest.mark.parametrize("name", ADD_ONS)
def test_an_add_on_costs_what_its_page_says(name):
    add_on = ADD_ONS[name]
    assert costs(add_on.title.removeprefix("Data top-up "), add_on.price, add_on.document)


def test_rules_are_those_of_the_documents():
    cap, passes = text("billing/spending-cap.md"), text("roaming/travel-passes.md")
    assert f"between {catalogue.LEAST_CAP:.0f} and {catalogue.MOST_CAP:.0f} euros" in cap
    assert "Up to three passes" in passes
    assert catalogue.PASSES_AT_A_TIME == 3
    assert f"within {catalogue.DAYS_TO_GIVE_BACK} days of the purchase" in passes
    terms = (FOLDER / "sources" / "plans" / "contract-terms.pdf.md").read_text(encoding="utf-8")
    assert f"once every {catalogue.MONTHS_BETWEEN_SMALLER} months" in terms
    assert f"costs {catalogue.SMALLER_PLAN_FEE} euros" in terms
