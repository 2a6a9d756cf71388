"""What the shop's agent can do: 16 tools on its database."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from groundtune.agents.tasks.environment import ToolRefused, as_json, changed, reads, writes
from groundtune.agents.tasks.tau2.retail.arithmetic import calculated
from groundtune.agents.tasks.tau2.retail.shop import (
    OrderPayment,
    PaymentMethod,
    ShopAddress,
    ShopFile,
    ShopOrder,
    ShopUser,
    Variant,
)

_PENDING, _DELIVERED = "pending", "delivered"
_MODIFIED = "pending (item modified)"


class ShopTools:
    """The tools, and the database as they have changed it."""

    def __init__(self, database: ShopFile) -> None:
        self._products = database.products
        self._users = ChainMap[str, ShopUser]({}, database.users)
        self._orders = ChainMap[str, ShopOrder]({}, database.orders)

    def content(self) -> object:
        """Return what was changed, as JSON."""
        return {"users": changed(self._users), "orders": changed(self._orders)}

    @reads
    def find_user_id_by_email(self, email: str) -> str:
        """Find the id of a user by e-mail address.

        Args:
            email: The e-mail address, as in 'something@example.com'.

        """
        return self._user_id(lambda user: user.email.casefold() == email.casefold())

    @reads
    def find_user_id_by_name_zip(self, first_name: str, last_name: str, zip: str) -> str:
        """Find the id of a user by name and zip code, where the e-mail address is not known or not found.

        Args:
            first_name: The first name, as in 'John'.
            last_name: The last name, as in 'Doe'.
            zip: The zip code, as in '12345'.

        """
        wanted = (first_name.casefold(), last_name.casefold(), zip)
        return self._user_id(
            lambda user: (user.name.first_name.casefold(), user.name.last_name.casefold(), user.address.zip) == wanted
        )

    @reads
    def get_user_details(self, user_id: str) -> dict[str, object]:
        """Look up a user: address, means of payment, ids of orders.

        Args:
            user_id: The id of the user, as in 'sara_doe_496'.

        """
        return as_json(self._user(user_id))

    @reads
    def get_order_details(self, order_id: str) -> dict[str, object]:
        """Look up an order: status, items, address, payments.

        Args:
            order_id: The id of the order, as in '#W0000000', with the '#'.

        """
        return as_json(self._order(order_id))

    @reads
    def get_product_details(self, product_id: str) -> dict[str, object]:
        """Look up a product with all of its items.

        Args:
            product_id: The id of the product, as in '6086499569'. It is not the id of an item.

        """
        if product_id not in self._products:
            raise ToolRefused(f"there is no product {product_id}")
        return as_json(self._products[product_id])

    @reads
    def get_item_details(self, item_id: str) -> dict[str, object]:
        """Look up an item: options, price, whether it is available.

        Args:
            item_id: The id of the item, as in '1008292230'. It is not the id of a product.

        """
        for product in self._products.values():
            if item_id in product.variants:
                return as_json(product.variants[item_id])
        raise ToolRefused(f"there is no item {item_id}")

    @reads
    def list_all_product_types(self) -> dict[str, str]:
        """List the names of all products, with their ids."""
        return {product.name: product.product_id for product in sorted(self._products.values(), key=lambda p: p.name)}

    @reads
    def calculate(self, expression: str) -> str:
        """Calculate, with two decimals.

        Args:
            expression: Numbers with +, -, *, / and parentheses, as in '2 * (3.5 + 1)'.

        """
        return str(calculated(expression))

    @reads
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the user over to a human agent. Only where the user asks for one, or where policy and tools do not allow
        to solve the problem.

        Args:
            summary: What the problem is.

        """
        return "The user is handed over."

    @writes
    def cancel_pending_order(
        self, order_id: str, reason: Literal["no longer needed", "ordered by mistake"]
    ) -> dict[str, object]:
        """Cancel a pending order. What was paid goes back: to a gift card at once, else in 5 to 7 business days.
        Explain it to the user and get a yes before.

        Args:
            order_id: The id of the order, as in '#W0000000', with the '#'.
            reason: Why it is cancelled.

        """
        order = self._in_status(order_id, _PENDING, "cancelled")
        refunds = [OrderPayment("refund", paid.amount, paid.payment_method_id) for paid in order.payment_history]
        for refund in refunds:
            self._pay_back(order.user_id, refund.payment_method_id, refund.amount)
        order = replace(
            order,
            status="cancelled",
            cancel_reason=reason,
            payment_history=(*order.payment_history, *refunds),
        )
        return self._keep(order)

    @writes
    def modify_pending_order_address(
        self, order_id: str, address1: str, address2: str, city: str, state: str, country: str, zip: str
    ) -> dict[str, object]:
        """Change where a pending order is sent. Explain it to the user and get a yes before.

        Args:
            order_id: The id of the order, as in '#W0000000', with the '#'.
            address1: The first line of the address, as in '123 Main St'.
            address2: The second line, as in 'Apt 1', or ''.
            city: The city, as in 'San Francisco'.
            state: The state, as in 'CA'.
            country: The country, as in 'USA'.
            zip: The zip code, as in '12345'.

        """
        order = self._still_pending(order_id)
        address = ShopAddress(address1, address2, city, state, country, zip)
        return self._keep(replace(order, address=address))

    @writes
    def modify_pending_order_payment(self, order_id: str, payment_method_id: str) -> dict[str, object]:
        """Have a pending order paid by other means, and what was paid given back. Explain it to the user and get a yes
        before.

        Args:
            order_id: The id of the order, as in '#W0000000', with the '#'.
            payment_method_id: What it is paid with now, as in 'gift_card_0000000' or 'credit_card_0000000'.

        """
        order = self._still_pending(order_id)
        method = self._method(order.user_id, payment_method_id)
        if len(order.payment_history) != 1 or order.payment_history[0].transaction_type != "payment":
            raise ToolRefused("only an order with exactly one payment can be paid by other means")
        paid = order.payment_history[0]
        if paid.payment_method_id == payment_method_id:
            raise ToolRefused("it is paid with that already")
        _covers(method, paid.amount)
        self._pay_back(order.user_id, payment_method_id, -paid.amount)
        self._pay_back(order.user_id, paid.payment_method_id, paid.amount)
        changes = (
            OrderPayment("payment", paid.amount, payment_method_id),
            OrderPayment("refund", paid.amount, paid.payment_method_id),
        )
        return self._keep(replace(order, payment_history=(paid, *changes)))

    @writes
    def modify_pending_order_items(
        self, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
    ) -> dict[str, object]:
        """Change items of a pending order to others of the same product. It can be done once for an order, so collect
        all items before. Explain it to the user and get a yes before.

        Args:
            order_id: The id of the order, as in '#W0000000', with the '#'.
            item_ids: The items to be changed, as in '1008292230'. An item ordered twice can stand here twice.
            new_item_ids: What each becomes, in the same order.
            payment_method_id: What the difference in price is paid with, or paid back to.

        """
        order = self._in_status(order_id, _PENDING, "modified")
        if any(old == new for old, new in zip(item_ids, new_item_ids, strict=False)):
            raise ToolRefused("an item can only be changed to another one")
        variants, difference = self._replacement(order, item_ids, new_item_ids)
        _covers(self._method(order.user_id, payment_method_id), difference)
        self._pay_back(order.user_id, payment_method_id, -difference)
        items = list(order.items)
        for place, variant in variants.items():
            items[place] = replace(items[place], item_id=variant.item_id, price=variant.price, options=variant.options)
        payment = OrderPayment("payment" if difference > 0 else "refund", abs(difference), payment_method_id)
        return self._keep(
            replace(order, status=_MODIFIED, items=tuple(items), payment_history=(*order.payment_history, payment))
        )

    @writes
    def exchange_delivered_order_items(
        self, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
    ) -> dict[str, object]:
        """Exchange items of a delivered order for others of the same product. An order can be exchanged or returned
        once. Explain it to the user and get a yes before.

        Args:
            order_id: The id of the order, as in '#W0000000', with the '#'.
            item_ids: The items to be exchanged, as in '1008292230'. An item ordered twice can stand here twice.
            new_item_ids: What each is exchanged for, in the same order.
            payment_method_id: What the difference in price is paid with, or paid back to.

        """
        order = self._in_status(order_id, _DELIVERED, "exchanged")
        _, difference = self._replacement(order, item_ids, new_item_ids)
        _covers(self._method(order.user_id, payment_method_id), difference)
        order = replace(
            order,
            status="exchange requested",
            exchange_items=tuple(sorted(item_ids)),
            exchange_new_items=tuple(sorted(new_item_ids)),
            exchange_payment_method_id=payment_method_id,
            exchange_price_difference=difference,
        )
        return self._keep(order)

    @writes
    def return_delivered_order_items(
        self, order_id: str, item_ids: list[str], payment_method_id: str
    ) -> dict[str, object]:
        """Return items of a delivered order. The user gets an e-mail that says how. Explain it to the user and get a
        yes before.

        Args:
            order_id: The id of the order, as in '#W0000000', with the '#'.
            item_ids: The items, as in '1008292230'. An item ordered twice can stand here twice.
            payment_method_id: Where the money goes: what the order was paid with, or a gift card of the user.

        """
        order = self._in_status(order_id, _DELIVERED, "returned")
        method = self._method(order.user_id, payment_method_id)
        if method.source != "gift_card" and payment_method_id != order.payment_history[0].payment_method_id:
            raise ToolRefused("the money goes to what the order was paid with, or to a gift card")
        _places(order, item_ids)
        order = replace(
            order,
            status="return requested",
            return_items=tuple(sorted(item_ids)),
            return_payment_method_id=payment_method_id,
        )
        return self._keep(order)

    @writes
    def modify_user_address(
        self, user_id: str, address1: str, address2: str, city: str, state: str, country: str, zip: str
    ) -> dict[str, object]:
        """Change the default address of a user. Explain it to the user and get a yes before.

        Args:
            user_id: The id of the user, as in 'sara_doe_496'.
            address1: The first line of the address, as in '123 Main St'.
            address2: The second line, as in 'Apt 1', or ''.
            city: The city, as in 'San Francisco'.
            state: The state, as in 'CA'.
            country: The country, as in 'USA'.
            zip: The zip code, as in '12345'.

        """
        address = ShopAddress(address1, address2, city, state, country, zip)
        self._users[user_id] = replace(self._user(user_id), address=address)
        return as_json(self._users[user_id])

    def _user_id(self, fits: Callable[[ShopUser], bool]) -> str:
        for user_id, user in self._users.items():
            if fits(user):
                return user_id
        raise ToolRefused("there is no such user")

    def _user(self, user_id: str) -> ShopUser:
        if user_id not in self._users:
            raise ToolRefused(f"there is no user {user_id}")
        return self._users[user_id]

    def _order(self, order_id: str) -> ShopOrder:
        if order_id not in self._orders:
            raise ToolRefused(f"there is no order {order_id}")
        return self._orders[order_id]

    def _in_status(self, order_id: str, status: str, done: str) -> ShopOrder:
        order = self._order(order_id)
        if order.status != status:
            raise ToolRefused(f"only a {status} order can be {done}; {order_id} is {order.status}")
        return order

    def _still_pending(self, order_id: str) -> ShopOrder:
        """Return an order that was not processed yet; its items may have been modified."""
        order = self._order(order_id)
        return order if order.status == _MODIFIED else self._in_status(order_id, _PENDING, "modified")

    def _method(self, user_id: str, payment_method_id: str) -> PaymentMethod:
        methods = self._user(user_id).payment_methods
        if payment_method_id not in methods:
            raise ToolRefused(f"{user_id} has no {payment_method_id}")
        return methods[payment_method_id]

    def _replacement(
        self, order: ShopOrder, item_ids: Sequence[str], new_item_ids: Sequence[str]
    ) -> tuple[dict[int, Variant], float]:
        """Return what is at which place of the order instead, and how much more it costs in USD."""
        places = _places(order, item_ids)
        if len(item_ids) != len(new_item_ids):
            raise ToolRefused(f"{len(item_ids)} items cannot become {len(new_item_ids)}")
        variants: dict[int, Variant] = {}
        for place, new_item_id in zip(places, new_item_ids, strict=True):
            variant = self._products[order.items[place].product_id].variants.get(new_item_id)
            if variant is None or not variant.available:
                raise ToolRefused(f"{new_item_id} is not available, or of another product")
            variants[place] = variant
        difference = sum(variant.price - order.items[place].price for place, variant in variants.items())
        return variants, round(difference, 2)

    def _pay_back(self, user_id: str, payment_method_id: str, amount: float) -> None:
        """Put an amount on a gift card; what goes elsewhere takes days and is not kept here."""
        user, method = self._user(user_id), self._method(user_id, payment_method_id)
        if method.balance is None:
            return
        methods = {**user.payment_methods, method.id: replace(method, balance=round(method.balance + amount, 2))}
        self._users[user_id] = replace(user, payment_methods=methods)

    def _keep(self, order: ShopOrder) -> dict[str, object]:
        self._orders[order.order_id] = order
        return as_json(order)


def _places(order: ShopOrder, item_ids: Sequence[str]) -> list[int]:
    """Return where in the order each of the items is; one that was ordered twice may be named twice."""
    left = list(enumerate(order.items))
    places = []
    for item_id in item_ids:
        match = next((entry for entry in left if entry[1].item_id == item_id), None)
        if match is None:
            raise ToolRefused(f"{order.order_id} has no item {item_id}, or not so often")
        left.remove(match)
        places.append(match[0])
    return places


def _covers(method: PaymentMethod, amount: float) -> None:
    if method.balance is not None and method.balance < amount:
        raise ToolRefused(f"{method.id} has {method.balance} USD, not {amount}")
