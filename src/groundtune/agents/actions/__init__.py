"""What agents may do: actions from annotated Python functions, OpenAPI documents and MCP servers.

    from groundtune.agents.actions import action, open_actions

`[[actions.backends]]` names the back-ends, `open_actions` opens them. Knows no model, and not who may do what: the
policy does.
"""

from groundtune.agents.actions.functions import ActionRefused, FunctionAction, action
from groundtune.agents.actions.offers import NotOffered
from groundtune.agents.actions.opening import OpenActions, open_actions

__all__ = ["ActionRefused", "FunctionAction", "NotOffered", "OpenActions", "action", "open_actions"]
