"""What commands say where the packages of an extra are missing."""

import json
import sys

from groundtune import extras
from groundtune.testing.endpoint import LocalEndpoint, said, streamed
from groundtune.values import Completion, Usage


def without(monkeypatch, *packages):
    """These packages look as if they were not installed, and cannot be imported."""
    monkeypatch.setattr(extras, "_installed", lambda name: name not in packages)
    for name in packages:
        monkeypatch.setitem(sys.modules, name.replace("-", "_"), None)


def test_doctor_tells_missing_extras_that_the_project_needs_from_others(run, project, monkeypatch):
    without(monkeypatch, "lancedb", "boto3")
    made = run("doctor", "--project", project, "--json")
    findings = {one["what"].split("`")[1]: one for one in made.json["findings"] if one["what"].startswith("extra")}
    assert set(findings) == set(extras.EXTRAS)
    assert not findings["lancedb"]["works"]
    assert findings["lancedb"]["detail"] == 'missing: lancedb. To install it: pip install "groundtune[lancedb]"'
    assert findings["aws"]["works"]
    assert "not needed" in findings["aws"]["detail"]
    assert made.code == 1
    monkeypatch.setenv("COLUMNS", "200")
    assert 'pip install "groundtune[lancedb]"' in run("doctor", "--project", project).out


def test_doctor_asks_for_what_the_settings_name(run, project, monkeypatch):
    without(monkeypatch, "boto3", "psycopg", "torch")
    monkeypatch.setenv("GROUNDTUNE_MODEL_NAME", "bedrock:nova@eu-west-1")
    monkeypatch.setenv("GROUNDTUNE_EMBEDDING_NAME", "openai:m@http://localhost:1/v1")
    monkeypatch.setenv("GROUNDTUNE_RECORDS_URL", "postgresql://localhost/x")
    made = run("doctor", "--project", project, "--json").json["findings"]
    needed = {one["what"].split("`")[1] for one in made if one["what"].startswith("extra") and not one["works"]}
    assert needed == {"aws", "postgresql"}


def test_ingest_without_the_store_names_its_extra(run, project, monkeypatch):
    without(monkeypatch, "lancedb")
    made = run("ingest", "--project", project)
    assert made.code == 2
    assert "the knowledge store `lancedb:.groundtune/knowledge` needs the package lancedb" in made.err
    assert 'pip install "groundtune[lancedb]"' in made.err


def test_a_closed_book_comparison_needs_neither_store_nor_encoder(run, project, monkeypatch):
    without(monkeypatch, "lancedb")
    with LocalEndpoint(respond) as endpoint:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("GROUNDTUNE_MODEL_NAME", f"openai:m@{endpoint.url}")
        made = run("compare", "base", "--project", project, "--json")
    assert made.code == 0, made.err
    report = json.loads((project / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["candidates"]["base"]["scores"]["rougeL"]["scored"] > 0
    assert "retrieval support" not in (project / "report" / "report.html").read_text(encoding="utf-8")


def respond(request):
    reply = Completion("It costs 7 euros.", Usage(9, 5))
    return streamed([reply.text], reply) if request.body.get("stream") else said(reply)
