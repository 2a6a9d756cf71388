"""Actions from functions and from an OpenAPI document; `test_actions_elsewhere` has servers that others wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import pytest
from _pay_service import DOCUMENT, serving
from pydantic import Field

from groundtune.agents.actions.functions import ActionRefused, action
from groundtune.agents.actions.opening import open_actions
from groundtune.settings.actions import ActionsSettings
from groundtune.testing.actions import ActionContract
from groundtune.values import ActionResult, Actor


class Bank:
    """A back-end in Python that can break."""

    def __init__(self):
        self.payments, self.void = {}, set()
        self.lost = self.stopped = False

    def stop(self, key: str) -> ActionResult | None:
        if key not in self.payments:
            self.void.add(key)
        return self.find(key)

    def find(self, key: str) -> ActionResult | None:
        if self.stopped:
            raise OSError("nobody is there")
        return ActionResult("done", self.payments[key], key) if key in self.payments else None

    def undo(self, reference: str) -> None:
        self.payments.pop(reference)

    def pay(self, bill: str, amount: Annotated[float, Field(gt=0)], who: Actor, key: str) -> ActionResult:
        """Pay a bill."""
        if key in self.void:
            raise ActionRefused("it was given up")
        if amount > 1000 or self.stopped:
            raise ActionRefused("the limit is 1000" if not self.stopped else "nobody is there")
        self.payments.setdefault(key, {"bill": bill, "amount": amount, "who": who.id})
        if self.lost:
            raise ConnectionResetError("cut")
        return ActionResult("done", self.payments[key], key)

    def pay_elsewhere(self, bill: str, amount: float, iban: str) -> None:
        """Pay a bill."""

    def bills(self, account: str) -> list[str]:
        """List bills."""
        if self.lost:
            raise ConnectionResetError("cut")
        return [account]


class TestFunctions(ActionContract):
    @pytest.fixture(autouse=True)
    def _bank(self):
        self.bank = Bank()

    def read(self):
        return action(reach="read")(self.bank.bills), {"account": "A-1"}

    def write(self):
        made = action(look_up=self.bank.find, undo=self.bank.undo, give_up=self.bank.stop)(self.bank.pay)
        return made, {"bill": "B-1", "amount": 19.99}

    def changed(self):
        made = action()(self.bank.pay_elsewhere)
        return replace(made, schema=replace(made.schema, name="pay"))

    def state(self):
        return dict(self.bank.payments)

    def refuse(self):
        return {"bill": "B-1", "amount": 1001}

    def lose(self):
        self.bank.lost = True

    def stop(self):
        self.bank.stopped = True


class TestOpenApi(ActionContract):
    @pytest.fixture(autouse=True)
    def _server(self, tmp_path):
        self.folder = tmp_path
        self.document = DOCUMENT
        with serving() as self.server:
            yield

    def opened(self, name):
        (self.folder / "pay.yaml").write_text(self.document, encoding="utf-8")
        backend = {
            "name": "bank",
            "seconds": 1,
            "openapi": {"file": "pay.yaml", "base_url": self.server.url},
            "actions": {"pay": {"look_up": "findCall", "undo": "cancel", "give_up": "void", "reference": "paymentId"}},
        }
        opened = open_actions(ActionsSettings(backends=[backend]), self.folder)
        assert not opened.refused
        return next(each for each in opened.actions if each.schema.name == name)

    def read(self):
        return self.opened("show"), {"paymentId": "p0"}

    def write(self):
        return self.opened("pay"), {"bill": "B-1", "amount": 19.99}

    def changed(self):
        self.document = DOCUMENT.replace("bill: {type: string}", "bill: {type: string}\n        iban: {type: string}")
        return self.opened("pay")

    def state(self):
        return dict(self.server.payments)

    def refuse(self):
        return {"bill": "B-1", "amount": 1001}

    def lose(self):
        self.server.fault = "cut"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
