"""The service over HTTP: who calls, for whom, and which call is which rule. Knows no rule itself.

Every status from 400 to 499 says that nothing changed. Whoever gets a 5xx, or no answer, asks `GET /effects/{key}`.
"""

from __future__ import annotations

import datetime
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import StringConstraints
from pydantic_core import from_json
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from backend import bodies, effects
from backend.catalogue import ADD_ONS, PLANS
from backend.database import reading
from backend.document import describe
from backend.rules import Counter, Refused, own_account
from backend.tables import Area, Base, Bill, BookedAddOn, Line, Payment, Ticket


@dataclass(frozen=True, slots=True)
class Service:
    """What the service runs on. `now` is its clock, `archive` asks the archive of contracts."""

    engine: Engine
    token: str
    now: Callable[[], datetime.datetime]
    archive: httpx.Client


@dataclass(frozen=True, slots=True)
class Caller:
    """A call whose token is right: for which customer, and of which service."""

    service: Service
    customer: str

    def rows(self, account: str, table: type[Base]) -> list[Any]:
        """Return the rows of the customer's own account."""
        with reading(self.service.engine) as session:
            own_account(session, self.customer, account)
            found = session.scalars(select(table).filter_by(account=account).order_by(*table.__table__.primary_key))
            return list(found)


bearer = HTTPBearer(auto_error=False, description="The token of the system that calls.")
Customer = Annotated[
    str, Header(alias="On-Behalf-Of", description="The number of the customer for whom the call is made.")
]
Id = StringConstraints(pattern=r"^[A-Z0-9-]{1,20}$")
Account = Annotated[str, Id, Path(description="The customer's own account.", examples=["A-1001"])]
ChangeId = Annotated[str, Id, Path(description="The reference of the change.", examples=["C-1001-1"])]
AddOnId = Annotated[str, Id, Path(description="The number of the add-on.", examples=["B-1001-1"])]
PaymentId = Annotated[str, Id, Path(description="The number of the payment.", examples=["P-1001-1"])]
TicketId = Annotated[str, Id, Path(description="The number of the ticket.", examples=["T-1001-1"])]
AreaName = Annotated[
    str, StringConstraints(pattern=r"^[\w -]{1,60}$"), Path(description="The name of the area.", examples=["Lindmoor"])
]
LinePath = Annotated[bodies.LineNumber, Path()]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Made by the caller, the same for every try of the same call. It takes effect once.",
    ),
]


