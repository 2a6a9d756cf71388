"""The company's rules for changes, after the documents of the example. Knows sessions and rows, no HTTP and no keys.

Each function locks the account, checks, changes, and returns what it did as JSON. What it refuses raises `Refused`, and
the caller rolls back.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import catalogue
from backend.catalogue import ADD_ONS, PLANS
from backend.tables import Account, Area, Bill, BookedAddOn, Customer, Line, Payment, PlanChange, Ticket

BLOCKING = Decimal("35.00")  # billing/late-payment.html: the least open amount that lines are blocked for
NOTHING = Decimal("0.00")
Row = TypeVar("Row", Line, PlanChange, BookedAddOn, Bill, Payment, Ticket)


class Refused(Exception):
    """What was asked is not done, and nothing changed; the text says why."""

    def __init__(self, detail: str, status: int = 409) -> None:
        super().__init__(detail)
        self.status = status

    @property
    def problem(self) -> dict[str, object]:
        """Problem details after RFC 9457."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": str(self),
        }


def own_account(session: Session, customer: str, account: str, *, lock: bool = False) -> Account:
    """Return the account if it is the customer's; whose else it is, or whether it exists, is not said."""
    holder = session.get(Customer, customer)
    if holder is None or not holder.active:
        raise Refused(f"Nobody may act for the customer {customer}.", 403)
    row = session.get(Account, account, with_for_update=lock)
    if row is None or row.customer != customer:
        raise Refused(f"The customer {customer} has no account {account}.", 404)
    return row


