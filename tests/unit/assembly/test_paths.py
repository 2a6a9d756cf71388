"""Paths in settings start at the project, wherever the command runs; absolute ones and those with ~ work too."""

import pytest

from groundtune.assembly.assembly import Assembly
from groundtune.knowledge.embedding.local import builtin_folder
from groundtune.knowledge.reranking.late_interaction import LateInteraction
from groundtune.settings import load
from groundtune.testing.tiny import tiny_model
from groundtune.values import Answer, Case, Message, Usage

FORMS = {
    "relative": "{name}",
    "below another folder": "../shop/{name}",
    "absolute": "{root}/shop/{name}",
    "home": "~/shop/{name}",
}
CASE = Case("a", "What is it?", "It is blue.", (), answerable=True, group="a", split="test")


@pytest.fixture(params=FORMS)
def named(request, tmp_path, monkeypatch):
    """Gives the form of a path to a file of the project; the command runs elsewhere."""
    (tmp_path / "shop").mkdir(exist_ok=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    return lambda name: FORMS[request.param].format(name=name, root=tmp_path)


@pytest.fixture
def opened(tmp_path):
    def opened(**flags):
        flags = {key.replace("__", "."): value for key, value in flags.items()}
        return Assembly(tmp_path / "shop", load(tmp_path / "shop", flags, environment={}))

    return opened


@pytest.fixture
def encoder(tmp_path):
    (tmp_path / "shop").mkdir(exist_ok=True)
    (tmp_path / "shop" / "encoder").symlink_to(builtin_folder())


@pytest.mark.models
def test_a_chat_model_and_a_judge_are_found(tmp_path, named, opened):
    tiny_model(tmp_path / "shop" / "model")
    name = f"path:{named('model')}"
    assembly = opened(model__name=name, model__max_tokens=3, judge__models=[name])
    assert assembly.chat_model().complete([(Message("user", "Hello"),)])[0].finish_reason
    assert assembly.adapters.base().weights
    ((_, judge),) = assembly.judges.judges
    assert judge.model.name == name
    assembly.close()


@pytest.mark.models
@pytest.mark.usefixtures("encoder")
def test_an_embedding_model_is_found_and_its_signature_does_not_tell_where(named, opened):
    made = opened(embedding__name=f"path:{named('encoder')}").knowledge.embedder
    assert made.embed(["a"], "query").shape == (1, 384)
    assert made.signature.startswith("path:encoder|weights:")


@pytest.mark.models
@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize("kind", ["late", "cross"])
def test_a_reranker_is_found_and_its_signature_does_not_tell_where(named, opened, kind):
    made = opened(knowledge__reranker=f"{kind}:path:{named('encoder')}").knowledge.reranker
    assert isinstance(made, LateInteraction) == (kind == "late")
    assert "path:encoder|weights:" in made.signature


@pytest.mark.models
@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize("scorer", ["bertscore_f1", "answer_relevance"])
def test_the_encoder_of_scorers_is_found_and_the_signature_is_as_it_is_written(named, opened, scorer):
    name = f"path:{named('encoder')}"
    made = opened(comparison__bertscore_model=name).scorer(scorer)
    assert made.score(CASE, Answer("It is blue.", False, Usage())).value is not None
    assert f"|model:{name}|" in made.signature


def test_a_baseline_of_scorers_is_found(tmp_path, named, opened):
    (tmp_path / "shop" / "base.tsv").write_text("LAYER,P,R,F\n0,0.1,0.2,0.3\n", encoding="utf-8")
    assert opened(comparison__bertscore_baseline=named("base.tsv")).scorer("bertscore_f1").matcher.baseline.of(0)


def test_files_and_folders_are_found(tmp_path, named, opened):
    shop = tmp_path / "shop"
    (shop / "texts").mkdir()
    (shop / "texts" / "a.md").write_text("# A\n\nIt is blue.\n", encoding="utf-8")
    (shop / "cases.jsonl").write_text('{"id": "a", "question": "What?", "ideal_answer": "Blue."}\n', encoding="utf-8")
    line = '{"messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "Blue."}]}\n'
    (shop / "taught.jsonl").write_text(line, encoding="utf-8")
    rubric = '[tone]\nquestion = "Friendly?"\npasses_from = 2\nlevels = ["No.", "Yes."]\n'
    (shop / "mine.toml").write_text(rubric, encoding="utf-8")
    assembly = opened(
        knowledge__documents=named("texts"),
        benchmark__cases=named("cases.jsonl"),
        tuning__examples=named("taught.jsonl"),
        judge__rubrics=named("mine.toml"),
        judge__models=["openai:m@http://127.0.0.1:1/v1"],
        records__url=f"sqlite:///{named('kept.db')}",
        model__name="hf:nobody/nothing",
    )
    assert set(assembly.knowledge.texts()) == {"a.md"}
    assert [case.id for case in assembly.benchmark.cases] == ["a"]
    assert [rubric.criterion for rubric in assembly.judges.rubrics] == ["tone"]
    assert len(assembly.adapters.task().examples()) == 1
    assert (shop / "kept.db").is_file()
    assembly.close()


@pytest.mark.models
def test_a_store_is_made_there(tmp_path, named, opened):
    assert opened(knowledge__store=f"lancedb:{named('kept')}").knowledge.is_empty()
    assert (tmp_path / "shop" / "kept").is_dir()


@pytest.mark.parametrize("name", ["~nobody-is-called-so/x", "~"])
def test_a_home_that_is_not_there_is_an_ordinary_missing_file(tmp_path, opened, name):
    (tmp_path / "shop").mkdir(exist_ok=True)
    found = opened(benchmark__cases=name).threshold()
    assert (found.threshold, found.note) == (0.0, "The benchmark cannot be read, so no threshold is fitted.")
