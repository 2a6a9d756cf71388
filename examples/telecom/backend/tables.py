"""The tables of the back-end. Amounts are whole cents in the database and exact decimals in Python, never floats.

A row is never deleted: what is taken back says so.
"""

from __future__ import annotations

import datetime
from decimal import Decimal

from sqlalchemy import Date, Dialect, ForeignKey, Integer, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Euros(TypeDecorator[Decimal]):
    """An amount with two places, stored as whole cents."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return the cents."""
        return None if value is None else int(value.scaleb(2).to_integral_exact())

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Return the euros."""
        return None if value is None else Decimal(value).scaleb(-2)


class Moment(TypeDecorator[datetime.datetime]):
    """A time in UTC, stored as text that sorts: SQLite has no type for it."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> str | None:
        """Return it as ISO 8601, in UTC."""
        return None if value is None else value.astimezone(datetime.UTC).isoformat(timespec="seconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime.datetime | None:
        """Return the time."""
        return None if value is None else datetime.datetime.fromisoformat(value)


class Base(DeclarativeBase):
    """All tables of the back-end."""

    type_annotation_map = {Decimal: Euros, datetime.datetime: Moment, datetime.date: Date}  # noqa: RUF012 -- SQLAlchemy's


class Customer(Base):
    """A person. `active` is false for whom the right to act was withdrawn."""

    __tablename__ = "customers"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    born: Mapped[datetime.date]
    active: Mapped[bool] = mapped_column(default=True)


class Account(Base):
    """What is on one bill. `card_limit` is the most that the stored card pays at a time."""

    __tablename__ = "accounts"
    id: Mapped[str] = mapped_column(primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    card_limit: Mapped[Decimal]


class Line(Base):
    """A mobile number or a fibre line. `next_plan` begins on `next_from`; `smaller_on` is the last change to a smaller
    plan.
    """

    __tablename__ = "lines"
    number: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    plan: Mapped[str]
    area: Mapped[str]
    spending_cap: Mapped[Decimal] = mapped_column(default=Decimal("50.00"))
    blocked: Mapped[bool] = mapped_column(default=False)
    next_plan: Mapped[str | None] = mapped_column(default=None)
    next_from: Mapped[datetime.date | None] = mapped_column(default=None)
    smaller_on: Mapped[datetime.date | None] = mapped_column(default=None)


class PlanChange(Base):
    """A change of plan. `earlier_smaller_on` is what the line had before, for undoing."""

    __tablename__ = "plan_changes"
    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    line: Mapped[str] = mapped_column(ForeignKey("lines.number"))
    before: Mapped[str]
    after: Mapped[str]
    starts: Mapped[datetime.date]
    fee: Mapped[Decimal]
    at: Mapped[datetime.datetime]
    earlier_smaller_on: Mapped[datetime.date | None] = mapped_column(default=None)
    undone: Mapped[bool] = mapped_column(default=False)


class BookedAddOn(Base):
    """A pass, an option or a top-up of a line. `ends` is set when an option was given up, `removed` when it is gone."""

    __tablename__ = "add_ons"
    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    line: Mapped[str] = mapped_column(ForeignKey("lines.number"))
    name: Mapped[str]
    price: Mapped[Decimal]
    at: Mapped[datetime.datetime]
    used: Mapped[bool] = mapped_column(default=False)
    ends: Mapped[datetime.date | None] = mapped_column(default=None)
    removed: Mapped[bool] = mapped_column(default=False)


class Bill(Base):
    """A monthly bill, by its nine-digit number."""

    __tablename__ = "bills"
    number: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    issued: Mapped[datetime.date]
    due: Mapped[datetime.date]
    amount: Mapped[Decimal]
    paid: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))


class Payment(Base):
    """What was paid of a bill. `unblocked` are the lines that it freed, for refunding."""

    __tablename__ = "payments"
    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    bill: Mapped[str] = mapped_column(ForeignKey("bills.number"))
    amount: Mapped[Decimal]
    at: Mapped[datetime.datetime]
    unblocked: Mapped[str] = mapped_column(default="")
    refunded: Mapped[bool] = mapped_column(default=False)


class Ticket(Base):
    """A fault or a request. `note` is text that staff and others wrote."""

    __tablename__ = "tickets"
    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    topic: Mapped[str]
    at: Mapped[datetime.datetime]
    line: Mapped[str | None] = mapped_column(ForeignKey("lines.number"), default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(default="open")


class Area(Base):
    """How the network is in an area. `note` is text that technicians wrote."""

    __tablename__ = "network"
    name: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default="ok")
    code: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str] = mapped_column(Text, default="")


class Effect(Base):
    """What is known of an idempotency key: the digest of the call, and the status and body that it was answered with.

    Committed together with what the call changed.
    """

    __tablename__ = "effects"
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    customer: Mapped[str]
    call: Mapped[str]
    at: Mapped[datetime.datetime]
    status: Mapped[int] = mapped_column(default=0)
    body: Mapped[str] = mapped_column(Text, default="")


class Kept(Base):
    """A text by its name: the state that a simulation began with."""

    __tablename__ = "kept"
    name: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