@dataclass(frozen=True, slots=True)
class Counter:
    """Where one account is changed: it is locked until the session ends."""

    session: Session
    account: Account
    now: datetime.datetime

    @classmethod
    def at(cls, session: Session, customer: str, account: str, now: datetime.datetime) -> Counter:
        """Open it for the customer's own account; raises `Refused` for any other."""
        return cls(session, own_account(session, customer, account, lock=True), now)

    @property
    def today(self) -> datetime.date:
        """The day it is."""
        return self.now.date()

    def change_plan(self, line: str, plan: str) -> dict[str, object]:
        """Change to a larger plan at once (fibre: on the next working day), to a smaller one on the next billing date.

        plans/contract-terms.pdf, 6; the pages of the plans.
        """
        row = self._open_line(line)
        self._refuse_plan(row, plan)
        smaller = PLANS[plan].monthly < PLANS[row.plan].monthly
        starts, fee = self.today, NOTHING
        if smaller:
            self._refuse_second_smaller(row)
            starts = next_billing_date(self.today)
            fee = NOTHING if plan == "hazel" else catalogue.SMALLER_PLAN_FEE
        elif PLANS[plan].family == "fibre":
            starts = next_working_day(self.today)
        change = PlanChange(
            id=self._next_id(PlanChange, "C"),
            account=self.account.id,
            line=line,
            before=row.plan,
            after=plan,
            starts=starts,
            fee=fee,
            at=self.now,
            earlier_smaller_on=row.smaller_on,
        )
        self.session.add(change)
        if smaller:
            row.smaller_on = self.today
        if starts > self.today:
            row.next_plan, row.next_from = plan, starts
        else:
            row.plan = plan
        return {
            "reference": change.id,
            "line": line,
            "before": change.before,
            "after": plan,
            "starts": starts.isoformat(),
            "fee": str(fee),
        }

    def undo_plan_change(self, change: str) -> dict[str, object]:
        """Go back to the earlier plan, within 14 days and if no other change came after it."""
        row = self._mine(PlanChange, change)
        line = self.session.get_one(Line, row.line)
        if not row.undone:
            self._refuse_late(row.at, catalogue.DAYS_TO_GIVE_BACK)
            if row.after not in (line.next_plan, line.plan) or (line.next_plan and line.next_plan != row.after):
                raise Refused(f"The line {row.line} was changed again after {change}.")
            line.plan, line.next_plan, line.next_from = row.before, None, None
            line.smaller_on = row.earlier_smaller_on
            row.undone = True
        return {"reference": change, "line": row.line, "plan": row.before, "undone": True}

    def book(self, line: str, name: str) -> dict[str, object]:
        """Book a pass, an option or a top-up; what the plan includes costs nothing."""
        row, add_on = self._open_line(line), ADD_ONS[name]
        if row.plan not in add_on.plans:
            raise Refused(f"{add_on.title} cannot be booked on {PLANS[row.plan].title}.")
        there = [booked for booked in self._booked(line) if not booked.used and booked.ends is None]
        if add_on.kind == "pass" and sum(_is_pass(booked) for booked in there) >= catalogue.PASSES_AT_A_TIME:
            raise Refused(f"The line {line} has {catalogue.PASSES_AT_A_TIME} passes already, the most at a time.")
        if add_on.most and sum(booked.name == name for booked in there) >= add_on.most:
            raise Refused(f"The line {line} has {add_on.title} already, as often as it can be booked.")
        price = NOTHING if self._included(row, name) else add_on.price
        booked = BookedAddOn(
            id=self._next_id(BookedAddOn, "B"), account=self.account.id, line=line, name=name, price=price, at=self.now
        )
        self.session.add(booked)
        return {"reference": booked.id, "line": line, "name": name, "price": str(price)}

    def remove(self, booking: str) -> dict[str, object]:
        """Take back an unused pass or top-up within 14 days; end an option on the next billing date."""
        row = self._mine(BookedAddOn, booking)
        if ADD_ONS[row.name].kind == "option":
            row.ends = row.ends or next_billing_date(self.today)
        elif not row.removed:
            if row.used:
                raise Refused(f"{ADD_ONS[row.name].title} has been used and cannot be given back.")
            self._refuse_late(row.at, catalogue.DAYS_TO_GIVE_BACK)
            row.removed = True
        ends = (row.ends or self.today).isoformat()
        credit = row.price if row.removed else NOTHING
        return {"reference": booking, "name": row.name, "ends": ends, "credit": str(credit)}

    def set_spending_cap(self, line: str, amount: Decimal) -> dict[str, object]:
        """Set the cap of a mobile line with a contract (billing/spending-cap.md)."""
        row = self._line(line)
        if PLANS[row.plan].family not in ("phone", "data"):
            raise Refused(f"A line on {PLANS[row.plan].title} has no spending cap.")
        if not catalogue.LEAST_CAP <= amount <= catalogue.MOST_CAP:
            raise Refused(f"The cap can be {catalogue.LEAST_CAP} to {catalogue.MOST_CAP} euros, not {amount}.")
        before, row.spending_cap = row.spending_cap, amount
        starts = self.today if amount >= before else self.today + datetime.timedelta(days=1)
        return {
            "reference": line,
            "line": line,
            "before": str(before),
            "after": str(amount),
            "starts": starts.isoformat(),
        }

    def pay(self, bill: str, amount: Decimal) -> dict[str, object]:
        """Pay a bill, or part of it, by the stored card. Lines are unblocked when no more than 35 euros stay open."""
        row = self._mine(Bill, bill)
        still = row.amount - row.paid
        if not still:
            raise Refused(f"The bill {bill} is paid.")
        if amount <= 0 or amount > still:
            raise Refused(f"Of the bill {bill} {still} euros are open, and {amount} were to be paid.")
        if amount > self.account.card_limit:
            raise Refused(f"BL-47: {amount} euros are above the limit of the card, {self.account.card_limit} euros.")
        row.paid += amount
        self.session.flush()
        freed = self._lines(blocked=True) if self._overdue() < BLOCKING else []
        for line in freed:
            line.blocked = False
        payment = Payment(
            id=self._next_id(Payment, "P"),
            account=self.account.id,
            bill=bill,
            amount=amount,
            at=self.now,
            unblocked=" ".join(line.number for line in freed),
        )
        self.session.add(payment)
        return {
            "reference": payment.id,
            "bill": bill,
            "amount": str(amount),
            "still_open": str(row.amount - row.paid),
            "unblocked": [line.number for line in freed],
        }

    def refund(self, payment: str) -> dict[str, object]:
        """Give a payment back within a day; lines that it unblocked are blocked again."""
        row = self._mine(Payment, payment)
        bill = self.session.get_one(Bill, row.bill)
        if not row.refunded:
            if self.now - row.at > datetime.timedelta(hours=catalogue.HOURS_TO_REFUND):
                raise Refused(f"The payment {payment} is older than {catalogue.HOURS_TO_REFUND} hours.")
            bill.paid -= row.amount
            for number in row.unblocked.split():
                self.session.get_one(Line, number).blocked = True
            row.refunded = True
        return {"reference": payment, "bill": row.bill, "amount": str(row.amount), "refunded": True}

    def open_ticket(self, topic: str, line: str | None, code: str | None) -> dict[str, object]:
        """Open a ticket, unless there is one, or an outage is known (network/fibre-faults.md, FB-45)."""
        row = self._line(line) if line else None
        if topic in ("mobile", "fibre"):
            if row is None:
                raise Refused("A fault needs the line that has it.")
            if (PLANS[row.plan].family == "fibre") != (topic == "fibre"):
                raise Refused(f"The line {line} is on {PLANS[row.plan].title}: not a matter of {topic}.")
            area = self.session.get(Area, row.area)
            if area and area.state == "outage":
                raise Refused(f"An outage in {row.area} is known and being repaired; it need not be reported again.")
        same = select(Ticket).filter_by(account=self.account.id, topic=topic, line=line, state="open")
        if there := self.session.scalar(same):
            raise Refused(f"There is a ticket for it already: {there.id}.")
        ticket = Ticket(
            id=self._next_id(Ticket, "T"), account=self.account.id, topic=topic, line=line, code=code, at=self.now
        )
        self.session.add(ticket)
        return {"reference": ticket.id, "topic": topic, "line": line, "code": code, "state": "open"}

    def close_ticket(self, ticket: str) -> dict[str, object]:
        """Close a ticket that is no longer needed."""
        row = self._mine(Ticket, ticket)
        row.state = "closed"
        return {"reference": ticket, "topic": row.topic, "line": row.line, "code": row.code, "state": "closed"}

    def _refuse_plan(self, row: Line, plan: str) -> None:
        wanted, present = PLANS[plan], PLANS[row.plan]
        if row.next_plan:
            raise Refused(f"A change to {PLANS[row.next_plan].title} on {row.next_from} is booked: take it back first.")
        if row.plan == plan:
            raise Refused(f"The line {row.number} is on {wanted.title} already.")
        if wanted.family != present.family and (present.family, wanted.family) != ("prepaid", "phone"):
            raise Refused(f"A line on {present.title} cannot change to {wanted.title}.")
        born = self.session.get_one(Customer, self.account.customer).born
        age = self.today.year - born.year - ((self.today.month, self.today.day) < (born.month, born.day))
        if not wanted.ages[0] <= age <= wanted.ages[1]:
            raise Refused(f"{wanted.title} is not for a customer of {age} years.")
        if plan == "sprig" and any(line.plan == "sprig" for line in self._lines()):
            raise Refused("A person can have only one Sprig line.")
        for booked in self._booked(row.number):
            add_on = ADD_ONS[booked.name]
            if add_on.kind == "option" and booked.ends is None and plan not in add_on.plans:
                raise Refused(f"{wanted.title} cannot have {add_on.title}: remove {booked.id} first.")

    def _refuse_second_smaller(self, row: Line) -> None:
        if row.smaller_on and months_later(row.smaller_on, catalogue.MONTHS_BETWEEN_SMALLER) > self.today:
            raise Refused(
                f"The line {row.number} changed to a smaller plan on {row.smaller_on}; that is possible once every "
                f"{catalogue.MONTHS_BETWEEN_SMALLER} months."
            )

    def _refuse_late(self, at: datetime.datetime, days: int) -> None:
        if self.now - at > datetime.timedelta(days=days):
            raise Refused(f"It was done on {at.date()}, more than {days} days ago.")

    def _included(self, row: Line, name: str) -> bool:
        plan = PLANS[row.plan]
        free = [booked for booked in self._booked(row.number) if booked.name == name and not booked.price]
        if name == "twin-sim":
            return sum(booked.ends is None for booked in free) < plan.free_twin_sims
        return sum(booked.at.year == self.now.year for booked in free) < dict(plan.free_passes).get(name, 0)

    def _overdue(self) -> Decimal:
        bills = self.session.scalars(select(Bill).filter_by(account=self.account.id))
        return sum((bill.amount - bill.paid for bill in bills if bill.due < self.today), NOTHING)

    def _lines(self, **having: object) -> list[Line]:
        wanted = select(Line).filter_by(account=self.account.id, **having)
        return list(self.session.scalars(wanted.order_by(Line.number)))

    def _booked(self, line: str) -> list[BookedAddOn]:
        return list(self.session.scalars(select(BookedAddOn).filter_by(line=line, removed=False)))

    def _line(self, number: str) -> Line:
        return self._mine(Line, number)

    def _open_line(self, number: str) -> Line:
        row = self._line(number)
        if row.blocked:
            raise Refused(f"The line {number} is blocked because of an unpaid bill, which must be paid first.")
        return row

    def _mine(self, table: type[Row], key: str) -> Row:
        row = self.session.get(table, key)
        if row is None or row.account != self.account.id:
            raise Refused(f"The account {self.account.id} has no {key}.", 404)
        return row

    def _next_id(self, table: type[PlanChange | BookedAddOn | Payment | Ticket], letter: str) -> str:
        """The next number of this account, which is locked: C-1001-3."""
        ids = self.session.scalars(select(table.id).filter_by(account=self.account.id))
        last = max((int(row.rpartition("-")[2]) for row in ids), default=0)
        return f"{letter}-{self.account.id.removeprefix('A-')}-{last + 1}"


def next_billing_date(day: datetime.date) -> datetime.date:
    """Return the 5th that comes after `day` (billing/invoice-and-payment.md)."""
    this = day.replace(day=catalogue.BILLING_DAY)
    return this if this > day else months_later(this, 1)


def next_working_day(day: datetime.date) -> datetime.date:
    """Return the next day that is neither Saturday nor Sunday; Ostrevia's holidays are in no document."""
    later = day + datetime.timedelta(days=1)
    return later if later.isoweekday() <= 5 else next_working_day(later)


def months_later(day: datetime.date, months: int) -> datetime.date:
    """Return the same day of a later month, or its last day where it is shorter."""
    year, month = divmod(day.month - 1 + months, 12)
    first = datetime.date(day.year + year, month + 1, 1)
    last = (first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - datetime.timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def _is_pass(booked: BookedAddOn) -> bool:
    return ADD_ONS[booked.name].kind == "pass"
