"""The carrier's database: customers, lines, plans, devices and bills. Knows no tool and no phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

LineStatus = Literal["Active", "Suspended", "Pending Activation", "Closed"]
BillStatus = Literal["Draft", "Issued", "Awaiting Payment", "Paid", "Overdue", "Disputed"]

TODAY = "2025-02-25"
"""The day on which all tasks happen, as the policy says."""


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a customer is billed."""

    street: str
    city: str
    state: str
    zip_code: str


@dataclass(frozen=True, slots=True)
class CarrierPlan:
    """What a line costs a month in USD, and how many GB it has."""

    plan_id: str
    name: str
    data_limit_gb: float
    price_per_month: float
    data_refueling_price_per_gb: float


@dataclass(frozen=True, slots=True)
class CarrierDevice:
    """A phone, tablet or the like of a line."""

    device_id: str
    device_type: str
    model: str
    is_esim_capable: bool
    imei: str | None = None
    activated: bool = False
    activation_date: str | None = None
    last_esim_transfer_date: str | None = None


@dataclass(frozen=True, slots=True)
class CarrierLine:
    """A phone line. Dates are YYYY-MM-DD."""

    line_id: str
    phone_number: str
    plan_id: str
    status: LineStatus = "Pending Activation"
    device_id: str | None = None
    data_used_gb: float = 0.0
    data_refueling_gb: float = 0.0
    roaming_enabled: bool = False
    contract_end_date: str | None = None
    last_plan_change_date: str | None = None
    last_sim_replacement_date: str | None = None
    suspension_start_date: str | None = None


@dataclass(frozen=True, slots=True)
class BillItem:
    """A charge, or a credit if the amount is negative, in USD."""

    description: str
    amount: float
    date: str
    item_type: str


@dataclass(frozen=True, slots=True)
class CarrierBill:
    """A bill for a period. Dates are YYYY-MM-DD."""

    bill_id: str
    customer_id: str
    period_start: str
    period_end: str
    issue_date: str
    due_date: str
    total_due: float
    status: BillStatus = "Draft"
    line_items: tuple[BillItem, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredPayment:
    """A means of payment that a customer has left with the carrier."""

    method_type: str
    account_number_last_4: str
    expiration_date: str


@dataclass(frozen=True, slots=True)
class CarrierCustomer:
    """A customer with the ids of their lines and bills."""

    customer_id: str
    full_name: str
    date_of_birth: str
    email: str
    phone_number: str
    address: PostalAddress
    account_status: str = "Pending Verification"
    payment_methods: tuple[StoredPayment, ...] = ()
    line_ids: tuple[str, ...] = ()
    bill_ids: tuple[str, ...] = ()
    created_at: str = "2025-01-01"
    last_extension_date: str | None = None
    goodwill_credit_used_this_year: float = 0.0


class CarrierFile(BaseModel):
    """`db.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plans: tuple[CarrierPlan, ...]
    devices: tuple[CarrierDevice, ...]
    lines: tuple[CarrierLine, ...]
    customers: tuple[CarrierCustomer, ...]
    bills: tuple[CarrierBill, ...]
