"""A small study: cases with answers that tell who gave them, so that a test can see through the blinding."""

import numpy as np
import pytest

from groundtune.evaluation.human.assign import AssignmentPlan, RatedCase, assign
from groundtune.evaluation.human.study import Study
from groundtune.values import Case, Evidence, Message

NAMES = ("base", "rag", "tuned")
PRODUCTS = "pebble brook river delta hazel sprig forge skim amber cedar flint grove".split()


def material(number, names=NAMES):
    product = PRODUCTS[number % len(PRODUCTS)]
    history = (Message("user", f"Hello, about {product}?"), Message("assistant", "Yes?")) if number % 4 == 1 else ()
    case = Case(
        f"c{number}",
        f"What does {product} cost in year {number}?",
        f"{product.title()} is {number + 7} euros.",
        (Evidence("plans.md"),),
        True,
        f"group-{number // 2}",
        "test",
        history,
        ("unexpected",) if number % 3 == 0 else (),
    )
    return RatedCase(case, {name: f"{product}: answer number {n} to c{number} [1]" for n, name in enumerate(names)})


def make(cases=24, shared=6, raters=("ana", "ben", "cleo"), names=NAMES, answers=None, seed=5, **shares):
    materials = [material(number, names) for number in range(cases)]
    plan = AssignmentPlan(raters, names, answers or len(names), **shares)
    rng = np.random.default_rng(seed)
    return materials, assign("gtest", materials[:shared], materials[shared:], plan, rng)


def study_of(sheets, names=NAMES):
    candidates = {name: f"signature-{name}" for name in names}
    return Study("gtest", "Shop", "2026-11-24T00:00:00+00:00", 5, "f00d", candidates, sheets)


@pytest.fixture
def made():
    """(materials by case id, study)"""
    materials, sheets = make()
    return {one.case.id: one for one in materials}, study_of(sheets)
