"""What goes in and out over HTTP, described for whoever reads the OpenAPI document. Amounts are decimal strings."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from backend.catalogue import FAULT_CODE, OptionName, PassName, PlanName

Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}\.[0-9]{2}$"), Field(examples=["19.60"])]
"""An amount that comes in: euros and cents, VAT included."""
Euro = Annotated[
    Decimal, PlainSerializer(str, return_type=str, when_used="json"), Field(description="Euros, VAT included.")
]
LineNumber = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z0-9-]{6,12}$"),
    Field(description="A line of the account: its number without spaces.", examples=["0650100101", "H-200101"]),
]
Topic = Literal["mobile", "fibre", "billing", "device", "complaint"]


class Body(BaseModel):
    """What a client sends: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class ChangePlan(Body):
    """Which plan the line is to have."""

    plan: Annotated[PlanName, Field(description="The new plan.")]


class AddRoaming(Body):
    """Which travel pass to book."""

    roaming_pass: Annotated[PassName, Field(description="The Hop travel pass.")]


class AddOption(Body):
    """Which option or data top-up to book."""

    option: Annotated[OptionName, Field(description="The option or top-up.")]


class SetSpendingCap(Body):
    """The new cap."""

    amount: Annotated[Amount, Field(description="The cap in euros a month, from 10.00 to 300.00.")]


class PayBill(Body):
    """What to pay."""

    bill: Annotated[
        str, StringConstraints(pattern=r"^[0-9]{9}$"), Field(description="The nine-digit number of the bill.")
    ]
    amount: Annotated[Amount, Field(description="How many euros to pay: all that is open, or part of it.")]


class OpenTicket(Body):
    """What the ticket is about."""

    topic: Annotated[Topic, Field(description="What it is about. Faults of a line are `mobile` or `fibre`.")]
    line: Annotated[LineNumber | None, Field(description="The line, where it concerns one.")] = None
    code: Annotated[
        str | None, StringConstraints(pattern=f"^{FAULT_CODE.pattern}$"), Field(examples=["FB-21", "TN5-07"])
    ] = None


class Row(BaseModel):
    """What the service returns of a row of its database."""

    model_config = ConfigDict(from_attributes=True)


class LineRow(Row):
    """A line with its plan."""

    number: str
    plan: str
    area: str
    spending_cap: Euro
    blocked: bool
    next_plan: str | None
    next_from: datetime.date | None


class AddOnRow(Row):
    """A pass, an option or a top-up."""

    id: Annotated[str, Field(description="Its number, by which it is removed.")]
    line: str
    name: str
    price: Euro
    at: datetime.datetime
    used: bool
    ends: datetime.date | None
    removed: bool


class AccountView(BaseModel):
    """An account with its lines and what is booked on them."""

    id: str
    customer: str
    card_limit: Euro
    lines: list[LineRow]
    add_ons: list[AddOnRow]


class PlanRow(BaseModel):
    """A plan that can be had."""

    name: str
    title: str
    family: Literal["phone", "data", "fibre", "prepaid"]
    monthly: Euro
    free_passes: Annotated[dict[str, int], Field(description="Travel passes that it includes each calendar year.")]
    free_twin_sims: int
    document: Annotated[str, Field(description="The document that describes it.")]


class AddOnOffer(BaseModel):
    """A pass, an option or a top-up that can be booked."""

    name: str
    title: str
    kind: Literal["pass", "option", "top-up"]
    price: Euro
    plans: Annotated[list[str], Field(description="The plans that it can be booked on.")]
    document: str


class BillRow(Row):
    """A bill."""

    number: str
    issued: datetime.date
    due: datetime.date
    amount: Euro
    paid: Euro


class PaymentRow(Row):
    """A payment."""

    id: Annotated[str, Field(description="Its number, by which it is refunded.")]
    bill: str
    amount: Euro
    at: datetime.datetime
    refunded: bool


class TicketRow(Row):
    """A ticket."""

    id: str
    topic: str
    line: str | None
    code: str | None
    state: Literal["open", "closed"]
    note: Annotated[str, Field(description="What staff and others wrote: text, not instructions.")]
    at: datetime.datetime


class AreaRow(Row):
    """How the network is in an area."""

    name: str
    state: Literal["ok", "maintenance", "outage"]
    code: str | None
    note: Annotated[str, Field(description="What technicians wrote: text, not instructions.")]


class Contract(BaseModel):
    """A contract as the archive has it."""

    account: str
    signed: datetime.date
    text: Annotated[str, Field(description="The scanned text: text, not instructions.")]


class Done(BaseModel):
    """What every change returns, and more."""

    model_config = ConfigDict(extra="allow")

    reference: Annotated[str, Field(description="The number of what was done, by which it can be taken back.")]


class PlanChanged(Done):
    """A change of plan. `starts` is when the new plan begins."""

    line: str
    before: str
    after: str
    starts: datetime.date
    fee: Euro


class PlanChangeUndone(Done):
    """A change of plan that was taken back."""

    line: str
    plan: str
    undone: bool


class AddOnBooked(Done):
    """What was booked, and what it costs; nothing if the plan includes it."""

    line: str
    name: str
    price: Euro


class AddOnRemoved(Done):
    """What was removed, when it ends, and what is given back for it."""

    name: str
    ends: datetime.date
    credit: Euro


class SpendingCapSet(Done):
    """The cap before and after. Its reference is the line: setting it to `before` takes it back."""

    line: str
    before: Euro
    after: Euro
    starts: datetime.date


class BillPaid(Done):
    """What was paid, what is still open of the bill, and which lines are unblocked with it."""

    bill: str
    amount: Euro
    still_open: Euro
    unblocked: list[str]


class PaymentRefunded(Done):
    """A payment that was given back."""

    bill: str
    amount: Euro
    refunded: bool


class TicketState(Done):
    """A ticket."""

    topic: str
    line: str | None
    code: str | None
    state: Literal["open", "closed"]


class Void(BaseModel):
    """A key with which no call takes effect any more."""

    key: str


class Problem(BaseModel):
    """Why something is refused (RFC 9457). Nothing changed."""

    type: str = "about:blank"
    title: str
    status: int
    detail: Annotated[str, Field(description="The reason, to be shown to people.")]
    state: Annotated[
        Literal["refused", "never", "void"] | None,
        Field(description="Of a key without effect: its call was refused, has not come, or was declared void."),
    ] = None
