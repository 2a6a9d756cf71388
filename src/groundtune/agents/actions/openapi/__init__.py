"""Actions from OpenAPI documents, 2.0 to 3.2: reading the document, its schemas, its operations, and calling them.

Source: the OpenAPI Specification, 2.0, 3.0.4, 3.1.1 and 3.2.0, https://spec.openapis.org/oas/.
"""

from groundtune.agents.actions.openapi.calling import OpenApiAction, OperationHelpers, OperationServer, remaining
from groundtune.agents.actions.openapi.operations import Described, described
from groundtune.agents.actions.openapi.shapes import Operation

__all__ = [
    "Described",
    "OpenApiAction",
    "Operation",
    "OperationHelpers",
    "OperationServer",
    "described",
    "remaining",
]
