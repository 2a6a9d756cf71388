"""What a conversation may cost: calls, tokens, money and time, shared by all agents that work for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from groundtune.values import Usage


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """The most that a conversation may take; None for no limit. Seconds are those that agents work."""

    calls: int | None = 50
    tokens: int | None = 200_000
    money: Decimal | None = None
    seconds: float | None = 600.0


class BudgetSpent(Exception):
    """The conversation has used up what it may; the message says what of."""


class Budget:
    """Counts what agents take. Safe to use from several threads.

    Money is that of the actions' back-ends and models, in the project's own currency.
    """

    def __init__(self, limits: BudgetLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock, self._began = limits, clock, clock()
        self._calls, self._tokens, self._money = 0, 0, Decimal(0)
        self._lock = threading.Lock()

    def call(self, money: Decimal = Decimal(0)) -> None:
        """Take one call of an action, and what it costs. Raises `BudgetSpent` if it is too much, and takes nothing."""
        self.check()
        with self._lock:
            if self._limits.calls is not None and self._calls >= self._limits.calls:
                raise BudgetSpent(f"the conversation has made its {self._limits.calls} calls")
            if self._limits.money is not None and self._money + money > self._limits.money:
                raise BudgetSpent(f"the conversation may spend {self._limits.money} and has spent {self._money}")
            self._calls += 1
            self._money += money

    def used(self, usage: Usage) -> None:
        """Count what a model was asked and said. Raises `BudgetSpent` afterwards, as tokens are known too late."""
        with self._lock:
            self._tokens += usage.prompt_tokens + usage.completion_tokens
        self.check()

    def check(self) -> None:
        """Raise `BudgetSpent` if the tokens or the time are used up."""
        if self._limits.seconds is not None and self._clock() - self._began > self._limits.seconds:
            raise BudgetSpent(f"the agents have worked for {self._limits.seconds:g} seconds")
        with self._lock:
            if self._limits.tokens is not None and self._tokens > self._limits.tokens:
                raise BudgetSpent(f"the conversation has used its {self._limits.tokens:,} tokens")
