"""Setting the state of the database and asking what changed, for tests and evaluations. Off unless `--simulation`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from backend import state
from backend.app import CallerOf, Service
from backend.database import reading, writing
from backend.rules import Refused

router = APIRouter(prefix="/simulation", include_in_schema=False)
Changes = Annotated[dict[str, Any], Body()]


@router.put("/state")
def begin(request: Request, caller: CallerOf, rows: Changes) -> dict[str, Any]:
    """Begin anew: the seed, with `rows` put upon it, and no known key."""
    service: Service = request.app.state.service
    contracts = {**state.read_seed()["contracts"], **rows.pop("contracts", {})}
    with writing(service.engine) as session:
        _put(lambda: state.begin(session, rows))
    _archive(service, contracts)
    return {}


@router.patch("/state")
def put(request: Request, caller: CallerOf, rows: Changes) -> dict[str, Any]:
    """Put rows upon the present state, as if somebody else had."""
    service: Service = request.app.state.service
    _archive(service, rows.pop("contracts", {}))
    with writing(service.engine) as session:
        _put(lambda: state.put(session, rows))
    return {}


@router.get("/changes")
def changes(request: Request, caller: CallerOf) -> dict[str, Any]:
    """Tell what differs from the beginning."""
    with reading(request.app.state.service.engine) as session:
        return state.changes(session)


def _put(change) -> None:  # noqa: ANN001 -- a call without arguments
    try:
        change()
    except (ValueError, ArithmeticError) as error:
        raise Refused(str(error), 422) from None


def _archive(service: Service, contracts: dict[str, Any]) -> None:
    if contracts:
        service.archive.put("/contracts", json=contracts).raise_for_status()
