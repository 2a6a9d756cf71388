"""The shop's database: products, users and orders. Knows no tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class ShopAddress:
    """Where something is sent."""

    address1: str
    address2: str
    city: str
    state: str
    country: str
    zip: str


@dataclass(frozen=True, slots=True)
class FullName:
    """A name."""

    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A credit card, a PayPal account or a gift card, which has a balance in USD."""

    source: Literal["credit_card", "paypal", "gift_card"]
    id: str
    brand: str | None = None
    last_four: str | None = None
    balance: float | None = None


@dataclass(frozen=True, slots=True)
class ShopUser:
    """A user with their means of payment and the ids of their orders."""

    user_id: str
    name: FullName
    address: ShopAddress
    email: str
    payment_methods: Mapping[str, PaymentMethod]
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """An item of a product, with its price in USD."""

    item_id: str
    options: Mapping[str, str]
    available: bool
    price: float


@dataclass(frozen=True, slots=True)
class Product:
    """A kind of product with all of its items."""

    name: str
    product_id: str
    variants: Mapping[str, Variant]


@dataclass(frozen=True, slots=True)
class OrderedItem:
    """An item of an order, with the price it was bought for."""

    name: str
    product_id: str
    item_id: str
    price: float
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fulfillment:
    """A parcel of an order."""

    tracking_id: tuple[str, ...]
    item_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderPayment:
    """What was paid for an order, or paid back, in USD."""

    transaction_type: Literal["payment", "refund"]
    amount: float
    payment_method_id: str


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order, and what was asked for it afterwards."""

    order_id: str
    user_id: str
    address: ShopAddress
    items: tuple[OrderedItem, ...]
    status: str
    fulfillments: tuple[Fulfillment, ...]
    payment_history: tuple[OrderPayment, ...]
    cancel_reason: str | None = None
    exchange_items: tuple[str, ...] | None = None
    exchange_new_items: tuple[str, ...] | None = None
    exchange_payment_method_id: str | None = None
    exchange_price_difference: float | None = None
    return_items: tuple[str, ...] | None = None
    return_payment_method_id: str | None = None


class ShopFile(BaseModel):
    """`db.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    products: dict[str, Product]
    users: dict[str, ShopUser]
    orders: dict[str, ShopOrder]
