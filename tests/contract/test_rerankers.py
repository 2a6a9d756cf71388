import numpy as np
import pytest

from groundtune.errors import SettingsError
from groundtune.knowledge.reranking import reranker
from groundtune.protocols import Reranker
from groundtune.testing.rerankers import OverlapReranker, RerankerContract, passage

BUILTIN = "late:builtin:minilm-l6-v2"


class TestOverlap(RerankerContract):
    def make(self) -> Reranker:
        return OverlapReranker()


@pytest.mark.models
class TestLateInteraction(RerankerContract):
    made: Reranker | None = None

    def make(self) -> Reranker:
        type(self).made = type(self).made or reranker(BUILTIN)
        return self.made

    def test_the_passage_with_the_answer_is_above_one_on_the_same_subject(self) -> None:
        answer = passage("Calls within the EU cost 0.08 euros a minute.", heading="Roaming prices")
        other = passage("Roaming is the use of a phone in networks of other operators.", heading="Roaming")
        question = "How much is a minute of calling in the EU?"
        scores = self.make().score(question, [other, answer])
        assert scores[1] > scores[0] + 0.05

    def test_it_is_the_mean_over_the_question_of_the_nearest_piece(self) -> None:
        """Written out with the encoder itself: special tokens left out, cosine, maximum, mean."""
        import torch
        from transformers import AutoModel, AutoTokenizer

        from groundtune.knowledge.embedding.local import builtin_folder

        tokenizer, model = AutoTokenizer.from_pretrained(builtin_folder()), AutoModel.from_pretrained(builtin_folder())
        question, one = "What does roaming cost?", passage("It costs 5 euros a day.", heading="Roaming")

        def pieces(text: str) -> torch.Tensor:
            with torch.inference_mode():
                vectors = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0, 1:-1]
            return torch.nn.functional.normalize(vectors, dim=-1)

        expected = (pieces(question) @ pieces(f"{one.heading}\n{one.text}").T).max(dim=1).values.mean()
        assert self.make().score(question, [one])[0] == pytest.approx(float(expected), abs=1e-4)

    def test_what_is_kept_of_passages_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from groundtune.knowledge.reranking import late_interaction

        monkeypatch.setattr(late_interaction, "MOST_KEPT", 2)
        made = reranker(BUILTIN)
        assert made is not None
        passages = [passage(word) for word in ("roaming", "invoice", "router", "roaming")]
        scores = made.score("roaming", passages)
        assert scores[0] == scores[3] > scores[1]
        assert len(made._kept) == 2


@pytest.mark.models
class TestCrossEncoder(RerankerContract):
    """The real class on a small BERT with weights drawn at random: what it loads and computes, not how well."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self.folder = tmp_path_factory.getbasetemp() / "cross-encoder"
        if self.folder.exists():
            return
        import torch
        from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

        from groundtune.knowledge.embedding.local import builtin_folder

        torch.manual_seed(0)
        tokenizer = AutoTokenizer.from_pretrained(builtin_folder())
        config = BertConfig(
            vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32, num_labels=1, initializer_range=0.5,
        )  # fmt: skip
        BertForSequenceClassification(config).save_pretrained(self.folder)
        tokenizer.save_pretrained(self.folder)

    def make(self) -> Reranker:
        made = reranker(f"cross:path:{self.folder}")
        assert made is not None
        return made

    def test_different_questions_give_different_scores(self) -> None:
        one, made = passage("It costs 5 euros."), self.make()
        assert not np.allclose(made.score("What does it cost?", [one]), made.score("Is it blue?", [one]))


def test_none_is_no_reranker() -> None:
    assert reranker("none") is None


@pytest.mark.parametrize("name", ["better", "cross:builtin:x", "late:openai:m@http://localhost", "cross:path:nowhere"])
def test_names_that_nobody_knows(name: str) -> None:
    with pytest.raises(SettingsError, match=r"rerankers|no model in"):
        reranker(name)
