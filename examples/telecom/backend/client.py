"""Starting the back-end in a process of its own, and calling its operations by name, as its document describes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

FOLDER = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "backend"]


@dataclass
class Client:
    """Calls operations for one customer at a time."""

    url: str
    token: str
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=60))
    operations: dict[str, tuple[str, str, frozenset[str]]] = field(default_factory=dict)

    def call(self, operation: str, arguments: dict[str, object], customer: str, key: str = "") -> httpx.Response:
        """Call an operation. Arguments of its path go there, all others into the body."""
        method, path, in_path = self._operation(operation)
        body = {name: value for name, value in arguments.items() if name not in in_path}
        headers = {"On-Behalf-Of": customer, "Idempotency-Key": key or uuid4().hex}
        return self.send(method, path.format(**arguments), headers, body or None)

    def send(self, method: str, path: str, headers: dict[str, str], body: object = None) -> httpx.Response:
        """Send any request with the token."""
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        return self._http.request(method, self.url + path, headers=headers, json=body)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def begin(self, rows: object) -> None:
        """Begin anew, with `rows` put upon the seed: needs `--simulation`."""
        self.send("PUT", "/simulation/state", {"On-Behalf-Of": "-"}, rows).raise_for_status()

    def changes(self) -> dict[str, object]:
        """Return what differs from the beginning: needs `--simulation`."""
        return self.send("GET", "/simulation/changes", {"On-Behalf-Of": "-"}).raise_for_status().json()

    def _operation(self, name: str) -> tuple[str, str, frozenset[str]]:
        if not self.operations:
            document = self.send("GET", "/openapi.json", {}).raise_for_status().json()
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    in_path = frozenset(each["name"] for each in operation["parameters"] if each["in"] == "path")
                    self.operations[operation["operationId"]] = (method.upper(), path, in_path)
        return self.operations[name]


@dataclass
class Running:
    """A back-end that runs."""

    client: Client
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """Kill it as a crash does: SIGKILL."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(database: str, *options: str, token: str = "") -> Iterator[Running]:
    """Start the back-end on a free port, and stop it when the block ends."""
    command = [*COMMAND, "--port", "0", "--database", database, *options]
    environment = {**os.environ, "BACKEND_TOKEN": token}
    process = subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        said = process.stdout.readline()
        if not said:
            raise RuntimeError(f"The back-end ended with {process.wait()}; it has said why.")
        started = json.loads(said)
        client = Client(started["url"], started["token"])
        with closing(client):
            yield Running(client, process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
