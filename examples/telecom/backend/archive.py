"""The archive of contracts, which is another system: a service of its own with a database of its own."""

from __future__ import annotations

import datetime
import hmac
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import Date, Engine, Text, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backend.database import reading, writing


class Shelf(DeclarativeBase):
    """All tables of the archive."""


class Scan(Shelf):
    """A contract as it was scanned."""

    __tablename__ = "contracts"
    account: Mapped[str] = mapped_column(primary_key=True)
    signed: Mapped[datetime.date] = mapped_column(Date)
    text: Mapped[str] = mapped_column(Text)


class ScanBody(BaseModel):
    """A contract that a shop sends."""

    signed: datetime.date
    text: str


def build_archive(engine: Engine, token: str) -> FastAPI:
    """Return the application."""
    app = FastAPI(title="Tirvane archive of contracts", version="1.0.0")

    def check(given: Annotated[str, Header(alias="X-Token")]) -> None:
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise HTTPException(401, "The token is wrong.")

    @app.get("/contracts/{account}", dependencies=[Depends(check)])
    def fetch(account: str) -> dict[str, str]:
        with reading(engine) as session:
            scan = session.get(Scan, account)
            if scan is None:
                raise HTTPException(404, "There is no such contract.")
            return {"account": account, "signed": scan.signed.isoformat(), "text": scan.text}

    @app.put("/contracts", dependencies=[Depends(check)])
    def keep(contracts: dict[str, ScanBody]) -> None:
        put(engine, contracts)

    return app


def put(engine: Engine, contracts: dict[str, ScanBody]) -> None:
    """Keep contracts, in place of those that are there."""
    with writing(engine) as session:
        for account, scan in contracts.items():
            session.merge(Scan(account=account, signed=scan.signed, text=scan.text))


def fill(engine: Engine, contracts: dict[str, object]) -> None:
    """Put in these contracts where there is none yet."""
    with reading(engine) as session:
        there = session.scalar(select(Scan).limit(1))
    if there is None:
        put(engine, {account: ScanBody.model_validate(contract) for account, contract in contracts.items()})
