"""The OpenAPI 3.1 document: FastAPI's, with problem details, and links from each change to what takes it back.

Knows nothing of what the operations do.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from backend.bodies import Problem

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
WHY = {
    "400": ("NoKey", "The header `Idempotency-Key` is missing."),
    "401": ("NoToken", "The token is missing or wrong."),
    "403": ("NotAllowed", "Nobody may act for this customer."),
    "404": ("NotThere", "It is not there, or not this customer's."),
    "409": ("Refused", "A rule of the company forbids it, or the state that something is in."),
    "410": ("Void", "The key was declared void."),
    "422": ("Malformed", "The call is malformed, or its key was used for another call."),
    "502": ("NoArchive", "The archive does not answer."),
}
UNDO = {
    "change_plan": ("undo_plan_change", "change"),
    "add_roaming": ("remove_add_on", "add_on"),
    "add_option": ("remove_add_on", "add_on"),
    "pay_bill": ("refund_payment", "payment"),
    "open_ticket": ("close_ticket", "ticket"),
}
DESCRIPTION = """\
The accounts of Tirvane, a fictional operator.

**Who calls.** Every call carries the token of the calling system (`Authorization: Bearer …`) and the number of the
customer for whom it is made (`On-Behalf-Of`). Customers reach their own accounts only.

**Once.** Every change carries an `Idempotency-Key`. Its status and body are stored with the key, in one transaction
with what it changed: the same call with the same key gets the same answer and takes effect once. The key with another
call is an error (422). `GET /effects/{key}` gives the answer of a call again, or says that it took no effect: 404, and
`state` says whether the call was refused or never came, or 410 if its key was declared void.

**Refused.** Any status from 400 to 499 means that nothing changed; the body says why (RFC 9457). After a 5xx, or no
answer at all, ask for the key.

**Undo.** The links of a change name the operation that takes it back.

**Amounts** are euros as decimal strings ("19.60"), VAT included.
"""


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document, made once."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=DESCRIPTION, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = Problem.model_json_schema()
    document["components"]["responses"] = {name: {"description": why, "content": PROBLEM} for name, why in WHY.values()}
    document["servers"] = [{"url": "/"}]
    for operations in document["paths"].values():
        for operation in operations.values():
            _describe(operation)
    _untitle(document["paths"])
    _untitle(schemas)
    app.openapi_schema = document
    return document


def _describe(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    changes = "change" in operation["tags"]
    statuses = {"401", "403", "422", *responses, *(("400", "404", "409", "410") if changes else ())} - {"200"}
    good = responses["200"]
    good["description"] = "It is done." if changes else "What was looked up."
    if operation["operationId"] in UNDO:
        undo, parameter = UNDO[operation["operationId"]]
        parameters = {"account": "$request.path.account", parameter: "$response.body#/reference"}
        good["links"] = {"undo": {"operationId": undo, "parameters": parameters, "description": "Takes it back."}}
    operation["responses"] = {"200": good} | {
        status: {"$ref": f"#/components/responses/{WHY[status][0]}"} for status in sorted(statuses)
    }
    operation["summary"] = operation.pop("description")
    for parameter in operation["parameters"]:
        parameter["schema"].pop("description", None)  # it stands beside the schema already


def _untitle(part: object) -> None:
    """Remove titles, which only repeat names. What is called "title" itself is no text and stays."""
    if isinstance(part, dict):
        if isinstance(part.get("title"), str):
            del part["title"]
        for value in part.values():
            _untitle(value)
    elif isinstance(part, list):
        for value in part:
            _untitle(value)
