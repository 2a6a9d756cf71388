"""The shop of tau2 retail: a small one, whose amounts are easily computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from groundtune.agents.tasks.environment import ToolRefused
from groundtune.agents.tasks.tau2.retail.arithmetic import calculated
from groundtune.agents.tasks.tau2.retail.environment import RetailEnvironment
from groundtune.agents.tasks.tau2.retail.shop import ShopFile
from groundtune.values import ActionCall, ActionResult

ADDRESS = {"address1": "1 Way", "address2": "", "city": "Bonn", "state": "NW", "country": "Germany", "zip": "53111"}


def item(item_id: str, price: float) -> dict[str, object]:
    return {"name": "Cup", "product_id": "P1", "item_id": item_id, "price": price, "options": {"size": item_id}}


def variant(item_id: str, price: float, available: bool = True) -> dict[str, object]:
    return {"item_id": item_id, "options": {"size": item_id}, "available": available, "price": price}


def order(order_id: str, status: str, paid_with: str, *items: dict[str, object]) -> dict[str, object]:
    amount = sum(bought["price"] for bought in items)
    return {
        "order_id": order_id,
        "user_id": "ada",
        "address": ADDRESS,
        "items": items,
        "status": status,
        "fulfillments": [],
        "payment_history": [{"transaction_type": "payment", "amount": amount, "payment_method_id": paid_with}],
    }


SHOP = ShopFile.model_validate(
    {
        "products": {
            "P1": {
                "name": "Cup",
                "product_id": "P1",
                "variants": {
                    "S": variant("S", 5.1),
                    "M": variant("M", 7.3),
                    "L": variant("L", 30.0),
                    "XL": variant("XL", 1.0, available=False),
                },
            },
            "P2": {"name": "Bowl", "product_id": "P2", "variants": {"B": variant("B", 2.0)}},
        },
        "users": {
            "ada": {
                "user_id": "ada",
                "name": {"first_name": "Ada", "last_name": "Lovelace"},
                "address": ADDRESS,
                "email": "ada@example.com",
                "payment_methods": {
                    "card": {"source": "credit_card", "id": "card", "brand": "visa", "last_four": "1234"},
                    "gift": {"source": "gift_card", "id": "gift", "balance": 10.0},
                    "paypal": {"source": "paypal", "id": "paypal"},
                },
                "orders": ["#1", "#2", "#3", "#4"],
            }
        },
        "orders": {
            "#1": order("#1", "pending", "gift", item("S", 5.1), item("S", 5.1)),
            "#2": order("#2", "delivered", "card", item("S", 5.1), item("M", 7.3)),
            "#3": order("#3", "processed", "card", item("S", 5.1)),
            "#4": order("#4", "pending", "card", item("L", 30.0)),
        },
    }
)


@pytest.fixture
def world() -> RetailEnvironment:
    return RetailEnvironment(SHOP)


def ask(world: RetailEnvironment, name: str, **arguments: object) -> ActionResult:
    return world.call("agent", ActionCall(name, arguments))


def done(world: RetailEnvironment, name: str, **arguments: object) -> Any:
    result = ask(world, name, **arguments)
    assert result.outcome == "done", result.reason
    return result.value


def balance(world: RetailEnvironment) -> float:
    return done(world, "get_user_details", user_id="ada")["payment_methods"]["gift"]["balance"]


def test_looking_up(world: RetailEnvironment) -> None:
    assert done(world, "find_user_id_by_email", email="ADA@example.com") == "ada"
    assert done(world, "find_user_id_by_name_zip", first_name="ada", last_name="LOVELACE", zip="53111") == "ada"
    assert done(world, "list_all_product_types") == {"Bowl": "P2", "Cup": "P1"}
    assert done(world, "get_item_details", item_id="B")["price"] == 2.0
    assert set(done(world, "get_product_details", product_id="P1")["variants"]) == {"S", "M", "L", "XL"}
    assert "cancel_reason" not in done(world, "get_order_details", order_id="#1")


def test_a_cancelled_order_is_paid_back(world: RetailEnvironment) -> None:
    """To a gift card at once; what goes back to a card takes days."""
    cancelled = done(world, "cancel_pending_order", order_id="#1", reason="ordered by mistake")
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "ordered by mistake")
    assert cancelled["payment_history"][1] == {
        "transaction_type": "refund",
        "amount": 10.2,
        "payment_method_id": "gift",
    }
    assert balance(world) == 20.2
    done(world, "cancel_pending_order", order_id="#4", reason="no longer needed")
    assert balance(world) == 20.2


def test_each_item_gets_its_own_price_and_options(world: RetailEnvironment) -> None:
    """The original gives all of them those of the last: https://github.com/sierra-research/tau2-bench/issues/318."""
    arguments = {"order_id": "#1", "payment_method_id": "gift"}
    modified = done(world, "modify_pending_order_items", item_ids=["S", "S"], new_item_ids=["M", "M"], **arguments)
    assert modified["status"] == "pending (item modified)"
    assert [(bought["item_id"], bought["price"], bought["options"]) for bought in modified["items"]] == [
        ("M", 7.3, {"size": "M"})
    ] * 2
    assert modified["payment_history"][-1]["amount"] == 4.4
    assert balance(world) == 5.6
    other = RetailEnvironment(SHOP)
    arguments["payment_method_id"] = "card"
    modified = done(other, "modify_pending_order_items", item_ids=["S", "S"], new_item_ids=["L", "M"], **arguments)
    assert [bought["price"] for bought in modified["items"]] == [30.0, 7.3]


