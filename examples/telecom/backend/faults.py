"""A proxy that spoils calls on purpose: delays, doubles and cuts them after a script. For tests and demonstrations.

    python -m backend.faults --to http://127.0.0.1:8800 --script faults.json

The script is a list of faults. Each is used once, for the first call that fits it:

    [{"call": "POST /accounts/*/payments", "fault": "cut after"}, {"call": "*", "fault": "delay", "seconds": 2}]

delay          waits before it passes the call on
double         passes the call on twice at the same time, and the first answer back
cut before     closes the connection; the service gets nothing
cut after      closes the connection when the service has answered
cut within     closes it in the middle of the answer
late           closes the connection, and passes the call on after `seconds`

Knows HTTP/1.1 with a content length, one call at a time on a connection, and nothing of the service.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

FaultKind = Literal["delay", "double", "cut before", "cut after", "cut within", "late"]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True, slots=True)
class Fault:
    """`call` is a method and a path, in which * stands for anything."""

    call: str
    fault: FaultKind
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.fault not in get_args(FaultKind):
            raise ValueError(f"There is no fault {self.fault!r}. Faults: {', '.join(get_args(FaultKind))}.")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class FaultyProxy:
    """The proxy, as long as its block lasts. `url` is its address, `left` the faults that no call has met yet, `passed`
    how many calls the service has answered.
    """

    def __init__(self, target: str, faults: list[Fault], port: int = 0) -> None:
        self.target = urlsplit(target)
        self.left = list(faults)
        self.passed = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FaultyProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next_fault(self, call: str) -> Fault | None:
        """Return the first fault that fits, which is used up by it."""
        with self._lock:
            for fault in self.left:
                if fnmatchcase(call, fault.call):
                    self.left.remove(fault)
                    return fault
        return None

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Pass a call on. Raises `OSError` and `HTTPException` where the service does not answer."""
        connection = HTTPConnection(self.target.hostname or "", self.target.port)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            reply = Reply(response.status, response.getheaders(), response.read())
            with self._lock:
                self.passed += 1
            return reply
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # of five, the default, others have to knock again after a second


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultyProxy
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        call = (self.command, self.path, headers, body)
        fault = self.proxy.next_fault(f"{self.command} {urlsplit(self.path).path}")
        kind = fault.fault if fault else None
        self.close_connection = True
        if kind == "cut before":
            return
        if fault and kind == "late":
            timer = threading.Timer(fault.seconds, self._try, call)
            timer.daemon = True
            timer.start()
            return
        if fault and kind == "delay":
            time.sleep(fault.seconds)
        reply = self._twice(*call) if kind == "double" else self._try(*call)
        if kind != "cut after" and reply:
            self._answer(reply, whole=kind != "cut within")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 -- names of http.server

    def _try(self, *call: object) -> Reply | None:
        try:
            return self.proxy.ask(*call)
        except (OSError, HTTPException):  # the service is gone, and so the client is cut
            return None

    def _twice(self, *call: object) -> Reply | None:
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(self._try, *call) for _ in range(2)]
            first = next(iter(wait(both, return_when=FIRST_COMPLETED).done))
        return first.result()

    def _answer(self, reply: Reply, *, whole: bool) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body if whole else reply.body[: len(reply.body) // 2])

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def main() -> None:
    """Run the proxy until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m backend.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--to", required=True, help="address of the service")
    parser.add_argument("--script", required=True, type=Path, help="JSON: the list of faults")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args()
    faults = [Fault(**fault) for fault in json.loads(options.script.read_text(encoding="utf-8"))]
    with FaultyProxy(options.to, faults, options.port) as proxy:
        print(json.dumps({"url": proxy.url}), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
