"""Starts the back-end: `python -m backend`, from the folder of the example.

The first line on the standard output is JSON: the address, the token, and the address of the archive.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import secrets
import socket
import threading
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, select

from backend import simulation, state
from backend.app import Service, build
from backend.archive import Shelf, build_archive, fill
from backend.database import open_database, reading, writing
from backend.document import describe
from backend.tables import Base, Customer

NOW = "2026-03-10T10:00:00+00:00"
"""A Tuesday: the world of the example stands still, so that every run finds the same."""

ARCHIVE_SECONDS = 10.0


def main() -> None:
    """Run both services until they are stopped."""
    options = parse()
    if options.document:
        print(json.dumps(describe(build(None)), indent=2, ensure_ascii=False))
        return
    token = os.environ.get("BACKEND_TOKEN") or secrets.token_urlsafe(32)
    archive = options.archive or start_archive(options.archive_database or archive_beside(options.database), token)
    now = datetime.datetime.fromisoformat(options.now) if options.now != "clock" else None
    service = Service(
        engine=open_database(options.database, Base),
        token=token,
        now=lambda: now or datetime.datetime.now(datetime.UTC),
        archive=httpx.Client(base_url=archive, headers={"X-Token": token}, trust_env=False, timeout=ARCHIVE_SECONDS),
    )
    seed(service.engine)
    app = build(service)
    if options.simulation:
        app.include_router(simulation.router)
    listener = listen(options.port)
    said = {"url": address(listener), "token": token, "archive": archive}
    print(json.dumps(said), flush=True)
    serve(app, listener)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m backend", description="The back-end of the telecom example.")
    parser.add_argument("--port", type=int, default=8800, help="0 takes a free one")
    parser.add_argument("--database", default=".groundtune/backend.db", help="a file of SQLite, or postgresql://…")
    parser.add_argument("--archive", default="", help="address of an archive that runs already")
    parser.add_argument(
        "--archive-database",
        default="",
        help="where the archive that is started keeps its contracts; a file of its own",
    )
    parser.add_argument("--now", default=NOW, help=f"what time it is ({NOW}), or `clock`")
    parser.add_argument("--simulation", action="store_true", help="allow setting the state over HTTP")
    parser.add_argument("--document", action="store_true", help="print the OpenAPI document, and do nothing else")
    return parser.parse_args()


def seed(engine: Engine) -> None:
    """Fill an empty database."""
    with reading(engine) as session:
        there = session.scalar(select(Customer).limit(1))
    if there is None:
        with writing(engine) as session:
            state.begin(session, {})


def archive_beside(database: str) -> str:
    """Return the file of the archive where none is named."""
    return ".groundtune/archive.db" if "://" in database else f"{Path(database).with_suffix('')}-archive.db"


def start_archive(database: str, token: str) -> str:
    """Start the archive in a thread, and return its address."""
    engine = open_database(database, Shelf)
    fill(engine, state.read_seed()["contracts"])
    listener = listen(0)
    threading.Thread(target=serve, args=(build_archive(engine, token), listener), daemon=True).start()
    return address(listener)


def listen(port: int) -> socket.socket:
    """Take a port of this machine; others do not reach it."""
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sends answers without delay only where it reads this
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def address(listener: socket.socket) -> str:
    """Return where it listens."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve until the process is stopped."""
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
