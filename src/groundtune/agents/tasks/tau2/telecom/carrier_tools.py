"""What the carrier's agent can do: 13 tools on its database, and what sets up and checks tasks there."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from groundtune.agents.tasks.environment import ToolRefused, as_json, changed, checks, reads, starts, writes
from groundtune.agents.tasks.tau2.telecom.carrier import (
    TODAY,
    BillItem,
    CarrierBill,
    CarrierCustomer,
    CarrierFile,
    CarrierLine,
    CarrierPlan,
    LineStatus,
)
from groundtune.values import digest

_DAYS_TO_PAY = 14


class CarrierTools:
    """The tools, and the database as they have changed it."""

    def __init__(self, database: CarrierFile) -> None:
        self.customers = ChainMap[str, CarrierCustomer](
            {}, {customer.customer_id: customer for customer in database.customers}
        )
        self.lines = ChainMap[str, CarrierLine]({}, {line.line_id: line for line in database.lines})
        self.bills = ChainMap[str, CarrierBill]({}, {bill.bill_id: bill for bill in database.bills})
        self.plans = {plan.plan_id: plan for plan in database.plans}
        self.devices = {device.device_id: device for device in database.devices}

    def content(self) -> object:
        """Return what was changed, as JSON."""
        return {"customers": changed(self.customers), "lines": changed(self.lines), "bills": changed(self.bills)}

    @reads
    def get_customer_by_phone(self, phone_number: str) -> dict[str, object]:
        """Find the customer with a phone number, which is their contact's or that of one of their lines.

        Args:
            phone_number: The phone number, as in '555-123-2002'.

        """
        return as_json(self.customer_with(phone_number))

    @reads
    def get_customer_by_id(self, customer_id: str) -> dict[str, object]:
        """Look up a customer.

        Args:
            customer_id: The id of the customer, as in 'C1001'.

        """
        return as_json(self._customer(customer_id))

    @reads
    def get_customer_by_name(self, full_name: str, dob: str) -> list[dict[str, object]]:
        """Find the customers with a name and a date of birth.

        Args:
            full_name: First and last name.
            dob: Date of birth, YYYY-MM-DD.

        """
        return [
            as_json(customer)
            for customer in self.customers.values()
            if (customer.full_name.casefold(), customer.date_of_birth) == (full_name.casefold(), dob)
        ]

    @reads
    def get_details_by_id(self, id: str) -> dict[str, object]:
        """Look up a customer (C...), line (L...), device (D...), bill (B...) or plan (P...).

        Args:
            id: The id of any of them.

        """
        tables: dict[str, Mapping[str, object]] = {
            "C": self.customers,
            "L": self.lines,
            "D": self.devices,
            "B": self.bills,
            "P": self.plans,
        }
        record = tables.get(id[:1], {}).get(id)
        if record is None:
            raise ToolRefused(f"there is nothing with the id {id!r}")
        return as_json(record)

    @writes
    def suspend_line(self, customer_id: str, line_id: str, reason: str) -> dict[str, object]:
        """Suspend an active line, for at most 6 months. It costs 5 USD a month.

        Args:
            customer_id: The id of the customer who owns the line.
            line_id: The id of the line.
            reason: Why it is suspended.

        """
        line = self._line(customer_id, line_id)
        if line.status != "Active":
            raise ToolRefused(f"only an active line can be suspended; {line_id} is {line.status}")
        self.lines[line_id] = replace(line, status="Suspended", suspension_start_date=TODAY)
        return {"message": "The line is suspended. It costs 5 USD a month.", "line": as_json(self.lines[line_id])}

    @writes
    def resume_line(self, customer_id: str, line_id: str) -> dict[str, object]:
        """Resume a line that is suspended or pending activation.

        Args:
            customer_id: The id of the customer who owns the line.
            line_id: The id of the line.

        """
        line = self._line(customer_id, line_id)
        if line.status not in ("Suspended", "Pending Activation"):
            raise ToolRefused(f"only a suspended line can be resumed; {line_id} is {line.status}")
        self.lines[line_id] = replace(line, status="Active", suspension_start_date=None)
        return {"message": "The line is active again.", "line": as_json(self.lines[line_id])}

    @reads
    def get_bills_for_customer(self, customer_id: str, limit: int = 12) -> list[dict[str, object]]:
        """List a customer's bills, the latest first.

        Args:
            customer_id: The id of the customer.
            limit: How many bills at most.

        """
        bills = sorted(self._bills_of(self._customer(customer_id)), key=lambda bill: bill.issue_date, reverse=True)
        return [as_json(bill) for bill in bills[: max(limit, 0)]]

    @writes
    def send_payment_request(self, customer_id: str, bill_id: str) -> str:
        """Ask the customer to pay a bill, which is then awaiting payment. A customer can have only one such bill. It is
        not checked whether the bill is overdue or paid: look it up before.

        Args:
            customer_id: The id of the customer who has the bill.
            bill_id: The id of the bill.

        """
        customer = self._customer(customer_id)
        if self.awaiting_payment(customer):
            raise ToolRefused("another bill of this customer is awaiting payment")
        if bill_id not in customer.bill_ids:
            raise ToolRefused(f"{customer_id} has no bill {bill_id}")
        self.bills[bill_id] = replace(self.bills[bill_id], status="Awaiting Payment")
        return f"The customer is asked to pay bill {bill_id}."

    @reads
    def get_data_usage(self, customer_id: str, line_id: str) -> dict[str, object]:
        """Look up how much data a line has used in this billing cycle, its limit, and when the cycle ends.

        Args:
            customer_id: The id of the customer who owns the line.
            line_id: The id of the line.

        """
        line = self._line(customer_id, line_id)
        return {
            "line_id": line_id,
            "data_used_gb": line.data_used_gb,
            "data_limit_gb": self.plans[line.plan_id].data_limit_gb,
            "data_refueling_gb": line.data_refueling_gb,
            "cycle_end_date": str(_next_month(1) - timedelta(days=1)),
        }

    @writes
    def enable_roaming(self, customer_id: str, line_id: str) -> str:
        """Enable international roaming on a line.

        Args:
            customer_id: The id of the customer who owns the line.
            line_id: The id of the line.

        """
        return self._set_roaming(customer_id, line_id, enabled=True)

    @writes
    def disable_roaming(self, customer_id: str, line_id: str) -> str:
        """Disable international roaming on a line.

        Args:
            customer_id: The id of the customer who owns the line.
            line_id: The id of the line.

        """
        return self._set_roaming(customer_id, line_id, enabled=False)

    @reads
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the customer over to a human agent. Only where the customer asks for one, or where policy and tools do
        not allow to solve the problem.

        Args:
            summary: What the problem is.

        """
        return "The customer is handed over."

    @writes
    def refuel_data(self, customer_id: str, line_id: str, gb_amount: float) -> dict[str, object]:
        """Add data to a line for this billing cycle, at the price of its plan, which comes on the next bill.

        Args:
            customer_id: The id of the customer who owns the line.
            line_id: The id of the line.
            gb_amount: How many GB.

        """
        line = self._line(customer_id, line_id)
        if not 0 < gb_amount < float("inf"):
            raise ToolRefused("the amount must be above 0 GB")
        price = self.plans[line.plan_id].data_refueling_price_per_gb
        self.lines[line_id] = replace(line, data_refueling_gb=line.data_refueling_gb + gb_amount)
        self._charge(customer_id, gb_amount * price, f"Data refueling: {gb_amount} GB at ${price}/GB")
        return {
            "message": f"{gb_amount} GB are added to line {line_id}.",
            "new_data_refueling_gb": self.lines[line_id].data_refueling_gb,
            "charge": gb_amount * price,
        }

    @starts
    def set_data_usage(self, customer_id: str, line_id: str, data_used_gb: float) -> None:
        """Set how much data a line has used."""
        self.lines[line_id] = replace(self._line(customer_id, line_id), data_used_gb=data_used_gb)

    @starts
    def suspend_line_for_overdue_bill(
        self, customer_id: str, line_id: str, new_bill_id: str, contract_ended: bool
    ) -> None:
        """Give the customer an overdue bill of last month and suspend the line; its contract may have ended too."""
        customer, line = self._customer(customer_id), self._line(customer_id, line_id)
        end = date.fromisoformat(TODAY).replace(day=1) - timedelta(days=1)
        begin, price = end.replace(day=1), self.plans[line.plan_id].price_per_month
        self._add(
            CarrierBill(
                bill_id=new_bill_id,
                customer_id=customer_id,
                period_start=str(begin),
                period_end=str(end),
                issue_date=str(begin),
                due_date=str(begin + timedelta(days=_DAYS_TO_PAY)),
                total_due=price,
                status="Overdue",
                line_items=(BillItem(f"Charge for line {line_id}", price, TODAY, "Charge"),),
            ),
            customer,
        )
        line = replace(line, status="Suspended", suspension_start_date=TODAY)
        self.lines[line_id] = replace(line, contract_end_date=str(end)) if contract_ended else line

    @checks
    def assert_data_refueling_amount(self, customer_id: str, line_id: str, expected_amount: float) -> bool:
        """Whether so many GB were added to a line."""
        return abs(self._line(customer_id, line_id).data_refueling_gb - expected_amount) < 1e-6

    @checks
    def assert_line_status(self, customer_id: str, line_id: str, expected_status: LineStatus) -> bool:
        """Whether a line has a status."""
        return self._line(customer_id, line_id).status == expected_status

    @checks
    def assert_overdue_bill_exists(self, customer_id: str, overdue_bill_id: str) -> bool:
        """Whether a customer has a bill that is overdue."""
        bills = self._bills_of(self._customer(customer_id))
        return any((bill.bill_id, bill.status) == (overdue_bill_id, "Overdue") for bill in bills)

    @checks
    def assert_no_overdue_bill(self, overdue_bill_id: str) -> bool:
        """Whether a bill is paid or was never there."""
        bill = self.bills.get(overdue_bill_id)
        return bill is None or bill.status == "Paid"

    def customer_with(self, phone_number: str) -> CarrierCustomer:
        """Return the customer whose contact or line has the number, however it is written. Raises `ToolRefused`."""
        wanted = _digits(phone_number)
        for customer in self.customers.values():
            lines = [self.lines[line_id].phone_number for line_id in customer.line_ids]
            if wanted and wanted in map(_digits, (customer.phone_number, *lines)):
                return customer
        raise ToolRefused(f"there is no customer with the phone number {phone_number}")

    def line_with(self, phone_number: str) -> CarrierLine:
        """Return the line with the number. Raises `ToolRefused`."""
        for line in self.lines.values():
            if _digits(line.phone_number) == _digits(phone_number):
                return line
        raise ToolRefused(f"there is no line with the phone number {phone_number}")

    def plan_of(self, line: CarrierLine) -> CarrierPlan:
        """Return the plan of a line."""
        return self.plans[line.plan_id]

    def awaiting_payment(self, customer: CarrierCustomer) -> list[CarrierBill]:
        """Return the bills that the customer was asked to pay."""
        return [bill for bill in self._bills_of(customer) if bill.status == "Awaiting Payment"]

    def settle(self, bill_id: str) -> None:
        """Note that a bill was paid."""
        self.bills[bill_id] = replace(self.bills[bill_id], status="Paid")

    def _customer(self, customer_id: str) -> CarrierCustomer:
        if customer_id not in self.customers:
            raise ToolRefused(f"there is no customer {customer_id}")
        return self.customers[customer_id]

    def _line(self, customer_id: str, line_id: str) -> CarrierLine:
        if line_id not in self._customer(customer_id).line_ids:
            raise ToolRefused(f"{customer_id} has no line {line_id}")
        return self.lines[line_id]

    def _bills_of(self, customer: CarrierCustomer) -> list[CarrierBill]:
        return [self.bills[bill_id] for bill_id in customer.bill_ids]

    def _set_roaming(self, customer_id: str, line_id: str, *, enabled: bool) -> str:
        line, word = self._line(customer_id, line_id), "enabled" if enabled else "disabled"
        if line.roaming_enabled == enabled:
            return f"Roaming was already {word}."
        self.lines[line_id] = replace(line, roaming_enabled=enabled)
        return f"Roaming is {word}."

    def _charge(self, customer_id: str, amount: float, description: str) -> None:
        """Put an amount on the customer's draft bill, which is made if there is none."""
        customer = self._customer(customer_id)
        drafts = [bill for bill in self._bills_of(customer) if bill.status == "Draft"]
        bill = drafts[0] if drafts else self._add(_draft(customer_id), customer)
        item = BillItem(description, amount, TODAY, "Charge")
        self.bills[bill.bill_id] = replace(bill, line_items=(*bill.line_items, item), total_due=bill.total_due + amount)

    def _add(self, bill: CarrierBill, customer: CarrierCustomer) -> CarrierBill:
        self.bills[bill.bill_id] = bill
        self.customers[customer.customer_id] = replace(customer, bill_ids=(*customer.bill_ids, bill.bill_id))
        return bill


def _draft(customer_id: str) -> CarrierBill:
    """Return an empty bill for next month. Its id is always the same, so that equal paths lead to equal states."""
    begin = _next_month(1)
    return CarrierBill(
        bill_id=f"B{digest(customer_id, str(begin))[:8]}",
        customer_id=customer_id,
        period_start=str(begin),
        period_end=str(_next_month(2) - timedelta(days=1)),
        issue_date=str(begin),
        due_date=str(begin + timedelta(days=_DAYS_TO_PAY)),
        total_due=0.0,
    )


def _next_month(months: int) -> date:
    """Return the first day of the month `months` after this one."""
    day = date.fromisoformat(TODAY)
    for _ in range(months):
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day


def _digits(phone_number: str) -> str:
    return "".join(character for character in phone_number if character.isdigit())
