"""A password in the settings is in nothing that a command prints or writes."""

import json
import subprocess
import sys

import pytest

PASSWORD = "hunter2"
REFUSED = f"postgresql://ana:{PASSWORD}@127.0.0.1:1/x"  # nobody listens there


@pytest.mark.parametrize("command", [["compare", "base", "rag"], ["evaluate", "rag"], ["benchmark", "stats"]])
@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("url", [REFUSED, f"postgresql://ana:hun%40{PASSWORD}@127.0.0.1:1/x?sslpassword={PASSWORD}"])
def test_records_that_cannot_be_reached(run, project, command, as_json, url):
    with (project / "groundtune.toml").open("a", encoding="utf-8") as file:
        file.write(f'[records]\nurl = "{url}"\n')
    done = run(*command, "--project", project, "--set", "assistant.min_support=0", *as_json)
    assert done.code == 2
    assert "***" in done.err
    assert PASSWORD not in done.out + done.err
    if as_json:
        assert "127.0.0.1" in json.dumps(done.json["error"])
    held = [path for path in project.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert held == [project / "groundtune.toml"]


def test_a_store_that_nobody_knows(run, project):
    done = run("ingest", "--project", project, "--set", f"knowledge.store=mongodb://ana:{PASSWORD}@h/x", "--json")
    assert done.code == 2
    assert "mongodb://ana:***@h/x" in done.json["error"]["message"]
    assert PASSWORD not in done.out + done.err


@pytest.mark.parametrize(
    "url", [f"postgresql://ana:{PASSWORD}@127.0.0.1:1/x", f"opensearch://ana:{PASSWORD}@127.0.0.1:1/x"]
)
@pytest.mark.parametrize("command", [["ingest"], ["knowledge", "list"], ["search", "zebra"], ["migrate"]])
def test_a_store_that_cannot_be_reached(run, project, url, command):
    pytest.importorskip("psycopg_pool" if url.startswith("postgres") else "opensearchpy")
    if command == ["migrate"]:
        done = run("knowledge", "migrate", "lancedb:other", url, "--project", project, "--json")
    else:
        done = run(*command, "--project", project, "--set", f"knowledge.store={url}", "--json")
    assert done.code == 2
    assert "127.0.0.1" in json.dumps(done.json["error"])
    assert PASSWORD not in done.out + done.err
    assert [path for path in project.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()] == []


def test_doctor_shows_none(run, project):
    for key in ("project.name", "model.name"):
        with (project / "groundtune.toml").open("w", encoding="utf-8") as file:
            table, _, name = key.partition(".")
            file.write(f'[{table}]\n{name} = "{REFUSED}"\n')
        for as_json in ([], ["--json"]):
            done = run("doctor", "--project", project, *as_json)
            assert PASSWORD not in done.out + done.err


def test_an_error_that_nobody_expected_shows_none(tmp_path):
    """Python prints those, after typer has set its own way of printing them."""
    (tmp_path / "groundtune.toml").write_text(f'[records]\nurl = "{REFUSED}"\n', encoding="utf-8")
    program = (
        "import sys\nfrom groundtune import cli, project\n"
        "def broken(self, *_):\n    raise RuntimeError(f'no route to {self.settings.records.url.reveal()}')\n"
        f"project.Project.search = broken\nsys.argv = ['groundtune', 'search', 'x', '--project', {str(tmp_path)!r}]\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError: no route to postgresql://ana:***@127.0.0.1:1/x" in done.stderr
    assert "Traceback" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
