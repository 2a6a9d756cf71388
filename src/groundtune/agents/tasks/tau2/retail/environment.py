"""The world of tau2 retail: a shop. The customer has no tools."""

from __future__ import annotations

from groundtune.agents.tasks.environment import TaskEnvironment
from groundtune.agents.tasks.tau2.retail.shop import ShopFile
from groundtune.agents.tasks.tau2.retail.tools import ShopTools


class RetailEnvironment(TaskEnvironment):
    """The agent has 16 tools on the shop's database."""

    def __init__(self, shop: ShopFile) -> None:
        self._shop = ShopTools(shop)
        super().__init__({"agent": (self._shop,)})

    def content(self) -> object:
        """Return what changed at the shop."""
        return self._shop.content()