def caller(
    request: Request, customer: Customer, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """Check the token. That the account is the customer's is checked where it is read or changed."""
    service: Service = request.app.state.service
    if given is None or not hmac.compare_digest(given.credentials.encode(), service.token.encode()):
        raise Refused("The token is missing or wrong.", 401)
    return Caller(service, customer)


CallerOf = Annotated[Caller, Depends(caller)]
Change = Callable[[Counter], dict[str, object]]


@dataclass(frozen=True, slots=True)
class Writer:
    """A call that changes something, once for its key."""

    caller: Caller
    key: str
    call: str

    def change(self, account: str, change: Change) -> JSONResponse:
        """Change the customer's own account, or answer what the key was answered with before."""
        service, customer = self.caller.service, self.caller.customer
        now = service.now()

        def do(session: Session) -> dict[str, object]:
            return change(Counter.at(session, customer, account, now))

        known = effects.once(service.engine, self.key, customer, self.call, do, now)
        headers = {"Idempotent-Replayed": "true"} if known.again else {}
        return answer(known.body, known.status, headers)


async def writer(request: Request, caller: CallerOf, key: Key) -> Writer:
    """Make a digest of the whole call, so that the key cannot be used for another one."""
    body = await request.body()
    try:
        content = from_json(body)  # white space and the order of keys make no other call
    except ValueError:
        content = body.hex()
    return Writer(caller, key, effects.digest(request.method, request.url.path, caller.customer, content))


WriterOf = Annotated[Writer, Depends(writer)]


def answer(body: dict[str, object], status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return JSON, or problem details from 400 on."""
    kind = "application/json" if status < 400 else "application/problem+json"
    return JSONResponse(body, status, headers, kind)


reads, writes, keys = (APIRouter(tags=[tag]) for tag in ("look up", "change", "effects"))


@reads.get("/plans")
def list_plans(caller: CallerOf) -> list[bodies.PlanRow]:
    """List all plans with their prices."""
    return [
        bodies.PlanRow(
            name=name,
            title=plan.title,
            family=plan.family,
            monthly=plan.monthly,
            free_passes=dict(plan.free_passes),
            free_twin_sims=plan.free_twin_sims,
            document=plan.document,
        )
        for name, plan in PLANS.items()
    ]


@reads.get("/add-ons")
def list_add_ons(caller: CallerOf) -> list[bodies.AddOnOffer]:
    """List all travel passes, options and data top-ups, with prices and the plans that they fit."""
    return [
        bodies.AddOnOffer(
            name=name,
            title=add_on.title,
            kind=add_on.kind,
            price=add_on.price,
            plans=sorted(add_on.plans),
            document=add_on.document,
        )
        for name, add_on in ADD_ONS.items()
    ]


@reads.get("/network/{area}", responses={404: {}})
def get_network_status(caller: CallerOf, area: AreaName) -> bodies.AreaRow:
    """Tell how the network is in an area: ok, in maintenance, or out of order."""
    with reading(caller.service.engine) as session:
        row = session.get(Area, area)
        if row is None:
            raise Refused(f"There is no area {area}.", 404)
        return bodies.AreaRow.model_validate(row)


@reads.get("/accounts/{account}", responses={404: {}})
def get_account(caller: CallerOf, account: Account) -> bodies.AccountView:
    """Look up an account: its lines with their plans, and the add-ons booked on them."""
    with reading(caller.service.engine) as session:
        row = own_account(session, caller.customer, account)
        lines, add_ons = (
            session.scalars(select(table).filter_by(account=account).order_by(*table.__table__.primary_key)).all()
            for table in (Line, BookedAddOn)
        )
        return bodies.AccountView(
            id=row.id,
            customer=row.customer,
            card_limit=row.card_limit,
            lines=[bodies.LineRow.model_validate(line) for line in lines],
            add_ons=[bodies.AddOnRow.model_validate(add_on) for add_on in add_ons],
        )


@reads.get("/accounts/{account}/bills", responses={404: {}}, response_model=list[bodies.BillRow])
def list_bills(caller: CallerOf, account: Account) -> list[Bill]:
    """List the bills of an account: what was charged, what was paid, when it is due."""
    return caller.rows(account, Bill)


@reads.get("/accounts/{account}/payments", responses={404: {}}, response_model=list[bodies.PaymentRow])
def list_payments(caller: CallerOf, account: Account) -> list[Payment]:
    """List the payments of an account."""
    return caller.rows(account, Payment)


@reads.get("/accounts/{account}/tickets", responses={404: {}}, response_model=list[bodies.TicketRow])
def list_tickets(caller: CallerOf, account: Account) -> list[Ticket]:
    """List the tickets of an account, the closed ones too."""
    return caller.rows(account, Ticket)


@reads.get("/accounts/{account}/contract", responses={404: {}, 502: {}})
def fetch_contract(caller: CallerOf, account: Account) -> bodies.Contract:
    """Fetch the contract of an account from the archive, which is another system."""
    service = caller.service
    with reading(service.engine) as session:
        own_account(session, caller.customer, account)
    try:
        reply = service.archive.get(f"/contracts/{account}")
    except httpx.HTTPError as error:
        raise Refused(f"The archive does not answer ({type(error).__name__}).", 502) from None
    if reply.status_code == 404:
        raise Refused(f"The archive has no contract of {account}.", 404)
    if reply.is_error:
        raise Refused(f"The archive answers {reply.status_code}.", 502)
    return bodies.Contract.model_validate_json(reply.content)


LINE = "/accounts/{account}/lines/{line}"


@writes.put(f"{LINE}/plan", response_model=bodies.PlanChanged)
def change_plan(writer: WriterOf, account: Account, line: LinePath, body: bodies.ChangePlan) -> JSONResponse:
    """Change the plan of a line: to a larger one at once, to a smaller one from the next billing date."""
    return writer.change(account, lambda counter: counter.change_plan(line, body.plan.value))


@writes.post("/accounts/{account}/plan-changes/{change}/undo", response_model=bodies.PlanChangeUndone)
def undo_plan_change(
    writer: WriterOf,
    account: Account,
    change: ChangeId,
) -> JSONResponse:
    """Take back a change of plan, within 14 days."""
    return writer.change(account, lambda counter: counter.undo_plan_change(change))


@writes.post(f"{LINE}/roaming", response_model=bodies.AddOnBooked)
def add_roaming(writer: WriterOf, account: Account, line: LinePath, body: bodies.AddRoaming) -> JSONResponse:
    """Book a Hop travel pass for data abroad on a line."""
    return writer.change(account, lambda counter: counter.book(line, body.roaming_pass.value))


@writes.post(f"{LINE}/options", response_model=bodies.AddOnBooked)
def add_option(writer: WriterOf, account: Account, line: LinePath, body: bodies.AddOption) -> JSONResponse:
    """Book an option (World Talk, Twin SIM, fixed IP address, Hearth Voice) or a data top-up on a line."""
    return writer.change(account, lambda counter: counter.book(line, body.option.value))


@writes.delete("/accounts/{account}/add-ons/{add_on}", response_model=bodies.AddOnRemoved)
def remove_add_on(
    writer: WriterOf,
    account: Account,
    add_on: AddOnId,
) -> JSONResponse:
    """Give back an unused pass or top-up, within 14 days, or end an option on the next billing date."""
    return writer.change(account, lambda counter: counter.remove(add_on))


@writes.put(f"{LINE}/spending-cap", response_model=bodies.SpendingCapSet)
def set_spending_cap(writer: WriterOf, account: Account, line: LinePath, body: bodies.SetSpendingCap) -> JSONResponse:
    """Set the monthly cap on what a mobile line may cost outside its bundle."""
    return writer.change(account, lambda counter: counter.set_spending_cap(line, bodies.Decimal(body.amount)))


@writes.post("/accounts/{account}/payments", response_model=bodies.BillPaid)
def pay_bill(writer: WriterOf, account: Account, body: bodies.PayBill) -> JSONResponse:
    """Pay a bill, or part of it, by the stored card."""
    return writer.change(account, lambda counter: counter.pay(body.bill, bodies.Decimal(body.amount)))


@writes.post("/accounts/{account}/payments/{payment}/refund", response_model=bodies.PaymentRefunded)
def refund_payment(
    writer: WriterOf,
    account: Account,
    payment: PaymentId,
) -> JSONResponse:
    """Give a payment back, within 24 hours."""
    return writer.change(account, lambda counter: counter.refund(payment))


@writes.post("/accounts/{account}/tickets", response_model=bodies.TicketState)
def open_ticket(writer: WriterOf, account: Account, body: bodies.OpenTicket) -> JSONResponse:
    """Open a ticket: a fault of a line, or a matter of bills, devices, or a complaint."""
    return writer.change(account, lambda counter: counter.open_ticket(body.topic, body.line, body.code))


@writes.post("/accounts/{account}/tickets/{ticket}/close", response_model=bodies.TicketState)
def close_ticket(
    writer: WriterOf,
    account: Account,
    ticket: TicketId,
) -> JSONResponse:
    """Close a ticket that is no longer needed."""
    return writer.change(account, lambda counter: counter.close_ticket(ticket))


KeyInPath = Annotated[str, Path(description="The idempotency key of a call.", max_length=255)]


@keys.get("/effects/{key:path}", responses={404: {}, 410: {}}, response_model=bodies.Done)
def get_effect(caller: CallerOf, key: KeyInPath) -> JSONResponse:
    """Tell what became of the call with a key: its answer if it took effect, else `state` says why there is none."""
    known = effects.look_up(caller.service.engine, key, caller.customer)
    if known is None:
        refusal = Refused("No call with this key has come. It may still be on its way.", 404)
        return answer({**refusal.problem, "state": "never"}, refusal.status)
    if known.status in (200, effects.VOID):
        return answer(known.body, known.status)
    refusal = Refused(f"The call with this key was refused, and nothing changed. {known.body['detail']}", 404)
    return answer({**refusal.problem, "state": "refused"}, refusal.status)


@keys.post("/effects/{key:path}/void", responses={409: {}})
def void_effect(caller: CallerOf, key: KeyInPath) -> bodies.Void:
    """See to it that a call with this key takes no effect any more, unless it did: for one that may be on its way."""
    service = caller.service
    if effects.void(service.engine, key, caller.customer, service.now()).status == 200:
        raise Refused("The call with this key took effect.", 409)
    return bodies.Void(key=key)


def build(service: Service | None) -> FastAPI:
    """Return the application; without a service it has its document only."""
    app = FastAPI(
        title="Tirvane accounts",
        version="1.0.0",
        summary="Accounts, plans, add-ons, bills, tickets and network status of a mobile and fibre operator.",
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.service = service
    for router in (reads, writes, keys):
        app.include_router(router)
    app.add_exception_handler(Refused, lambda _, error: answer(error.problem, error.status))
    app.add_exception_handler(effects.OtherCall, _other_call)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(SQLAlchemyError, _no_database)
    app.openapi = lambda: describe(app)
    return app


def _other_call(request: Request, error: Exception) -> JSONResponse:
    refusal = Refused("This idempotency key was used for another call.", 422)
    return answer(refusal.problem, refusal.status)


def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    status = 400 if first["loc"] == ("header", "Idempotency-Key") else 422
    refusal = Refused(f"{place}: {first['msg']}.", status)
    return answer(refusal.problem, refusal.status)


def _http(request: Request, error: HTTPException) -> JSONResponse:
    refusal = Refused(str(error.detail), error.status_code)
    return answer(refusal.problem, refusal.status, dict(error.headers or {}))


def _no_database(request: Request, error: Exception) -> JSONResponse:
    refusal = Refused("The database does not answer: whether anything changed is not known.", 503)
    return answer(refusal.problem, refusal.status)