def test_a_modified_order_still_changes_where_it_goes_and_nothing_else(world: RetailEnvironment) -> None:
    done(
        world, "modify_pending_order_items", order_id="#4", item_ids=["L"], new_item_ids=["S"], payment_method_id="card"
    )
    address = {**ADDRESS, "city": "Köln"}
    assert done(world, "modify_pending_order_address", order_id="#4", **address)["address"] == address
    for name, arguments in (
        ("cancel_pending_order", {"reason": "no longer needed"}),
        ("modify_pending_order_items", {"item_ids": ["S"], "new_item_ids": ["M"], "payment_method_id": "card"}),
        ("modify_pending_order_payment", {"payment_method_id": "paypal"}),
    ):
        assert ask(world, name, order_id="#4", **arguments).outcome == "refused"


def test_paying_by_other_means(world: RetailEnvironment) -> None:
    paid = done(world, "modify_pending_order_payment", order_id="#1", payment_method_id="card")["payment_history"]
    assert [(payment["transaction_type"], payment["payment_method_id"]) for payment in paid] == [
        ("payment", "gift"),
        ("payment", "card"),
        ("refund", "gift"),
    ]
    assert balance(world) == 20.2


def test_exchange_and_return(world: RetailEnvironment) -> None:
    arguments = {"order_id": "#2", "item_ids": ["S", "M"], "payment_method_id": "gift"}
    exchanged = done(world, "exchange_delivered_order_items", new_item_ids=["M", "S"], **arguments)
    assert (exchanged["status"], exchanged["exchange_price_difference"]) == ("exchange requested", 0.0)
    assert (exchanged["exchange_items"], exchanged["exchange_new_items"]) == (["M", "S"], ["M", "S"])
    assert ask(world, "return_delivered_order_items", **arguments).outcome == "refused"
    returned = done(RetailEnvironment(SHOP), "return_delivered_order_items", **arguments)
    assert (returned["status"], returned["return_items"]) == ("return requested", ["M", "S"])


def test_the_order_of_items_does_not_matter() -> None:
    states = set()
    for items, new_items in ((["S", "M"], ["M", "L"]), (["M", "S"], ["L", "M"])):
        world = RetailEnvironment(SHOP)
        arguments = {"order_id": "#2", "item_ids": items, "new_item_ids": new_items, "payment_method_id": "card"}
        done(world, "exchange_delivered_order_items", **arguments)
        states.add(world.state)
    assert len(states) == 1


def test_a_user_moves(world: RetailEnvironment) -> None:
    before = world.state
    assert done(world, "modify_user_address", user_id="ada", **{**ADDRESS, "zip": "1"})["address"]["zip"] == "1"
    assert world.state != before
    done(world, "modify_user_address", user_id="ada", **ADDRESS)
    assert world.state == before


