"""The world of tau2 telecom: the carrier and the phone, which are kept in step."""

from __future__ import annotations

from dataclasses import replace

from groundtune.agents.tasks.environment import TaskEnvironment
from groundtune.agents.tasks.tau2.telecom.carrier import CarrierFile
from groundtune.agents.tasks.tau2.telecom.carrier_tools import CarrierTools
from groundtune.agents.tasks.tau2.telecom.phone import PhoneFile, RequestedPayment
from groundtune.agents.tasks.tau2.telecom.phone_faults import PhoneChecks, PhoneFaults
from groundtune.agents.tasks.tau2.telecom.phone_tools import PhoneState, PhoneTools


class TelecomEnvironment(TaskEnvironment):
    """The agent has 13 tools on the carrier's database, the customer has 30 on the phone."""

    def __init__(self, carrier: CarrierFile, phone: PhoneFile) -> None:
        self._carrier = CarrierTools(carrier)
        self._phone = PhoneState.of(phone)
        customer = (PhoneTools(self._phone), PhoneFaults(self._phone), PhoneChecks(self._phone))
        super().__init__({"agent": (self._carrier,), "customer": customer})

    def content(self) -> object:
        """Return what changed at the carrier, and all of the phone."""
        return {"carrier": self._carrier.content(), "customer": self._phone.content()}

    def synchronise(self) -> None:
        """Tell the phone what the carrier knows of its line, and the carrier what was paid.

        The phone is not told to look for a network: that is what a reboot is for.
        """
        around = self._phone.around
        if around.phone_number is None:
            return
        line = self._carrier.line_with(around.phone_number)
        limit = self._carrier.plan_of(line).data_limit_gb + line.data_refueling_gb
        request = around.payment_request
        if request and request.paid:
            self._carrier.settle(request.bill_id)
            request = None
        if request is None:
            waiting = self._carrier.awaiting_payment(self._carrier.customer_with(around.phone_number))
            request = RequestedPayment(waiting[0].bill_id, waiting[0].total_due) if waiting else None
        self._phone.around = replace(
            around,
            line_active=line.status == "Active",
            roaming_allowed=line.roaming_enabled,
            mobile_data_usage_exceeded=line.data_used_gb >= limit,
            payment_request=request,
        )
