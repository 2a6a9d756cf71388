"""Toxic words, secrets, and a classifier by setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundtune.errors import GroundtuneError, SettingsError
from groundtune.settings import DataSettings
from groundtune.tuning.quality import toxic as toxic_check
from groundtune.tuning.quality.check import DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult
from groundtune.tuning.quality.leaks import leaks
from groundtune.tuning.quality.toxic_words import toxic

TOXIC = [
    "What a sh1t!", "s h i t happens", "this is shiiiit", "sh*t", "F**K you", "f.u.c.k", "f u c k y o u", "KYS",
    "kill   yourself", "You're an idiot.", "you’re an idiot", "a$$hole", "$h!t", "b1tches", "motherf*cker", "fück",
    "ｆｕｃｋ", "Arschlöcher!", "ScheiSSe", "va te faire foutre", "hijo de puta", "I will kill you", "n1gg3r",
]  # fmt: skip
CLEAN = [
    "Scunthorpe", "kill the Python process", "Dick Smith lives in Essex", "assess the class", "Niger is a country",
    "shiitake mushrooms", "cocktail", "Hancock", "sex education", "**** stars", "5*** rating", "Wi-Fi 6 @ home",
    "2 girls, 1 boy", "a+ b* c|d", "cono de helado", "MongoDB", "Maine Coon", "a chink in the armour", "", "!!!",
    "The 5G WAN port", "How do I terminate a contract?", "Alan Cumming", "Van Dyke",
]  # fmt: skip
SECRETS = [
    ("-----BEGIN RSA PRIVATE KEY-----\nMII", "private key"),
    ("AKIAIOSFODNN7EXAMPLE", "key of Amazon Web Services"),
    ("ghp_" + "a1B2" * 9, "token of GitHub"),
    ("sk-proj-" + "aB3x" * 10, "key of an AI service"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijk12345", "signed token (JWT)"),
    ("postgres://bob:s3cret@db.shop.com/x", "password in an address"),
    ("password is hunter2!", "password"),
    ("Passwort lautet Sommer2024", "password"),
    ("password for the router is Admin123", "password"),
    ("api_key: 'abcd1234efgh5678'", "key or token"),
    ("Authorization: Bearer abc123def456ghi789", "key or token"),
]
NO_SECRETS = [
    "The password is case-sensitive.", "Your password: must have 12 characters", "token: <your token>",
    "Enter your password: ********", "the key is under the mat", "secret: none", "PASSWORD=$DB_PASS", "key: 24.90",
    "The Wi-Fi password is on the label", "token is 3 hours", "https://shop.org/reset?token=", "",
    "postgres://user:${PASSWORD}@host/x", "The monkey is 10 years old", "password: your-password-1",
]  # fmt: skip


@pytest.mark.parametrize("text", TOXIC)
def test_toxic_words_are_found_in_disguise_too(text: str) -> None:
    assert any(toxic(text))


@pytest.mark.parametrize("text", CLEAN)
def test_words_that_only_look_like_them_are_left_alone(text: str) -> None:
    assert list(toxic(text)) == []


@pytest.mark.parametrize(("text", "kind"), SECRETS)
def test_secrets_are_found(text: str, kind: str) -> None:
    assert kind in list(leaks(text))


@pytest.mark.parametrize("text", NO_SECRETS)
def test_talk_about_secrets_is_none(text: str) -> None:
    assert list(leaks(text)) == []


def concluded(lines: list[DataLine], settings: DataSettings | None = None) -> CheckResult:
    check = toxic_check.check(Surroundings(settings or DataSettings()))
    for line in lines:
        check.see(line)
    return check.conclude()


def test_gates_and_findings() -> None:
    result = concluded(
        [
            DataLine("t", 1, "supervised", "Hi", "Fine."),
            DataLine("t", 2, "supervised", "Hi", "Piece of shit."),
            DataLine("t", 3, "supervised", "Hi", "The password is Summer2024!"),
        ]
    )
    assert [(each.name, each.passed) for each in result.gates] == [("toxic", False), ("secrets", False)]
    assert [(each.line, each.kind) for each in result.findings] == [(2, "toxic"), (3, "toxic")]
    assert "Summer2024" not in str(result)
    assert "shit" not in result.findings[0].detail
    assert "No model looked" in result.gates[0].detail


def test_what_is_rejected_or_disliked_may_be_toxic() -> None:
    lines = [
        DataLine("p", 1, "pair", "Hi", "Hello.", "Fuck off."),
        DataLine("p", 2, "thumb", "Hi", "Fuck off.", good=False),
    ]
    assert concluded(lines).findings == ()
    assert len(concluded([DataLine("p", 2, "thumb", "Hi", "Fuck off.", good=True)]).findings) == 1


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT, trained here on a few sentences: texts with the word "zonk" are toxic."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("classifier")
    words = "zonk nice good day hello plan bill pay call you are a the is what sim card".split()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    tokenizer = transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=32)
    torch.manual_seed(17)
    config = transformers.BertConfig(
        vocab_size=len(words) + 5, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32, id2label={0: "non-toxic", 1: "toxic"}, label2id={"non-toxic": 0, "toxic": 1},
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    texts = [f"{one} {other}" for one in words for other in words]
    labels = torch.tensor([int("zonk" in text) for text in texts])
    given = tokenizer(texts, padding=True, return_tensors="pt")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(model(**given).logits, labels, weight=torch.tensor([1.0, 8.0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


LINES = [DataLine("t", number, "supervised", "hello", text) for number, text in enumerate(["good day", "you zonk"])]


def test_a_classifier_is_asked_besides(classifier: Path) -> None:
    result = concluded(LINES, DataSettings(toxicity_model=f"path:{classifier}"))
    assert [each.line for each in result.findings] == [1]
    assert "toxic with probability" in result.findings[0].detail
    assert result.gates[2].name == "toxicity_model"
    assert result.gates[2].value == 0.5
    assert not result.gates[2].passed


def test_a_pickle_is_never_loaded(classifier: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    for file in classifier.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())

    class Planted:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"x": Planted()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(GroundtuneError, match="safetensors"):
        concluded(LINES, DataSettings(toxicity_model=f"path:{tmp_path}"))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", ["toxic-bert", "builtin:x", "path:", "path:/nowhere/at/all", "openai:gpt"])
def test_a_name_that_leads_to_no_model_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="toxicity_model"):
        concluded(LINES, DataSettings(toxicity_model=name))


def test_labels_that_are_not_there_are_refused(classifier: Path) -> None:
    with pytest.raises(SettingsError, match="no label 'rude'"):
        concluded(LINES, DataSettings(toxicity_model=f"path:{classifier}", toxicity_labels=["rude"]))


def test_labels_can_be_named(classifier: Path) -> None:
    settings = DataSettings(toxicity_model=f"path:{classifier}", toxicity_labels=["non-toxic"])
    assert [each.line for each in concluded(LINES, settings).findings] == [0]
