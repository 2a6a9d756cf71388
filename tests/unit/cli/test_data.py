"""`groundtune data check` as people and scripts use it."""

import json

import pytest
from typer.testing import CliRunner

from groundtune.cli import app
from groundtune.errors import InputError

SOUND = [
    ("Is delivery on a Sunday possible?", "No, we deliver on weekdays only."),
    ("Where is the nearest shop?", "It is in the main street, beside the station."),
    ("May I bring my own router?", "Yes, every router with a fibre port works."),
]


def line(question, answer):
    return json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})


@pytest.fixture
def shop(make_shop, tmp_path):
    make_shop(["Pebble", "Brook"])
    case = {"id": "a", "question": "How much does the Brook plan cost a month?", "ideal_answer": "It costs 8 euros."}
    with (tmp_path / "groundtune.toml").open("a", encoding="utf-8") as settings:
        settings.write("[data]\nrelevance = -1000.0\n")  # the hashing embedder knows no meaning
    (tmp_path / "benchmark.jsonl").write_text(json.dumps(case) + "\n", "utf-8")

    def write(rows, name="training.jsonl"):
        path = tmp_path / name
        path.write_text("".join(f"{row if isinstance(row, str) else line(*row)}\n" for row in rows), "utf-8")
        return path

    write.folder = tmp_path
    return write


def check(folder, *arguments):
    result = CliRunner().invoke(app, ["data", "check", "--project", str(folder), *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_sound_data_passes(shop):
    shop(SOUND)
    result = check(shop.folder, "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert all(gate["passed"] for gate in document["gates"])
    assert {"name", "passed", "value", "threshold"} <= set(document["gates"][0])
    assert (document["checked"], document["repaired"], document["findings"]) == (3, None, [])
    assert document["files"] == {"training.jsonl": 3}
    page = (shop.folder / "report" / "data.html").read_text("utf-8")
    assert "Ready for training" in page


def test_defects_end_with_exit_code_1_and_are_repaired_on_demand(shop, tmp_path):
    path = shop([*SOUND, SOUND[0], ("HOW MUCH DOES THE BROOK PLAN COST A MONTH", "8 euros"), "{"])
    before = path.read_bytes()
    result = check(shop.folder, path, "--repair", tmp_path / "copy", "--json", "--out", tmp_path / "page")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {(found["line"], found["kind"]) for found in document["findings"]} >= {
        (4, "duplicate"), (5, "contamination"), (6, "schema")
    }  # fmt: skip
    assert {"file", "line", "kind", "detail"} <= set(document["findings"][0])
    assert document["repaired"] == str(tmp_path / "copy")
    assert all(gate["passed"] for gate in document["repair"]["gates"])
    assert path.read_bytes() == before
    assert (tmp_path / "page" / "data.html").is_file()
    again = check(shop.folder, tmp_path / "copy" / "training.jsonl")
    assert again.exit_code == 0
    assert "All gates passed" in again.stdout


def test_people_see_gates_findings_and_where_the_page_is(shop):
    shop([*SOUND, SOUND[1]])
    result = check(shop.folder)
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert "training.jsonl:4: duplicate: the same as training.jsonl:2" in result.stdout
    assert "data.html" in "".join(result.stdout.split())


def test_the_limits_are_settings(shop):
    shop([*SOUND, SOUND[1]])
    assert check(shop.folder, "--set", "data.duplicates=0.5").exit_code == 0


def test_preferences_and_corpus_are_checked_as_well(shop):
    shop(SOUND)
    turns = [{"role": "user", "content": "Is it open?"}]
    pair = {"prompt": turns, "chosen": [{"role": "assistant", "content": "Yes, until six."}],
            "rejected": [{"role": "assistant", "content": "Who knows."}], "group": "g"}  # fmt: skip
    shop([json.dumps(pair | {"annotator": name}) for name in ("ana", "ben")], "preferences.jsonl")
    (shop.folder / "corpus").mkdir()
    (shop.folder / "corpus" / "a.md").write_text("# House\n\nIt is old.", "utf-8")
    document = json.loads(check(shop.folder, "--json").stdout)
    assert document["files"] == {"training.jsonl": 3, "preferences.jsonl": 2, "corpus/a.md": 1}
    assert not document["findings"]


@pytest.mark.parametrize("arguments", [(), ("none.jsonl",)])
def test_where_there_is_no_data_it_says_what_to_do(shop, arguments):
    with pytest.raises(InputError) as caught:
        check(shop.folder, *arguments)
    assert caught.value.remedy


def test_a_copy_over_the_original_is_refused_before_anything_is_checked(shop):
    path = shop(SOUND)
    with pytest.raises(InputError, match="original"):
        check(shop.folder, path, "--repair", shop.folder)
    assert not (shop.folder / "report").exists()