def test_text_that_is_no_unicode_has_a_state_too(world: RetailEnvironment) -> None:
    before = world.state
    world.call("agent", ActionCall("modify_user_address", {"user_id": "ada", **ADDRESS, "city": "\ud800"}))
    assert isinstance(world.state, str)
    assert (world.state == before) == (world.calls[0].result.outcome == "refused")


PAY = {"payment_method_id": "card"}


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("find_user_id_by_email", {"email": "bob@example.com"}, "no such user"),
        ("find_user_id_by_name_zip", {"first_name": "Ada", "last_name": "Lovelace", "zip": "1"}, "no such user"),
        ("get_user_details", {"user_id": "bob"}, "no user bob"),
        ("get_order_details", {"order_id": "1"}, "no order 1"),
        ("get_product_details", {"product_id": "S"}, "no product S"),
        ("get_item_details", {"item_id": "P1"}, "no item P1"),
        ("cancel_pending_order", {"order_id": "#3", "reason": "no longer needed"}, "only a pending order"),
        ("cancel_pending_order", {"order_id": "#1", "reason": "bored"}, "reason: Input should be"),
        ("modify_pending_order_payment", {"order_id": "#1", "payment_method_id": "gift"}, "with that already"),
        (
            "modify_pending_order_payment",
            {"order_id": "#4", "payment_method_id": "gift"},
            "gift has 10.0 USD, not 30.0",
        ),
        ("modify_pending_order_payment", {"order_id": "#1", "payment_method_id": "none"}, "ada has no none"),
        ("modify_pending_order_address", {"order_id": "#2", **ADDRESS}, "only a pending order"),
        (
            "modify_pending_order_items",
            {"order_id": "#1", "item_ids": ["S"], "new_item_ids": ["S"], **PAY},
            "only be changed to another",
        ),
        (
            "modify_pending_order_items",
            {"order_id": "#1", "item_ids": ["S", "S", "S"], "new_item_ids": ["M", "M", "M"], **PAY},
            "has no item S, or not so often",
        ),
        (
            "modify_pending_order_items",
            {"order_id": "#1", "item_ids": ["S"], "new_item_ids": ["M", "L"], **PAY},
            "1 items cannot become 2",
        ),
        (
            "modify_pending_order_items",
            {"order_id": "#1", "item_ids": ["S"], "new_item_ids": ["XL"], **PAY},
            "XL is not available",
        ),
        (
            "modify_pending_order_items",
            {"order_id": "#1", "item_ids": ["S"], "new_item_ids": ["B"], **PAY},
            "of another product",
        ),
        (
            "modify_pending_order_items",
            {"order_id": "#1", "item_ids": ["S"], "new_item_ids": ["L"], "payment_method_id": "gift"},
            "gift has 10.0 USD, not 24.9",
        ),
        (
            "exchange_delivered_order_items",
            {"order_id": "#1", "item_ids": ["S"], "new_item_ids": ["M"], **PAY},
            "only a delivered order",
        ),
        (
            "return_delivered_order_items",
            {"order_id": "#2", "item_ids": ["S"], "payment_method_id": "paypal"},
            "what the order was paid with, or to a gift card",
        ),
        ("return_delivered_order_items", {"order_id": "#2", "item_ids": ["L"], **PAY}, "has no item L"),
        ("modify_user_address", {"user_id": "bob", **ADDRESS}, "no user bob"),
    ],
)
def test_what_the_shop_refuses(world: RetailEnvironment, name: str, arguments: dict[str, object], reason: str) -> None:
    before = world.state
    result = ask(world, name, **arguments)
    assert (result.outcome, world.state) == ("refused", before)
    assert reason in result.reason


@pytest.mark.parametrize(
    ("expression", "value"),
    [("1 + 2 * 3", 7.0), ("(1.5 - 2) / 4", -0.12), ("-5 + +2", -3.0), ("2 * (3.5 + 1)", 9.0), (" 0.1 + 0.2 ", 0.3)],
)
def test_calculation(expression: str, value: float) -> None:
    assert calculated(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "2 *",
        "1 / 0",
        "2 ** 9",
        "abs(1)",
        "True + 1",
        "'a' * 3",
        "1e999",
        "9" * 199 + "*9",
        "1" * 201,
        "(" * 150,
        "",
        "1\x00",
    ],
)
def test_what_no_calculator_knows(expression: str) -> None:
    with pytest.raises(ToolRefused):
        calculated(expression)
